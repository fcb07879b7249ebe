/**
 * A whole sigstore in memory for forgeries: every key is at hand and every time is chosen, so that an
 * object can be wrong in exactly one place and validly signed in all others. It shares `asn1/write.ts`,
 * the log's tree and node:crypto with the program, nothing that verifies.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import {
  der,
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
} from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'

/** 2026-01-15T12:00:00Z: the leaf's notBefore; everything else is counted from here. */
export const T0 = Date.UTC(2026, 0, 15, 12) / 1000
export const DAY = 86_400

export interface Key {
  readonly spki: Uint8Array
  readonly privateKey: KeyObject
  readonly kind: 'P-256' | 'P-384' | 'P-521' | 'ed25519' | 'rsa'
}

export function makeKey(kind: Key['kind']): Key {
  const pair =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: kind })
  return {
    kind,
    privateKey: pair.privateKey,
    spki: pair.publicKey.export({ format: 'der', type: 'spki' }),
  }
}

const HASH = {
  'P-256': 'sha256',
  'P-384': 'sha384',
  'P-521': 'sha512',
  ed25519: null,
  rsa: 'sha256',
} as const

export function signWith(
  key: Key,
  data: Uint8Array,
  hash: string | null = HASH[key.kind],
): Uint8Array {
  return sign(hash, data, key.privateKey)
}

export function algorithmOf(key: Key): Uint8Array {
  const oid = {
    'P-256': OID.ecdsaWithSha256,
    'P-384': OID.ecdsaWithSha384,
    'P-521': OID.ecdsaWithSha512,
    ed25519: OID.ed25519,
    rsa: OID.sha256WithRsaEncryption,
  }[key.kind]
  return key.kind === 'rsa' ? derSequence(derOid(oid), der(0x05)) : derSequence(derOid(oid))
}

export const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
export const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64')

/** An X.501 Name of one organization and one common name; of nothing for a Fulcio leaf. */
export function name(organization?: string, commonName?: string): Uint8Array {
  const rdn = (oid: string, text: string): Uint8Array =>
    derSet(derSequence(derOid(oid), derUtf8String(text)))
  return derSequence(
    ...(organization === undefined ? [] : [rdn('2.5.4.10', organization)]),
    ...(commonName === undefined ? [] : [rdn('2.5.4.3', commonName)]),
  )
}

export function extension(oid: string, value: Uint8Array, critical = false): Uint8Array {
  return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value))
}

/** KeyUsage with the given bit numbers (RFC 5280 §4.2.1.3). */
export function keyUsage(...bits: number[]): Uint8Array {
  const last = Math.max(...bits)
  const octets = new Uint8Array(Math.floor(last / 8) + 1)
  for (const bit of bits) {
    const at = Math.floor(bit / 8)
    octets[at] = (octets[at] ?? 0) | (0x80 >> (bit % 8))
  }
  return der(0x03, Uint8Array.of(7 - (last % 8)), octets)
}

export interface TbsFields {
  serial?: Uint8Array
  algorithm?: Uint8Array
  issuer: Uint8Array
  notBefore: number
  notAfter: number
  subject: Uint8Array
  spki: Uint8Array
  extensions: Uint8Array[]
}

export function tbsCertificate(fields: TbsFields, algorithm: Uint8Array): Uint8Array {
  return derSequence(
    derExplicit(0, derInteger(2)),
    derInteger(fields.serial ?? serial()),
    fields.algorithm ?? algorithm,
    fields.issuer,
    derSequence(derTime(fields.notBefore), derTime(fields.notAfter)),
    fields.subject,
    fields.spki,
    ...(fields.extensions.length === 0 ? [] : [derExplicit(3, derSequence(...fields.extensions))]),
  )
}

export function certificate(fields: TbsFields, issuerKey: Key): Uint8Array {
  const algorithm = algorithmOf(issuerKey)
  const tbs = tbsCertificate(fields, algorithm)
  return derSequence(tbs, algorithm, derBitString(signWith(issuerKey, tbs)))
}

let serials = 0
/** A fresh serial number; random would make a failure hard to repeat. */
export function serial(): Uint8Array {
  serials += 1
  return sha256(bytes(`serial ${String(serials)}`)).subarray(0, 19)
}

export function keyIdentifier(spki: Uint8Array): Uint8Array {
  return createHash('sha1').update(spki).digest()
}

export interface Authority {
  readonly key: Key
  readonly certificate: Uint8Array
  readonly subject: Uint8Array
}

export interface AuthorityOptions {
  notBefore?: number
  notAfter?: number
  /** Basic constraints; a whole extension, or none. */
  basicConstraints?: Uint8Array | null
  keyUsage?: Uint8Array | null
  extra?: Uint8Array[]
  kind?: Key['kind']
  commonName?: string
}

/** A CA certificate under `issuer`, self-signed without one. */
export function makeAuthority(
  commonName: string,
  issuer: Authority | undefined,
  options: AuthorityOptions = {},
): Authority {
  const key = makeKey(options.kind ?? 'P-384')
  const subject = name('forge.test', commonName)
  const basic =
    options.basicConstraints ?? extension(OID.basicConstraints, derSequence(derBoolean(true)), true)
  const usage = options.keyUsage ?? extension(OID.keyUsage, keyUsage(5, 6), true)
  const made = certificate(
    {
      issuer: issuer?.subject ?? subject,
      subject,
      notBefore: options.notBefore ?? T0 - 365 * DAY,
      notAfter: options.notAfter ?? T0 + 3650 * DAY,
      spki: key.spki,
      extensions: [
        ...(options.basicConstraints === null ? [] : [basic]),
        ...(options.keyUsage === null ? [] : [usage]),
        extension(OID.subjectKeyIdentifier, derOctetString(keyIdentifier(key.spki))),
        ...(options.extra ?? []),
      ],
    },
    issuer?.key ?? key,
  )
  return { key, subject, certificate: made }
}

