import { HASH_LENGTH, nodeHash } from './merkle.ts'
import { proveConsistency, proveInclusion, treeRoot } from './prove.ts'
import { TILE_HEIGHT, TILE_WIDTH } from './tile.ts'

const FIRST_CAPACITY = 64

/**
 * An append-only RFC 6962 tree in memory: the prover's side. Keeps the hash of every full subtree
 * (64 bytes a leaf), so a root or proof at any size up to the present costs a few dozen hashes.
 *
 * Sizes and indices are numbers: a tree here is bounded by memory, not by 2^63.
 */
export class MerkleTree {
  readonly #levels: HashList[] = [new HashList()]

  /** Leaves so far. */
  get size(): number {
    return this.#level(0).length
  }

  /** Appends a leaf hash (not the leaf's data) and returns its index. */
  append(leafHash: Uint8Array): number {
    const index = this.size
    let hash = leafHash
    let position = index
    let level = 0
    this.#level(0).push(hash)
    while (position % 2 === 1) {
      hash = nodeHash(this.#level(level).at(position - 1), hash)
      position = (position - 1) / 2
      level += 1
      this.#level(level).push(hash)
    }
    return index
  }

  /** Hash of a leaf that is in the tree. */
  leafHash(index: number): Uint8Array {
    return this.hashAt(0, index)
  }

  /** Root of the first `size` leaves; of all by default. */
  root(size = this.size): Uint8Array {
    this.#checkSize(size)
    return treeRoot(size, this.hashAt)
  }

  /** Proof that leaf `index` is among the first `size` leaves. */
  inclusionProof(index: number, size = this.size): Uint8Array[] {
    this.#checkSize(size)
    return proveInclusion(index, size, this.hashAt)
  }

  /** Proof that the first `second` leaves begin with the first `first`. */
  consistencyProof(first: number, second = this.size): Uint8Array[] {
    this.#checkSize(second)
    return proveConsistency(first, second, this.hashAt)
  }

  /**
   * The first `width` hashes of a tile (c2sp.org/tlog-tiles), 32 bytes each; a width below 256 is a
   * partial tile.
   */
  tile(level: number, index: number, width = TILE_WIDTH): Uint8Array {
    const row = this.#level(level * TILE_HEIGHT)
    return row.slice(index * TILE_WIDTH, width)
  }

  /** Hash of a full subtree: what tiles and proofs are made of. */
  readonly hashAt = (level: number, index: number): Uint8Array => this.#level(level).at(index)

  #level(level: number): HashList {
    let list = this.#levels[level]
    if (list === undefined) {
      list = new HashList()
      this.#levels[level] = list
    }
    return list
  }

  #checkSize(size: number): void {
    if (size > this.size) {
      throw new RangeError(`the tree has ${String(this.size)} leaves, not ${String(size)}`)
    }
  }
}

/** Hashes in one growing buffer: a million arrays of 32 bytes would cost five times as much. */
class HashList {
  #bytes = new Uint8Array(FIRST_CAPACITY * HASH_LENGTH)
  length = 0

  push(hash: Uint8Array): void {
    if (hash.length !== HASH_LENGTH) throw new RangeError('a hash is 32 bytes')
    const offset = this.length * HASH_LENGTH
    if (offset === this.#bytes.length) {
      const larger = new Uint8Array(offset * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(hash, offset)
    this.length += 1
  }

  at(index: number): Uint8Array {
    return this.slice(index, 1)
  }

  /** A copy, so that growth and callers never touch each other's bytes. */
  slice(start: number, count: number): Uint8Array {
    if (start < 0 || count < 1 || start + count > this.length) {
      throw new RangeError('the tree has no such subtree')
    }
    return this.#bytes.slice(start * HASH_LENGTH, (start + count) * HASH_LENGTH)
  }
}
