import { describe, expect, test } from 'vitest'
import { checkIdToken } from '../../src/oidc/id-token.ts'
import type { IdTokenExpectations } from '../../src/oidc/id-token.ts'

const NOW = 1_795_226_752
const claims = {
  iss: 'https://issuer.example',
  sub: 'user-1',
  aud: 'sigstore',
  exp: NOW + 60,
  nonce: 'n',
  email: 'alice@example.org',
  email_verified: true,
}

function jwt(changes: Record<string, unknown> = {}): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part({ ...claims, ...changes })}.c2lnbmF0dXJl`
}

const expected: IdTokenExpectations = {
  audience: 'sigstore',
  issuer: 'https://issuer.example',
  nonce: 'n',
  now: NOW,
  origin: 'given',
  from: 'SIGNET_ID_TOKEN',
}

describe('checkIdToken()', () => {
  test('gives the e-mail address that Fulcio will see, else the subject', () => {
    expect(checkIdToken(jwt(), expected).principal).toEqual({
      kind: 'email',
      value: 'alice@example.org',
      issuer: 'https://issuer.example',
    })
    expect(checkIdToken(jwt({ email_verified: 'true' }), expected).principal.kind).toBe('email')
    const workflow = checkIdToken(jwt({ email: undefined }), expected)
    expect(workflow.principal).toMatchObject({ kind: 'subject', value: 'user-1' })
    expect(checkIdToken(jwt({ aud: ['other', 'sigstore'] }), expected).jwt).toBeDefined()
  })

  test.each([
    ['TOKEN_EXPIRED', { exp: NOW }],
    ['TOKEN_AUDIENCE', { aud: 'npm' }],
    ['TOKEN_AUDIENCE', { aud: [] }],
    ['TOKEN_AUDIENCE', { aud: undefined }],
    ['TOKEN_ISSUER', { iss: 'https://issuer.example/' }],
    ['TOKEN_NONCE', { nonce: 'other' }],
    ['TOKEN_NONCE', { nonce: undefined }],
    ['TOKEN_EMAIL', { email_verified: false }],
    ['TOKEN_EMAIL', { email_verified: undefined }],
    ['TOKEN_MALFORMED', { exp: 'soon' }],
    ['TOKEN_MALFORMED', { sub: 1 }],
  ])('refuses with %s: %j', (code, changes) => {
    const token = jwt(changes)
    expect(() => checkIdToken(token, expected)).toThrow(expect.objectContaining({ code, exit: 2 }))
    expect(() => checkIdToken(token, { ...expected, origin: 'issued' })).toThrow(
      expect.objectContaining({ code, exit: 1 }),
    )
  })

  test.each(['', 'a.b', 'a.b.c.d', 'a.!.c', `${jwt()} `, `x.${'e'.repeat(70_000)}.y`])(
    'refuses what is no token: %#',
    (text) => {
      expect(() => checkIdToken(text, expected)).toThrow(
        expect.objectContaining({ code: 'TOKEN_MALFORMED' }),
      )
    },
  )
})
