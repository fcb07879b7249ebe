import {
  appendFileSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { keyedDigest, sha256 } from '../crypto/digest.ts'
import { randomBytes } from '../crypto/random.ts'
import { encodeUtf8, equalBytes } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import type { Check, Facts, ObjectFormat } from '../facts.ts'
import { IdTable } from '../git/id-table.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'

export interface FactsCacheOptions {
  readonly paths: RepositoryPaths
  readonly roots: TrustRoots
  /** Of this program: another one may prove other facts. */
  readonly version: string
  /** File with this user's secret; made where there is none. Not in the repository. */
  readonly keyFile: string
}

/** A run writes a segment whenever it has this much; so it needs no more memory than that. */
const segmentBytes = 8 << 20
const maxBytes = 512 << 20
/** From this many segments on, the small ones are written into one. */
const maxSegments = 48
const smallBytes = 1 << 20
const trailerBytes = 32
const blockBytes = 1 << 20
/** What is read ahead for `get`: commits are asked for in about the order in which they were written. */
const aheadBytes = 32 << 10
/** Lists of checks kept; nearly all commits of a history have one of very few. */
const maxLists = 64

interface Segment {
  readonly file: number
  readonly name: string
  readonly size: number
}

/**
 * Facts about commits that were verified before, by object id, for one set of trust roots and one
 * version of this program. It decides nothing: what it holds is what verifying again would give.
 *
 * Segment files lie outside the work tree, 0600, are written whole under another name, and carry a MAC
 * under a key outside the repository: a segment that is damaged, somebody else's, writable by others, or
 * came with a copied repository is not read. Any failure is an empty cache, never an error.
 */
export class FactsCache {
  readonly #folder: string
  readonly #key: Uint8Array
  readonly #segments: Segment[] = []
  readonly #ids: IdTable
  /** Of commit n: its segment and where its record is. */
  #places = new Float64Array(1024)
  #lengths = new Uint32Array(1024)
  /** New records, as bytes: strings that wait this long are copied about by every garbage collection. */
  #fresh: Buffer | undefined
  #freshBytes = 0
  #bytes = 0
  readonly #lists = new Map<string, Check[]>()
  #ahead = Buffer.alloc(0)
  #aheadOf: Segment | undefined
  #aheadFrom = 0

  private constructor(folder: string, key: Uint8Array, format: ObjectFormat) {
    this.#folder = folder
    this.#key = key
    this.#ids = new IdTable(format === 'sha1' ? 20 : 32)
  }

  /** Opens the cache; undefined where this user can have none. */
  static open(options: FactsCacheOptions): FactsCache | undefined {
    try {
      const context = [
        'git-signet facts 2',
        options.version,
        ...options.roots.map(({ name, digest }) => `${name} ${digest}`),
      ].join('\n')
      const name = encodeHex(sha256(encodeUtf8(context))).slice(0, 32)
      const folder = join(options.paths.commonDir, 'signet', 'facts', name)
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const key = mac(readKey(options.keyFile), encodeUtf8(context))
      const cache = new FactsCache(folder, key, options.paths.format)
      for (const file of readdirSync(folder).sort()) cache.#load(file)
      return cache
    } catch (error) {
      return ignored(error)
    }
  }

  /** Number of commits it knows. */
  get size(): number {
    return this.#ids.size
  }

  /** What is known about an object whose bytes have been hashed to this id. */
  get(id: string): Facts | undefined {
    const number = this.#ids.find(id)
    if (number < 0) return undefined
    const place = this.#places[number] ?? 0
    const segment = this.#segments[Math.floor(place / maxBytes)]
    const length = this.#lengths[number] ?? 0
    if (segment === undefined) return undefined
    const bytes = this.#read(segment, place % maxBytes, length)
    const tab = bytes.indexOf(0x09)
    const facts = JSON.parse(bytes.toString('utf8', 0, tab)) as Facts
    facts.checks = this.#list(bytes.toString('utf8', tab + 1))
    return facts.object.id === id ? facts : undefined
  }

  #read(segment: Segment, at: number, length: number): Buffer {
    const isAhead =
      segment === this.#aheadOf &&
      at >= this.#aheadFrom &&
      at + length <= this.#aheadFrom + this.#ahead.length
    if (!isAhead) {
      const ahead = Buffer.allocUnsafe(
        Math.max(length, Math.min(aheadBytes, segment.size - trailerBytes - at)),
      )
      const read = readSync(segment.file, ahead, 0, ahead.length, at)
      this.#ahead = ahead.subarray(0, read)
      this.#aheadOf = segment
      this.#aheadFrom = at
    }
    const from = at - this.#aheadFrom
    return this.#ahead.subarray(from, from + length)
  }

  /** Checks that are the same are the same list, which nobody may change. */
  #list(text: string): Check[] {
    let list = this.#lists.get(text)
    if (list === undefined) {
      if (this.#lists.size >= maxLists) this.#lists.clear()
      list = JSON.parse(text) as Check[]
      this.#lists.set(text, Object.freeze(list) as Check[])
    }
    return list
  }

  /** Takes note of facts that depend on bytes and roots alone; others are left out. */
  add(facts: Facts): void {
    if (facts.signature !== 'x509' || facts.object.type !== 'commit') return
    if (facts.codes.includes('LIMIT') || facts.codes.includes('UNSUPPORTED')) return
    if (facts.checks.some(({ name, result }) => name === 'object-id' && result !== 'passed')) return
    const { checks } = facts
    const record = `${facts.object.id} ${JSON.stringify({ ...facts, checks: [] })}\t${JSON.stringify(checks)}\n`
    const length = Buffer.byteLength(record)
    if (length > segmentBytes) return
    if (this.#freshBytes + length > segmentBytes) this.#flush([])
    this.#fresh ??= Buffer.allocUnsafeSlow(segmentBytes)
    this.#freshBytes += this.#fresh.write(record, this.#freshBytes)
  }

  /** Writes what is new. A cache that cannot be written stays as it is. */
  save(): void {
    if (this.#freshBytes === 0) return
    const small = this.#segments.filter(({ size }) => size < smallBytes)
    this.#flush(this.#segments.length < maxSegments ? [] : small)
  }

  close(): void {
    for (const { file } of this.#segments.splice(0)) closeSync(file)
  }

  /** Writes a segment with everything new and what the given ones hold, and removes those. */
  #flush(merged: readonly Segment[]): void {
    const fresh = this.#fresh?.subarray(0, this.#freshBytes) ?? Buffer.alloc(0)
    this.#freshBytes = 0
    this.#bytes += fresh.length
    if (this.#bytes > maxBytes) return
    try {
      const old = merged.map(({ file, size }) => {
        const bytes = Buffer.alloc(size - trailerBytes)
        readSync(file, bytes, 0, bytes.length, 0)
        return bytes
      })
      const body = old.length === 0 ? fresh : Buffer.concat([...old, fresh])
      const name = encodeHex(randomBytes(12))
      const temporary = join(this.#folder, `${name}.tmp`)
      writeFileSync(temporary, body, { mode: 0o600, flag: 'wx' })
      appendFileSync(temporary, mac(this.#key, body))
      renameSync(temporary, join(this.#folder, name))
      for (const segment of merged) unlinkSync(join(this.#folder, segment.name))
    } catch (error) {
      ignored(error)
    }
  }

  #load(name: string): void {
    if (!/^[0-9a-f]{24}$/.test(name)) return
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const file = openSync(join(this.#folder, name), flags)
    const status = fstatSync(file)
    const { size } = status
    const usable = isPrivate(status, 0o022) && size >= trailerBytes && size <= maxBytes
    if (!usable || !this.#isAuthentic(file, size)) {
      closeSync(file)
      return
    }
    const segment = this.#segments.push({ file, name, size }) - 1
    this.#bytes += size
    eachRecord(file, size - trailerBytes, (id, at, length) => {
      const number = this.#ids.add(id)
      if (number >= this.#places.length) {
        this.#places = grown(this.#places, new Float64Array(this.#places.length * 2))
        this.#lengths = grown(this.#lengths, new Uint32Array(this.#lengths.length * 2))
      }
      this.#places[number] = segment * maxBytes + at
      this.#lengths[number] = length
    })
  }

  #isAuthentic(file: number, size: number): boolean {
    const hmac = keyedDigest('sha256', this.#key)
    for (const block of blocksOf(file, size - trailerBytes)) hmac.update(block)
    const trailer = Buffer.alloc(trailerBytes)
    readSync(file, trailer, 0, trailerBytes, size - trailerBytes)
    return equalBytes(hmac.digest(), trailer)
  }
}

export function mac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const hmac = keyedDigest('sha256', key)
  hmac.update(bytes)
  return hmac.digest()
}

function* blocksOf(file: number, end: number): Generator<Buffer, void, undefined> {
  const block = Buffer.allocUnsafe(blockBytes)
  for (let at = 0; at < end;) {
    const length = readSync(file, block, 0, Math.min(blockBytes, end - at), at)
    if (length === 0) return
    yield block.subarray(0, length)
    at += length
  }
}

/** Calls `visit` with the id of each record `id SP facts TAB checks LF` and where its JSON lies. */
function eachRecord(
  file: number,
  end: number,
  visit: (id: string, at: number, length: number) => void,
): void {
  const idSpace = 65
  const idSlice = Buffer.alloc(idSpace)
  let start = 0
  let id = ''
  let offset = 0
  for (const block of blocksOf(file, end)) {
    for (let at = 0; at < block.length;) {
      if (id === '') {
        // The id may be cut by the end of the block.
        const record = at + idSpace <= block.length ? block.subarray(at, at + idSpace) : idSlice
        if (record === idSlice) readSync(file, idSlice, 0, idSpace, offset + at)
        const space = record.indexOf(0x20)
        if (space <= 0) return
        id = record.toString('latin1', 0, space)
        start = offset + at + space + 1
      }
      const newline = block.indexOf(0x0a, at)
      if (newline === -1) break
      visit(id, start, offset + newline - start)
      id = ''
      at = newline + 1
    }
    offset += block.length
  }
}

function grown<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from)
  return to
}

export function isPrivate(status: Stats, forbidden: number): boolean {
  const mine = (process.getuid?.() ?? status.uid) === status.uid
  return mine && status.isFile() && (status.mode & forbidden) === 0
}

/** A key is made once and belongs to the user alone. */
export function readKey(path: string): Uint8Array {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    writeFileSync(path, randomBytes(32), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const file = openSync(path, 'r')
  try {
    const key = readFileSync(file)
    if (isPrivate(fstatSync(file), 0o077) && key.length === 32) return key
    throw new Error('not a private key file')
  } finally {
    closeSync(file)
  }
}

/** A cache that cannot be used is none; verification goes on without it. */
export function ignored(error: unknown): undefined {
  if (error instanceof Error) return undefined
  throw error
}
