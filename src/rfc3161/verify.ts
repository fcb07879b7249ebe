import { DerReader, TAG, readDer } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { isSorted, singleValue, type Attribute } from '../cms/attributes.ts'
import { digest, type DigestName } from '../crypto/digest.ts'
import type { Verification } from '../crypto/verify.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import { hasStandardParameters, readAlgorithm, signatureScheme } from '../x509/algorithm.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { basicConstraints, extendedKeyUsage, keyUsage } from '../x509/extensions.ts'
import {
  isInWindow,
  isValidAt,
  unknownCriticalExtension,
  verifyIssuedBy,
  verifyIssuers,
  whyNotValidAt,
} from '../x509/path.ts'
import { digestOf, type TimestampToken } from './token.ts'

/** A timestamp authority that a trust root names. */
export interface TimestampAuthority {
  readonly uri: string
  /** The signing certificate first (or, where that is not pinned, its issuer), the anchor last. */
  readonly certificates: readonly Certificate[]
  /** Seconds, inclusive; fractions count. */
  readonly validFrom: number
  /** Seconds, inclusive. */
  readonly validUntil: number | undefined
}

export type TimestampProof =
  | { readonly result: 'passed'; readonly time: number; readonly authority: TimestampAuthority }
  | { readonly result: 'failed'; readonly why: string }
  /** Whoever signed it, no trust root names them: nothing was checked but the imprint. */
  | { readonly result: 'unknown-authority'; readonly why: string }

/**
 * Verifies that a known authority stamped `data`: imprint, signed attributes, signature, the signing
 * certificate and its path at genTime, and the authority's window. `time` is genTime itself, in seconds
 * with its fraction; accuracy is not subtracted. The nonce is for whoever asked (`answersNonce`).
 * Never throws for anything a token holds.
 *
 * @param data - what must have been stamped: for a signature its raw bytes
 * @see RFC 3161 §2.2, §2.3; RFC 5816; RFC 5652 §5.4, §5.6
 */
export function* verifyTimestampToken(
  token: TimestampToken,
  data: Uint8Array,
  authorities: readonly TimestampAuthority[],
): Verification<TimestampProof> {
  const { info } = token
  const algorithm = digestOf(info.imprintAlgorithm)
  if (algorithm === undefined) return failed('its imprint is not SHA-256, SHA-384 or SHA-512')
  if (!equalBytes(info.imprint, digest(algorithm, data))) {
    return failed('it is not over this signature')
  }
  let result: TimestampProof | undefined
  for (const authority of authorities) {
    let attempt: TimestampProof
    try {
      const leaf = signingCertificate(token, authority)
      if (leaf === undefined) continue
      attempt = yield* verifyAgainst(token, leaf, authority)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      attempt = failed(error.message)
    }
    if (attempt.result === 'passed') return attempt
    result ??= attempt
  }
  const why = 'no trust root names the authority that signed it'
  return result ?? { result: 'unknown-authority', why }
}

/**
 * The certificate this token would be signed with, were it by this authority: the pinned one that the
 * signer names, or an embedded one where the authority pins none. Undefined: not by this authority.
 */
function signingCertificate(
  token: TimestampToken,
  authority: TimestampAuthority,
): Certificate | undefined {
  const [first] = authority.certificates
  if (first === undefined) return undefined
  const { issuer, serial } = token.signedData.signer
  if (basicConstraints(first)?.ca === true) {
    if (token.certificate === undefined) return undefined
    const embedded = parseCertificate(token.certificate)
    return equalBytes(embedded.issuer, first.subject) ? embedded : undefined
  }
  if (!equalBytes(first.issuer, issuer) || !equalBytes(first.serial, serial)) return undefined
  // Certificates inside a token are never trusted: the embedded one must be the pinned one.
  if (token.certificate !== undefined && !equalBytes(token.certificate, first.der)) return undefined
  return first
}

