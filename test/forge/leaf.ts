import {
  der,
  derBitString,
  derOctetString,
  derOid,
  derSequence,
  derUtf8String,
} from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import {
  T0,
  algorithmOf,
  bytes,
  extension,
  keyIdentifier,
  keyUsage,
  makeKey,
  name,
  serial,
  sha256,
  signWith,
  tbsCertificate,
} from './world.ts'
import type { Authority, Key, TbsFields, World } from './world.ts'

export const ALICE = 'alice@forge.test'
export const ISSUER = 'https://issuer.forge.test'

export interface SctOptions {
  key?: Key
  logId?: Uint8Array
  /** Milliseconds. */
  timestamp?: number
  version?: number
  hashAlgorithm?: number
  signatureAlgorithm?: number
  extensions?: Uint8Array
  /** Signed over this issuer's key instead of the real one's. */
  issuerSpki?: Uint8Array
  signature?: Uint8Array
  /** Changes the finished list. */
  edit?: (list: Uint8Array) => Uint8Array
  /** How often the SCT stands in the list. */
  times?: number
}

export interface LeafOptions {
  key?: Key
  issuer?: Authority
  issuerName?: Uint8Array
  serial?: Uint8Array
  notBefore?: number
  notAfter?: number
  subject?: Uint8Array
  /** GeneralName encodings. */
  san?: Uint8Array[]
  sanCritical?: boolean
  /** Whole extensions in the place of ours; null leaves it out. */
  keyUsage?: Uint8Array | null
  extendedKeyUsage?: Uint8Array | null
  /** Fulcio's .1 and .8. */
  issuerV1?: string | null
  issuerV2?: string | null
  claims?: Uint8Array[]
  extra?: Uint8Array[]
  sct?: SctOptions | null
  /** Algorithm inside the TBS; that outside stays right. */
  innerAlgorithm?: Uint8Array
  /** Signs the certificate instead of the issuer's key. */
  signedBy?: Key
}

export interface Leaf {
  readonly certificate: Uint8Array
  readonly key: Key
  readonly issuerName: Uint8Array
  readonly serial: Uint8Array
}

export const rfc822 = (address: string | Uint8Array): Uint8Array =>
  der(0x81, typeof address === 'string' ? bytes(address) : address)
export const uriName = (uri: string): Uint8Array => der(0x86, bytes(uri))
export const usernameName = (username: string): Uint8Array =>
  der(0xa0, derOid(OID.fulcioUsername), der(0xa0, derUtf8String(username)))

export function fulcioClaim(number: number, value: string): Uint8Array {
  return extension(
    `${OID.fulcio}.${String(number)}`,
    number < 7 ? bytes(value) : derUtf8String(value),
  )
}

/** A leaf as Fulcio issues it, SCT included, wrong where the options say so. */
export function makeLeaf(world: World, options: LeafOptions = {}): Leaf {
  const issuer = options.issuer ?? world.intermediate
  const key = options.key ?? makeKey('P-256')
  const fields: TbsFields & { serial: Uint8Array } = {
    serial: options.serial ?? serial(),
    issuer: options.issuerName ?? issuer.subject,
    notBefore: options.notBefore ?? T0,
    notAfter: options.notAfter ?? T0 + 600,
    subject: options.subject ?? name(),
    spki: key.spki,
    extensions: [
      ...list(options.keyUsage, extension(OID.keyUsage, keyUsage(0), true)),
      ...list(
        options.extendedKeyUsage,
        extension(OID.extendedKeyUsage, derSequence(derOid(OID.codeSigning))),
      ),
      extension(OID.subjectKeyIdentifier, derOctetString(keyIdentifier(key.spki))),
      extension(OID.authorityKeyIdentifier, derSequence(der(0x80, keyIdentifier(issuer.key.spki)))),
      ...((options.san ?? [rfc822(ALICE)]).length === 0
        ? []
        : [
            extension(
              OID.subjectAltName,
              derSequence(...(options.san ?? [rfc822(ALICE)])),
              options.sanCritical ?? true,
            ),
          ]),
      ...(options.issuerV1 === null ? [] : [fulcioClaim(1, options.issuerV1 ?? ISSUER)]),
      ...(options.issuerV2 === null ? [] : [fulcioClaim(8, options.issuerV2 ?? ISSUER)]),
      ...(options.claims ?? []),
      ...(options.extra ?? []),
    ],
    ...(options.innerAlgorithm === undefined ? {} : { algorithm: options.innerAlgorithm }),
  }
  const algorithm = algorithmOf(issuer.key)
  if (options.sct !== null) {
    const list = sctList(world, tbsCertificate(fields, algorithm), issuer, options.sct ?? {})
    fields.extensions.push(extension(OID.sct, derOctetString(list)))
  }
  const tbs = tbsCertificate(fields, algorithm)
  return {
    key,
    issuerName: fields.issuer,
    serial: fields.serial,
    certificate: derSequence(
      tbs,
      algorithm,
      derBitString(signWith(options.signedBy ?? issuer.key, tbs)),
    ),
  }
}

function list(given: Uint8Array | null | undefined, ours: Uint8Array): Uint8Array[] {
  return given === null ? [] : [given ?? ours]
}

const u16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)

/** SignedCertificateTimestampList of one SCT (RFC 6962 §3.2, §3.3). */
function sctList(
  world: World,
  tbs: Uint8Array,
  issuer: Authority,
  options: SctOptions,
): Uint8Array {
  const key = options.key ?? world.ct
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(options.timestamp ?? T0 * 1000))
  const extensions = options.extensions ?? new Uint8Array()
  const length = Buffer.alloc(4)
  length.writeUInt32BE(tbs.length)
  const signed = Buffer.concat([
    Uint8Array.of(0, 0),
    time,
    Uint8Array.of(0, 1),
    sha256(options.issuerSpki ?? issuer.key.spki),
    length.subarray(1),
    tbs,
    u16(extensions.length),
    extensions,
  ])
  const signature = options.signature ?? signWith(key, signed)
  const sct = Buffer.concat([
    Uint8Array.of(options.version ?? 0),
    options.logId ?? sha256(key.spki),
    time,
    u16(extensions.length),
    extensions,
    Uint8Array.of(options.hashAlgorithm ?? 4, options.signatureAlgorithm ?? 3),
    u16(signature.length),
    signature,
  ])
  const one = Buffer.concat([u16(sct.length), sct])
  const all = Buffer.concat(Array<Buffer>(options.times ?? 1).fill(one))
  const list = Buffer.concat([u16(all.length), all])
  return options.edit?.(list) ?? list
}
