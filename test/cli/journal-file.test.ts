import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linesOf, readPushes } from '../../src/cli/audit/journal-file.ts'

describe('linesOf()', () => {
  let folder = ''
  let path = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'git-signet-test-'))
    path = join(folder, 'journal.jsonl')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('reads what a full file became before it, the oldest first', () => {
    writeFileSync(`${path}.2`, 'one\n')
    writeFileSync(`${path}.1`, 'two\nthree')
    writeFileSync(path, 'four\n')
    writeFileSync(`${path}.4`, 'of no row\n')
    expect([...linesOf(path)]).toEqual(['one', 'two', 'three', 'four'])
    expect([...linesOf(`${path}.1`)]).toEqual(['two', 'three'])
    rmSync(path)
    expect([...linesOf(path)]).toEqual(['one', 'two', 'three'])
    rmSync(`${path}.1`)
    expect(() => [...linesOf(path)]).toThrow('cannot read')
  })

  it('a push that lies in two files is one', () => {
    const line = (ref: string): string => {
      const [before, after] = ['a'.repeat(40), 'b'.repeat(40)]
      const step = { ref, before, after, policy: 'c'.repeat(40), verdict: 'pass', codes: [] }
      return `${JSON.stringify({ ...step, at: '2026-01-01T00:00:00.000Z', source: 'hook' })}\n`
    }
    writeFileSync(`${path}.1`, line('refs/heads/one'))
    writeFileSync(path, line('refs/heads/two'))
    const bad: number[] = []
    const pushes = [...readPushes(path, 'sha1', (number) => bad.push(number))]
    expect(pushes.map(({ movements }) => movements.map(({ ref }) => ref))).toEqual([
      ['refs/heads/one', 'refs/heads/two'],
    ])
    expect(bad).toEqual([])
  })
})
