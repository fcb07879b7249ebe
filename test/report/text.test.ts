import { describe, expect, it } from 'vitest'
import type { Verdict } from '../../src/facts.ts'
import { REASON_CODES } from '../../src/facts.ts'
import { REASONS } from '../../src/report/reasons.ts'
import type { Run, TextStyle, VerdictDetails } from '../../src/report/result.ts'
import { textSink, verdictLine } from '../../src/report/text.ts'
import { styleFor, textWidth } from '../../src/report/terminal.ts'
import { Collected, details, facts, failing, feed, idOf, run, verdict, without } from './sample.ts'

const plain: TextStyle = { colour: false, unicode: true }

function render(items: Parameters<typeof feed>[1], over: Partial<Run> = {}, style = plain): string {
  const output = new Collected()
  feed(textSink(output, { ...run, ...over }, { style, evidence: false }), items)
  return output.text
}

describe('textSink()', () => {
  it('says which ref, policy, anchor and trust root were used, and how old the root is', () => {
    const text = render([{ verdict: verdict(1), details: details() }])
    expect(text).toContain(
      'judged for refs/heads/main by .signet/policy.toml at 3f2a9c1d00, anchor a1a1a1a1a1\n',
    )
    expect(text).toContain('trust root public (12 days old)\n')
  })

  it('gives each object one line with its verdict as a word', () => {
    const text = render([
      { verdict: verdict(1), details: details() },
      { verdict: failing(2, 'UNSIGNED'), details: details({ subject: 'Sneak in' }) },
    ])
    expect(text).toMatch(
      new RegExp(`^✓ pass    ${idOf(1).slice(0, 10)}  alice +Add the frobnicator$`, 'm'),
    )
    expect(text).toMatch(
      new RegExp(`^✗ fail    ${idOf(2).slice(0, 10)}  – +UNSIGNED  Sneak in$`, 'm'),
    )
  })

  it('groups reasons by code, each with its fix and the command to type', () => {
    const items = Array.from({ length: 9 }, (_, n) => ({
      verdict: failing(n, 'UNSIGNED'),
      details: details({ subject: `change ${n}` }),
    }))
    const text = render(items, { base: idOf(77) })
    expect(text).toContain('UNSIGNED (9): has no signature\n')
    expect(text).toContain('  and 4 more\n')
    expect(text).toContain(`  git signet resign ${idOf(77).slice(0, 10)}..HEAD\n`)
  })

  it('counts strengths apart', () => {
    const text = render([
      { verdict: verdict(1), details: details() },
      { verdict: verdict(2, { strength: 'mechanical' }), details: details() },
      { verdict: verdict(3, { strength: 'accepted' }), details: details() },
    ])
    expect(text).toContain(
      'of those that pass: 1 signed, 1 mechanical merge, 1 accepted by the policy\n',
    )
    expect(text).toContain('good: all 3 objects pass (exit 0)\n')
  })

  it('makes a local trust root unmistakable at the start and at the end', () => {
    const signer = {
      kind: 'email',
      value: 'a@b',
      issuer: 'https://x',
      trust: 'local',
      claims: {},
    } as const
    const text = render(
      [{ verdict: verdict(1), details: details({ facts: facts(1, { signer }) }) }],
      { trustRoots: [{ name: 'local', local: true }] },
    )
    expect(text).toContain('LOCAL TRUST ROOT local')
    expect(text).toContain('LOCAL: 1 signature made on a local test stack')
  })

  it('says that the signer was not checked where nobody was named', () => {
    const one = without(verdict(1, { verdict: 'unknown' }), 'person', 'strength')
    const output = new Collected()
    const sink = textSink(output, { ...run, ref: '', policy: '' }, { style: plain, evidence: true })
    feed(sink, [{ verdict: one, details: details({ facts: facts(1) }) }], { exit: 3 })
    expect(output.text).toContain('signer not checked')
    expect(output.text).toContain('--identity WHO --issuer URL')
    expect(output.text).not.toMatch(/--identity alice/)
    expect(output.text).toContain('log         entry 2345438208 of https://rekor.example.org')
    expect(output.text).toContain('nobody said who may sign (exit 3)')
  })

  const unnamed = (n: number, over: Partial<Verdict> = {}): Verdict =>
    without(verdict(n, { verdict: 'unknown', ...over }), 'person', 'strength')

  it('asks again by the command that was typed, not by verify', () => {
    const asked = "verify-tag v1.0 'odd name'"
    const text = render(
      [
        { verdict: unnamed(1), details: details({ facts: facts(1) }) },
        { verdict: unnamed(2, { codes: ['NOT_LOGGED'] }), details: details() },
      ],
      { asked },
    )
    expect(text).toContain(
      "say who: git signet verify-tag --identity WHO --issuer URL v1.0 'odd name'\n",
    )
    expect(text).toContain("  git signet verify-tag --online --keep v1.0 'odd name'\n")
  })

  it('does not count a valid signature by somebody unnamed as one that could not be checked', () => {
    const output = new Collected()
    feed(
      textSink(output, run, { style: plain, evidence: false }),
      [
        { verdict: unnamed(1), details: details({ facts: facts(1) }) },
        { verdict: unnamed(2), details: details({ facts: facts(2) }) },
        { verdict: unnamed(3, { codes: ['NOT_LOGGED'] }), details: details() },
      ],
      { exit: 4 },
    )
    expect(output.text).toContain(
      'not proven: 1 of 3 objects could not be checked, and nobody said who may sign (exit 4)\n',
    )
    expect(output.text).not.toContain('all 3 objects')
  })

  it('says at once that nobody is named, even where the log entry is missing too', () => {
    const items = [
      {
        verdict: unnamed(3, { codes: ['NOT_LOGGED'] }),
        details: details({ facts: facts(3, { outcome: 'incomplete', codes: ['NOT_LOGGED'] }) }),
      },
    ]
    const over = { asked: 'verify-tag v1.0', isNobodyNamed: true }
    expect(render(items, over)).toContain(
      'signer not checked: nobody said who may sign\n  say who: git signet verify-tag --identity',
    )
    expect(render(items)).not.toContain('signer not checked')
  })

  it('signs again from the parent of the one commit concerned, or from the root', () => {
    const one = (over: Partial<VerdictDetails>): string =>
      render([{ verdict: failing(5, 'UNSIGNED'), details: details(over) }])
    expect(one({ isRoot: false })).toContain(`  git signet resign ${idOf(5).slice(0, 10)}^..HEAD\n`)
    expect(one({ isRoot: true })).toContain('  git signet resign --root HEAD\n')
  })

  it('says why where there was nothing to check', () => {
    const output = new Collected()
    const sink = textSink(output, run, { style: plain, evidence: false })
    feed(sink, [], { exit: 4, codes: { NOTHING_TO_CHECK: 1 } })
    expect(output.text).toContain('NOTHING_TO_CHECK: selects no object at all\n  fix: check the')
    expect(output.text).not.toContain('\n\n\n')
  })

  it('keeps every line but commands to a terminal of 80 columns', () => {
    const long = 'the policy has it under another name, which is a very long one indeed, '.repeat(3)
    const items = REASON_CODES.map((code, n) => ({
      verdict: failing(n, code),
      details: details({ reasons: [{ code, detail: long }] }),
    }))
    const policy = '.signet/policy.toml as landed at 3f2a9c1d00, floor policy.toml'
    const text = render(items, { warnings: [long], policy }, { ...plain, width: 80 })
    const commands = Object.values(REASONS).map(({ command }) => command?.split(' ')[0] ?? '')
    for (const line of text.split('\n')) {
      if (commands.some((word) => word !== '' && line.trim().startsWith(word))) continue
      expect(textWidth(line), line).toBeLessThanOrEqual(80)
    }
  })

  it('cuts no name where no terminal is, and shows more of it on a wide one', () => {
    const value = 'https://github.com/octo/widgets/.github/workflows/release.yml@refs/heads/main'
    const signer = { kind: 'uri', value, issuer: 'https://x', trust: 'public', claims: {} } as const
    const item = [{ verdict: unnamed(1), details: details({ facts: facts(1, { signer }) }) }]
    expect(render(item)).toContain(value)
    expect(render(item, {}, { ...plain, width: 200 })).toContain(value.slice(0, 59))
    expect(render(item, {}, { ...plain, width: 80 })).not.toContain(value.slice(0, 30))
  })

  it('names the steps of the ref that did not pass', () => {
    const output = new Collected()
    const step = {
      ref: 'refs/heads/main',
      before: idOf(1),
      after: idOf(2),
      policy: idOf(3),
      verdict: 'fail',
      codes: ['FOXTROT'],
    } as const
    feed(
      textSink(output, run, { style: plain, evidence: false }),
      [{ verdict: verdict(2), details: details() }],
      { exit: 1, steps: [{ ...step, codes: [...step.codes] }] },
    )
    expect(output.text).toContain('FOXTROT (1)')
    expect(output.text).toContain(
      `refs/heads/main ${idOf(1).slice(0, 10)}..${idOf(2).slice(0, 10)}`,
    )
    expect(output.text).toContain('1 movement of a ref not allowed (exit 1)')
  })

  it('names a ref where verdicts on another begin, and counts movements', () => {
    const output = new Collected()
    const other = 'refs/heads/release/1'
    const movement = { ref: other, before: idOf(1), after: idOf(2), policy: idOf(3) }
    feed(
      textSink(output, run, { style: plain, evidence: false }),
      [
        { verdict: verdict(1), details: details() },
        { verdict: { ...verdict(2), ref: other }, details: details() },
        { verdict: { ...verdict(3), ref: other }, details: details() },
      ],
      {
        exit: 1,
        steps: [
          { ...movement, verdict: 'pass', codes: [] },
          { ...movement, verdict: 'fail', codes: ['REWRITTEN'] },
        ],
      },
    )
    expect(output.text.match(/^for .*$/gm)).toEqual([`for ${other}`])
    expect(output.text).toContain('2 movements of refs, 1 did not pass\n')
  })

  it('says that all movements pass where they do', () => {
    const output = new Collected()
    const step = { ref: 'refs/heads/main', before: idOf(1), after: idOf(2), policy: idOf(3) }
    feed(
      textSink(output, run, { style: plain, evidence: false }),
      [{ verdict: verdict(2), details: details() }],
      { exit: 0, steps: [{ ...step, verdict: 'pass', codes: [] }] },
    )
    expect(output.text).toContain('\n1 movement of refs, all pass\n')
  })

  it('holds no more than a few examples in memory over 200,000 objects', () => {
    let length = 0
    const sink = textSink(
      {
        write(text: string) {
          length += text.length
        },
      },
      run,
      { style: plain, evidence: false },
    )
    const one = failing(1, 'UNSIGNED', 'COMMITTER_MISMATCH')
    const about = details()
    const began = performance.now()
    for (let n = 0; n < 200_000; n++) sink.verdict(one, about)
    sink.end({
      schema: 'git-signet.summary/1',
      exit: 1,
      checked: 200_000,
      pass: 0,
      fail: 200_000,
      unknown: 0,
      codes: {},
      steps: [],
    })
    expect(length).toBeGreaterThan(200_000 * 60)
    expect(performance.now() - began).toBeLessThan(20_000)
  })
})

