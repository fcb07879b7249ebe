import { DerReader, TAG, contextTag, readDer } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { parseTimeMs } from '../asn1/time.ts'
import { parseSignedData, signerCertificate, type SignedData } from '../cms/signed-data.ts'
import type { DigestName } from '../crypto/digest.ts'
import { MalformedError } from '../errors.ts'
import { readAlgorithm, type AlgorithmIdentifier } from '../x509/algorithm.ts'

const MAX_EXTENSIONS = 16

/** TSTInfo (RFC 3161 §2.4.2): what the authority says. */
export interface TstInfo {
  /** Policy OID, dotted. */
  readonly policy: string
  readonly imprintAlgorithm: AlgorithmIdentifier
  readonly imprint: Uint8Array
  /** Content of the INTEGER. */
  readonly serial: Uint8Array
  /** Milliseconds since the epoch. */
  readonly genTimeMs: number
  /** Content of the INTEGER; undefined where none was asked for. */
  readonly nonce: Uint8Array | undefined
}

/** A TimeStampToken; parsing one proves nothing: see `verifyTimestampToken`. */
export interface TimestampToken {
  readonly der: Uint8Array
  readonly signedData: SignedData
  readonly info: TstInfo
  /** DER of the embedded certificate that the signer names, if it is embedded. */
  readonly certificate: Uint8Array | undefined
}

/**
 * Reads a TimeStampToken: a ContentInfo of SignedData with one signer over a TSTInfo.
 *
 * @throws MalformedError `DER_MALFORMED`, `CMS_MALFORMED`, `TIMESTAMP_MALFORMED`
 * @see RFC 3161 §2.4.2
 */
export function parseTimestampToken(der: Uint8Array): TimestampToken {
  const signedData = parseSignedData(der)
  if (signedData.contentType !== OID.tstInfo || signedData.content === undefined) {
    throw malformed('it holds no TSTInfo')
  }
  // RFC 5652 §5.1: content that is not id-data makes SignedData version 3.
  if (signedData.version !== 3) throw malformed('its SignedData is not version 3')
  const info = parseTstInfo(signedData.content)
  const certificate = signerCertificate(signedData)
  // Certificates are all left out, or the signer's is among them (RFC 3161 §2.4.1, certReq).
  if (certificate === undefined && signedData.certificates.length > 0) {
    throw malformed('it brings certificates, but not that of its signer')
  }
  return { der, signedData, info, certificate }
}

function parseTstInfo(der: Uint8Array): TstInfo {
  const fields = new DerReader(readDer(der, TAG.sequence).content)
  if (fields.smallInteger() !== 1) throw malformed('its TSTInfo is not version 1')
  const policy = fields.oid()
  const messageImprint = fields.sequence()
  const imprintAlgorithm = readAlgorithm(messageImprint)
  const imprint = messageImprint.octetString()
  messageImprint.end()
  const serial = fields.integer()
  const genTimeMs = parseTimeMs(fields.next(TAG.generalizedTime))
  skipAccuracy(fields)
  // ordering BOOLEAN DEFAULT FALSE: some write the default.
  if (fields.peek() === TAG.boolean) fields.boolean()
  const nonce = fields.peek() === TAG.integer ? fields.integer() : undefined
  fields.tryEnter(contextTag(0))?.next()
  refuseCriticalExtensions(fields.optional(contextTag(1)))
  fields.end()
  return { policy, imprintAlgorithm, imprint, serial, genTimeMs, nonce }
}

/** Accuracy (seconds, millis [0], micros [1]) is read for its form only: genTime itself counts. */
function skipAccuracy(fields: DerReader): void {
  const accuracy = fields.tryEnter(TAG.sequence)
  if (accuracy === undefined) return
  if (accuracy.peek() === TAG.integer) accuracy.smallInteger()
  accuracy.optional(0x80)
  accuracy.optional(0x81)
  accuracy.end()
}

function refuseCriticalExtensions(content: Uint8Array | undefined): void {
  if (content === undefined) return
  const list = new DerReader(content)
  for (let count = 0; !list.done; count += 1) {
    if (count === MAX_EXTENSIONS) throw malformed('it has too many extensions')
    const extension = list.sequence()
    extension.oid()
    const critical = extension.peek() === TAG.boolean && extension.boolean()
    extension.octetString()
    extension.end()
    if (critical) throw malformed('it has an unknown critical extension')
  }
}

/** The digest an identifier names, where it is one that counts today; parameters absent or NULL. */
export function digestOf(algorithm: AlgorithmIdentifier): DigestName | undefined {
  const { oid, parameters } = algorithm
  const isPlain = parameters === undefined || (parameters.length === 2 && parameters[0] === 0x05)
  if (!isPlain) return undefined
  if (oid === OID.sha256) return 'sha256'
  if (oid === OID.sha384) return 'sha384'
  return oid === OID.sha512 ? 'sha512' : undefined
}

export function malformed(why: string): MalformedError {
  return new MalformedError('TIMESTAMP_MALFORMED', `cannot read timestamp: ${why}`)
}
