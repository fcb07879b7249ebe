import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RepositoryPaths } from '../../src/git/refs.ts'
import { appendAuditLine } from '../../src/hooks/audit-file.ts'
import { parsePushInput, parseReceiveInput, readHookInput } from '../../src/hooks/input.ts'
import { Journal } from '../../src/hooks/journal.ts'
import type { JournalStep } from '../../src/hooks/journal.ts'
import { HOOK_LIMITS } from '../../src/hooks/limits.ts'

const [A, B, C, ZERO] = ['a', 'b', 'c', '0'].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
  string,
]
const bytes = (text: string): Uint8Array => Buffer.from(text)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'git-signet-test-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('what git says', () => {
  test('parseReceiveInput() reads updates, and nothing that is cut or strange', () => {
    expect(parseReceiveInput(bytes(`${A} ${B} refs/heads/ü\n`))).toEqual([
      { before: A, after: B, ref: 'refs/heads/ü' },
    ])
    for (const text of [
      '',
      '\n',
      `${A} ${B} refs/heads/x`,
      `${A} ${B}\n`,
      `${A} ${B} main\n`,
      `${A} ${B} refs/heads/a b\n`,
      `${A} ${B} refs/heads/../x\n`,
      `${A.slice(1)} ${B} refs/heads/x\n`,
      `${A} ${B} refs/heads/x\n${A} ${C} refs/heads/x\n`,
    ]) {
      expect(() => parseReceiveInput(bytes(text)), JSON.stringify(text)).toThrow()
    }
    const latin1 = Buffer.from(`${A} ${B} refs/heads/\xe9\n`, 'latin1')
    expect(() => parseReceiveInput(latin1)).toThrow('not UTF-8')
  })

  test('parsePushInput() reads pushes and deletions from the end of the line', () => {
    const text = `HEAD~1 and more ${B} refs/heads/x ${A}\n(delete) ${ZERO} refs/heads/y ${C}\n`
    expect(parsePushInput(bytes(text))).toEqual([
      { before: A, after: B, ref: 'refs/heads/x' },
      { before: C, after: ZERO, ref: 'refs/heads/y' },
    ])
    expect(parsePushInput(bytes(''))).toEqual([])
  })

  test('attack 56: more refs, or more input, than the limit is LIMIT', async () => {
    const limits = { ...HOOK_LIMITS, refs: 1, inputBytes: 100 }
    const two = `${A} ${B} refs/heads/x\n${A} ${B} refs/heads/y\n`
    expect(() => parseReceiveInput(bytes(two), limits)).toThrow('1 refs in one push')
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield await Promise.resolve(bytes('x'.repeat(64)))
    }
    await expect(readHookInput(endless(), limits)).rejects.toMatchObject({ code: 'LIMIT', exit: 4 })
  })
})

describe('the journal', () => {
  const open = (): Journal => Journal.open({ commonDir: folder } as RepositoryPaths)
  const ref = 'refs/heads/main'
  const step = (before: string, after: string, more: Partial<JournalStep> = {}): JournalStep => ({
    ...{ ref, before, after, policy: 'p', verdict: 'pass', codes: [], at: '', source: 'hook' },
    ...more,
  })

  test('a value counts once the ref was seen at it', () => {
    const journal = open()
    journal.append([step(ZERO, A)])
    journal.save()
    expect(journal.tip(ref)).toBeUndefined()
    journal.observe(ref, B)
    expect(journal.tip(ref)).toBeUndefined()
    journal.observe(ref, A)
    expect(journal.tip(ref)).toBe(A)
    journal.append([step(A, B, { from: A }), step(B, C, { from: A })])
    journal.save()
    const other = open()
    expect(other.tip(ref)).toBe(A)
    other.observe(ref, C)
    expect(other.tip(ref)).toBe(C)
    other.observe(ref, B)
    expect(other.tip(ref)).toBe(C)
  })

  test('what only reports, what failed and what started elsewhere does not count', () => {
    const journal = open()
    journal.append([
      step(ZERO, A, { source: 'report' }),
      step(ZERO, A, { verdict: 'fail' }),
      step(B, A),
    ])
    journal.save()
    journal.observe(ref, A)
    expect(journal.tip(ref)).toBeUndefined()
  })

  test('lines that are cut or strange are left out, and the tips are found again without their file', () => {
    const journal = open()
    journal.append([step(ZERO, A)])
    appendFileSync(journal.path, '{"ref":"refs/heads/main","bef')
    open().append([step(A, B, { from: A })])
    appendFileSync(journal.path, 'nonsense\n[]\n{}\n')
    const again = open()
    expect(again.tip(ref)).toBe(A)
    again.save()
    for (const text of ['', '{', '{"version":1,"file":1,"offset":9,"refs":{"x":1}}', '[]']) {
      writeFileSync(join(folder, 'signet', 'tips.json'), text, { mode: 0o600 })
      expect(open().tip(ref)).toBe(A)
    }
    expect(statSync(journal.path).mode & 0o777).toBe(0o600)
  })
})

test('appendAuditLine() starts a new file when one is full', () => {
  const path = join(folder, 'audit.jsonl')
  for (const line of ['one', 'two', 'three']) appendAuditLine(path, line, 6)
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\n')
  expect(readFileSync(path, 'utf8')).toBe('three\n')
})
