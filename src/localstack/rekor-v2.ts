import { randomBytes } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { decodeUtf8, encodeUtf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { TILE_WIDTH, encodeEntryBundle, parseTilePath } from '../tlog/tile.ts'
import type { AppendOnlyLog } from './append-only-log.ts'
import { EntryRefusal, readVerifier } from './hashedrekord.ts'
import { GRPC, grpcError } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'
import { forgedCheckpoint } from './log-key.ts'
import type { TreeHead } from './log-key.ts'
import { verifyPrehashed } from './prehash.ts'
import type { HashName } from './prehash.ts'
import { RequestRefusal, readRequest } from './protojson.ts'
import type { Message } from './protojson.ts'

const FROZEN = 'This log has been frozen, please switch to the latest log.'
const INVALID = 'invalid hashedrekord request'

interface KeyDetails {
  readonly hash: HashName
  readonly algorithm: string
  /** Curve, or modulus length. */
  readonly of: string | number
}

/** Keys that Rekor v2 takes, as the trusted root spells them. */
const KEY_DETAILS: Readonly<Record<string, KeyDetails>> = {
  PKIX_ECDSA_P256_SHA_256: { hash: 'sha256', algorithm: 'SHA2_256', of: 'prime256v1' },
  PKIX_ECDSA_P384_SHA_384: { hash: 'sha384', algorithm: 'SHA2_384', of: 'secp384r1' },
  PKIX_ECDSA_P521_SHA_512: { hash: 'sha512', algorithm: 'SHA2_512', of: 'secp521r1' },
  PKIX_RSA_PKCS1V15_2048_SHA256: { hash: 'sha256', algorithm: 'SHA2_256', of: 2048 },
  PKIX_RSA_PKCS1V15_3072_SHA256: { hash: 'sha256', algorithm: 'SHA2_256', of: 3072 },
  PKIX_RSA_PKCS1V15_4096_SHA256: { hash: 'sha256', algorithm: 'SHA2_256', of: 4096 },
}

/** PublicKeyDetails (sigstore_common.proto), each name in the place of its number. */
const PUBLIC_KEY_DETAILS = [
  'PUBLIC_KEY_DETAILS_UNSPECIFIED',
  'PKCS1_RSA_PKCS1V5',
  'PKCS1_RSA_PSS',
  'PKIX_RSA_PKCS1V5',
  'PKIX_RSA_PSS',
  'PKIX_ECDSA_P256_SHA_256',
  'PKIX_ECDSA_P256_HMAC_SHA_256',
  'PKIX_ED25519',
  'PKIX_ED25519_PH',
  'PKIX_RSA_PKCS1V15_2048_SHA256',
  'PKIX_RSA_PKCS1V15_3072_SHA256',
  'PKIX_RSA_PKCS1V15_4096_SHA256',
  'PKIX_ECDSA_P384_SHA_384',
  'PKIX_ECDSA_P521_SHA_512',
]
const KEY: Message = { fields: { rawBytes: 'bytes' } }
/** CreateEntryRequest of rekor-tiles; nothing inside of `dsseRequestV002` is taken any more. */
const REQUEST: Message = {
  oneof: {
    name: 'dev.sigstore.rekor.v2.CreateEntryRequest.spec',
    of: ['hashedRekordRequestV002', 'dsseRequestV002'],
  },
  fields: {
    dsseRequestV002: { fields: {}, isOpen: true },
    hashedRekordRequestV002: {
      fields: {
        digest: 'bytes',
        signature: {
          fields: {
            content: 'bytes',
            verifier: {
              oneof: {
                name: 'dev.sigstore.rekor.v2.Verifier.verifier',
                of: ['publicKey', 'x509Certificate'],
              },
              fields: { publicKey: KEY, x509Certificate: KEY, keyDetails: PUBLIC_KEY_DETAILS },
            },
          },
        },
      },
    },
  },
}

/** The interface of rekor-tiles over one log (kind hashedrekord 0.0.2). */
export function rekorV2Routes(log: AppendOnlyLog): Route[] {
  const get = (path: Route['path'], handle: Route['handle']): Route => ({
    service: 'rekor-v2',
    method: 'GET',
    path,
    handle,
  })
  return [
    {
      service: 'rekor-v2',
      method: 'POST',
      path: '/api/v2/log/entries',
      handle: (request) => create(log, request),
    },
    get('/api/v2/log/entries', () =>
      plain(grpcError(501, GRPC.unimplemented, 'Method Not Allowed')),
    ),
    get('/api/v2/checkpoint', (request) => ({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' },
      body:
        request.fault === 'lie-checkpoint'
          ? forgedCheckpoint(log.key, log.head)
          : log.head.checkpoint,
    })),
    get(/^\/api\/v2\/(tile\/.+)$/, (_request, [path = '']) => tile(log, path)),
  ]
}

async function create(log: AppendOnlyLog, request: StackRequest): Promise<StackReply> {
  if (request.fault === '405') {
    return { status: 405, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: FROZEN }
  }
  let body: Uint8Array
  try {
    body = hashedrekordV2(decodeUtf8(request.body) ?? '')
  } catch (error) {
    if (!(error instanceof EntryRefusal || error instanceof RequestRefusal)) throw error
    return plain(grpcError(400, GRPC.invalidArgument, error.message))
  }
  const appended = await log.append({
    leaf: request.fault === 'lie-entry' ? decoyOf(body) : body,
    extra: new Uint8Array(),
  })
  if (request.fault === 'lost-answer') return { status: 0, isCut: true }
  const { index } = appended
  if (appended.isDuplicate || request.fault === '409') {
    return plain(
      grpcError(
        409,
        GRPC.alreadyExists,
        `an equivalent entry already exists in the transparency log with index ${index}`,
        { 'x-log-index': String(index) },
      ),
    )
  }
  return {
    status: 201,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(answer(log, index, appended.head, request.fault)),
  }
}

/** A TransparencyLogEntry in protojson, with the fields that are not set. */
function answer(
  log: AppendOnlyLog,
  index: number,
  head: TreeHead,
  fault: string | undefined,
): JsonObject {
  if (fault === 'lie-garbage') return {}
  const hashes = log.inclusionProof(index, head.treeSize).map(encodeBase64)
  const stated = String(fault === 'lie-index' ? index + 1 : index)
  return {
    logIndex: stated,
    logId: { keyId: encodeBase64(fault === 'lie-log' ? new Uint8Array(32) : log.key.keyId) },
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    integratedTime: '0',
    inclusionPromise: null,
    inclusionProof: {
      logIndex: stated,
      rootHash: encodeBase64(head.rootHash),
      treeSize: String(head.treeSize),
      hashes:
        fault === 'lie-proof' ? [encodeBase64(new Uint8Array(32)), ...hashes.slice(1)] : hashes,
      checkpoint: {
        envelope: fault === 'lie-checkpoint' ? forgedCheckpoint(log.key, head) : head.checkpoint,
      },
    },
    canonicalizedBody: encodeBase64(log.read(index).leaf),
  }
}

/** @see c2sp.org/tlog-tiles; partial tiles stay available when the tile has grown. */
function tile(log: AppendOnlyLog, path: string): StackReply {
  const address = parseTilePath(path)
  if (address === undefined) return { status: 404, body: '404 page not found\n' }
  const { level, index, width } = address
  const available = Math.floor(log.head.treeSize / TILE_WIDTH ** (level ?? 0)) - index * TILE_WIDTH
  if (width > available) return { status: 404, body: '404 page not found\n' }
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'cache-control': 'max-age=31536000, immutable',
    },
    body:
      level === undefined
        ? encodeEntryBundle(
            Array.from({ length: width }, (_, at) => log.read(index * TILE_WIDTH + at).leaf),
          )
        : log.tile(level, index, width),
  }
}

