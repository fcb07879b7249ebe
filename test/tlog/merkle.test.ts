import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { decodeHex, encodeHex } from '../../src/encoding/hex.ts'
import {
  emptyRoot,
  leafHash,
  rootFromInclusionProof,
  verifyConsistency,
} from '../../src/tlog/merkle.ts'
import { MerkleTree } from '../../src/tlog/tree.ts'

// The eight leaves and roots that certificate-transparency's own tests have used since 2012.
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

function hex(text: string): Uint8Array {
  const bytes = decodeHex(text)
  if (bytes === undefined) throw new Error(text)
  return bytes
}

function knownTree(): MerkleTree {
  const tree = new MerkleTree()
  for (const leaf of LEAVES) tree.append(leafHash(hex(leaf)))
  return tree
}

describe('MerkleTree', () => {
  it('root() gives the published roots at every size', () => {
    const tree = knownTree()
    expect(ROOTS.map((_, size) => encodeHex(tree.root(size)))).toEqual(ROOTS)
    expect(encodeHex(emptyRoot())).toBe(ROOTS[0])
  })

  it('inclusionProof() gives the published path of leaf 5 of 8', () => {
    expect(knownTree().inclusionProof(5, 8).map(encodeHex)).toEqual([
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
  })

  it('consistencyProof() gives the published path from 6 to 8', () => {
    expect(knownTree().consistencyProof(6, 8).map(encodeHex)).toEqual([
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
  })

  it('refuses sizes and indices that it does not have', () => {
    const tree = knownTree()
    expect(() => tree.root(9)).toThrow(RangeError)
    expect(() => tree.inclusionProof(8)).toThrow(RangeError)
    expect(() => tree.inclusionProof(-1)).toThrow(RangeError)
    expect(() => tree.consistencyProof(9)).toThrow(RangeError)
    expect(() => tree.append(new Uint8Array(31))).toThrow(RangeError)
  })
})

describe('every proof of every tree up to 70 leaves', () => {
  const tree = new MerkleTree()
  for (let index = 0; index < 70; index += 1) tree.append(leafHash(Uint8Array.of(index)))

  it('rootFromInclusionProof() leads to the root, and to no root with one hash more or less', () => {
    for (let size = 1; size <= tree.size; size += 1) {
      const root = encodeHex(tree.root(size))
      for (let index = 0; index < size; index += 1) {
        const hashes = tree.inclusionProof(index, size)
        const proof = {
          leafHash: tree.leafHash(index),
          leafIndex: BigInt(index),
          treeSize: BigInt(size),
          hashes,
        }
        expect(encodeHex(rootFromInclusionProof(proof))).toBe(root)
        expect(() =>
          rootFromInclusionProof({ ...proof, hashes: [...hashes, new Uint8Array(32)] }),
        ).toThrow('too many hashes')
        if (hashes.length > 0) {
          expect(() => rootFromInclusionProof({ ...proof, hashes: hashes.slice(1) })).toThrow(
            'too few hashes',
          )
        }
      }
    }
  })

  it('verifyConsistency() accepts each true pair and refuses a changed root or hash', () => {
    for (let second = 1; second <= tree.size; second += 1) {
      for (let first = 1; first <= second; first += 1) {
        const hashes = tree.consistencyProof(first, second)
        const proof = {
          firstSize: BigInt(first),
          firstRoot: tree.root(first),
          secondSize: BigInt(second),
          secondRoot: tree.root(second),
          hashes,
        }
        expect(verifyConsistency(proof)).toBe(true)
        expect(verifyConsistency({ ...proof, secondRoot: leafHash(hex('ff')) })).toBe(false)
        expect(verifyConsistency({ ...proof, firstRoot: leafHash(hex('ff')) })).toBe(false)
        expect(() =>
          verifyConsistency({ ...proof, hashes: [...hashes, new Uint8Array(32)] }),
        ).toThrow('too many hashes')
        if (hashes.length > 0) {
          expect(() => verifyConsistency({ ...proof, hashes: hashes.slice(0, -1) })).toThrow(
            'too few hashes',
          )
        }
      }
    }
  })
})

describe('rootFromInclusionProof()', () => {
  const tree = knownTree()
  const good = {
    leafHash: tree.leafHash(5),
    leafIndex: 5n,
    treeSize: 8n,
    hashes: tree.inclusionProof(5, 8),
  }

  it.each([
    ['an index at the tree size', { leafIndex: 8n }],
    ['a negative index', { leafIndex: -1n }],
    ['an empty tree', { leafIndex: 0n, treeSize: 0n, hashes: [] }],
    ['a negative size', { treeSize: -8n }],
    ['a size over 2^63 - 1', { treeSize: 2n ** 63n }],
    ['a short hash', { hashes: [new Uint8Array(31)] }],
    ['a short leaf hash', { leafHash: new Uint8Array(20) }],
    ['10,000 hashes', { hashes: Array.from({ length: 10_000 }, () => new Uint8Array(32)) }],
  ])('refuses %s', (_, change) => {
    expect(() => rootFromInclusionProof({ ...good, ...change })).toThrow(
      expect.objectContaining({ code: 'PROOF_MALFORMED' }),
    )
  })

  it('follows a tree of 2^63 - 1 leaves', () => {
    const hashes = Array.from({ length: 63 }, () => new Uint8Array(32))
    expect(
      rootFromInclusionProof({
        leafHash: new Uint8Array(32),
        leafIndex: 0n,
        treeSize: 2n ** 63n - 1n,
        hashes,
      }),
    ).toHaveLength(32)
  })

  it('gives another root for any other leaf, index or hash', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.nat(2), fc.nat(255), (index, at, bit) => {
        const root = encodeHex(tree.root(8))
        if (index !== 5) {
          expect(encodeHex(rootFromInclusionProof({ ...good, leafIndex: BigInt(index) }))).not.toBe(
            root,
          )
        }
        const hashes = good.hashes.map((hash) => hash.slice())
        const hash = hashes[at]
        if (hash === undefined) return
        hash[bit >> 3] = (hash[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(encodeHex(rootFromInclusionProof({ ...good, hashes }))).not.toBe(root)
      }),
    )
  })
})

describe('verifyConsistency()', () => {
  const root = leafHash(Uint8Array.of(1))

  it('holds the empty tree to be the beginning of every tree, by an empty proof', () => {
    const proof = { firstSize: 0n, firstRoot: emptyRoot(), secondSize: 5n, secondRoot: root }
    expect(verifyConsistency({ ...proof, hashes: [] })).toBe(true)
    expect(verifyConsistency({ ...proof, firstRoot: root, hashes: [] })).toBe(false)
    expect(() => verifyConsistency({ ...proof, hashes: [root] })).toThrow('too many hashes')
  })

  it('refuses a tree that shrinks', () => {
    expect(() =>
      verifyConsistency({
        firstSize: 6n,
        firstRoot: root,
        secondSize: 5n,
        secondRoot: root,
        hashes: [],
      }),
    ).toThrow('not in order')
  })
})