/** Time-stamping leaf (RFC 3161 §2.3): critical EKU of exactly timeStamping. */
export function makeTsaLeaf(
  issuer: Authority,
  options: { notBefore?: number; notAfter?: number; eku?: Uint8Array; kind?: Key['kind'] } = {},
): Authority {
  const key = makeKey(options.kind ?? 'P-256')
  const subject = name('forge.test', 'forge TSA')
  const made = certificate(
    {
      issuer: issuer.subject,
      subject,
      notBefore: options.notBefore ?? T0 - 365 * DAY,
      notAfter: options.notAfter ?? T0 + 3650 * DAY,
      spki: key.spki,
      extensions: [
        extension(OID.keyUsage, keyUsage(0), true),
        options.eku ?? extension(OID.extendedKeyUsage, derSequence(derOid(OID.timeStamping)), true),
      ],
    },
    issuer.key,
  )
  return { key, subject, certificate: made }
}

export interface Window {
  /** Seconds; null leaves the member out. */
  start?: number | null
  end?: number | null
}

export interface World {
  readonly root: Authority
  readonly intermediate: Authority
  readonly ct: Key
  readonly rekor: Key
  readonly tiles: Key
  readonly tsaRoot: Authority
  readonly tsa: Authority
}

export const REKOR_URL = 'https://rekor.forge.test'
export const TILES_HOST = 'tiles.forge.test'
export const REKOR_ORIGIN = 'rekor.forge.test - 1193050959916656506'

export function makeWorld(overrides: Partial<World> = {}): World {
  const root = overrides.root ?? makeAuthority('forge root', undefined)
  const tsaRoot = overrides.tsaRoot ?? makeAuthority('forge TSA root', undefined)
  return {
    root,
    intermediate:
      overrides.intermediate ??
      makeAuthority('forge intermediate', root, {
        extra: [extension(OID.extendedKeyUsage, derSequence(derOid(OID.codeSigning)))],
      }),
    ct: overrides.ct ?? makeKey('P-256'),
    rekor: overrides.rekor ?? makeKey('P-256'),
    tiles: overrides.tiles ?? makeKey('ed25519'),
    tsaRoot,
    tsa: overrides.tsa ?? makeTsaLeaf(tsaRoot),
  }
}

/** Log id of a key: sha256 of the SPKI, for Ed25519 the C2SP key id of `origin`. */
export function logId(key: Key, origin: string): Uint8Array {
  return key.kind === 'ed25519'
    ? sha256(bytes(origin), Uint8Array.of(0x0a, 0x01), key.spki.subarray(-32))
    : sha256(key.spki)
}

const KEY_DETAILS = {
  'P-256': 'PKIX_ECDSA_P256_SHA_256',
  'P-384': 'PKIX_ECDSA_P384_SHA_384',
  'P-521': 'PKIX_ECDSA_P521_SHA_512',
  ed25519: 'PKIX_ED25519',
  rsa: 'PKIX_RSA_PKCS1V15_2048_SHA256',
} as const

export interface RootOptions {
  ca?: Window
  ctlog?: Window
  rekor?: Window
  tiles?: Window
  tsa?: Window
}

/** trusted_root.json of a world (sigstore.md §2.8). */
export function trustedRootJson(world: World, options: RootOptions = {}): string {
  const window = (given: Window = {}): object => {
    const at = (seconds: number | null | undefined): string | undefined =>
      seconds === null || seconds === undefined
        ? undefined
        : new Date(seconds * 1000).toISOString().replace('.000', '')
    return {
      start: at(given.start === undefined ? T0 - 100 * DAY : given.start),
      end: at(given.end),
    }
  }
  const log = (baseUrl: string, key: Key, origin: string, given?: Window): object => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: base64(key.spki),
      keyDetails: KEY_DETAILS[key.kind],
      validFor: window(given),
    },
    logId: { keyId: base64(logId(key, origin)) },
  })
  const chain = (authorities: readonly Authority[]): object => ({
    certificates: authorities.map((authority) => ({ rawBytes: base64(authority.certificate) })),
  })
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      log(REKOR_URL, world.rekor, '', options.rekor),
      log(`https://${TILES_HOST}`, world.tiles, TILES_HOST, options.tiles),
    ],
    certificateAuthorities: [
      {
        subject: { organization: 'forge.test', commonName: 'forge' },
        uri: 'https://fulcio.forge.test',
        certChain: chain([world.intermediate, world.root]),
        validFor: window(options.ca),
      },
    ],
    ctlogs: [log('https://ct.forge.test', world.ct, '', options.ctlog)],
    timestampAuthorities: [
      {
        subject: { organization: 'forge.test', commonName: 'forge TSA' },
        uri: 'https://tsa.forge.test/api/v1/timestamp',
        certChain: chain([world.tsa, world.tsaRoot]),
        validFor: window(options.tsa),
      },
    ],
  })
}
