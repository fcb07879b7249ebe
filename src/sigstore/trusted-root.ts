import { OID } from '../asn1/oid.ts'
import { derBitString, derNull, derOid, derSequence } from '../asn1/write.ts'
import { sha256 } from '../crypto/digest.ts'
import { parsePublicKey } from '../crypto/keys.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { decodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8, latin1 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import type { TimestampAuthority } from '../rfc3161/verify.ts'
import type { TransparencyLog } from '../tlog/log.ts'
import { parseCertificate } from '../x509/certificate.ts'
import type { CertificateAuthority } from '../x509/path.ts'
import type { CtLog } from '../x509/sct.ts'

/** Who vouches: CAs, logs and timestamp authorities that belong together. */
export interface TrustedRoot {
  /** As facts print it: `public`, `local`, or the name it was given. */
  readonly name: string
  /** A local stack's: it vouches for nobody outside this machine. */
  readonly isLocal: boolean
  /** SHA-256 of its text in hex: what cached facts are tied to. */
  readonly digest: string
  /** When it was published, seconds since the epoch; undefined when nobody knows. */
  readonly asOf?: number | undefined
  /** Where it comes from, for people. */
  readonly source?: string | undefined
  readonly certificateAuthorities: readonly CertificateAuthority[]
  readonly ctlogs: readonly CtLog[]
  readonly tlogs: readonly TransparencyLog[]
  readonly timestampAuthorities: readonly TimestampAuthority[]
  /** Parts that cannot be used, each with its reason; they vouch for nothing. */
  readonly unusable: readonly string[]
}

export type TrustRoots = readonly TrustedRoot[]

const MEDIA_TYPES: readonly JsonValue[] = [
  'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  'application/vnd.dev.sigstore.trustedroot.v0.1+json',
  'application/vnd.dev.sigstore.trustedroot.v0.2+json',
]

/** Part of every name that the local stack gives. */
const LOCAL_MARK = 'git-signet LOCAL'

/**
 * Reads a Sigstore trusted root. What is wrong in one part (an unknown key type, a window without a
 * start) makes that part unusable and is named; members that are not known are left alone.
 *
 * @param name - undefined: `local` for a local stack's, else `custom`
 * @throws MalformedError TRUSTED_ROOT_MALFORMED, JSON_MALFORMED
 * @see sigstore protobuf-specs, sigstore_trustroot.proto
 */
export function parseTrustedRoot(text: string, name?: string): TrustedRoot {
  const value = parseJson(text, 'trusted root', LIMITS.trustedRootBytes)
  return readTrustedRoot(value, name, encodeHex(sha256(encodeUtf8(text))))
}

/** As `parseTrustedRoot`, for JSON that is parsed already and whose text has this digest. */
export function readTrustedRoot(
  value: JsonValue,
  name: string | undefined,
  digest: string,
): TrustedRoot {
  if (!isJsonObject(value)) throw malformed('it is not a JSON object')
  const mediaType = member(value, 'mediaType')
  if (!MEDIA_TYPES.includes(mediaType ?? null)) throw malformed('its media type is not known')
  const unusable: string[] = []
  const part = <T>(list: string, read: (object: JsonObject) => T): T[] =>
    readParts(partsOf(value, list), list, read, unusable)
  const certificateAuthorities = part('certificateAuthorities', readAuthority)
  const isLocal = certificateAuthorities.some(({ certificates }) =>
    certificates.some(({ subject }) => latin1(subject).includes(LOCAL_MARK)),
  )
  const ctlogs = part('ctlogs', readLog)
  const tlogs = part('tlogs', readLog)
  const authorities = partsOf(value, 'timestampAuthorities')
  let timestampAuthorities: TimestampAuthority[] | undefined
  // Most signatures have no timestamp: its authorities are read for those that do.
  const readTimestampAuthorities = (): TimestampAuthority[] =>
    (timestampAuthorities ??= readParts(
      authorities,
      'timestampAuthorities',
      readAuthority,
      unusable,
    ))
  return {
    name: name ?? (isLocal ? 'local' : 'custom'),
    isLocal,
    digest,
    certificateAuthorities,
    ctlogs,
    tlogs,
    get timestampAuthorities() {
      return readTimestampAuthorities()
    },
    get unusable() {
      readTimestampAuthorities()
      return unusable
    },
  }
}

function partsOf(root: JsonObject, list: string): readonly JsonValue[] {
  const values = member(root, list)
  if (values === undefined) return []
  if (!Array.isArray(values)) throw malformed(`${list} is not a list`)
  return values as readonly JsonValue[]
}

function readParts<T>(
  values: readonly JsonValue[],
  list: string,
  read: (object: JsonObject) => T,
  unusable: string[],
): T[] {
  const parts: T[] = []
  for (const [i, value] of values.entries()) {
    try {
      if (!isJsonObject(value)) throw malformed('it is not a JSON object')
      parts.push(read(value))
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      unusable.push(`${list}[${String(i)}]: ${error.message}`)
    }
  }
  return parts
}

function readAuthority(object: JsonObject): CertificateAuthority {
  const chain = required(object, 'certChain')
  const list = isJsonObject(chain) ? member(chain, 'certificates') : undefined
  if (!Array.isArray(list) || list.length === 0) throw malformed('it has no certificates')
  return {
    uri: optionalText(object, 'uri'),
    certificates: (list as readonly JsonValue[]).map((certificate) => {
      if (!isJsonObject(certificate)) throw malformed('a certificate is not a JSON object')
      return parseCertificate(bytes(certificate, 'rawBytes'))
    }),
    ...window(object),
  }
}

