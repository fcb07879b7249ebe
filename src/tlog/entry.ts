import { concatBytes, decodeUtf8 } from '../encoding/bytes.ts'
import { bytesField, readMessage, varintField, type ProtobufField } from '../encoding/protobuf.ts'
import { MalformedError } from '../errors.ts'
import { HASH_LENGTH } from './merkle.ts'

/** A proof of 2^63 leaves has 63 hashes; more is an attack on memory. */
export const MAX_PROOF_HASHES = 63
const MAX_INT64 = 2n ** 63n - 1n

export interface KindVersion {
  kind: string
  version: string
}

/** Inclusion proof as an entry carries it; proves nothing before `verifyLogEntry`. */
export interface EntryInclusionProof {
  /** Index in the tree of the checkpoint: Rekor v1's shard, not its global index. */
  logIndex: bigint
  /** Empty where left out. */
  rootHash: Uint8Array
  treeSize: bigint
  hashes: Uint8Array[]
  /** The signed note; empty where left out. */
  checkpoint: string
}

/** dev.sigstore.rekor.v1.TransparencyLogEntry; absent numbers are 0, absent bytes undefined. */
export interface TransparencyLogEntry {
  /** Rekor v1: global over its shards. */
  logIndex: bigint
  logId: Uint8Array
  kindVersion: KindVersion
  /** Seconds since the epoch; trusted only with a promise that holds. */
  integratedTime: bigint
  /** The signed entry timestamp (SET); absent and empty are the same. */
  inclusionPromise?: Uint8Array | undefined
  inclusionProof?: EntryInclusionProof | undefined
  canonicalizedBody?: Uint8Array | undefined
}

/**
 * Reads a serialized TransparencyLogEntry, as gitsign embeds it in a signature. Fields in order, none
 * twice, none unknown. Proves nothing.
 *
 * @throws MalformedError `LOG_ENTRY_MALFORMED`, `PROTOBUF_MALFORMED`
 * @see sigstore protobuf-specs, sigstore_rekor.proto
 */
export function decodeLogEntry(bytes: Uint8Array): TransparencyLogEntry {
  const fields = new Fields(readMessage(bytes), 7)
  const logId = new Fields(fields.message(2), 1)
  const kindVersion = new Fields(fields.message(3), 2)
  const promise = new Fields(fields.message(5), 1).bytes(1)
  const proof = fields.optional(6)
  const body = fields.bytes(7)
  return {
    logIndex: fields.int64(1),
    logId: logId.bytes(1),
    kindVersion: { kind: kindVersion.text(1), version: kindVersion.text(2) },
    integratedTime: fields.int64(4),
    inclusionPromise: promise.length > 0 ? promise : undefined,
    inclusionProof: proof && decodeProof(proof),
    canonicalizedBody: body.length > 0 ? body : undefined,
  }
}

function decodeProof(message: Uint8Array): EntryInclusionProof {
  const fields = new Fields(readMessage(message), 5, 4)
  const hashes = fields.repeated(4)
  if (hashes.length > MAX_PROOF_HASHES) throw malformed('the proof has too many hashes')
  const rootHash = fields.bytes(2)
  if (rootHash.length > 0) checkHash(rootHash)
  hashes.forEach(checkHash)
  return {
    logIndex: fields.int64(1),
    rootHash,
    treeSize: fields.int64(3),
    hashes,
    checkpoint: new Fields(fields.message(5), 1).text(1),
  }
}

/** Serializes an entry as gitsign does: fields in order, defaults left out. */
export function encodeLogEntry(entry: TransparencyLogEntry): Uint8Array {
  const { inclusionPromise: promise, inclusionProof: proof, kindVersion } = entry
  return concatBytes(
    int64Field(1, entry.logIndex),
    bytesField(2, optionalField(1, entry.logId)),
    bytesField(
      3,
      concatBytes(optionalField(1, kindVersion.kind), optionalField(2, kindVersion.version)),
    ),
    int64Field(4, entry.integratedTime),
    promise === undefined ? new Uint8Array() : bytesField(5, bytesField(1, promise)),
    proof === undefined ? new Uint8Array() : bytesField(6, encodeProof(proof)),
    optionalField(7, entry.canonicalizedBody ?? new Uint8Array()),
  )
}

function encodeProof(proof: EntryInclusionProof): Uint8Array {
  return concatBytes(
    int64Field(1, proof.logIndex),
    optionalField(2, proof.rootHash),
    int64Field(3, proof.treeSize),
    ...proof.hashes.map((hash) => bytesField(4, hash)),
    proof.checkpoint === '' ? new Uint8Array() : bytesField(5, bytesField(1, proof.checkpoint)),
  )
}

function int64Field(number: number, value: bigint): Uint8Array {
  return value === 0n ? new Uint8Array() : varintField(number, value)
}

function optionalField(number: number, value: Uint8Array | string): Uint8Array {
  return value.length === 0 ? new Uint8Array() : bytesField(number, value)
}

/** Fields of one message by number; all but `repeated` at most once, in ascending order. */
class Fields {
  readonly #fields: readonly ProtobufField[]

  constructor(source: readonly ProtobufField[] | Uint8Array, last: number, repeated?: number) {
    this.#fields = source instanceof Uint8Array ? readMessage(source) : source
    let previous = 0
    for (const { number } of this.#fields) {
      if (number > last) throw malformed('it has a field that is not known')
      if (number < previous || (number === previous && number !== repeated)) {
        throw malformed('a field occurs twice or out of order')
      }
      previous = number
    }
  }

  int64(number: number): bigint {
    const field = this.#fields.find((candidate) => candidate.number === number)
    if (field === undefined) return 0n
    if (field.wireType !== 0) throw malformed('a number has the wrong wire type')
    if (field.varint > MAX_INT64) throw malformed('a number is negative')
    return field.varint
  }

  repeated(number: number): Uint8Array[] {
    return this.#fields.filter((field) => field.number === number).map(bytesOf)
  }

  optional(number: number): Uint8Array | undefined {
    const field = this.#fields.find((candidate) => candidate.number === number)
    return field && bytesOf(field)
  }

  bytes(number: number): Uint8Array {
    return this.optional(number) ?? new Uint8Array()
  }

  message(number: number): Uint8Array {
    return this.bytes(number)
  }

  text(number: number): string {
    const text = decodeUtf8(this.bytes(number))
    if (text === undefined) throw malformed('a text is not UTF-8')
    return text
  }
}

function bytesOf(field: ProtobufField): Uint8Array {
  if (field.wireType !== 2) throw malformed('a field has the wrong wire type')
  return field.bytes
}

function checkHash(hash: Uint8Array): void {
  if (hash.length !== HASH_LENGTH) throw malformed('a hash is not 32 bytes')
}

function malformed(why: string): MalformedError {
  return new MalformedError('LOG_ENTRY_MALFORMED', `cannot read log entry: ${why}`)
}
