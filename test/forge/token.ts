import {
  der,
  derBoolean,
  derExplicit,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derSet,
} from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { T0, algorithmOf, bytes, sha256, signWith } from './world.ts'
import type { Authority, Key, World } from './world.ts'

export interface TokenOptions {
  /** Octets that are stamped instead of the signature's. */
  over?: Uint8Array
  /** Seconds. */
  genTime?: number
  tsa?: Authority
  signedBy?: Key
  embedCertificate?: boolean
  /** The certificate put in and named, instead of the TSA's. */
  certificate?: Uint8Array
  issuerName?: Uint8Array
  imprintAlgorithm?: string
  imprint?: Uint8Array
  contentType?: string
  eContentType?: string
  messageDigest?: Uint8Array
  signingCertificateHash?: Uint8Array
  signingCertificate?: boolean
  /** AlgorithmIdentifier of the signature, instead of the key's. */
  signatureAlgorithm?: Uint8Array
  signers?: number
  tstVersion?: number
  edit?: (token: Uint8Array) => Uint8Array
}

function generalizedTime(seconds: number): Uint8Array {
  const digits = new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[-T:]/g, '')
  return der(0x18, bytes(`${digits}Z`))
}

function issuerAndSerial(certificate: Uint8Array, issuer: Uint8Array): Uint8Array {
  // Certificate → TBS → [0] version, serialNumber: both lengths are long form for ours.
  const tbs = certificate.subarray(4 + 4 + 5)
  return derSequence(issuer, tbs.subarray(0, 2 + (tbs[1] ?? 0)))
}

/** A TimeStampToken over `signature` (RFC 3161 §2.4.2), wrong where the options say so. */
export function makeToken(
  world: World,
  signature: Uint8Array,
  options: TokenOptions = {},
): Uint8Array {
  const tsa = options.tsa ?? world.tsa
  const certificate = options.certificate ?? tsa.certificate
  const tstInfo = derSequence(
    derInteger(options.tstVersion ?? 1),
    derOid(OID.timestampPolicy),
    derSequence(
      derSequence(derOid(options.imprintAlgorithm ?? OID.sha256), derNull()),
      derOctetString(options.imprint ?? sha256(options.over ?? signature)),
    ),
    derInteger(77),
    generalizedTime(options.genTime ?? T0 + 3),
    derSequence(derInteger(1)),
    derBoolean(false),
    derInteger(123456789),
  )
  const attribute = (oid: string, value: Uint8Array): Uint8Array =>
    derSequence(derOid(oid), derSet(value))
  const signedAttrs = derSet(
    attribute(OID.contentType, derOid(options.contentType ?? OID.tstInfo)),
    attribute(OID.signingTime, der(0x17, bytes('260115120003Z'))),
    attribute(OID.messageDigest, derOctetString(options.messageDigest ?? sha256(tstInfo))),
    ...(options.signingCertificate === false
      ? []
      : [
          attribute(
            OID.signingCertificateV2,
            derSequence(
              derSequence(
                derSequence(derOctetString(options.signingCertificateHash ?? sha256(certificate))),
              ),
            ),
          ),
        ]),
  )
  const issuerName = options.issuerName ?? world.tsaRoot.subject
  const key = options.signedBy ?? tsa.key
  const signerInfo = derSequence(
    derInteger(1),
    issuerAndSerial(certificate, issuerName),
    derSequence(derOid(OID.sha256), derNull()),
    Buffer.concat([Uint8Array.of(0xa0), signedAttrs.subarray(1)]),
    options.signatureAlgorithm ?? algorithmOf(key),
    derOctetString(signWith(key, signedAttrs, 'sha256')),
  )
  const token = derSequence(
    derOid(OID.signedData),
    derExplicit(
      0,
      derSequence(
        derInteger(3),
        derSet(derSequence(derOid(OID.sha256), derNull())),
        derSequence(
          derOid(options.eContentType ?? OID.tstInfo),
          derExplicit(0, derOctetString(tstInfo)),
        ),
        ...(options.embedCertificate === false ? [] : [derExplicit(0, certificate)]),
        derSet(...Array<Uint8Array>(options.signers ?? 1).fill(signerInfo)),
      ),
    ),
  )
  return options.edit?.(token) ?? token
}
