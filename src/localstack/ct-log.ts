import { concatBytes } from '../encoding/bytes.ts'
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { encodeHex } from '../encoding/hex.ts'
import { sha256 } from '../crypto/digest.ts'
import type { AppendOnlyLog } from './append-only-log.ts'
import { jsonReply, openapiError } from './http.ts'
import type { Route, StackRequest } from './http.ts'

/** Entries that one `get-entries` answers with, as real logs cap it. */
const MAX_ENTRIES = 256

/** TLS numbers of RFC 6962 §3.2 and RFC 5246 §7.4.1.4.1. */
const V1 = 0
const CERTIFICATE_TIMESTAMP = 0
const TREE_HASH = 1
const TIMESTAMPED_ENTRY = 0
const PRECERT_ENTRY = 1
const SHA256_ECDSA = [4, 3]

export interface Precertificate {
  /** The TBSCertificate without poison. */
  readonly tbs: Uint8Array
  readonly issuerSpki: Uint8Array
  /** Issuer first. */
  readonly chain: readonly Uint8Array[]
}

/** A log's promise to hold a precertificate. */
export interface Submission {
  /** The list of one timestamp that goes into the certificate (RFC 6962 §3.3). */
  readonly sctList: Uint8Array
  /** Logs it; nothing may be answered before. */
  append(precertificate: Uint8Array): Promise<void>
}

/** @param now - milliseconds since the epoch */
export function submitPrecertificate(
  log: AppendOnlyLog,
  submission: Precertificate,
  now: number,
): Submission {
  const signed = concatBytes(
    uint(now, 8),
    uint(PRECERT_ENTRY, 2),
    sha256(submission.issuerSpki),
    vector(submission.tbs, 3),
    uint(0, 2),
  )
  const sct = concatBytes(
    Uint8Array.of(V1),
    log.key.keyId,
    uint(now, 8),
    uint(0, 2),
    digitallySigned(log, concatBytes(Uint8Array.of(V1, CERTIFICATE_TIMESTAMP), signed)),
  )
  const chain = concatBytes(...submission.chain.map((certificate) => vector(certificate, 3)))
  return {
    sctList: vector(vector(sct, 2), 2),
    async append(precertificate) {
      await log.append({
        leaf: concatBytes(Uint8Array.of(V1, TIMESTAMPED_ENTRY), signed),
        extra: concatBytes(vector(precertificate, 3), vector(chain, 3)),
      })
    },
  }
}

/** @param roots - DER of the certificates that this log accepts chains to */
export function ctRoutes(
  log: AppendOnlyLog,
  roots: readonly Uint8Array[],
  clock: () => number,
): Route[] {
  const get = (name: string, handle: Route['handle']): Route => ({
    service: 'ct',
    method: 'GET',
    path: `/ct/ct/v1/${name}`,
    handle,
  })
  return [
    get('get-sth', () => {
      const { treeSize, rootHash } = log.head
      const timestamp = clock()
      const signed = concatBytes(
        Uint8Array.of(V1, TREE_HASH),
        uint(timestamp, 8),
        uint(treeSize, 8),
        rootHash,
      )
      return jsonReply(200, {
        tree_size: treeSize,
        timestamp,
        sha256_root_hash: encodeBase64(rootHash),
        tree_head_signature: encodeBase64(digitallySigned(log, signed)),
      })
    }),
    get('get-sth-consistency', (request) => {
      const first = number(request, 'first')
      const second = number(request, 'second')
      if (
        first === undefined ||
        second === undefined ||
        first > second ||
        second > log.head.treeSize
      ) {
        return openapiError(400, 'first and second must be sizes of this tree, in order')
      }
      return jsonReply(200, { consistency: log.consistencyProof(first, second).map(encodeBase64) })
    }),
    get('get-proof-by-hash', (request) => {
      const size = number(request, 'tree_size')
      const hash = decodeBase64(request.query.get('hash')?.replaceAll(' ', '+') ?? '')
      if (size === undefined || size > log.head.treeSize || hash?.length !== 32) {
        return openapiError(400, 'hash must be 32 bytes of base64, tree_size a size of this tree')
      }
      const index = log.indexOf(encodeHex(hash))
      if (index === undefined || index >= size) return openapiError(404, 'leaf hash not found')
      return jsonReply(200, {
        leaf_index: index,
        audit_path: log.inclusionProof(index, size).map(encodeBase64),
      })
    }),
    get('get-entries', (request) => {
      const start = number(request, 'start')
      const end = number(request, 'end')
      const last = log.head.treeSize - 1
      if (start === undefined || end === undefined || start > end || start > last) {
        return openapiError(400, 'start and end must be indices of this tree, in order')
      }
      const entries = []
      for (let index = start; index <= Math.min(end, last, start + MAX_ENTRIES - 1); index += 1) {
        const { leaf, extra } = log.read(index)
        entries.push({ leaf_input: encodeBase64(leaf), extra_data: encodeBase64(extra) })
      }
      return jsonReply(200, { entries })
    }),
    get('get-roots', () => jsonReply(200, { certificates: roots.map(encodeBase64) })),
  ]
}

function number(request: StackRequest, name: string): number | undefined {
  const text = request.query.get(name) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

function digitallySigned(log: AppendOnlyLog, data: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.from(SHA256_ECDSA), vector(log.key.sign(data), 2))
}

/** A TLS vector: its length in `bytes` octets, big-endian, then the content (RFC 5246 §4.3). */
function vector(content: Uint8Array, bytes: number): Uint8Array {
  return concatBytes(uint(content.length, bytes), content)
}

function uint(value: number, bytes: number): Uint8Array {
  const encoded = Buffer.alloc(8)
  encoded.writeBigUInt64BE(BigInt(value))
  return encoded.subarray(8 - bytes)
}
