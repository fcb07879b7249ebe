import { TAG, contextTag } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import {
  der,
  derExplicit,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTime,
} from '../asn1/write.ts'
import { encodePem } from '../encoding/pem.ts'

/** The PEM label that git recognises as an X.509 signature. */
export const ARMOR_LABEL = 'SIGNED MESSAGE'

/** The signer's certificate, as far as a SignerInfo names it. */
export interface SignerCertificate {
  readonly der: Uint8Array
  /** DER Name. */
  readonly issuer: Uint8Array
  /** Content of the INTEGER. */
  readonly serial: Uint8Array
}

export interface UnsignedAttribute {
  readonly oid: string
  /** DER of its one value. */
  readonly value: Uint8Array
}

/**
 * The three signed attributes, as the SET OF whose bytes are signed (tag 0x31). DER's order puts
 * contentType first, then signingTime, then messageDigest.
 *
 * @param messageDigest - SHA-256 of the payload
 * @param signingTime - seconds since the epoch; what the signer claims, trusted by nobody
 * @see RFC 5652 §5.3, §5.4, §11
 */
export function buildSignedAttrs(messageDigest: Uint8Array, signingTime: number): Uint8Array {
  return derSet(
    attribute(OID.contentType, derOid(OID.data)),
    attribute(OID.signingTime, derTime(signingTime)),
    attribute(OID.messageDigest, derOctetString(messageDigest)),
  )
}

/**
 * A detached CMS signature in the one shape that gitsign writes: SignedData version 1, SHA-256 and
 * ECDSA without parameters, the signer's certificate only, one signer.
 *
 * @param signedAttrs - as `buildSignedAttrs` made them
 * @param signature - DER Ecdsa-Sig-Value over `signedAttrs`
 * @see RFC 5652 §5.1, §5.3
 */
export function buildSignedData(
  certificate: SignerCertificate,
  signedAttrs: Uint8Array,
  signature: Uint8Array,
  unsignedAttributes: readonly UnsignedAttribute[] = [],
): Uint8Array {
  const sha256 = derSequence(derOid(OID.sha256))
  const signerInfo = derSequence(
    derInteger(1),
    derSequence(certificate.issuer, der(TAG.integer, certificate.serial)),
    sha256,
    retag(signedAttrs, contextTag(0)),
    derSequence(derOid(OID.ecdsaWithSha256)),
    derOctetString(signature),
    ...(unsignedAttributes.length === 0
      ? []
      : [
          retag(
            derSet(...unsignedAttributes.map(({ oid, value }) => attribute(oid, value))),
            contextTag(1),
          ),
        ]),
  )
  return derSequence(
    derOid(OID.signedData),
    derExplicit(
      0,
      derSequence(
        derInteger(1),
        derSet(sha256),
        derSequence(derOid(OID.data)),
        derExplicit(0, certificate.der),
        derSet(signerInfo),
      ),
    ),
  )
}

/** The log entry (protobuf TransparencyLogEntry) as gitsign embeds it. */
export function logEntryAttribute(entry: Uint8Array): UnsignedAttribute {
  return { oid: OID.rekorEntry, value: derOctetString(entry) }
}

/** @param token - DER TimeStampToken (a ContentInfo, not the whole response; RFC 3161 appendix A) */
export function timestampAttribute(token: Uint8Array): UnsignedAttribute {
  return { oid: OID.timeStampToken, value: token }
}

/** What git stores. */
export function armorSignature(signedData: Uint8Array): string {
  return encodePem(ARMOR_LABEL, signedData)
}

function attribute(oid: string, value: Uint8Array): Uint8Array {
  return derSequence(derOid(oid), derSet(value))
}

/** IMPLICIT tagging changes the identifier octet alone. */
function retag(element: Uint8Array, tag: number): Uint8Array {
  const copy = Uint8Array.from(element)
  copy[0] = tag
  return copy
}
