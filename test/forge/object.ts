import { createHash } from 'node:crypto'
import {
  der,
  derExplicit,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTime,
} from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { encodePem } from '../../src/encoding/pem.ts'
import { makeLeaf } from './leaf.ts'
import type { Leaf, LeafOptions } from './leaf.ts'
import { makeEntry } from './log.ts'
import type { LogOptions } from './log.ts'
import { makeToken } from './token.ts'
import type { TokenOptions } from './token.ts'
import { T0, bytes, sha256, signWith } from './world.ts'
import type { Key, World } from './world.ts'

export interface SignatureOptions {
  leaf?: Leaf
  leafOptions?: LeafOptions
  /** null: no log entry. */
  log?: LogOptions | null
  token?: TokenOptions | null
  signingTime?: number
  messageDigest?: Uint8Array
  /** Elements of the signed attributes, before sorting; `order` false keeps them as given. */
  signedAttrs?: (attributes: Uint8Array[]) => Uint8Array[]
  sort?: boolean
  signedBy?: Key
  /** The bytes the signature is over, instead of the attributes as a SET. */
  signedOver?: (set: Uint8Array) => Uint8Array
  signature?: (signature: Uint8Array) => Uint8Array
  unsignedAttrs?: (attributes: Uint8Array[]) => Uint8Array[]
  certificates?: (leaf: Uint8Array) => Uint8Array[]
  issuerAndSerial?: (value: Uint8Array) => Uint8Array
  digestAlgorithms?: Uint8Array[]
  digestAlgorithm?: Uint8Array
  signatureAlgorithm?: Uint8Array
  version?: number
  signerVersion?: number
  eContentType?: string
  eContent?: Uint8Array
  signers?: (signer: Uint8Array) => Uint8Array[]
  crls?: Uint8Array
  /** Changes the SignedData's DER, or the whole ContentInfo's. */
  edit?: (cms: Uint8Array) => Uint8Array
}

export const attribute = (oid: string, ...values: Uint8Array[]): Uint8Array =>
  derSequence(derOid(oid), derSet(...values))

const SHA256 = derSequence(derOid(OID.sha256))

/** A signature in gitsign's form over `payload` (gitsign.md §1), wrong where the options say so. */
export function makeCms(
  world: World,
  payload: Uint8Array,
  options: SignatureOptions = {},
): Uint8Array {
  const leaf = options.leaf ?? makeLeaf(world, options.leafOptions)
  const attributes = [
    attribute(OID.contentType, derOid(OID.data)),
    attribute(OID.signingTime, derTime(options.signingTime ?? T0 + 1)),
    attribute(OID.messageDigest, derOctetString(options.messageDigest ?? sha256(payload))),
  ]
  const chosen = options.signedAttrs?.(attributes) ?? attributes
  const set = options.sort === false ? der(0x31, ...chosen) : derSet(...chosen)
  const made = signWith(options.signedBy ?? leaf.key, options.signedOver?.(set) ?? set, 'sha256')
  const signature = options.signature?.(made) ?? made
  const unsigned: Uint8Array[] = []
  if (options.log !== null) {
    const signed = { signedAttrs: set, signature, certificate: leaf.certificate }
    unsigned.push(attribute(OID.rekorEntry, derOctetString(makeEntry(world, signed, options.log))))
  }
  if (options.token !== null && options.token !== undefined) {
    unsigned.push(attribute(OID.timeStampToken, makeToken(world, signature, options.token)))
  }
  const unsignedAttrs = options.unsignedAttrs?.(unsigned) ?? unsigned
  const sid = derSequence(leaf.issuerName, derInteger(leaf.serial))
  const signer = derSequence(
    derInteger(options.signerVersion ?? 1),
    options.issuerAndSerial?.(sid) ?? sid,
    options.digestAlgorithm ?? SHA256,
    Buffer.concat([Uint8Array.of(0xa0), set.subarray(1)]),
    options.signatureAlgorithm ?? derSequence(derOid(OID.ecdsaWithSha256)),
    derOctetString(signature),
    ...(unsignedAttrs.length === 0
      ? []
      : [Buffer.concat([Uint8Array.of(0xa1), derSet(...unsignedAttrs).subarray(1)])]),
  )
  const certificates = options.certificates?.(leaf.certificate) ?? [leaf.certificate]
  const cms = derSequence(
    derOid(OID.signedData),
    derExplicit(
      0,
      derSequence(
        derInteger(options.version ?? 1),
        derSet(...(options.digestAlgorithms ?? [SHA256])),
        derSequence(
          derOid(options.eContentType ?? OID.data),
          ...(options.eContent === undefined
            ? []
            : [derExplicit(0, derOctetString(options.eContent))]),
        ),
        ...(certificates.length === 0 ? [] : [der(0xa0, ...certificates)]),
        ...(options.crls === undefined ? [] : [options.crls]),
        derSet(...(options.signers?.(signer) ?? [signer])),
      ),
    ),
  )
  return options.edit?.(cms) ?? cms
}

export const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
export const PAYLOAD = bytes(
  `tree ${TREE}\nauthor Alice <alice@forge.test> ${String(T0)} +0000\n` +
    `committer Alice <alice@forge.test> ${String(T0)} +0000\n\nforge\n`,
)
export const TAG_PAYLOAD = bytes(
  `object ${TREE}\ntype tree\ntag v1\ntagger Alice <alice@forge.test> ${String(T0)} +0000\n\nforge\n`,
)

/** A commit with the armored signature as its last header. */
export function commitWith(armor: string, payload: Uint8Array = PAYLOAD): Uint8Array {
  const text = Buffer.from(payload).toString('latin1')
  const end = text.indexOf('\n\n') + 1
  const header = `gpgsig ${armor.trimEnd().replaceAll('\n', '\n ')}\n`
  return Buffer.from(text.slice(0, end) + header + text.slice(end), 'latin1')
}

export function armor(cms: Uint8Array): string {
  return encodePem('SIGNED MESSAGE', cms)
}

export function objectId(
  type: string,
  content: Uint8Array,
  format: 'sha1' | 'sha256' = 'sha1',
): string {
  return createHash(format)
    .update(`${type} ${String(content.length)}\0`)
    .update(content)
    .digest('hex')
}
