import { DerReader, TAG, readDer } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { singleValue } from '../cms/attributes.ts'
import type { Attribute } from '../cms/attributes.ts'
import { sha256 } from '../crypto/digest.ts'
import type { Verification } from '../crypto/verify.ts'
import { decodeBase64 } from '../encoding/base64.ts'
import { decodeUtf8, encodeUtf8, equalBytes, latin1 } from '../encoding/bytes.ts'
import { decodeHex } from '../encoding/hex.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import { decodeLogEntry } from '../tlog/entry.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { hashedrekordBodies, hashedrekordBodyV1 } from '../tlog/hashedrekord.ts'
import type { LogBody } from '../tlog/hashedrekord.ts'
import type { SignatureForm } from './signature-form.ts'

/** An entry and what it has to hold; nothing about it is proven. */
export interface LogEvidence {
  readonly entry: TransparencyLogEntry
  readonly bodies: readonly LogBody[]
  readonly tolerated: readonly string[]
}

/**
 * The entry that a signature brings along, in gitsign's attribute or in the separate attributes of its
 * prototype of January 2023, with the bodies it may stand for.
 *
 * @returns undefined where it brings none
 * @throws MalformedError
 */
export function embeddedEntry(form: SignatureForm): LogEvidence | undefined {
  const { signer } = form.signedData
  const attributes = signer.unsignedAttributes
  const value = singleValue(attributes, OID.rekorEntry, 'of the log entry')
  if (value === undefined) return undefined
  const entry =
    value[0] === TAG.octetString
      ? decodeLogEntry(readDer(value, TAG.octetString).content)
      : readSeparateAttributes(attributes)
  const bodies = hashedrekordBodies(entry, {
    algorithm: 'sha256',
    digest: sha256(signer.signedBytes),
    signature: signer.signature,
    verifier: verifierOf(form),
  })
  return { entry, bodies, tolerated: [] }
}

function verifierOf({ certificate }: SignatureForm): {
  der: Uint8Array
  isCertificate: true
  publicKey: SignatureForm['certificate']['publicKey']
} {
  return { der: certificate.der, isCertificate: true, publicKey: certificate.publicKey }
}

/** Length of the log's shards before the one in use when the prototype signed. */
const EARLIER_SHARDS = 4_163_431n

/** Attributes 57264.3.0 to .8 (gitsign.md §1.6): the same facts one by one. */
function readSeparateAttributes(attributes: readonly Attribute[]): TransparencyLogEntry {
  const find = (arc: number): Uint8Array | undefined =>
    singleValue(attributes, `${OID.gitsignLegacyEntry}.${String(arc)}`, `57264.3.${String(arc)}`)
  const value = (arc: number): Uint8Array => {
    const found = find(arc)
    if (found === undefined) throw malformed(`attribute 57264.3.${String(arc)} is missing`)
    return found
  }
  const integer = (bytes: Uint8Array): bigint => {
    const number = single(bytes, (reader) => reader.bigInteger())
    if (number < 0n || number >= 2n ** 63n) throw malformed('a number is out of range')
    return number
  }
  const logIndex = integer(value(2))
  const shardIndex = find(8)
  const hashes = new DerReader(value(5)).sequence()
  const path: Uint8Array[] = []
  while (!hashes.done) {
    if (path.length === 63) throw malformed('the proof has too many hashes')
    path.push(hash(hashes.element()))
  }
  return {
    logIndex,
    logId: hash(value(1)),
    kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
    integratedTime: integer(value(0)),
    inclusionPromise: readDer(value(3), TAG.octetString).content,
    inclusionProof: {
      logIndex: shardIndex === undefined ? logIndex - EARLIER_SHARDS : integer(shardIndex),
      rootHash: hash(value(6)),
      treeSize: integer(value(7)),
      hashes: path,
      checkpoint: text(value(4)),
    },
  }
}

const PRINTABLE_STRING = 0x13

function text(bytes: Uint8Array): string {
  const { tag, content } = readDer(bytes)
  const decoded = tag === PRINTABLE_STRING ? latin1(content) : decodeUtf8(content)
  if (decoded === undefined || (tag !== PRINTABLE_STRING && tag !== TAG.utf8String)) {
    throw malformed('an attribute is not a text')
  }
  return decoded
}

function hash(bytes: Uint8Array): Uint8Array {
  const decoded = decodeHex(text(bytes))
  if (decoded?.length !== 32) throw malformed('a hash is not 32 bytes of hex')
  return decoded
}

function single<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T {
  const reader = new DerReader(bytes)
  const value = read(reader)
  reader.end()
  return value
}

/** A text that gitsign may have logged in place of the signature: an object id. */
export interface LoggedText {
  readonly text: string
  /** Name of the deviation where it is not the object's own id. */
  readonly tolerated?: string
}

/**
 * Which of the entries that a log gave for the signer's certificate are about this signature: over its
 * signed attributes, or, as gitsign's online kind has it, a second signature of the same key over the
 * object id (gitsign.md §2). Others' entries are passed over.
 *
 * @param texts - ids that may have been logged
 */
export function* onlineEvidence(
  form: SignatureForm,
  entries: readonly TransparencyLogEntry[],
  texts: readonly LoggedText[],
): Verification<LogEvidence[]> {
  const { signer } = form.signedData
  const own: LoggedText & { bytes: Uint8Array } = { text: '', bytes: signer.signedBytes }
  const artifacts = [own, ...texts.map((logged) => ({ ...logged, bytes: encodeUtf8(logged.text) }))]
  const found: LogEvidence[] = []
  for (const entry of entries.slice(0, LIMITS.onlineEntries)) {
    const signature = loggedSignature(entry)
    if (signature === undefined) continue
    for (const artifact of artifacts) {
      const bytes = hashedrekordBodyV1({
        algorithm: 'sha256',
        digest: sha256(artifact.bytes),
        signature,
        verifier: verifierOf(form),
      })
      if (!equalBytes(bytes, entry.canonicalizedBody ?? new Uint8Array())) continue
      const key = form.certificate.publicKey
      if (!(yield { key, hash: 'sha256', data: artifact.bytes, signature })) continue
      // Over the attributes it must be this signature, not another by the same key.
      if (artifact === own && !equalBytes(signature, signer.signature)) continue
      found.push({
        entry,
        bodies: [{ kindVersion: { kind: 'hashedrekord', version: '0.0.1' }, bytes }],
        tolerated: artifact.tolerated === undefined ? [] : [artifact.tolerated],
      })
    }
  }
  return found
}

/** The signature in a hashedrekord 0.0.1 body; undefined where the body is something else. */
function loggedSignature(entry: TransparencyLogEntry): Uint8Array | undefined {
  const body = decodeUtf8(entry.canonicalizedBody ?? new Uint8Array())
  if (body === undefined) return undefined
  let value: JsonValue
  try {
    value = parseJson(body, 'log entry')
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
  const content = member(member(member(value, 'spec'), 'signature'), 'content')
  return typeof content === 'string' ? decodeBase64(content) : undefined
}

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function malformed(why: string): MalformedError {
  return new MalformedError('LOG_ENTRY_MALFORMED', `cannot read log entry: ${why}`)
}
