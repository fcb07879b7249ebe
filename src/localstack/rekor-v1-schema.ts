import { decodeUtf8 } from '../encoding/bytes.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { NO_STORE, openapiError } from './http.ts'
import type { StackReply, StackRequest } from './http.ts'

/** What Rekor v1's schema (openapi.yaml) asks of requests, with go-openapi's words for what does not fit. */

/** go-openapi's codes; the status is 422. */
export const INVALID = {
  type: 601,
  required: 602,
  pattern: 605,
  enum: 606,
  minimum: 609,
  maxItems: 611,
} as const

export const ENTRY_ID = /^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$/
const HASH = /^(sha512:)?[0-9a-fA-F]{128}$|^(sha256:)?[0-9a-fA-F]{64}$|^(sha1:)?[0-9a-fA-F]{40}$/
const FORMATS = ['pgp', 'x509', 'minisign', 'ssh', 'tuf']
/** Of each list that `retrieve` takes, and of all together. */
const MAX_RETRIEVED = 10

/** What was asked, or the answer that says why it is not. */
export type Read<T> = { readonly value: T } | { readonly refusal: StackReply }

export function invalid(
  code: number,
  why: string,
  headers: Readonly<Record<string, string>> = {},
): StackReply {
  return openapiError(422, why, headers, code)
}

/** A number in the query. */
export function readNumber(
  { query }: StackRequest,
  name: string,
  minimum: number,
  otherwise?: number,
): Read<number> {
  const refused = (code: number, why: string): Read<number> => ({
    refusal: invalid(code, `${name} in query ${why}`, NO_STORE),
  })
  const text = query.get(name) ?? ''
  if (text === '') {
    return otherwise === undefined ? refused(INVALID.required, 'is required') : { value: otherwise }
  }
  if (!/^-?\d{1,15}$/.test(text)) {
    return refused(INVALID.type, `must be of type int64: ${JSON.stringify(text)}`)
  }
  const value = Number(text)
  if (value >= minimum) return { value }
  return refused(INVALID.minimum, `should be greater than or equal to ${minimum}`)
}

/** A body that must be an object. */
export function readBody({ body }: StackRequest, name: string): Read<JsonObject> {
  if (body.length === 0) {
    return { refusal: invalid(INVALID.required, `${name} in body is required`) }
  }
  const value = parseBody(body)
  if (isJsonObject(value)) return { value }
  const why = `parsing ${name} body from "" failed, because unexpected EOF`
  return { refusal: openapiError(400, why) }
}

/** undefined for what is not JSON. */
export function parseBody(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(decodeUtf8(body) ?? '') as JsonValue
  } catch {
    // JSON.parse throws SyntaxError only.
    return undefined
  }
}

export function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : []
}

/** Why a SearchIndex is refused. */
export function searchRefusal({ hash, publicKey, operator }: JsonObject): StackReply | undefined {
  if (typeof hash === 'string' && !HASH.test(hash)) {
    return invalid(INVALID.pattern, `hash in body should match '${HASH.source}'`)
  }
  const format = isJsonObject(publicKey) ? (publicKey['format'] ?? '') : 'x509'
  if (format === '') return invalid(INVALID.required, 'publicKey.format in body is required')
  if (typeof format !== 'string' || !FORMATS.includes(format)) {
    const why = `publicKey.format in body should be one of [${FORMATS.join(' ')}]`
    return invalid(INVALID.enum, why)
  }
  if (typeof operator === 'string' && operator !== 'and' && operator !== 'or') {
    return invalid(INVALID.enum, 'operator in body should be one of [and or]')
  }
  return undefined
}

/** Why a SearchLogQuery is refused. */
export function retrieveRefusal(asked: JsonObject): StackReply | undefined {
  let total = 0
  for (const name of ['entryUUIDs', 'logIndexes', 'entries']) {
    const { length } = list(asked[name])
    total += length
    if (length > MAX_RETRIEVED) {
      const why = `${name} in body should have at most ${MAX_RETRIEVED} items`
      return invalid(INVALID.maxItems, why)
    }
  }
  for (const [i, id] of list(asked['entryUUIDs']).entries()) {
    if (typeof id === 'string' && ENTRY_ID.test(id)) continue
    return invalid(INVALID.pattern, `entryUUIDs.${i} in body should match '${ENTRY_ID.source}'`)
  }
  if (total <= MAX_RETRIEVED) return undefined
  return openapiError(422, `more than max allowed ${MAX_RETRIEVED} entries in request`)
}
