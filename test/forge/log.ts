import { createHash } from 'node:crypto'
import { canonicalJson } from '../../src/encoding/canonical-json.ts'
import { encodePem } from '../../src/encoding/pem.ts'
import { bytesField, varintField } from '../../src/encoding/protobuf.ts'
import { MerkleTree } from '../../src/tlog/tree.ts'
import { REKOR_ORIGIN, T0, TILES_HOST, base64, bytes, logId, sha256, signWith } from './world.ts'
import type { Key, World } from './world.ts'

export interface LogOptions {
  version?: 'v1' | 'v2'
  key?: Key
  /** Log id in the entry and (v1) in the promise. */
  logId?: Uint8Array
  kind?: string
  kindVersion?: string
  integratedTime?: number
  /** Global index (promise and entry); that of the proof is its place in the tree. */
  logIndex?: bigint
  proofIndex?: bigint
  /** Leaves before and after ours. */
  before?: number
  after?: number
  origin?: string
  noteName?: string
  /** What the entry says was signed; differs from what was for an entry of another signature. */
  body?: Uint8Array
  promise?: Uint8Array | null
  promiseKey?: Key
  promiseFields?: Record<string, string | number>
  rootHash?: Uint8Array
  treeSize?: bigint
  hashes?: (hashes: Uint8Array[]) => Uint8Array[]
  checkpoint?: (note: string) => string
  checkpointKey?: Key
  checkpointText?: (text: string) => string
  keyHint?: Uint8Array
  /** Serialized fields, by number, in order; returns what is written. */
  fields?: (fields: Map<number, Uint8Array>) => Uint8Array[]
  canonicalBody?: boolean
}

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')

/** Canonical hashedrekord body of either log (sigstore.md §2.1, §2.5). */
export function entryBody(
  version: 'v1' | 'v2',
  digest: Uint8Array,
  signature: Uint8Array,
  certificate: Uint8Array,
): Uint8Array {
  return bytes(
    canonicalJson(
      version === 'v1'
        ? {
            apiVersion: '0.0.1',
            kind: 'hashedrekord',
            spec: {
              data: { hash: { algorithm: 'sha256', value: hex(digest) } },
              signature: {
                content: base64(signature),
                publicKey: { content: base64(bytes(encodePem('CERTIFICATE', certificate))) },
              },
            },
          }
        : {
            apiVersion: '0.0.2',
            kind: 'hashedrekord',
            spec: {
              hashedRekordV002: {
                data: { algorithm: 'SHA2_256', digest: base64(digest) },
                signature: {
                  content: base64(signature),
                  verifier: {
                    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
                    x509Certificate: { rawBytes: base64(certificate) },
                  },
                },
              },
            },
          },
    ),
  )
}

const leafHash = (body: Uint8Array): Uint8Array =>
  createHash('sha256').update(Uint8Array.of(0)).update(body).digest()

/** A serialized TransparencyLogEntry (gitsign.md §1.6), wrong where the options say so. */
export function makeEntry(
  world: World,
  signed: { signedAttrs: Uint8Array; signature: Uint8Array; certificate: Uint8Array },
  options: LogOptions = {},
): Uint8Array {
  const version = options.version ?? 'v1'
  const v1 = version === 'v1'
  const key = options.key ?? (v1 ? world.rekor : world.tiles)
  const origin = options.origin ?? (v1 ? REKOR_ORIGIN : TILES_HOST)
  const body =
    options.body ??
    entryBody(version, sha256(signed.signedAttrs), signed.signature, signed.certificate)
  const tree = new MerkleTree()
  const before = options.before ?? 5
  for (let i = 0; i < before; i += 1) tree.append(leafHash(bytes(`leaf ${String(i)}`)))
  tree.append(leafHash(body))
  for (let i = 0; i < (options.after ?? 3); i += 1)
    tree.append(leafHash(bytes(`later ${String(i)}`)))
  const id = options.logId ?? logId(key, origin)
  const integratedTime = options.integratedTime ?? (v1 ? T0 + 5 : 0)
  const logIndex = options.logIndex ?? (v1 ? 4_163_431n : 0n) + BigInt(before)
  const root = options.rootHash ?? tree.root()
  const size = options.treeSize ?? BigInt(tree.size)
  const given = `${origin}\n${String(size)}\n${base64(root)}\n`
  const text = options.checkpointText?.(given) ?? given
  const noteKey = options.checkpointKey ?? key
  const hint = options.keyHint ?? logId(noteKey, origin).subarray(0, 4)
  const noteName = options.noteName ?? (v1 ? (origin.split(' - ')[0] ?? '') : origin)
  const note = `${text}\n\u2014 ${noteName} ${base64(Buffer.concat([hint, signWith(noteKey, bytes(text))]))}\n`
  const promised = canonicalJson({
    body: base64(body),
    integratedTime,
    logID: hex(id),
    logIndex: Number(logIndex),
    ...options.promiseFields,
  })
  const promise =
    options.promise === undefined
      ? signWith(options.promiseKey ?? key, bytes(promised))
      : options.promise
  const proof = [
    ...((options.proofIndex ?? BigInt(before)) === 0n
      ? []
      : [varintField(1, options.proofIndex ?? BigInt(before))]),
    bytesField(2, root),
    varintField(3, size),
    ...(options.hashes ?? ((all) => all))(tree.inclusionProof(before)).map((hash) =>
      bytesField(4, hash),
    ),
    bytesField(5, bytesField(1, options.checkpoint?.(note) ?? note)),
  ]
  const fields = new Map<number, Uint8Array>([
    [1, logIndex === 0n ? new Uint8Array() : varintField(1, logIndex)],
    [2, bytesField(2, bytesField(1, id))],
    [
      3,
      bytesField(
        3,
        Buffer.concat([
          bytesField(1, options.kind ?? 'hashedrekord'),
          bytesField(2, options.kindVersion ?? (v1 ? '0.0.1' : '0.0.2')),
        ]),
      ),
    ],
    [4, integratedTime === 0 ? new Uint8Array() : varintField(4, BigInt(integratedTime))],
    [5, v1 && promise !== null ? bytesField(5, bytesField(1, promise)) : new Uint8Array()],
    [6, bytesField(6, Buffer.concat(proof))],
  ])
  if (options.canonicalBody === true) fields.set(7, bytesField(7, body))
  return Buffer.concat(options.fields?.(fields) ?? [...fields.values()])
}
