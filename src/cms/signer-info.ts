import { TAG, contextTag } from '../asn1/der.ts'
import type { DerReader } from '../asn1/der.ts'
import { readAlgorithm } from '../x509/algorithm.ts'
import type { AlgorithmIdentifier } from '../x509/algorithm.ts'
import { malformed, readAttributes } from './attributes.ts'
import type { Attribute } from './attributes.ts'

/** SignerInfo version 1: its signer is named by issuer and serial number (RFC 5652 §5.3). */
export interface SignerInfo {
  /** DER Name. */
  readonly issuer: Uint8Array
  /** Content of the INTEGER. */
  readonly serial: Uint8Array
  readonly digestAlgorithm: AlgorithmIdentifier
  readonly signedAttributes: readonly Attribute[]
  /** What is signed: the slice of the original bytes, its tag 0xA0 made SET OF (RFC 5652 §5.4). */
  readonly signedBytes: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signature: Uint8Array
  readonly unsignedAttributes: readonly Attribute[]
}

/**
 * Reads one SignerInfo. Signed attributes must be there: a signature over the content alone could be
 * passed off as one over attributes and back (draft-ietf-lamps-cms-euf-cma-signeddata).
 *
 * @throws MalformedError DER_MALFORMED, CMS_MALFORMED
 */
export function readSignerInfo(reader: DerReader): SignerInfo {
  const fields = reader.sequence()
  if (fields.smallInteger() !== 1) {
    throw malformed('its signer is not named by issuer and serial number')
  }
  const signer = fields.sequence()
  const issuer = signer.element(TAG.sequence)
  const serial = signer.integer()
  signer.end()
  const digestAlgorithm = readAlgorithm(fields)
  if (fields.peek() !== contextTag(0)) throw malformed('there are no signed attributes')
  const signed = fields.next()
  const signatureAlgorithm = readAlgorithm(fields)
  const signature = fields.octetString()
  const unsigned = fields.optional(contextTag(1))
  fields.end()
  const signedAttributes = readAttributes(signed.content)
  const unsignedAttributes = unsigned === undefined ? [] : readAttributes(unsigned)
  if (
    signedAttributes.length === 0 ||
    (unsigned !== undefined && unsignedAttributes.length === 0)
  ) {
    throw malformed('a list of attributes is empty')
  }
  const signedBytes = new Uint8Array(signed.bytes)
  signedBytes[0] = TAG.set
  return {
    issuer,
    serial,
    digestAlgorithm,
    signedAttributes,
    signedBytes,
    signatureAlgorithm,
    signature,
    unsignedAttributes,
  }
}