function readLog(object: JsonObject): TransparencyLog & CtLog {
  if (member(object, 'hashAlgorithm') !== 'SHA2_256')
    throw malformed('it does not hash with SHA-256')
  const key = required(object, 'publicKey')
  const id = required(object, 'logId')
  if (!isJsonObject(key) || !isJsonObject(id)) throw malformed('it has no key or no id')
  const logId = bytes(id, 'keyId')
  if (logId.length !== 32) throw malformed('its id is not 32 bytes')
  const details = member(key, 'keyDetails')
  const raw = bytes(key, 'rawBytes')
  const publicKey = parsePublicKey(details === PKCS1 ? rsaSpki(raw) : raw)
  return {
    baseUrl: optionalText(object, 'baseUrl'),
    logId,
    publicKey,
    hash: hashOf(details, publicKey),
    ...window(key),
  }
}

type Hash = NonNullable<TransparencyLog['hash']>

/** Deprecated, but staging's first certificate log has it: an RSAPublicKey without what is around it. */
const PKCS1 = 'PKCS1_RSA_PKCS1V5'

function rsaSpki(key: Uint8Array): Uint8Array {
  return derSequence(derSequence(derOid(OID.rsaEncryption), derNull()), derBitString(key))
}

/** PublicKeyDetails that can be used (sigstore_common.proto): kind of key and digest. */
const KEY_DETAILS: Readonly<
  Record<string, { type: PublicKey['type']; curve?: string; bits?: number; hash: Hash }>
> = {
  PKIX_ECDSA_P256_SHA_256: { type: 'ec', curve: 'P-256', hash: 'sha256' },
  PKIX_ECDSA_P384_SHA_384: { type: 'ec', curve: 'P-384', hash: 'sha384' },
  PKIX_ECDSA_P521_SHA_512: { type: 'ec', curve: 'P-521', hash: 'sha512' },
  PKIX_ED25519: { type: 'ed25519', hash: 'none' },
  [PKCS1]: { type: 'rsa', hash: 'sha256' },
  PKIX_RSA_PKCS1V5: { type: 'rsa', hash: 'sha256' },
  PKIX_RSA_PKCS1V15_2048_SHA256: { type: 'rsa', bits: 2048, hash: 'sha256' },
  PKIX_RSA_PKCS1V15_3072_SHA256: { type: 'rsa', bits: 3072, hash: 'sha256' },
  PKIX_RSA_PKCS1V15_4096_SHA256: { type: 'rsa', bits: 4096, hash: 'sha256' },
}

function hashOf(details: JsonValue | undefined, key: PublicKey): Hash {
  const known =
    typeof details === 'string' && Object.hasOwn(KEY_DETAILS, details)
      ? KEY_DETAILS[details]
      : undefined
  if (known === undefined) throw malformed('its kind of key is not known')
  const fits =
    known.type === key.type &&
    (known.curve === undefined || known.curve === key.curve) &&
    (known.bits === undefined || known.bits === key.bits)
  if (!fits) throw malformed('its key is not of the kind it says')
  return known.hash
}

/** A window must have a start: without one a key would count for all times (sigstore-conformance). */
function window(object: JsonObject): { validFrom: number; validUntil: number | undefined } {
  const value = member(object, 'validFor')
  const start = isJsonObject(value) ? member(value, 'start') : undefined
  const end = isJsonObject(value) ? member(value, 'end') : undefined
  if (start === undefined) throw malformed('its validity has no start')
  return { validFrom: seconds(start), validUntil: end === undefined ? undefined : seconds(end) }
}

/** A google.protobuf.Timestamp; fractions beyond the millisecond are cut off. */
function seconds(value: JsonValue): number {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
  const ms = typeof value === 'string' && form.test(value) ? Date.parse(value) : NaN
  if (Number.isNaN(ms)) throw malformed('a time is not RFC 3339')
  return ms / 1000
}

/** A member by its name in camelCase or as in the .proto file; null is absent. */
function member(object: JsonObject, name: string): JsonValue | undefined {
  const value = Object.hasOwn(object, name)
    ? object[name]
    : own(
        object,
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      )
  return value ?? undefined
}

function own(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function required(object: JsonObject, name: string): JsonValue {
  const value = member(object, name)
  if (value === undefined) throw malformed(`${name} is missing`)
  return value
}

function text(object: JsonObject, name: string): string {
  const value = required(object, name)
  if (typeof value !== 'string' || value === '') throw malformed(`${name} is not a text`)
  return value
}

/** Names of services are for people and for a log's origin; a part without one still counts. */
function optionalText(object: JsonObject, name: string): string {
  return member(object, name) === undefined ? '' : text(object, name)
}

function bytes(object: JsonObject, name: string): Uint8Array {
  const decoded = decodeBase64(text(object, name))
  if (decoded === undefined) throw malformed(`${name} is not base64`)
  return decoded
}

function malformed(why: string): MalformedError {
  return new MalformedError('TRUSTED_ROOT_MALFORMED', `cannot read trusted root: ${why}`)
}
