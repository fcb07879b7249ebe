import { DerReader, TAG, contextTag } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { derExplicit, derSequence } from '../asn1/write.ts'
import type { PublicKey } from '../crypto/keys.ts'
import type { Verification } from '../crypto/verify.ts'
import { ByteReader } from '../encoding/byte-reader.ts'
import { concatBytes, equalBytes } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import { findExtension } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { isInWindow } from './path.ts'

/** A Certificate Transparency log as a trust root names it. */
export interface CtLog {
  readonly baseUrl: string
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly logId: Uint8Array
  readonly publicKey: PublicKey
  /** Seconds, inclusive; fractions count. */
  readonly validFrom: number
  /** Seconds, inclusive. */
  readonly validUntil: number | undefined
}

/** SignedCertificateTimestamp, version 1 (RFC 6962 §3.2). */
export interface Sct {
  readonly logId: Uint8Array
  readonly timestampMs: number
  readonly extensions: Uint8Array
  /** TLS HashAlgorithm and SignatureAlgorithm. */
  readonly algorithm: number
  readonly signature: Uint8Array
}

/**
 * The timestamps embedded in a certificate; undefined where the extension is absent.
 *
 * @throws MalformedError SCT_MALFORMED, DER_MALFORMED, CERTIFICATE_MALFORMED
 * @see RFC 6962 §3.3
 */
export function embeddedScts(certificate: Certificate): Sct[] | undefined {
  const extension = findExtension(certificate, OID.sct)
  if (extension === undefined) return undefined
  const outer = new DerReader(extension.value)
  const list = new TlsReader(outer.octetString())
  outer.end()
  const items = new TlsReader(list.vector())
  list.end()
  const scts: Sct[] = []
  while (!items.done) {
    if (scts.length === LIMITS.certificateTimestamps) throw malformed('there are too many')
    scts.push(parseSct(items.vector()))
  }
  if (scts.length === 0) throw malformed('the list is empty')
  return scts
}

/** One TLS-encoded timestamp. @throws MalformedError SCT_MALFORMED */
export function parseSct(bytes: Uint8Array): Sct {
  const fields = new TlsReader(bytes)
  if (fields.uint(1) !== 0) throw malformed('it is not version 1')
  const logId = fields.take(32)
  const timestampMs = fields.uint(8)
  if (!Number.isSafeInteger(timestampMs)) throw malformed('its time is out of range')
  const extensions = fields.vector()
  const algorithm = fields.uint(2)
  const signature = fields.vector()
  fields.end()
  return { logId, timestampMs, extensions, algorithm, signature }
}

export type SctResult =
  | { readonly result: 'passed'; readonly log: CtLog; readonly timestampMs: number }
  | { readonly result: 'failed'; readonly why: string }
  | { readonly result: 'absent' }

/**
 * Checks the timestamps in a leaf: at least one must be by a known log, with its signature and inside
 * the window of its key; a wrong one by a known log fails whatever the others say. Others' are skipped.
 *
 * @param issuer - whoever signed the leaf; that it did is not checked here
 */
export function* verifyEmbeddedScts(
  certificate: Certificate,
  issuer: Certificate,
  logs: readonly CtLog[],
): Verification<SctResult> {
  let scts: Sct[] | undefined
  let tbs: Uint8Array
  try {
    scts = embeddedScts(certificate)
    if (scts === undefined) return { result: 'absent' }
    tbs = tbsWithoutScts(certificate)
  } catch (error) {
    if (error instanceof MalformedError) return { result: 'failed', why: error.message }
    throw error
  }
  const issuerKeyHash = issuer.publicKey.spkiDigest
  let passed: SctResult | undefined
  let why = 'no known log issued its timestamp'
  for (const sct of scts) {
    const known = logs.filter((log) => equalBytes(log.logId, sct.logId))
    if (known.length === 0) continue
    const log = known.find((candidate) => isInWindow(candidate, sct.timestampMs / 1000))
    if (log === undefined) {
      why = 'its timestamp lies outside the validity of the log’s key'
      continue
    }
    if (!(yield* verifySct(sct, issuerKeyHash, tbs, log))) {
      return { result: 'failed', why: 'the signature of its timestamp is wrong' }
    }
    passed ??= { result: 'passed', log, timestampMs: sct.timestampMs }
  }
  return passed ?? { result: 'failed', why }
}

const ECDSA_SHA256 = 0x0403
const RSA_SHA256 = 0x0401

/**
 * The signature of one timestamp over a precertificate entry; the key's window is not looked at.
 *
 * @param tbs - TBSCertificate without poison and without timestamps
 * @see RFC 6962 §3.2
 */
export function* verifySct(
  sct: Sct,
  issuerKeyHash: Uint8Array,
  tbs: Uint8Array,
  log: CtLog,
): Verification<boolean> {
  const type = log.publicKey.type
  if (sct.algorithm !== (type === 'ec' ? ECDSA_SHA256 : RSA_SHA256) || type === 'ed25519')
    return false
  const time = new Uint8Array(8)
  new DataView(time.buffer).setBigUint64(0, BigInt(sct.timestampMs))
  return yield {
    key: log.publicKey,
    hash: 'sha256',
    // version 1, certificate_timestamp; precert_entry; issuer; TBS with its length in 3 octets
    data: concatBytes(
      Uint8Array.of(0, 0),
      time,
      Uint8Array.of(0, 1),
      issuerKeyHash,
      Uint8Array.of(tbs.length >> 16, (tbs.length >> 8) & 0xff, tbs.length & 0xff),
      tbs,
      Uint8Array.of(sct.extensions.length >> 8, sct.extensions.length & 0xff),
      sct.extensions,
    ),
    signature: sct.signature,
  }
}

/**
 * TBSCertificate as the log saw it: without the list of timestamps, everything else byte for byte,
 * only the lengths around it made anew (RFC 6962 §3.2). One of the two places that encode again.
 */
export function tbsWithoutScts(certificate: Certificate): Uint8Array {
  const content = new DerReader(certificate.tbs).take(TAG.sequence)
  const fields = new DerReader(content)
  while (fields.peek() !== contextTag(3)) fields.next()
  const before = content.subarray(0, content.length - fields.rest().length)
  const kept = certificate.extensions
    .filter((extension) => extension.oid !== OID.sct)
    .map((extension) => extension.bytes)
  return derSequence(before, derExplicit(3, derSequence(...kept)))
}

/** Reads TLS presentation language (RFC 8446 §3): unsigned integers and vectors of 16-bit length. */
class TlsReader extends ByteReader {
  constructor(bytes: Uint8Array) {
    super(bytes, malformed)
  }

  vector(): Uint8Array {
    return this.take(this.uint(2))
  }
}

function malformed(why: string): MalformedError {
  return new MalformedError('SCT_MALFORMED', `cannot read certificate timestamp: ${why}`)
}
