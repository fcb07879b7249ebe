import { describe, expect, test } from 'vitest'
import { checkCommitter, committerOf } from '../../src/signing/committer.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const alice = { kind: 'email', value: 'alice@example.org', issuer: 'i' } as const
const workflow = { kind: 'subject', value: 'repo:o/r:ref:refs/heads/main', issuer: 'i' } as const

describe('committerOf()', () => {
  test.each([
    ['commit', 'tree 1\nauthor B <b@x> 0 +0000\ncommitter A B <a@x> 0 +0000\n\nm'],
    ['tag', 'object 1\ntype commit\ntag v\ntagger A B <a@x> 0 +0000\n\nm'],
    ['push certificate', 'certificate version 0.1\npusher A B <a@x> 0 +0000\npushee x\n\n0 1 r'],
  ])('reads a %s', (_what, payload) => {
    expect(committerOf(bytes(payload))).toEqual({ name: 'A B', email: 'a@x' })
  })

  test('reads headers alone, and no message', () => {
    expect(committerOf(bytes('tree 1\n\ncommitter A <a@x> 0 +0000\n'))).toBeUndefined()
    expect(committerOf(bytes('committer nobody\n\n'))).toBeUndefined()
    expect(committerOf(bytes('committer \xe9 <a@x> 0 +0000\n\n'))?.email).toBe('a@x')
  })
})

describe('checkCommitter()', () => {
  const by = (email: string, name = 'A') => bytes(`committer ${name} <${email}> 0 +0000\n\n`)

  test('says nothing where they agree, be it in other letters', () => {
    expect(checkCommitter(by('Alice@Example.org'), alice, 'warn', undefined)).toBeUndefined()
    expect(checkCommitter(by('alice@example.org'), alice, true, undefined)).toBeUndefined()
  })

  test('warns by default, refuses with true, does not look with false', () => {
    expect(checkCommitter(by('bob@x'), alice, 'warn', undefined)).toContain('bob@x')
    expect(checkCommitter(by('bob@x'), alice, false, undefined)).toBeUndefined()
    expect(() => checkCommitter(by('bob@x'), alice, true, undefined)).toThrow(
      expect.objectContaining({ code: 'COMMITTER_MISMATCH', exit: 2 }),
    )
  })

  test('a workflow is compared by name, and only with true', () => {
    const uri = 'https://github.com/o/r/.github/workflows/w.yml@refs/heads/main'
    expect(checkCommitter(by('bot@x'), workflow, 'warn', uri)).toBeUndefined()
    expect(checkCommitter(by('bot@x', uri), workflow, true, uri)).toBeUndefined()
    expect(() => checkCommitter(by('bot@x'), workflow, true, uri)).toThrow()
  })
})
