import { describe, expect, it } from 'vitest'
import type { ReasonCode, Signer } from '../../src/facts.ts'
import { CHECK_NAMES } from '../../src/facts.ts'
import { Findings, conclude, isBetter } from '../../src/verification/outcome.ts'
import { exactly, isNamed, isSameSigner, matchSigner } from '../../src/verification/signer-match.ts'

describe('conclude()', () => {
  it.each<[ReasonCode[], string, ReasonCode[]]>([
    [[], 'proven', []],
    [['NOT_LOGGED', 'NO_TRUSTED_TIME'], 'incomplete', ['NOT_LOGGED']],
    [['NO_TRUSTED_TIME'], 'incomplete', ['NO_TRUSTED_TIME']],
    [['NOT_LOGGED', 'SCT_INVALID'], 'bad', ['SCT_INVALID']],
    [['UNTRUSTED_CERTIFICATE', 'NOT_LOGGED'], 'untrusted', ['UNTRUSTED_CERTIFICATE']],
    [['UNTRUSTED_CERTIFICATE', 'CERTIFICATE_INVALID'], 'bad', ['CERTIFICATE_INVALID']],
    [['UNSIGNED'], 'unsigned', ['UNSIGNED']],
    [['UNSIGNED', 'MALFORMED'], 'bad', ['MALFORMED']],
    [['LIMIT'], 'incomplete', ['LIMIT']],
  ])('%j is %s', (codes, outcome, decisive) => {
    expect(conclude(new Set(codes))).toEqual({ outcome, codes: decisive })
  })

  it('orders outcomes: bad, untrusted, incomplete, proven', () => {
    const order = ['bad', 'untrusted', 'incomplete', 'proven'] as const
    for (const [i, one] of order.entries()) {
      for (const [j, other] of order.entries()) expect(isBetter(one, other)).toBe(i > j)
    }
  })
})

describe('Findings', () => {
  it('lists every check in its order, those not reached as not checked', () => {
    const findings = new Findings()
    findings.failed('signature', 'BAD_SIGNATURE', 'why')
    findings.passed('armor')
    const list = findings.list('armor')
    expect(list.map(({ name }) => name)).toEqual(CHECK_NAMES.slice(CHECK_NAMES.indexOf('armor')))
    expect(list[0]).toEqual({ name: 'armor', result: 'passed' })
    expect(list[1]).toEqual({ name: 'cms-form', result: 'not-checked' })
    expect([...findings.codes]).toEqual(['BAD_SIGNATURE'])
  })

  it('a copy goes its own way', () => {
    const findings = new Findings()
    findings.passed('armor')
    const copy = findings.copy()
    copy.failed('chain', 'UNTRUSTED_CERTIFICATE', 'why')
    expect(findings.codes.size).toBe(0)
    expect(findings.result('chain')).toBeUndefined()
    expect(copy.result('armor')).toBe('passed')
  })
})

describe('matchSigner()', () => {
  const signer: Signer = {
    kind: 'email',
    value: 'alice@example.org',
    issuer: 'https://issuer',
    trust: 'public',
    claims: { ref: 'refs/heads/main' },
  }
  const wanted = { identity: exactly(signer.value), issuer: exactly(signer.issuer), claims: {} }
  const code = (change: Partial<typeof wanted>, who: Signer | null = signer): unknown =>
    matchSigner(who, { ...wanted, ...change }).code

  it('says which of two it is', () => {
    expect(code({})).toBeUndefined()
    expect(code({}, null)).toBe('UNKNOWN_SIGNER')
    expect(code({ identity: exactly('Alice@example.org') })).toBe('UNKNOWN_SIGNER')
    expect(code({ issuer: exactly('https://issuer/') })).toBe('WRONG_ISSUER')
    expect(code({ claims: { ref: 'refs/heads/main' } })).toBeUndefined()
    expect(code({ claims: { ref: 'refs/heads/dev' } })).toBe('CLAIM_MISMATCH')
    expect(code({ claims: { repository: 'x' } })).toBe('CLAIM_MISMATCH')
    expect(code({ claims: { constructor: 'x' } })).toBe('CLAIM_MISMATCH')
  })

  it('an address never stands for a URI with the same text, nor the other way round', () => {
    expect(code({}, { ...signer, kind: 'uri' })).toBe('UNKNOWN_SIGNER')
    const uri = 'https://example.org/workflow'
    for (const [kind, expected] of [
      ['uri', undefined],
      ['email', 'UNKNOWN_SIGNER'],
      ['username', 'UNKNOWN_SIGNER'],
    ] as const) {
      expect(code({ identity: exactly(uri) }, { ...signer, value: uri, kind })).toBe(expected)
      expect(isNamed({ ...signer, value: uri, kind }, uri)).toBe(expected === undefined)
    }
  })

  it('signers are the same by kind, name and issuer', () => {
    expect(isSameSigner(signer, { ...signer, trust: 'other', claims: {} })).toBe(true)
    for (const change of [{ kind: 'uri' as const }, { value: 'x' }, { issuer: 'x' }]) {
      expect(isSameSigner(signer, { ...signer, ...change })).toBe(false)
    }
  })
})
