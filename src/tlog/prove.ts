import { emptyRoot, nodeHash } from './merkle.ts'

/**
 * Hash of the full subtree of 2^`level` leaves that begins at leaf `index` · 2^`level`. Asked only
 * for subtrees that lie wholly inside the tree.
 */
export type HashAt = (level: number, index: number) => Uint8Array

/** Root of the first `size` leaves (RFC 6962 §2.1). */
export function treeRoot(size: number, hashAt: HashAt): Uint8Array {
  checkRange(0, size, size)
  return size === 0 ? emptyRoot() : rangeHash(0, size, hashAt)
}

/**
 * Hashes that prove leaf `index` to be in the tree of the first `size` leaves (RFC 6962 §2.1.1),
 * from the leaf upwards.
 */
export function proveInclusion(index: number, size: number, hashAt: HashAt): Uint8Array[] {
  checkRange(index, index + 1, size)
  const path: Uint8Array[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      path.push(rangeHash(middle, end, hashAt))
      end = middle
    } else {
      path.push(rangeHash(start, middle, hashAt))
      start = middle
    }
  }
  return path.reverse()
}

/** Hashes that prove the tree of `second` leaves to begin with that of `first` (RFC 6962 §2.1.2). */
export function proveConsistency(first: number, second: number, hashAt: HashAt): Uint8Array[] {
  checkRange(0, first, second)
  if (first === 0 || first === second) return []
  const path: Uint8Array[] = []
  let start = 0
  let end = second
  while (first !== end) {
    const middle = start + splitPoint(end - start)
    if (first <= middle) {
      path.push(rangeHash(middle, end, hashAt))
      end = middle
    } else {
      path.push(rangeHash(start, middle, hashAt))
      start = middle
    }
  }
  // The verifier knows the first tree's root already; it needs the node only where that is not it.
  if (start > 0) path.push(rangeHash(start, end, hashAt))
  return path.reverse()
}

/** `start` is a multiple of the largest power of two in `end - start`: true for all callers. */
function rangeHash(start: number, end: number, hashAt: HashAt): Uint8Array {
  const width = end - start
  const half = splitPoint(width)
  if (half * 2 === width || width === 1) return hashAt(Math.log2(width), start / width)
  return nodeHash(hashAt(Math.log2(half), start / half), rangeHash(start + half, end, hashAt))
}

/** The largest power of two below `width` (RFC 6962 §2.1: `k`). */
function splitPoint(width: number): number {
  let half = 1
  while (half * 2 < width) half *= 2
  return half
}

function checkRange(start: number, end: number, size: number): void {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(end) || start < 0 || end > size) {
    throw new RangeError(`leaves ${String(start)} to ${String(end)} are not in ${String(size)}`)
  }
}
