import { sha256 } from '../crypto/digest.ts'
import { decodeBase64 } from '../encoding/base64.ts'
import { decodeUtf8, equalBytes } from '../encoding/bytes.ts'
import { decodeHex } from '../encoding/hex.ts'
import { isJsonObject, parseJson, type JsonValue } from '../encoding/json.ts'
import { parsePemBundle } from '../encoding/pem.ts'
import { MalformedError } from '../errors.ts'
import type { KindVersion } from '../tlog/entry.ts'
import type { LoggedDigest, LogVerifier } from '../tlog/hashedrekord.ts'
import type { DsseEnvelope } from './dsse.ts'

/** What an entry must be about. */
export interface LoggedContent {
  verifier: LogVerifier
  signature: Uint8Array
  /** Digest of the signed bytes (of an envelope: its pre-authentication encoding), where known. */
  digestOf: (algorithm: LoggedDigest) => Uint8Array | undefined
  envelope: DsseEnvelope | undefined
}

const V2_ALGORITHMS: Readonly<Record<string, LoggedDigest>> = {
  SHA2_256: 'sha256',
  SHA2_384: 'sha384',
  SHA2_512: 'sha512',
}

/**
 * Why the body of an entry is not about this signature; undefined where it is: same key or certificate,
 * same signature, same digest. That a log holds the body is not checked here.
 *
 * Kinds read: hashedrekord 0.0.1 and 0.0.2, dsse 0.0.1, intoto 0.0.2.
 */
export function whyNotLogged(
  body: Uint8Array,
  { kind, version }: KindVersion,
  content: LoggedContent,
): string | undefined {
  try {
    const json = parseJson(decodeUtf8(body) ?? '', 'log entry')
    if (at(json, 'kind') !== kind || at(json, 'apiVersion') !== version) {
      return 'its body is of another kind than it says'
    }
    const read = READERS[`${kind} ${version}`]
    if (read === undefined) return 'its kind is not one that can be verified'
    return read(at(json, 'spec'), content)
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
}

type BodyReader = (spec: JsonValue | undefined, content: LoggedContent) => string | undefined

const READERS: Readonly<Record<string, BodyReader>> = {
  'hashedrekord 0.0.1': (spec, content) =>
    whyOtherDigest(at(spec, 'data', 'hash'), decodeHexValue, content) ??
    whyOtherSignature(base64(at(spec, 'signature', 'content')), content) ??
    whyOtherKey(pemOf(at(spec, 'signature', 'publicKey', 'content'), content), content),

  'hashedrekord 0.0.2': (spec, content) => {
    const record = at(spec, 'hashedRekordV002')
    const key = content.verifier.isCertificate ? 'x509Certificate' : 'publicKey'
    const raw = at(record, 'signature', 'verifier', key, 'rawBytes')
    return (
      whyOtherDigest(at(record, 'data'), decodeBase64Digest, content) ??
      whyOtherSignature(base64(at(record, 'signature', 'content')), content) ??
      whyOtherKey(base64(raw), content)
    )
  },

  'dsse 0.0.1': (spec, content) => {
    const signature = onlyElement(at(spec, 'signatures'))
    return (
      whyOtherPayload(at(spec, 'payloadHash'), content) ??
      whyOtherSignature(base64(at(signature, 'signature')), content) ??
      whyOtherKey(pemOf(at(signature, 'verifier'), content), content)
    )
  },

  'intoto 0.0.2': (spec, content) => {
    const envelope = at(spec, 'content', 'envelope')
    const signature = onlyElement(at(envelope, 'signatures'))
    if (at(envelope, 'payloadType') !== content.envelope?.payloadType) {
      return 'it is over another type of payload'
    }
    // Rekor keeps signature and payload in base64 twice over.
    const payload = at(envelope, 'payload')
    if (payload !== undefined && !isSame(base64Twice(payload), content.envelope?.payload)) {
      return 'it is over another payload'
    }
    return (
      whyOtherPayload(at(spec, 'content', 'payloadHash'), content) ??
      whyOtherSignature(base64Twice(at(signature, 'sig')), content) ??
      whyOtherKey(pemOf(at(signature, 'publicKey'), content), content)
    )
  },
}

type DigestReader = (data: JsonValue | undefined) => {
  algorithm: LoggedDigest | undefined
  value: Uint8Array | undefined
}

const decodeHexValue: DigestReader = (data) => {
  const algorithm = at(data, 'algorithm')
  const value = at(data, 'value')
  const isKnown = algorithm === 'sha256' || algorithm === 'sha384' || algorithm === 'sha512'
  return {
    algorithm: isKnown ? algorithm : undefined,
    value: typeof value === 'string' ? decodeHex(value) : undefined,
  }
}

const decodeBase64Digest: DigestReader = (data) => {
  const name = at(data, 'algorithm')
  const isKnown = typeof name === 'string' && Object.hasOwn(V2_ALGORITHMS, name)
  return { algorithm: isKnown ? V2_ALGORITHMS[name] : undefined, value: base64(at(data, 'digest')) }
}

function whyOtherDigest(
  data: JsonValue | undefined,
  read: DigestReader,
  content: LoggedContent,
): string | undefined {
  const { algorithm, value } = read(data)
  const expected = algorithm && content.digestOf(algorithm)
  return isSame(value, expected) ? undefined : 'it is over another digest'
}

function whyOtherPayload(hash: JsonValue | undefined, content: LoggedContent): string | undefined {
  const { algorithm, value } = decodeHexValue(hash)
  const payload = content.envelope?.payload
  const isOver = algorithm === 'sha256' && payload !== undefined && isSame(value, sha256(payload))
  return isOver ? undefined : 'it is over another payload'
}

function whyOtherSignature(
  signature: Uint8Array | undefined,
  content: LoggedContent,
): string | undefined {
  return isSame(signature, content.signature) ? undefined : 'it has another signature'
}

function whyOtherKey(der: Uint8Array | undefined, content: LoggedContent): string | undefined {
  return isSame(der, content.verifier.der) ? undefined : 'it has another key or certificate'
}

/** DER of the PEM that Rekor v1 keeps in base64: one certificate or key, of the kind that signed. */
function pemOf(value: JsonValue | undefined, { verifier }: LoggedContent): Uint8Array | undefined {
  const bytes = base64(value)
  const text = bytes && decodeUtf8(bytes)
  if (text === undefined) return undefined
  const [der, ...more] = parsePemBundle(text, verifier.isCertificate ? 'CERTIFICATE' : 'PUBLIC KEY')
  return more.length === 0 ? der : undefined
}

function base64(value: JsonValue | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? decodeBase64(value) : undefined
}

function base64Twice(value: JsonValue | undefined): Uint8Array | undefined {
  const inner = base64(value)
  return inner && base64(decodeUtf8(inner))
}

function onlyElement(value: JsonValue | undefined): JsonValue | undefined {
  if (!Array.isArray(value) || value.length !== 1) return undefined
  return (value as readonly JsonValue[])[0]
}

function at(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let current = value
  for (const name of path) {
    current = isJsonObject(current) && Object.hasOwn(current, name) ? current[name] : undefined
  }
  return current
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && equalBytes(one, other)
}