function* verifyAgainst(
  token: TimestampToken,
  leaf: Certificate,
  authority: TimestampAuthority,
): Verification<TimestampProof> {
  const why = whyWrongAttributes(token, leaf) ?? whyNoTimestampSigner(leaf)
  if (why !== undefined) return failed(why)

  const { signatureAlgorithm, signature, signedBytes, digestAlgorithm } = token.signedData.signer
  const named = signatureScheme(signatureAlgorithm)
  // rsaEncryption names no digest: it is the signer's (RFC 3370 §3.2).
  const isPlainRsa = signatureAlgorithm.oid === OID.rsaEncryption
  const hash = isPlainRsa ? digestOf(digestAlgorithm) : named?.hash
  const type = isPlainRsa ? 'rsa' : named?.type
  if (hash === undefined || hash === 'sha1' || type !== leaf.publicKey.type) {
    return failed('its signature algorithm is unknown or not that of the key')
  }
  if (!hasStandardParameters(signatureAlgorithm)) {
    return failed('its signature algorithm has parameters that it must not have')
  }
  if (!(yield { key: leaf.publicKey, hash, data: signedBytes, signature })) {
    return failed('its signature does not hold')
  }

  const time = token.info.genTimeMs / 1000
  const issuers = authority.certificates.slice(authority.certificates[0] === leaf ? 1 : 0)
  const [issuer] = issuers
  if (issuer === undefined) return failed('its authority has no issuer in the trust root')
  if (!(yield* verifyIssuedBy(leaf, issuer))) {
    return failed('its certificate is not issued by the authority of the trust root')
  }
  const unfit = yield* verifyIssuers(issuers, OID.timeStamping)
  if (unfit !== undefined) return failed(unfit.why)
  if (!isValidAt(leaf, time)) return failed('its certificate was not valid then')
  const expired = whyNotValidAt(issuers, time)
  if (expired !== undefined) return failed(expired)
  if (!isInWindow(authority, time)) {
    return failed('its time is outside the validity of the authority in the trust root')
  }
  return { result: 'passed', time, authority }
}

function whyWrongAttributes(token: TimestampToken, leaf: Certificate): string | undefined {
  const { signer, digestAlgorithms, content = new Uint8Array() } = token.signedData
  const attributes = signer.signedAttributes
  if (!isSorted(attributes.map(({ bytes }) => bytes))) return 'its signed attributes are not DER'
  const contentType = singleValue(attributes, OID.contentType, 'contentType')
  if (contentType === undefined || new DerReader(contentType).oid() !== OID.tstInfo) {
    return 'its content type is not signed'
  }
  const messageDigest = singleValue(attributes, OID.messageDigest, 'messageDigest')
  const algorithm = digestOf(signer.digestAlgorithm)
  if (algorithm === undefined) return 'its digest is not SHA-256, SHA-384 or SHA-512'
  if (!digestAlgorithms.some((listed) => digestOf(listed) === algorithm)) {
    return 'its list of digests does not have that of its signer'
  }
  const expected = digest(algorithm, content)
  if (
    messageDigest === undefined ||
    !equalBytes(readDer(messageDigest, TAG.octetString).content, expected)
  ) {
    return 'its digest is not that of its content'
  }
  return namesCertificate(attributes, leaf)
    ? undefined
    : 'it does not name the certificate it is signed with'
}

/** ESSCertIDv2 (RFC 5816 §2.2.1), or ESSCertID of RFC 3161 where an authority still writes that. */
function namesCertificate(attributes: readonly Attribute[], leaf: Certificate): boolean {
  const second = singleValue(attributes, OID.signingCertificateV2, 'signingCertificateV2')
  const first = singleValue(attributes, OID.signingCertificate, 'signingCertificate')
  const value = second ?? first
  if (value === undefined) return false
  const id = new DerReader(value).sequence().sequence().sequence()
  let algorithm: DigestName | undefined = 'sha1'
  if (second !== undefined) {
    // hashAlgorithm DEFAULT sha-256
    algorithm = id.peek() === TAG.sequence ? digestOf(readAlgorithm(id)) : 'sha256'
  }
  if (algorithm === undefined) return false
  const hash = id.octetString()
  const issuerSerial = id.tryEnter(TAG.sequence)
  id.end()
  if (!equalBytes(hash, digest(algorithm, leaf.der))) return false
  if (issuerSerial === undefined) return true
  issuerSerial.sequence()
  const serial = issuerSerial.integer()
  return equalBytes(serial, leaf.serial)
}

/** RFC 3161 §2.3: the key is for timestamps and nothing else, and says so critically. */
function whyNoTimestampSigner(leaf: Certificate): string | undefined {
  if (basicConstraints(leaf)?.ca === true) return 'its certificate is that of a CA'
  const usage = extendedKeyUsage(leaf)
  const [purpose, ...more] = usage?.purposes ?? []
  if (purpose !== OID.timeStamping || more.length > 0 || usage?.critical !== true) {
    return 'its certificate is not, critically, for timestamps alone'
  }
  // RFC 5280 §4.2.1.12: either suits timeStamping.
  const bits = keyUsage(leaf)
  if (bits && !bits.digitalSignature && !bits.nonRepudiation) return 'its certificate may not sign'
  const unknown = unknownCriticalExtension(leaf)
  return unknown && `its certificate has the unknown critical extension ${unknown}`
}

function failed(why: string): TimestampProof {
  return { result: 'failed', why }
}
