import { decodeUtf8, equalBytes } from '../encoding/bytes.ts'
import { decodeHex } from '../encoding/hex.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import { MalformedError } from '../errors.ts'
import type { LoggedDigest } from '../tlog/hashedrekord.ts'
import type { DsseEnvelope } from './dsse.ts'

const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const STATEMENT_TYPES = ['https://in-toto.io/Statement/v1', 'https://in-toto.io/Statement/v0.1']
const MAX_SUBJECTS = 1024
const ALGORITHMS: readonly LoggedDigest[] = ['sha256', 'sha384', 'sha512']

/** Digests of one subject that count today, by algorithm. */
export type SubjectDigests = ReadonlyMap<LoggedDigest, Uint8Array>

/**
 * The subjects of the in-toto statement in an envelope. Proves nothing: the envelope's signature is
 * not looked at.
 *
 * @throws MalformedError `STATEMENT_MALFORMED`, `JSON_MALFORMED`
 * @see in-toto attestation framework, "Statement"
 */
export function parseSubjects(envelope: DsseEnvelope): SubjectDigests[] {
  if (envelope.payloadType !== PAYLOAD_TYPE) throw malformed('its payload type is another')
  const text = decodeUtf8(envelope.payload)
  if (text === undefined) throw malformed('it is not UTF-8')
  const statement = parseJson(text, 'in-toto statement')
  if (!isJsonObject(statement)) throw malformed('it is not a JSON object')
  const type = statement['_type']
  if (typeof type !== 'string' || !STATEMENT_TYPES.includes(type)) {
    throw malformed('its type is not known')
  }
  const subjects = statement['subject']
  if (!Array.isArray(subjects) || subjects.length === 0) throw malformed('it has no subject')
  if (subjects.length > MAX_SUBJECTS) throw malformed('it has too many subjects')
  return subjects.map(readDigests)
}

function readDigests(subject: unknown): SubjectDigests {
  const digests = new Map<LoggedDigest, Uint8Array>()
  const listed = isJsonObject(subject as never) ? (subject as { digest?: unknown }).digest : null
  if (!isJsonObject(listed as never)) throw malformed('a subject has no digest')
  const values = listed as Readonly<Record<string, unknown>>
  for (const algorithm of ALGORITHMS) {
    const value = Object.hasOwn(values, algorithm) ? values[algorithm] : undefined
    if (value === undefined) continue
    const bytes = typeof value === 'string' ? decodeHex(value) : undefined
    if (bytes === undefined) throw malformed('a digest is not lower-case hex')
    digests.set(algorithm, bytes)
  }
  return digests
}

/**
 * Whether an artifact is one of the subjects: at least one digest that can be compared, and none that
 * differs.
 */
export function isSubject(
  subjects: readonly SubjectDigests[],
  digestOf: (algorithm: LoggedDigest) => Uint8Array | undefined,
): boolean {
  return subjects.some((subject) => {
    const compared = [...subject].flatMap(([algorithm, expected]) => {
      const actual = digestOf(algorithm)
      return actual === undefined ? [] : [equalBytes(actual, expected)]
    })
    return compared.length > 0 && compared.every(Boolean)
  })
}

function malformed(why: string): MalformedError {
  return new MalformedError('STATEMENT_MALFORMED', `cannot read in-toto statement: ${why}`)
}
