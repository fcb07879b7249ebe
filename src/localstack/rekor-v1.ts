import { randomBytes } from 'node:crypto'
import { encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { encodeHex } from '../encoding/hex.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { encodePem } from '../encoding/pem.ts'
import { leafHash } from '../tlog/merkle.ts'
import type { AppendOnlyLog } from './append-only-log.ts'
import {
  EntryRefusal,
  hashedrekordV1,
  indexKeys,
  publicKeyIndexKey,
  readVerifierPem,
  verifierPem,
} from './hashedrekord.ts'
import { NO_STORE, bytesReply, jsonReply, openapiError } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'
import { forgedCheckpoint } from './log-key.ts'
import type { TreeHead } from './log-key.ts'
import {
  ENTRY_ID,
  INVALID,
  invalid,
  list,
  parseBody,
  readBody,
  readNumber,
  retrieveRefusal,
  searchRefusal,
} from './rekor-v1-schema.ts'

const ENTRIES = '/api/v1/log/entries'

/** Kinds that Rekor v1 knows; of them the local log takes the first. */
const KINDS = 'hashedrekord alpine cose dsse helm intoto jar rekord rfc3161 rpm tuf'.split(' ')

export interface RekorV1Options {
  readonly log: AppendOnlyLog
  /** Positive int64, decimal. */
  readonly treeId: string
  readonly clock: () => number
}

/** The REST interface of Rekor v1 over one log (kind hashedrekord 0.0.1). */
export class RekorV1 {
  readonly #log: AppendOnlyLog
  readonly #treeId: string
  readonly #clock: () => number
  readonly #index = new Map<string, number[]>()
  #indexed = 0

  constructor(options: RekorV1Options) {
    this.#log = options.log
    this.#treeId = options.treeId
    this.#clock = options.clock
  }

  routes(): Route[] {
    const route = (
      method: Route['method'],
      path: Route['path'],
      handle: Route['handle'],
    ): Route => ({
      service: 'rekor',
      method,
      path,
      handle,
    })
    return [
      route('POST', ENTRIES, (request) => this.#create(request)),
      route('GET', ENTRIES, (request) => this.#getByIndex(request)),
      route('POST', `${ENTRIES}/retrieve`, (request) => this.#retrieve(request)),
      route('GET', /^\/api\/v1\/log\/entries\/([^/]+)$/, (request, [id = '']) =>
        this.#getById(request, id),
      ),
      route('POST', '/api/v1/index/retrieve', (request) => this.#search(request)),
      route('GET', '/api/v1/log', () => this.#info()),
      route('GET', '/api/v1/log/proof', (request) => this.#consistency(request)),
      route('GET', '/api/v1/log/publicKey', () =>
        bytesReply(
          200,
          'application/x-pem-file',
          encodePem('PUBLIC KEY', this.#log.key.spki),
          NO_STORE,
        ),
      ),
    ]
  }

  async #create(request: StackRequest): Promise<StackReply> {
    if (request.body.length === 0) {
      return invalid(INVALID.required, 'proposedEntry in body is required')
    }
    const proposed = parseBody(request.body)
    if (proposed === undefined) return openapiError(500, 'unexpected EOF')
    const kind = isJsonObject(proposed) ? proposed['kind'] : undefined
    const kindText = typeof kind === 'string' ? kind : ''
    if (!KINDS.includes(kindText)) {
      return openapiError(422, `invalid kind value: ${JSON.stringify(kindText)}`)
    }
    let body: Uint8Array
    try {
      body = checkProposed(proposed)
    } catch (error) {
      if (!(error instanceof EntryRefusal)) throw error
      return openapiError(400, `error processing entry: ${error.message}`)
    }
    if (request.fault === '405') return openapiError(405, 'method POST is not allowed')
    const appended = await this.#log.append({
      leaf: request.fault === 'lie-entry' ? decoyOf(body) : body,
      extra: uint64(Math.floor(this.#clock() / 1000)),
    })
    if (request.fault === 'lost-answer') return { status: 0, isCut: true }
    const id = this.#idOf(appended.index)
    const isConflict = request.fault === '409' || request.fault === '404-after-409'
    if (appended.isDuplicate || isConflict) {
      return openapiError(
        409,
        `an equivalent entry already exists in the transparency log with UUID ${id}`,
        { location: `${ENTRIES}/${id}` },
      )
    }
    return jsonReply(201, this.#answer(appended.index, appended.head, request.fault), {
      etag: id,
      location: `${ENTRIES}/${id}`,
    })
  }

  #getByIndex(request: StackRequest): StackReply {
    const asked = readNumber(request, 'logIndex', 0)
    if ('refusal' in asked) return asked.refusal
    const index = asked.value
    if (index >= this.#log.head.treeSize || request.fault === '404') return notFound()
    return jsonReply(200, this.#answer(index, this.#log.head, request.fault), NO_STORE)
  }

  #getById(request: StackRequest, id: string): StackReply {
    if (!ENTRY_ID.test(id)) {
      const why = `entryUUID in path should match '${ENTRY_ID.source}'`
      return invalid(INVALID.pattern, why, NO_STORE)
    }
    const index = this.#find(id)
    if (index === undefined || request.fault === '404') return notFound()
    return jsonReply(200, this.#answer(index, this.#log.head, request.fault), NO_STORE)
  }

  #retrieve(request: StackRequest): StackReply {
    const read = readBody(request, 'entry')
    if ('refusal' in read) return read.refusal
    const asked = read.value
    const refusal = retrieveRefusal(asked)
    if (refusal !== undefined) return refusal
    const ids = list(asked['entryUUIDs'])
    const indices = list(asked['logIndexes'])
    const entries = list(asked['entries'])
    const found: (number | undefined)[] = [
      ...indices.map((index) => (typeof index === 'number' ? index : undefined)),
      ...ids.map((id) => (typeof id === 'string' ? this.#find(id) : undefined)),
    ]
    for (const entry of entries) {
      try {
        found.push(this.#log.indexOf(encodeHex(leafHash(checkProposed(entry)))))
      } catch (error) {
        if (!(error instanceof EntryRefusal)) throw error
        return openapiError(400, `error processing entry: ${error.message}`)
      }
    }
    const { head } = this.#log
    return jsonReply(
      200,
      found
        .filter((index) => index !== undefined && index >= 0 && index < head.treeSize)
        .map((index) => this.#answer(index ?? 0, head, request.fault)),
    )
  }

  /** Best effort in the real service; complete here. */
  #search(request: StackRequest): StackReply {
    const read = readBody(request, 'query')
    if ('refusal' in read) return read.refusal
    const asked = read.value
    const refusal = searchRefusal(asked)
    if (refusal !== undefined) return refusal
    const keys: string[] = []
    for (const name of ['email', 'subject']) {
      const subject = asked[name]
      if (typeof subject === 'string') keys.push(subject.toLowerCase())
    }
    const { hash, publicKey, operator } = asked
    if (typeof hash === 'string')
      keys.push((hash.includes(':') ? hash : `sha256:${hash}`).toLowerCase())
    if (isJsonObject(publicKey) && typeof publicKey['content'] === 'string') {
      try {
        const verifier = readVerifierPem(Buffer.from(publicKey['content'], 'base64'))
        keys.push(publicKeyIndexKey(encodeUtf8(verifierPem(verifier))))
      } catch (error) {
        if (!(error instanceof EntryRefusal)) throw error
        return openapiError(400, 'public key provided could not be parsed')
      }
    }
    this.#extendIndex()
    const sets = keys.map((key) => this.#index.get(key) ?? [])
    const all = [...new Set(sets.flat())]
    const found =
      operator === 'and' ? all.filter((index) => sets.every((set) => set.includes(index))) : all
    return jsonReply(
      200,
      found.sort((a, b) => a - b).map((index) => this.#idOf(index)),
    )
  }

  #info(): StackReply {
    const { treeSize, rootHash, checkpoint } = this.#log.head
    return jsonReply(
      200,
      {
        inactiveShards: null,
        rootHash: encodeHex(rootHash),
        signedTreeHead: checkpoint,
        treeID: this.#treeId,
        treeSize,
      },
      NO_STORE,
    )
  }

  #consistency(request: StackRequest): StackReply {
    const from = readNumber(request, 'firstSize', 1, 1)
    if ('refusal' in from) return from.refusal
    const to = readNumber(request, 'lastSize', 1)
    if ('refusal' in to) return to.refusal
    const [first, last] = [from.value, to.value]
    const { treeSize, rootHash } = this.#log.head
    if (first > last) {
      return openapiError(400, `firstSize(${first}) must be less than lastSize(${last})`, NO_STORE)
    }
    if (last > treeSize) {
      return openapiError(
        400,
        `the tree size requested(${last}) was greater than what is currently observable(${treeSize})`,
        NO_STORE,
      )
    }
    return jsonReply(
      200,
      // The real service gives the root of the tree as it is now, not of `lastSize`.
      {
        hashes: this.#log.consistencyProof(first, last).map(encodeHex),
        rootHash: encodeHex(rootHash),
      },
      NO_STORE,
    )
  }

  #find(id: string): number | undefined {
    const lower = id.toLowerCase()
    if (lower.length === 80 && !lower.startsWith(this.#prefix())) return undefined
    return this.#log.indexOf(lower.slice(-64))
  }

  /** 16 digits of tree id, then the leaf hash. */
  #idOf(index: number): string {
    return `${this.#prefix()}${encodeHex(this.#log.leafHash(index))}`
  }

  #prefix(): string {
    return BigInt(this.#treeId).toString(16).padStart(16, '0')
  }

  #answer(index: number, head: TreeHead, fault: string | undefined): JsonObject {
    if (fault === 'lie-garbage') return {}
    const { leaf, extra } = this.#log.read(index)
    const { key } = this.#log
    const body = encodeBase64(leaf)
    const stated = Number(Buffer.from(extra).readBigUInt64BE())
    // A day later: signed all the same, and outside every certificate.
    const integratedTime = fault === 'lie-time' ? stated + 86_400 : stated
    const logID = encodeHex(key.keyId)
    const promise = key.sign(
      encodeUtf8(canonicalJson({ body, integratedTime, logID, logIndex: index })),
    )
    if (fault === 'lie-promise') promise[promise.length - 1] = (promise.at(-1) ?? 0) ^ 1
    const hashes = this.#log.inclusionProof(index, head.treeSize).map(encodeHex)
    const checkpoint = fault === 'lie-checkpoint' ? forgedCheckpoint(key, head) : head.checkpoint
    const id = fault === 'lie-id' ? `${this.#prefix()}${'00'.repeat(32)}` : this.#idOf(index)
    return {
      [id]: {
        body,
        integratedTime,
        logID,
        logIndex: fault === 'lie-index' ? index + 1 : index,
        verification: {
          inclusionProof: {
            checkpoint,
            hashes: fault === 'lie-proof' ? ['00'.repeat(32), ...hashes.slice(1)] : hashes,
            logIndex: index,
            rootHash: encodeHex(head.rootHash),
            treeSize: head.treeSize,
          },
          signedEntryTimestamp: encodeBase64(promise),
        },
      },
    }
  }

  /** The index is made when somebody searches: starting the stack stays quick. */
  #extendIndex(): void {
    for (; this.#indexed < this.#log.head.treeSize; this.#indexed += 1) {
      for (const key of indexKeys(this.#log.read(this.#indexed).leaf)) {
        const indices = this.#index.get(key) ?? []
        if (indices.at(-1) !== this.#indexed) indices.push(this.#indexed)
        this.#index.set(key, indices)
      }
    }
  }
}

function checkProposed(proposed: JsonValue): Uint8Array {
  if (!isJsonObject(proposed) || proposed['kind'] !== 'hashedrekord') {
    throw new EntryRefusal('unsupported entry kind: the local log takes hashedrekord')
  }
  if (proposed['apiVersion'] !== '0.0.1') throw new EntryRefusal('unsupported version')
  return hashedrekordV1(proposed)
}

/** Somebody else's entry: in the log and proven, only not what was asked for. */
function decoyOf(body: Uint8Array): Uint8Array {
  const text = Buffer.from(body).toString('utf8')
  return encodeUtf8(
    text.replace(/"value":"[0-9a-f]{8}/, `"value":"${randomBytes(4).toString('hex')}`),
  )
}

function uint64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

function notFound(): StackReply {
  return { status: 404, headers: { vary: 'Origin', ...NO_STORE } }
}
