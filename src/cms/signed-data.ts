import { DerReader, TAG, contextTag, readDer } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import { readAlgorithm } from '../x509/algorithm.ts'
import type { AlgorithmIdentifier } from '../x509/algorithm.ts'
import { isSorted, malformed } from './attributes.ts'
import { readSignerInfo } from './signer-info.ts'
import type { SignerInfo } from './signer-info.ts'

/** CMS SignedData (RFC 5652 §5.1) with its one signer; every byte field is a slice of the input. */
export interface SignedData {
  readonly version: number
  readonly digestAlgorithms: readonly AlgorithmIdentifier[]
  /** eContentType. */
  readonly contentType: string
  /** Octets of eContent; undefined in a detached signature. */
  readonly content: Uint8Array | undefined
  /** DER of each certificate, not parsed. */
  readonly certificates: readonly Uint8Array[]
  readonly signer: SignerInfo
  /** Sets that are not sorted as DER has them. */
  readonly unsorted: readonly ('certificates' | 'signed-attributes' | 'unsigned-attributes')[]
}

/**
 * Reads a ContentInfo that holds SignedData, DER only, with exactly one signer and nothing after it.
 * Revocation lists and certificates of other kinds are refused. Proves nothing.
 *
 * @throws MalformedError DER_MALFORMED, CMS_MALFORMED
 */
export function parseSignedData(der: Uint8Array): SignedData {
  const contentInfo = new DerReader(readDer(der, TAG.sequence).content)
  if (contentInfo.oid() !== OID.signedData) throw malformed('it is not SignedData')
  const wrapper = contentInfo.enter(contextTag(0))
  contentInfo.end()
  const fields = wrapper.sequence()
  wrapper.end()

  const version = fields.smallInteger()
  const digestAlgorithms = readDigestAlgorithms(fields.set())
  const encapsulated = fields.sequence()
  const contentType = encapsulated.oid()
  const contentWrapper = encapsulated.tryEnter(contextTag(0))
  encapsulated.end()
  const content = contentWrapper?.octetString()
  contentWrapper?.end()
  const certificates = readCertificates(fields.optional(contextTag(0)))
  if (fields.peek() === contextTag(1)) throw malformed('it brings revocation lists')
  const signers = fields.set()
  fields.end()
  if (signers.peek() === undefined) throw malformed('it has no signer')
  const signer = readSignerInfo(signers)
  if (!signers.done) throw malformed('it has more than one signer')

  const unsorted: SignedData['unsorted'][number][] = []
  if (!isSorted(certificates)) unsorted.push('certificates')
  if (!isSorted(signer.signedAttributes.map(({ bytes }) => bytes)))
    unsorted.push('signed-attributes')
  if (!isSorted(signer.unsignedAttributes.map(({ bytes }) => bytes))) {
    unsorted.push('unsigned-attributes')
  }
  return { version, digestAlgorithms, contentType, content, certificates, signer, unsorted }
}

function readDigestAlgorithms(set: DerReader): AlgorithmIdentifier[] {
  const algorithms: AlgorithmIdentifier[] = []
  while (!set.done) {
    if (algorithms.length === LIMITS.attributes) throw malformed('it names too many digests')
    const algorithm = readAlgorithm(set)
    if (algorithms.some(({ content }) => equalBytes(content, algorithm.content))) {
      throw malformed('it names a digest twice')
    }
    algorithms.push(algorithm)
  }
  return algorithms
}

function readCertificates(content: Uint8Array | undefined): Uint8Array[] {
  if (content === undefined) return []
  const set = new DerReader(content)
  const certificates: Uint8Array[] = []
  while (!set.done) {
    if (certificates.length === LIMITS.certificates) throw malformed('it has too many certificates')
    certificates.push(set.element(TAG.sequence))
  }
  // It may be empty: an RFC 3161 authority that was asked for no certificates writes it all the same.
  return certificates
}

/**
 * The embedded certificate that the signer names: same issuer bytes, same serial number.
 *
 * @returns undefined where none is embedded
 * @throws MalformedError CMS_MALFORMED where several are, DER_MALFORMED
 */
export function signerCertificate(data: SignedData): Uint8Array | undefined {
  const { issuer, serial } = data.signer
  const matching = data.certificates.filter((certificate) => {
    const named = issuerAndSerial(certificate)
    return equalBytes(named.issuer, issuer) && equalBytes(named.serial, serial)
  })
  if (matching.length > 1) throw malformed('two certificates fit its signer')
  return matching[0]
}

/** Reads no further than needed: the other certificates need not be understood. */
function issuerAndSerial(certificate: Uint8Array): { issuer: Uint8Array; serial: Uint8Array } {
  const outer = new DerReader(certificate).sequence()
  const tbs = outer.sequence()
  tbs.optional(contextTag(0))
  const serial = tbs.integer()
  tbs.next(TAG.sequence)
  return { serial, issuer: tbs.element(TAG.sequence) }
}
