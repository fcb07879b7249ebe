import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { REASON_CODES } from '../../src/facts.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { remedyFor, REASONS, ROOT } from '../../src/report/reasons.ts'
import { askedText } from '../../src/report/result.ts'

const root = new URL('../../', import.meta.url)

describe('the built package', () => {
  it.each(['page', 'schema'])('carries dist/%s as it is in the source', (name) => {
    const source = new URL(`src/report/${name}/`, root)
    const built = new URL(`dist/${name}/`, root)
    expect(readdirSync(built).sort()).toEqual(readdirSync(source).sort())
    for (const file of readdirSync(source)) {
      expect(readFileSync(new URL(file, built))).toEqual(readFileSync(new URL(file, source)))
    }
  })
})

describe('REASONS', () => {
  it('explains every reason code once, in words that print anywhere', () => {
    expect(Object.keys(REASONS)).toEqual([...REASON_CODES])
    for (const { meaning, fix, command } of Object.values(REASONS)) {
      for (const text of [meaning, fix, command ?? '']) expect(text).toMatch(/^[ -~]*$/)
      expect(meaning).toMatch(/^[a-z].*[^.]$/)
      expect(fix).toMatch(/[^.]$/)
    }
  })

  it('says 4 for exactly the codes that mean "could not check" (policy.md section 5)', () => {
    const unchecked = REASON_CODES.filter((code) => REASONS[code].exit === 4)
    expect(unchecked.sort()).toEqual(
      [
        'NOT_LOGGED',
        'NO_TRUSTED_TIME',
        'MISSING_OBJECT',
        'SHALLOW',
        'LIMIT',
        'SQUASH_SOURCE_MISSING',
        'UNSUPPORTED',
        'NOTHING_TO_CHECK',
      ].sort(),
    )
  })
})

describe('remedyFor()', () => {
  const command = (...args: Parameters<typeof remedyFor>) => remedyFor(...args).command

  it('puts in what is known and leaves the placeholder where it is not', () => {
    expect(command('UNSIGNED', { base: 'abc' })).toBe('git signet resign abc..HEAD')
    expect(command('UNSIGNED', { base: ROOT })).toBe('git signet resign --root HEAD')
    expect(command('UNSIGNED', {})).toBe('git signet resign BASE..HEAD')
    expect(command('NOT_LOGGED', { commit: 'abc' })).toBe('git signet verify --online --keep abc')
    expect(command('LIMIT', {})).toBeUndefined()
  })

  it('makes a tag again rather than signing a range', () => {
    expect(command('UNSIGNED', { type: 'tag' })).toBe('git tag -f -s NAME TARGET')
    expect(command('WRONG_ISSUER', { type: 'tag' })).toBe('git tag -f -s NAME TARGET')
  })

  it('asks again what was asked, with the log, and says so where it was asked already', () => {
    const asked = askedText('verify-tag', ['v1.0', "it's"])
    expect(command('NOT_LOGGED', { run: { asked } })).toBe(
      `git signet verify-tag --online --keep v1.0 'it'\\''s'`,
    )
    const again = remedyFor('NOT_LOGGED', { run: { asked, isOnline: true } })
    expect(again.fix).toContain('ask again later')
  })

  it('does not offer a stranger’s commit for a policy where flags name the signer', () => {
    for (const code of ['UNKNOWN_SIGNER', 'WRONG_ISSUER', 'CLAIM_MISMATCH'] as const) {
      expect(remedyFor(code, { commit: 'abc', run: {} })).toEqual({
        fix: expect.stringContaining('do not use it') as string,
        command: 'git signet inspect abc',
      })
    }
    expect(command('UNKNOWN_SIGNER', { commit: 'abc', run: { policy: 'p.toml' } })).toBe(
      'git signet policy add NAME --from-commit abc',
    )
  })

  it('names only commands that there are', () => {
    const names = COMMANDS.filter(({ isHidden }) => isHidden !== true).map(({ name }) => name)
    for (const reason of Object.values(REASONS)) {
      const { command: own, atServer, byName } = reason
      for (const text of [own, atServer?.command, byName?.command]) {
        for (const [, name] of (text ?? '').matchAll(/git signet (\S+)/g)) {
          expect(names).toContain(name)
        }
      }
    }
  })
})
