import { sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import {
  BitString,
  Boolean as Asn1Boolean,
  Constructed,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  UTCTime,
  Utf8String,
  fromBER,
} from 'asn1js'
import type { BaseBlock } from 'asn1js'
import { OID } from '../asn1/oid.ts'
import { derExplicit, derSequence } from '../asn1/write.ts'
import { digest } from '../crypto/digest.ts'
import { concatBytes, encodeUtf8 } from '../encoding/bytes.ts'
import type { Principal } from './principal.ts'

/** How long a signing certificate lives from now on. */
const LIFETIME_S = 600
/**
 * How far its beginning lies in the past: gitsign wants a timestamp's time minus its accuracy to lie
 * in it, and fails when both are made in the same second.
 */
const BACKDATED_S = 30

const signAsync = promisify<string, Uint8Array, KeyObject, Buffer>(sign)

export interface Issuer {
  readonly key: KeyObject
  /** DER Name. */
  readonly subject: Uint8Array
  readonly keyIdentifier: Uint8Array
}

/** @param certificate - DER of the certificate that issues */
export function readIssuer(certificate: Uint8Array, key: KeyObject): Issuer {
  const [tbs] = children(parse(certificate))
  const [, , , , , subject, spki] = children(tbs)
  if (subject === undefined || spki === undefined) throw new Error('a certificate has seven fields')
  return { key, subject: der(subject), keyIdentifier: spkiDigest(spki) }
}

export interface CertificateRequest {
  readonly spki: Uint8Array
  readonly principal: Principal
  /** Seconds since the epoch. */
  readonly now: number
  readonly serial: Uint8Array
}

/** A certificate as Fulcio makes them, up to its signature; the parts that do not change, encoded. */
export interface Draft {
  readonly issuer: Issuer
  readonly fields: Uint8Array
  readonly extensions: Uint8Array
}

/** @see Fulcio's certificate specification: order and encoding of the extensions are its own */
export function draftCertificate(issuer: Issuer, request: CertificateRequest): Draft {
  const { principal } = request
  const spki = parse(request.spki)
  const fields = [
    der(
      new Constructed({
        idBlock: { tagClass: 3, tagNumber: 0 },
        value: [new Integer({ value: 2 })],
      }),
    ),
    der(new Integer({ valueHex: toArrayBuffer(request.serial) })),
    der(ecdsaWithSha384()),
    issuer.subject,
    der(
      new Sequence({
        value: [
          new UTCTime({ valueDate: new Date((request.now - BACKDATED_S) * 1000) }),
          new UTCTime({ valueDate: new Date((request.now + LIFETIME_S) * 1000) }),
        ],
      }),
    ),
    der(new Sequence({ value: [] })),
    request.spki,
  ]
  const extensions = [
    extension(
      OID.keyUsage,
      der(new BitString({ valueHex: Uint8Array.of(0x80).buffer, unusedBits: 7 })),
      true,
    ),
    extension(
      OID.extendedKeyUsage,
      der(new Sequence({ value: [new ObjectIdentifier({ value: OID.codeSigning })] })),
    ),
    extension(
      OID.subjectKeyIdentifier,
      der(new OctetString({ valueHex: toArrayBuffer(spkiDigest(spki)) })),
    ),
    extension(
      OID.authorityKeyIdentifier,
      der(new Sequence({ value: [contextPrimitive(0, issuer.keyIdentifier)] })),
    ),
    extension(OID.subjectAltName, der(new Sequence({ value: [generalName(principal)] })), true),
    ...principal.extensions.map(({ arc, value, isRaw }) =>
      extension(
        `${OID.fulcio}.${arc}`,
        isRaw === true ? encodeUtf8(value) : der(new Utf8String({ value })),
      ),
    ),
  ]
  return {
    issuer,
    fields: concatBytes(...fields),
    extensions: concatBytes(...extensions.map(der)),
  }
}

/** The TBSCertificate that a CT log signs for: without poison, without SCT list (RFC 6962 §3.2). */
export function encodeTbs(draft: Draft, ...extra: readonly BaseBlock[]): Uint8Array {
  // Joined by hand: asn1js would encode every part anew, three times for each certificate.
  const extensions = derSequence(draft.extensions, ...extra.map(der))
  return derSequence(draft.fields, derExplicit(3, extensions))
}

/** The precertificate: poisoned, signed by the issuer itself (RFC 6962 §3.1). */
export function signPrecertificate(draft: Draft): Promise<Uint8Array> {
  return signTbs(draft, encodeTbs(draft, extension(OID.ctPoison, Uint8Array.of(5, 0), true)))
}

/** @param sctList - a SignedCertificateTimestampList (RFC 6962 §3.3); undefined for none */
export function signFinalCertificate(
  draft: Draft,
  sctList: Uint8Array | undefined,
): Promise<Uint8Array> {
  if (sctList === undefined) return signTbs(draft, encodeTbs(draft))
  const value = der(new OctetString({ valueHex: toArrayBuffer(sctList) }))
  return signTbs(draft, encodeTbs(draft, extension(OID.sct, value)))
}

async function signTbs(draft: Draft, tbs: Uint8Array): Promise<Uint8Array> {
  const signature = await signAsync('sha384', tbs, draft.issuer.key)
  return derSequence(
    tbs,
    der(ecdsaWithSha384()),
    der(new BitString({ valueHex: toArrayBuffer(signature) })),
  )
}

function extension(oid: string, value: Uint8Array, isCritical = false): Sequence {
  return new Sequence({
    value: [
      new ObjectIdentifier({ value: oid }),
      ...(isCritical ? [new Asn1Boolean({ value: true })] : []),
      new OctetString({ valueHex: toArrayBuffer(value) }),
    ],
  })
}

/** The one name: rfc822Name [1] or uniformResourceIdentifier [6] (RFC 5280 §4.2.1.6). */
function generalName(principal: Principal): BaseBlock {
  return contextPrimitive(principal.sanType === 'email' ? 1 : 6, encodeUtf8(principal.san))
}

function contextPrimitive(tagNumber: number, value: Uint8Array): Primitive {
  return new Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: toArrayBuffer(value) })
}

function ecdsaWithSha384(): Sequence {
  return new Sequence({ value: [new ObjectIdentifier({ value: OID.ecdsaWithSha384 })] })
}

/** RFC 5280 §4.2.1.2 (1): SHA-1 of the key's bits. */
function spkiDigest(spki: BaseBlock): Uint8Array {
  const bits = children(spki)[1]
  if (!(bits instanceof BitString)) throw new Error('a SubjectPublicKeyInfo ends in a BIT STRING')
  return digest('sha1', bits.valueBlock.valueHexView)
}

function children(block: BaseBlock | undefined): BaseBlock[] {
  return block instanceof Constructed ? block.valueBlock.value : []
}

function parse(bytes: Uint8Array): BaseBlock {
  const { offset, result } = fromBER(bytes)
  if (offset !== bytes.length) throw new Error('not one DER element')
  return result
}

function der(block: BaseBlock): Uint8Array {
  return new Uint8Array(block.toBER())
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
