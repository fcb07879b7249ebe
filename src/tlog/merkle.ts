import { equalBytes } from '../encoding/bytes.ts'
import { sha256 } from '../crypto/digest.ts'
import { MalformedError } from '../errors.ts'

const LEAF_PREFIX = Uint8Array.of(0)
const NODE_PREFIX = 1
const MAX_TREE_SIZE = 2n ** 63n - 1n
/** A tree of 2^63 - 1 leaves is 63 levels deep. */
const MAX_INCLUSION_HASHES = 63
const MAX_CONSISTENCY_HASHES = 2 * MAX_INCLUSION_HASHES

/** Bytes of every hash in a tree. */
export const HASH_LENGTH = 32

/** Root of the tree without leaves (RFC 6962 §2.1): the hash of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256()
}

/** Hash of one leaf (RFC 6962 §2.1): SHA-256(0x00 ‖ data). */
export function leafHash(data: Uint8Array): Uint8Array {
  return sha256(LEAF_PREFIX, data)
}

/** Filled anew for each node. */
const inner = new Uint8Array(1 + 2 * HASH_LENGTH)

/** Hash of an inner node (RFC 6962 §2.1): SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  inner[0] = NODE_PREFIX
  inner.set(left, 1)
  inner.set(right, 1 + HASH_LENGTH)
  return sha256(inner)
}

export interface InclusionProof {
  leafHash: Uint8Array
  leafIndex: bigint
  treeSize: bigint
  /** Sibling hashes from the leaf upwards, 32 bytes each. */
  hashes: readonly Uint8Array[]
}

/**
 * Root of the tree that an inclusion proof leads to. Proves nothing until the caller has compared
 * it with a root that the log signed for exactly `treeSize` leaves.
 *
 * @throws MalformedError `PROOF_MALFORMED`: an index outside the tree, too many or too few hashes.
 * @see RFC 9162 §2.1.3.2
 */
export function rootFromInclusionProof(proof: InclusionProof): Uint8Array {
  const { leafIndex, treeSize, hashes } = proof
  checkSize(treeSize)
  if (leafIndex < 0n || leafIndex >= treeSize) throw malformed('the leaf index is not in the tree')
  checkHashes(hashes, MAX_INCLUSION_HASHES)
  checkHash(proof.leafHash)
  let node = leafIndex
  let last = treeSize - 1n
  let root = proof.leafHash
  for (const hash of hashes) {
    if (last === 0n) throw malformed('the proof has too many hashes')
    if ((node & 1n) === 1n || node === last) {
      root = nodeHash(hash, root)
      // The last node of an uneven level has no sibling: it moves up as it is.
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      root = nodeHash(root, hash)
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw malformed('the proof has too few hashes')
  return root
}

export interface ConsistencyProof {
  firstSize: bigint
  firstRoot: Uint8Array
  secondSize: bigint
  secondRoot: Uint8Array
  hashes: readonly Uint8Array[]
}

/**
 * Whether the tree of `secondSize` leaves begins with all leaves of the first. The empty tree is
 * the beginning of every tree, by an empty proof.
 *
 * @throws MalformedError `PROOF_MALFORMED`: sizes in the wrong order, too many or too few hashes.
 * @see RFC 9162 §2.1.4.2
 */
export function verifyConsistency(proof: ConsistencyProof): boolean {
  const { firstSize, firstRoot, secondSize, secondRoot } = proof
  checkSize(secondSize)
  if (firstSize < 0n || firstSize > secondSize) throw malformed('the tree sizes are not in order')
  checkHashes(proof.hashes, MAX_CONSISTENCY_HASHES)
  checkHash(firstRoot)
  checkHash(secondRoot)
  if (firstSize === 0n || firstSize === secondSize) {
    if (proof.hashes.length > 0) throw malformed('the proof has too many hashes')
    return equalBytes(firstRoot, firstSize === 0n ? emptyRoot() : secondRoot)
  }
  // A first tree that is a full subtree is its own starting node, which the proof leaves out.
  const isFullSubtree = (firstSize & (firstSize - 1n)) === 0n
  const [start, ...path] = isFullSubtree ? [firstRoot, ...proof.hashes] : proof.hashes
  if (start === undefined) throw malformed('the proof has too few hashes')
  let node = firstSize - 1n
  let last = secondSize - 1n
  while ((node & 1n) === 1n) {
    node >>= 1n
    last >>= 1n
  }
  let first = start
  let second = start
  for (const hash of path) {
    if (last === 0n) throw malformed('the proof has too many hashes')
    if ((node & 1n) === 1n || node === last) {
      first = nodeHash(hash, first)
      second = nodeHash(hash, second)
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n
        last >>= 1n
      }
    } else {
      second = nodeHash(second, hash)
    }
    node >>= 1n
    last >>= 1n
  }
  if (last !== 0n) throw malformed('the proof has too few hashes')
  return equalBytes(first, firstRoot) && equalBytes(second, secondRoot)
}

function checkSize(treeSize: bigint): void {
  if (treeSize < 0n || treeSize > MAX_TREE_SIZE) throw malformed('the tree size is out of range')
}

function checkHashes(hashes: readonly Uint8Array[], limit: number): void {
  if (hashes.length > limit) throw malformed('the proof has too many hashes')
  for (const hash of hashes) checkHash(hash)
}

function checkHash(hash: Uint8Array): void {
  if (hash.length !== HASH_LENGTH) throw malformed('a hash is not 32 bytes')
}

function malformed(reason: string): MalformedError {
  return new MalformedError('PROOF_MALFORMED', `the Merkle proof is malformed: ${reason}`)
}
