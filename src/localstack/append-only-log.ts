import { closeSync, fdatasync, ftruncateSync, openSync, readSync, write } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { concatBytes, decodeUtf8, encodeUtf8 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { UnavailableError } from '../errors.ts'
import { leafHash } from '../tlog/merkle.ts'
import { MerkleTree } from '../tlog/tree.ts'
import { isTreeHead, signTreeHead } from './log-key.ts'
import type { LogKey, TreeHead } from './log-key.ts'
import { RECORD, encodeRecord, readRecords } from './log-records.ts'

const datasync = promisify(fdatasync)
const writeAt = promisify(write)

const GUARD_DELAY_MS = 100

export interface LogEntry {
  /** What the tree's leaf commits to. */
  readonly leaf: Uint8Array
  /** What the log keeps beside it. */
  readonly extra: Uint8Array
}

export interface Appended {
  readonly index: number
  /** It was there before: nothing was appended. */
  readonly isDuplicate: boolean
  /** Covers the entry, and is on disk. */
  readonly head: TreeHead
}

interface Pending {
  readonly entry: LogEntry
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

/**
 * One transparency log in one append-only file: the core under CT, Rekor v1 and Rekor v2.
 *
 * Entries are written in batches; each batch ends with the checkpoint that covers it, and nothing is
 * answered before the batch is on disk. A batch without its checkpoint (the process was killed
 * while it wrote) was never answered and is dropped at the next start. The last checkpoint is also
 * kept in `<file>.checkpoint`: a log that has lost what it once signed refuses to start.
 */
export class AppendOnlyLog {
  readonly #file: string
  readonly #key: LogKey
  readonly #tree = new MerkleTree()
  readonly #indexByLeafHash = new Map<string, number>()
  /** Where each entry's payload is in the file. */
  readonly #offsets: { at: number; length: number }[] = []
  readonly #fd: number
  #end = 0
  #head: TreeHead
  #queue: Pending[] = []
  #flushing: Promise<void> | undefined
  #failure: Error | undefined
  #guardTimer: NodeJS.Timeout | undefined
  #guarding: Promise<void> = Promise.resolve()

  private constructor(file: string, key: LogKey) {
    this.#file = file
    this.#key = key
    this.#fd = openSync(file, 'a+', 0o600)
    this.#head = signTreeHead(key, 0, this.#tree.root(0))
  }

  /**
   * @throws UnavailableError STACK_LOG_DAMAGED when the file does not hold what was signed
   */
  static async open(file: string, key: LogKey): Promise<AppendOnlyLog> {
    const log = new AppendOnlyLog(file, key)
    try {
      log.#replay()
      await log.#checkAgainstGuard()
      // Only now: what a damaged file still holds is for a person to look at.
      ftruncateSync(log.#fd, log.#end)
      if (log.#head.treeSize === 0) await log.#writeGuard()
    } catch (error) {
      closeSync(log.#fd)
      throw error
    }
    return log
  }

  /** The last checkpoint that is on disk. */
  get head(): TreeHead {
    return this.#head
  }

  get key(): LogKey {
    return this.#key
  }

  /** Index of a leaf by the lower-case hex of its hash, once it is on disk. */
  indexOf(leafHashHex: string): number | undefined {
    const index = this.#indexByLeafHash.get(leafHashHex)
    return index !== undefined && index < this.#head.treeSize ? index : undefined
  }

  leafHash(index: number): Uint8Array {
    return this.#tree.leafHash(index)
  }

  /** @param size - not above `head.treeSize` */
  root(size: number): Uint8Array {
    return this.#tree.root(size)
  }

  inclusionProof(index: number, size: number): Uint8Array[] {
    return this.#tree.inclusionProof(index, size)
  }

  consistencyProof(first: number, second: number): Uint8Array[] {
    return this.#tree.consistencyProof(first, second)
  }

  tile(level: number, index: number, width: number): Uint8Array {
    return this.#tree.tile(level, index, width)
  }

  /** An entry below `head.treeSize`, read from the file. */
  read(index: number): LogEntry {
    const offset = this.#offsets[index]
    if (offset === undefined) throw new RangeError('the log has no such entry')
    const payload = Buffer.alloc(offset.length)
    readSync(this.#fd, payload, 0, offset.length, offset.at)
    return decodeEntry(payload)
  }

  /** Resolves when the entry, or the one that was there before, is on disk under a checkpoint. */
  append(entry: LogEntry): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  async close(): Promise<void> {
    await this.#flushing
    clearTimeout(this.#guardTimer)
    await this.#guarding
    if (this.#failure === undefined) await this.#writeGuard()
    closeSync(this.#fd)
  }

  /** The only writer. What arrives while one batch goes to disk is the next batch. */
  async #flush(): Promise<void> {
    // Requests of the same moment go together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const batch = this.#queue
      this.#queue = []
      try {
        if (this.#failure !== undefined) throw this.#failure
        await this.#commit(batch)
        this.#guardSoon()
      } catch (error) {
        // The tree in memory is ahead of the disk: nothing more may be signed from it.
        this.#failure = error as Error
        for (const pending of batch) pending.reject(error)
      }
    }
    this.#flushing = undefined
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const records: Uint8Array[] = []
    const results: { pending: Pending; index: number; isDuplicate: boolean }[] = []
    let end = this.#end
    for (const pending of batch) {
      const hash = leafHash(pending.entry.leaf)
      const known = this.#indexByLeafHash.get(encodeHex(hash))
      if (known !== undefined) {
        results.push({ pending, index: known, isDuplicate: true })
        continue
      }
      const payload = encodeEntry(pending.entry)
      const record = encodeRecord(RECORD.entry, payload)
      records.push(record)
      this.#remember(hash, end + record.length - payload.length, payload.length)
      results.push({ pending, index: this.#tree.size - 1, isDuplicate: false })
      end += record.length
    }
    if (records.length > 0) {
      const size = this.#tree.size
      const head = signTreeHead(this.#key, size, this.#tree.root(size))
      records.push(encodeRecord(RECORD.checkpoint, encodeUtf8(head.checkpoint)))
      const bytes = concatBytes(...records)
      await this.#write(bytes)
      await datasync(this.#fd)
      this.#end += bytes.length
      this.#head = head
    }
    for (const { pending, index, isDuplicate } of results) {
      pending.resolve({ index, isDuplicate, head: this.#head })
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await writeAt(this.#fd, bytes, at, bytes.length - at, null)
      at += bytesWritten
    }
  }

  #remember(hash: Uint8Array, at: number, length: number): void {
    this.#indexByLeafHash.set(encodeHex(hash), this.#tree.append(hash))
    this.#offsets.push({ at, length })
  }

  #replay(): void {
    let uncommitted: { hash: Uint8Array; at: number; length: number }[] = []
    let last: { payload: Uint8Array; end: number } | undefined
    for (const record of readRecords(this.#fd)) {
      if (record.type === RECORD.entry) {
        if (record.payload.length < 4) break
        const { leaf } = decodeEntry(record.payload)
        uncommitted.push({ hash: leafHash(leaf), at: record.at, length: record.payload.length })
        continue
      }
      for (const entry of uncommitted) this.#remember(entry.hash, entry.at, entry.length)
      uncommitted = []
      last = { payload: record.payload, end: record.at + record.payload.length }
    }
    if (last !== undefined) {
      const size = this.#tree.size
      const rootHash = this.#tree.root(size)
      const checkpoint = decodeUtf8(last.payload) ?? ''
      if (!isTreeHead(this.#key, size, rootHash, checkpoint)) {
        throw this.#damaged('its entries are not those of its last checkpoint')
      }
      this.#head = { treeSize: size, rootHash, checkpoint }
      this.#end = last.end
    }
  }

  async #checkAgainstGuard(): Promise<void> {
    let checkpoint: string
    try {
      checkpoint = await readFile(this.#guard, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      if (this.#head.treeSize === 0) return
      throw this.#damaged('its last checkpoint is missing')
    }
    const size = Number(checkpoint.split('\n')[1])
    if (!Number.isSafeInteger(size) || size > this.#head.treeSize) {
      throw this.#damaged('it is shorter than a checkpoint that it signed')
    }
    if (!isTreeHead(this.#key, size, this.#tree.root(size), checkpoint)) {
      throw this.#damaged('it does not begin with the tree of a checkpoint that it signed')
    }
  }

  /** A guard a moment old is as good: it has to notice a file that was lost, not a crash. */
  #guardSoon(): void {
    if (this.#guardTimer !== undefined) return
    this.#guardTimer = setTimeout(() => {
      this.#guardTimer = undefined
      this.#guarding = this.#guarding
        .then(() => this.#writeGuard())
        .catch((error: unknown) => {
          this.#failure ??= error as Error
        })
    }, GUARD_DELAY_MS)
    this.#guardTimer.unref()
  }

  /** Not synced: the log's own file is the truth, this only has to survive with it. */
  async #writeGuard(): Promise<void> {
    const fresh = `${this.#guard}.new`
    await writeFile(fresh, this.#head.checkpoint, { mode: 0o600 })
    await rename(fresh, this.#guard)
  }

  get #guard(): string {
    return `${this.#file}.checkpoint`
  }

  #damaged(why: string): UnavailableError {
    return new UnavailableError(
      'STACK_LOG_DAMAGED',
      `cannot open the local log ${this.#file}: ${why}`,
      { hint: 'bring the file back, or begin anew: git-signet stack reset' },
    )
  }
}

function encodeEntry({ leaf, extra }: LogEntry): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(leaf.length)
  return concatBytes(length, leaf, extra)
}

function decodeEntry(payload: Uint8Array): LogEntry {
  const length = new DataView(payload.buffer, payload.byteOffset).getUint32(0)
  return { leaf: payload.subarray(4, 4 + length), extra: payload.subarray(4 + length) }
}