/**
 * Checks a request and gives the body that Rekor v2 logs.
 *
 * @throws EntryRefusal, RequestRefusal with rekor-tiles' message
 */
function hashedrekordV2(text: string): Uint8Array {
  const { hashedRekordRequestV002: record } = readRequest(text, REQUEST)
  if (record === undefined) throw new EntryRefusal('invalid type, must be hashedrekord')
  const verifier = memberOf(memberOf(record, 'signature'), 'verifier')
  const isCertificate = memberOf(verifier, 'x509Certificate') !== undefined
  const holder = isCertificate ? 'x509Certificate' : 'publicKey'
  const rawBytes = bytes(memberOf(memberOf(verifier, holder), 'rawBytes'))
  const keyDetails = memberOf(verifier, 'keyDetails') ?? ''
  const details = typeof keyDetails === 'string' ? KEY_DETAILS[keyDetails] : undefined
  const { key } = readVerifierStrictly(isCertificate ? 'CERTIFICATE' : 'PUBLIC KEY', rawBytes)
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  const digest = bytes(memberOf(record, 'digest'))
  const content = bytes(memberOf(memberOf(record, 'signature'), 'content'))
  if (
    details === undefined ||
    details.of !== (namedCurve ?? modulusLength) ||
    !verifyPrehashed(key, details.hash, digest, content)
  ) {
    throw new EntryRefusal(INVALID)
  }
  return encodeUtf8(
    canonicalJson({
      apiVersion: '0.0.2',
      kind: 'hashedrekord',
      spec: {
        hashedRekordV002: {
          data: { algorithm: details.algorithm, digest: encodeBase64(digest) },
          signature: {
            content: encodeBase64(content),
            verifier: { keyDetails, [holder]: { rawBytes: encodeBase64(rawBytes) } },
          },
        },
      },
    }),
  )
}

function readVerifierStrictly(
  label: 'CERTIFICATE' | 'PUBLIC KEY',
  der: Uint8Array,
): ReturnType<typeof readVerifier> {
  try {
    return readVerifier(label, der)
  } catch (error) {
    if (!(error instanceof EntryRefusal)) throw error
    throw new EntryRefusal(INVALID)
  }
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined
}

function bytes(value: JsonValue | undefined): Uint8Array {
  const decoded = typeof value === 'string' ? decodeBase64(value) : undefined
  if (decoded === undefined) throw new EntryRefusal(INVALID)
  return decoded
}

/** Somebody else's entry: in the log and proven, only not what was asked for. */
function decoyOf(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString('utf8')
  const digest = randomBytes(32).toString('base64')
  return encodeUtf8(text.replace(/"digest":"[^"]+"/, `"digest":"${digest}"`))
}

/** rekor-tiles has no CORS handler. */
function plain(reply: StackReply): StackReply {
  const headers = { ...reply.headers }
  delete headers['vary']
  return { ...reply, headers }
}
