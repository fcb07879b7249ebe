import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GRAPH_FORMAT, parseGraphLine, renderGraphLine } from '../../src/report/graph.ts'
import { textWidth } from '../../src/report/terminal.ts'
import { facts, failing, idOf, verdict } from './sample.ts'

const plain = { colour: false, unicode: true }

function line(subject: string): string {
  return `| * ${['', idOf(1), 'HEAD -> main, tag: v1', subject].join('\0')}`
}

describe('renderGraphLine()', () => {
  it('merges signer and verdict into the line that git drew', () => {
    expect(renderGraphLine(parseGraphLine(line('Fix it')), { verdict: verdict(1) }, plain)).toBe(
      `| * ${idOf(1).slice(0, 10)} ✓ pass alice  (HEAD -> main, tag: v1) Fix it`,
    )
    const bad = { verdict: failing(1, 'UNKNOWN_SIGNER'), facts: facts(1) }
    expect(renderGraphLine(parseGraphLine(line('Fix it')), bad, plain)).toContain(
      '✗ fail alice@example.org UNKNOWN_SIGNER  (HEAD',
    )
    expect(renderGraphLine(parseGraphLine(line('Fix it')), undefined, plain)).toContain(
      'not checked',
    )
  })

  it('keeps lines that only continue the graph', () => {
    expect(renderGraphLine(parseGraphLine('|\\  '), undefined, plain)).toBe('|\\')
  })

  it('keeps to the width, and escapes what an author wrote', () => {
    for (const subject of ['word '.repeat(80), '漢'.repeat(200), '\u001b[2J\u202e']) {
      const text = renderGraphLine(
        parseGraphLine(line(subject)),
        { verdict: verdict(1) },
        { ...plain, width: 72 },
      )
      expect(textWidth(text)).toBeLessThanOrEqual(72)
      expect(text).not.toMatch(/[\u001b\u202e]/)
    }
  })

  it('reads what git itself draws, merges included', () => {
    const directory = mkdtempSync(join(tmpdir(), 'signet-graph-'))
    try {
      const git = (...args: string[]): string =>
        execFileSync(
          'git',
          ['-C', directory, '-c', 'user.name=A', '-c', 'user.email=a@b', ...args],
          {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        )
      git('init', '-q', '-b', 'main')
      for (const subject of ['one', 'two']) git('commit', '-q', '--allow-empty', '-m', subject)
      git('checkout', '-q', '-b', 'side', 'HEAD~1')
      git('commit', '-q', '--allow-empty', '-m', 'side')
      git('checkout', '-q', 'main')
      git('merge', '-q', '--no-ff', '-m', 'merge', 'side')
      const lines = git('log', '--graph', `--format=${GRAPH_FORMAT}`)
        .trimEnd()
        .split('\n')
        .map(parseGraphLine)
      const subjects = lines.flatMap((each) => each.commit?.subject ?? [])
      expect(subjects.sort()).toEqual(['merge', 'one', 'side', 'two'])
      const drawn = lines.map((each) => renderGraphLine(each, undefined, plain))
      expect(drawn).toHaveLength(lines.length)
      expect(drawn[0]).toMatch(/^\* {3}[0-9a-f]{10} not checked {2}\(HEAD -> main\) merge$/)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
