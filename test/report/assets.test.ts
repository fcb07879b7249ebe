import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { REASON_CODES } from '../../src/facts.ts'
import { fixCommand, REASONS } from '../../src/report/reasons.ts'

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

describe('fixCommand()', () => {
  it('puts in what is known and leaves the placeholder where it is not', () => {
    expect(fixCommand('UNSIGNED', { base: 'abc' })).toBe('git signet resign abc..HEAD')
    expect(fixCommand('UNSIGNED', {})).toBe('git signet resign BASE..HEAD')
    expect(fixCommand('NOT_LOGGED', { commit: 'abc' })).toBe(
      'git signet verify --online --keep abc',
    )
    expect(fixCommand('LIMIT', {})).toBeUndefined()
  })

  it('makes a tag again rather than signing a range', () => {
    expect(fixCommand('UNSIGNED', { type: 'tag' })).toBe('git tag -f -s NAME TARGET')
    expect(fixCommand('WRONG_ISSUER', { type: 'tag' })).toBe(
      'git signet logout && git tag -f -s NAME TARGET',
    )
  })
})
