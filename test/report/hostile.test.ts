import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FORMATS, openSinks } from '../../src/report/formats.ts'
import type { Run } from '../../src/report/result.ts'
import type { Item } from './sample.ts'
import { Collected, details, facts, failing, feed, idOf, run, verdict } from './sample.ts'
import { HOSTILE } from './hostile.ts'
import { problems } from './schemas.ts'

/** Every place that an attacker's text reaches, filled with it. */
function hostileItems(text: string): Item[] {
  const signed = facts(1)
  const signer = {
    kind: 'email' as const,
    value: text,
    issuer: text,
    trust: 'public',
    claims: { workflow: text },
  }
  const evil = facts(1, {
    signer,
    certificate: signed.certificate && { ...signed.certificate, issuer: text, san: [text] },
    checks: [{ name: 'signature', result: 'failed', detail: text }],
    tolerated: [text],
    log: [{ by: text, index: '7', kind: text, version: text }],
  })
  const about = details({
    subject: text,
    author: text,
    facts: evil,
    reasons: [{ code: 'PATH_NOT_ALLOWED', detail: text }],
    story: [text],
  })
  return [
    { verdict: verdict(1, { ref: text, person: text, rules: [text] }), details: about },
    { verdict: { ...failing(2, 'UNSIGNED'), ref: text, rules: [text] }, details: about },
    { verdict: verdict(3, { verdict: 'unknown', codes: ['NOT_LOGGED'] }), details: about },
  ]
}

function hostileRun(text: string): Run {
  return {
    ...run,
    command: `audit ${text}`,
    ref: text,
    policy: text,
    warnings: [text],
    helpUrl: text,
    trustRoots: [{ name: text, local: true }],
  }
}

function steps(text: string): { steps: never } {
  const one = {
    ref: text,
    before: idOf(1),
    after: idOf(2),
    policy: '',
    verdict: 'fail',
    codes: ['CREATED'],
  }
  return { steps: [one] as never }
}

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'signet-report-'))
})
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

/** One run in every format at once. */
function renderAll(text: string): Record<(typeof FORMATS)[number], string> {
  const requests = FORMATS.map((format) => ({ format, file: join(directory, format) }))
  const stdout = new Collected()
  const sink = openSinks(requests, hostileRun(text), {
    stdout,
    env: { LANG: 'C.UTF-8' },
    facts: true,
    single: false,
  })
  feed(sink, hostileItems(text), steps(text))
  return Object.fromEntries(
    FORMATS.map((format) => [format, readFileSync(join(directory, format), 'utf8')]),
  ) as Record<(typeof FORMATS)[number], string>
}

/** Characters that may never reach a terminal, a log or a page raw. */
const RAW =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/u

describe.each(Object.entries(HOSTILE))('attack 61, %s in every place', (_name, text) => {
  it('gives the same verdicts and exit code in every format (attack 63)', () => {
    const all = renderAll(text)
    const lines = all.jsonl
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const document = JSON.parse(all.json) as { verdicts: unknown[]; summary: unknown }
    expect(lines.map((line) => line['verdict'])).toEqual(['pass', 'fail', 'unknown', undefined])
    expect(lines.at(-1)).toMatchObject({ exit: 1, pass: 1, fail: 1, unknown: 1 })
    expect(document.verdicts).toEqual(lines.slice(0, -1))
    expect(document.summary).toEqual(lines.at(-1))
    expect(problems('report', document)).toEqual([])
    expect(
      [...all.text.matchAll(/^[✓✗?] (\w+) +[0-9a-f]{10}\b/gm)].map((match) => match[1]),
    ).toEqual(['pass', 'fail', 'unknown'])
    expect(all.text.trimEnd().split('\n').at(-1)).toMatch(/^not good: .* \(exit 1\)$/)
    expect(all.github).toContain('(exit 1)')
    expect(all.github.match(/^::error /gm)).toHaveLength(3)
    const rows = [...all.html.matchAll(/^\["[0-9a-f]{40}",(\d),/gm)].map((match) => match[1])
    expect(rows).toEqual(['0', '1', '2'])
    expect(all.html).toContain('class="banner fail"')
  })

  it('reaches people in no format unescaped', () => {
    const all = renderAll(text)
    for (const format of ['text', 'github', 'json', 'jsonl'] as const) {
      expect(RAW.exec(all[format])?.[0], format).toBeUndefined()
    }
    // The page's own text has an icon or two; its rows have a tab between row and evidence.
    expect(RAW.exec(all.html.replaceAll('\t', ' '))?.[0]).toBeUndefined()
  })

  it('comes back from JSON as it was', () => {
    const first = JSON.parse(renderAll(text).jsonl.split('\n')[0] ?? '') as {
      ref: string
      person: string
    }
    expect(first.ref).toBe(text)
    expect(first.person).toBe(text)
  })

  it('starts no command of a CI system and ends no line', () => {
    const all = renderAll(text)
    const commands = all.github.split('\n').filter((line) => line.trim().startsWith('::'))
    for (const line of commands) expect(line).toMatch(/^::(error|warning|notice) title=[^:,]*::/)
    expect(commands.filter((line) => /^::\w+ title=git-signet/.test(line))).toHaveLength(
      commands.length,
    )
    for (const line of all.text.split('\n')) {
      expect(line.trim()).not.toMatch(/^::/)
      expect(line).not.toMatch(/##[a-z]*\[/i)
    }
    expect(all.text).not.toMatch(/^exit 0$/m)
  })

  it('is data in the page: it opens no element, ends no block, and stays short', () => {
    const { html } = renderAll(text)
    const scripts = html.match(/<script/gi) ?? []
    expect(scripts).toHaveLength(3)
    expect(html.match(/<\/script/gi)).toHaveLength(3)
    expect(html).not.toContain('<img')
    expect(html).not.toContain('<!--')
    expect(html.length).toBeLessThan(120_000)
    expect(renderAll(text).text.length).toBeLessThan(20_000)
    expect(renderAll(text).github.length).toBeLessThan(20_000)
  })
})
