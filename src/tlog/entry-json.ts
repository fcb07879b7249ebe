import { encodeBase64 } from '../encoding/base64.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { ProtoJson } from '../encoding/protojson.ts'
import { MAX_PROOF_HASHES, type EntryInclusionProof, type TransparencyLogEntry } from './entry.ts'
import { HASH_LENGTH } from './merkle.ts'

const CODE = 'LOG_ENTRY_MALFORMED'
const ENTRY = [
  'logIndex',
  'logId',
  'kindVersion',
  'integratedTime',
  'inclusionPromise',
  'inclusionProof',
  'canonicalizedBody',
]
const PROOF = ['logIndex', 'rootHash', 'treeSize', 'hashes', 'checkpoint']

/**
 * Reads a TransparencyLogEntry in its JSON form: from a bundle, or Rekor v2's answer to a new entry.
 * Proves nothing.
 *
 * @throws MalformedError `LOG_ENTRY_MALFORMED`
 */
export function logEntryFromJson(value: JsonValue | undefined): TransparencyLogEntry {
  const json = new ProtoJson(value, 'log entry', CODE, ENTRY)
  const kindVersion = json.message('kindVersion', ['kind', 'version'])
  const promise = json
    .message('inclusionPromise', ['signedEntryTimestamp'])
    ?.bytes('signedEntryTimestamp')
  const proof = json.message('inclusionProof', PROOF)
  const logId = json.message('logId', ['keyId'])?.bytes('keyId')
  const body = json.bytes('canonicalizedBody')
  return {
    logIndex: json.unsigned('logIndex') ?? 0n,
    logId: json.required('logId', logId),
    kindVersion: {
      kind: kindVersion?.string('kind') ?? '',
      version: kindVersion?.string('version') ?? '',
    },
    integratedTime: json.unsigned('integratedTime') ?? 0n,
    inclusionPromise: promise === undefined || promise.length === 0 ? undefined : promise,
    inclusionProof: proof && proofFromJson(proof),
    canonicalizedBody: body === undefined || body.length === 0 ? undefined : body,
  }
}

function proofFromJson(json: ProtoJson): EntryInclusionProof {
  const hashes = json.list('hashes', MAX_PROOF_HASHES).map((hash) => {
    const element = json.inner({ hash }, 'hashes', ['hash'])
    const bytes = element.required('hash', element.bytes('hash'))
    if (bytes.length !== HASH_LENGTH) throw json.malformed('a hash is not 32 bytes')
    return bytes
  })
  const rootHash = json.bytes('rootHash') ?? new Uint8Array()
  if (rootHash.length !== 0 && rootHash.length !== HASH_LENGTH) {
    throw json.malformed('the root hash is not 32 bytes')
  }
  return {
    logIndex: json.unsigned('logIndex') ?? 0n,
    rootHash,
    treeSize: json.unsigned('treeSize') ?? 0n,
    hashes,
    checkpoint: json.message('checkpoint', ['envelope'])?.string('envelope') ?? '',
  }
}

/** The JSON form as bundles hold it: absent members left out, 64-bit integers as strings. */
export function logEntryToJson(entry: TransparencyLogEntry): JsonObject {
  const { inclusionPromise: promise, inclusionProof: proof, canonicalizedBody: body } = entry
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: encodeBase64(entry.logId) },
    kindVersion: { kind: entry.kindVersion.kind, version: entry.kindVersion.version },
    integratedTime: String(entry.integratedTime),
    ...(promise && { inclusionPromise: { signedEntryTimestamp: encodeBase64(promise) } }),
    ...(proof && {
      inclusionProof: {
        logIndex: String(proof.logIndex),
        rootHash: encodeBase64(proof.rootHash),
        treeSize: String(proof.treeSize),
        hashes: proof.hashes.map(encodeBase64),
        checkpoint: { envelope: proof.checkpoint },
      },
    }),
    ...(body && { canonicalizedBody: encodeBase64(body) }),
  }
}
