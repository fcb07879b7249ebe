import { decodeBase64Url } from '../encoding/base64.ts'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { escapeText } from '../encoding/escape.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import type { JsonObject } from '../encoding/json.ts'
import { MalformedError, RefusedError, UsageError } from '../errors.ts'
import type { SignetError } from '../errors.ts'

/** Whom a token speaks of, as Fulcio will see it. */
export interface Principal {
  readonly kind: 'email' | 'subject'
  /** What Fulcio wants signed as proof of possession: the e-mail address, else `sub`. */
  readonly value: string
  readonly issuer: string
}

/** An ID token whose claims were checked; its signature is for Fulcio to check. */
export interface IdToken {
  /** The JWT: a secret. */
  readonly jwt: string
  readonly principal: Principal
  readonly claims: JsonObject
}

export interface IdTokenExpectations {
  readonly audience: string
  /** Where the token must come from; undefined: from whomever Fulcio trusts. */
  readonly issuer?: string | undefined
  readonly nonce?: string | undefined
  /** Seconds since the epoch. */
  readonly now: number
  /** `given` by a person or a CI job, or `issued` just now by a service. */
  readonly origin: 'given' | 'issued'
  /** Where it was found, for people: `SIGSTORE_ID_TOKEN`, `the login`. */
  readonly from: string
}

const MAX_LENGTH = 64 << 10

/**
 * Reads an ID token and checks audience, issuer, expiry, nonce and that its e-mail address is a
 * verified one. Does not check its signature: Fulcio does, and nobody here relies on it.
 *
 * @throws UsageError (given) or RefusedError (issued): TOKEN_MALFORMED, TOKEN_EXPIRED, TOKEN_AUDIENCE,
 * TOKEN_ISSUER, TOKEN_NONCE, TOKEN_EMAIL
 * @see OpenID Connect Core §3.1.3.7
 */
export function checkIdToken(jwt: string, expected: IdTokenExpectations): IdToken {
  const refuse = (code: string, why: string, hint?: string): SignetError => {
    const message = `cannot use the ID token from ${expected.from}: ${why}`
    const options = hint === undefined ? {} : { hint }
    return expected.origin === 'given'
      ? new UsageError(code, message, options)
      : new RefusedError(code, message, options)
  }
  const claims = readClaims(jwt)
  if (claims === undefined) throw refuse('TOKEN_MALFORMED', 'it is not a JSON Web Token')
  const { iss, sub, exp, aud, nonce } = claims
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof exp !== 'number') {
    throw refuse('TOKEN_MALFORMED', 'it lacks iss, sub or exp')
  }
  if (exp <= expected.now) {
    const since = new Date(exp * 1000)
    const at = Number.isNaN(since.getTime()) ? 'long ago' : `at ${since.toISOString()}`
    const hint =
      expected.origin === 'given' ? 'get a new token; most live a few minutes' : undefined
    throw refuse('TOKEN_EXPIRED', `it expired ${at}`, hint)
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(expected.audience)) {
    const names = audiences.map((name) => `"${escapeText(String(name), 80)}"`).join(', ')
    throw refuse(
      'TOKEN_AUDIENCE',
      `it is for ${names}, not for "${expected.audience}"`,
      `ask your provider for a token with audience ${expected.audience}`,
    )
  }
  if (expected.issuer !== undefined && iss !== expected.issuer) {
    throw refuse('TOKEN_ISSUER', `it comes from ${escapeText(iss)}, not ${expected.issuer}`)
  }
  if (expected.nonce !== undefined && nonce !== expected.nonce) {
    throw refuse('TOKEN_NONCE', 'it does not answer this login (nonce)')
  }
  return { jwt, claims, principal: principalOf(claims, iss, sub, refuse) }
}

function principalOf(
  { email, email_verified: verified }: JsonObject,
  issuer: string,
  subject: string,
  refuse: (code: string, why: string) => SignetError,
): Principal {
  if (typeof email !== 'string' || email === '') return { kind: 'subject', value: subject, issuer }
  if (verified !== true && verified !== 'true') {
    throw refuse('TOKEN_EMAIL', `its e-mail address ${escapeText(email)} is not a verified one`)
  }
  return { kind: 'email', value: email, issuer }
}

function readClaims(jwt: string): JsonObject | undefined {
  const parts = jwt.split('.')
  if (parts.length !== 3 || jwt.length > MAX_LENGTH || !/^[\w.-]+$/.test(jwt)) return undefined
  const payload = decodeBase64Url(parts[1] ?? '')
  const text = payload && decodeUtf8(payload)
  if (text === undefined) return undefined
  try {
    const claims = parseJson(text, 'ID token')
    return isJsonObject(claims) ? claims : undefined
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