describe('verdictLine()', () => {
  it('keeps to the width of the terminal, wide characters counted twice', () => {
    for (const width of [40, 60, 80, 120]) {
      for (const subject of ['word '.repeat(60), '漢字'.repeat(90), 'é'.repeat(150)]) {
        const line = verdictLine(
          failing(1, 'UNSIGNED', 'COMMITTER_MISMATCH'),
          details({ subject }),
          {
            ...plain,
            width,
          },
        )
        expect(textWidth(line)).toBeLessThanOrEqual(width)
      }
    }
  })

  it('breaks what stands under a verdict at the width of a terminal, and nowhere else', () => {
    const story = ['a word and another '.repeat(12).trim(), `log         ${'x'.repeat(30)}`]
    for (const width of [50, 80, undefined]) {
      const written: string[] = []
      const output = { write: (text: string) => written.push(text) }
      const run = { command: 'audit', trustRoots: [], warnings: ['many words '.repeat(20)], now: 0 }
      const style = { ...plain, ...(width !== undefined && { width }) }
      textSink(output, run, { style, evidence: false }).verdict(failing(1), details({ story }))
      const lines = written.join('').trimEnd().split('\n')
      for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width ?? Infinity)
      expect(lines.at(-1)).toBe(`    log         ${'x'.repeat(30)}`)
      if (width === undefined) expect(lines.at(-2)).toBe(`    ${story[0] ?? ''}`)
    }
  })

  it('uses only ASCII outside a UTF-8 locale', () => {
    const line = verdictLine(failing(1, 'UNSIGNED'), details({ subject: 'x'.repeat(90) }), {
      colour: false,
      unicode: false,
      width: 80,
    })
    expect(line).toMatch(/^[ -~]+$/)
  })
})

describe('styleFor()', () => {
  const terminal = { write: () => true, isTerminal: true, columns: 100 }

  it('colours only a terminal, and not where NO_COLOR or TERM=dumb says no', () => {
    expect(styleFor(terminal, { TERM: 'xterm' }).colour).toBe(true)
    expect(styleFor(terminal, { TERM: 'xterm', NO_COLOR: '' }).colour).toBe(true)
    expect(styleFor(terminal, { TERM: 'xterm', NO_COLOR: '1' }).colour).toBe(false)
    expect(styleFor(terminal, { TERM: 'dumb' }).colour).toBe(false)
    expect(styleFor(new Collected(), {}).colour).toBe(false)
  })

  it('knows no width when nobody looks', () => {
    expect(styleFor(new Collected(), {}).width).toBeUndefined()
    expect(styleFor(terminal, {}).width).toBe(100)
  })

  it('colours never carry a meaning alone: the text without them is the same', () => {
    const items = [{ verdict: failing(1, 'UNSIGNED'), details: details() }]
    const stripped = render(items, {}, { colour: true, unicode: true }).replace(/\u001b\[\d+m/g, '')
    expect(stripped).toBe(render(items))
  })
})
