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
import { digest } from '../crypto/digest.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
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
  /** DER of the certificate that issues. */
  readonly certificate: Uint8Array
  readonly key: KeyObject
}

export interface CertificateRequest {
  readonly spki: Uint8Array
  readonly principal: Principal
  /** Seconds since the epoch. */
  readonly now: number
  readonly serial: Uint8Array
}

/** A certificate as Fulcio makes them, up to its signature. */
export interface Draft {
  readonly issuer: Issuer
  readonly fields: readonly BaseBlock[]
  readonly extensions: readonly BaseBlock[]
}

/** @see Fulcio's certificate specification: order and encoding of the extensions are its own */
export function draftCertificate(issuer: Issuer, request: CertificateRequest): Draft {
  const { subject, keyIdentifier } = readIssuer(issuer.certificate)
  const { principal } = request
  const spki = parse(request.spki)
  return {
    issuer,
    fields: [
      new Constructed({
        idBlock: { tagClass: 3, tagNumber: 0 },
        value: [new Integer({ value: 2 })],
      }),
      new Integer({ valueHex: toArrayBuffer(request.serial) }),
      ecdsaWithSha384(),
      subject,
      new Sequence({
        value: [
          new UTCTime({ valueDate: new Date((request.now - BACKDATED_S) * 1000) }),
          new UTCTime({ valueDate: new Date((request.now + LIFETIME_S) * 1000) }),
        ],
      }),
      new Sequence({ value: [] }),
      spki,
    ],
    extensions: [
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
        der(new Sequence({ value: [contextPrimitive(0, keyIdentifier)] })),
      ),
      extension(OID.subjectAltName, der(new Sequence({ value: [generalName(principal)] })), true),
      ...principal.extensions.map(({ arc, value, isRaw }) =>
        extension(
          `${OID.fulcio}.${arc}`,
          isRaw === true ? encodeUtf8(value) : der(new Utf8String({ value })),
        ),
      ),
    ],
  }
}

/** The TBSCertificate that a CT log signs for: without poison, without SCT list (RFC 6962 §3.2). */
export function encodeTbs(draft: Draft, extra: readonly BaseBlock[] = []): Uint8Array {
  return der(tbsOf(draft, extra))
}

/** The precertificate: poisoned, signed by the issuer itself (RFC 6962 §3.1). */
export function signPrecertificate(draft: Draft): Promise<Uint8Array> {
  return signCertificate(draft, [extension(OID.ctPoison, Uint8Array.of(5, 0), true)])
}

/** @param sctList - a SignedCertificateTimestampList (RFC 6962 §3.3); undefined for none */
export function signFinalCertificate(
  draft: Draft,
  sctList: Uint8Array | undefined,
): Promise<Uint8Array> {
  return signCertificate(
    draft,
    sctList === undefined
      ? []
      : [extension(OID.sct, der(new OctetString({ valueHex: toArrayBuffer(sctList) })))],
  )
}

async function signCertificate(draft: Draft, extra: readonly BaseBlock[]): Promise<Uint8Array> {
  const tbs = tbsOf(draft, extra)
  const signature = await signAsync('sha384', der(tbs), draft.issuer.key)
  return der(
    new Sequence({
      value: [tbs, ecdsaWithSha384(), new BitString({ valueHex: toArrayBuffer(signature) })],
    }),
  )
}

function tbsOf(draft: Draft, extra: readonly BaseBlock[]): Sequence {
  const extensions = new Constructed({
    idBlock: { tagClass: 3, tagNumber: 3 },
    value: [new Sequence({ value: [...draft.extensions, ...extra] })],
  })
  return new Sequence({ value: [...draft.fields, extensions] })
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

/** Name and key identifier of the issuer, as its certificate has them. */
function readIssuer(certificate: Uint8Array): { subject: BaseBlock; keyIdentifier: Uint8Array } {
  const [tbs] = children(parse(certificate))
  const [, , , , , subject, spki] = children(tbs)
  if (subject === undefined || spki === undefined) throw new Error('a certificate has seven fields')
  return { subject, keyIdentifier: spkiDigest(spki) }
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
