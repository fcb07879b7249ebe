import { describe, expect, it } from 'vitest'
import { encodeHex } from '../../src/encoding/hex.ts'
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts'
import { leafHash, rootFromInclusionProof, verifyConsistency } from '../../src/tlog/merkle.ts'
import { parseNote } from '../../src/tlog/note.ts'
import { proveConsistency, proveInclusion, treeRoot } from '../../src/tlog/prove.ts'
import {
  encodeEntryBundle,
  entryBundlePath,
  hashesFromTiles,
  inclusionTilePaths,
  parseEntryBundle,
  parseTilePath,
  tilePath,
} from '../../src/tlog/tile.ts'
import { MerkleTree } from '../../src/tlog/tree.ts'
import { readShared, sharedFolder } from '../shared.ts'
import { signedObjects } from './signed-objects.ts'

describe('tilePath()', () => {
  it.each([
    [0, 0, 256, 'tile/0/000'],
    [1, 5, 256, 'tile/1/005'],
    [0, 1_234_067, 256, 'tile/0/x001/x234/067'],
    [2, 1000, 17, 'tile/2/x001/000.p/17'],
    [5, 999, 255, 'tile/5/999.p/255'],
  ])(
    'writes level %i index %i width %i, and parseTilePath() reads it',
    (level, index, width, path) => {
      expect(tilePath(level, index, width)).toBe(path)
      expect(parseTilePath(path)).toEqual({ level, index, width })
    },
  )

  it('writes entry bundles', () => {
    expect(entryBundlePath(1234, 3)).toBe('tile/entries/x001/234.p/3')
    expect(parseTilePath('tile/entries/x001/234.p/3')).toEqual({ index: 1234, width: 3 })
  })
})

describe('parseTilePath()', () => {
  it.each([
    'tile/0/0',
    'tile/0/x000/001',
    'tile/6/000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/00/000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/001/002',
    'tile/data/000',
    'tile/0/../000',
  ])('refuses %s', (path) => {
    expect(parseTilePath(path)).toBeUndefined()
  })
})

describe('parseEntryBundle()', () => {
  it('gives back what encodeEntryBundle() wrote', () => {
    const entries = [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(65_535).fill(7)]
    expect(parseEntryBundle(encodeEntryBundle(entries))).toEqual(entries)
  })

  it.each([
    ['a cut length', Uint8Array.of(0)],
    ['a cut entry', Uint8Array.of(0, 2, 1)],
    ['257 entries', new Uint8Array(2 * 257)],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseEntryBundle(bytes)).toThrow(
      expect.objectContaining({ code: 'TILE_MALFORMED' }),
    )
  })

  it('is not asked to hold an entry above 65,535 bytes', () => {
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError)
  })
})

const hex = (hashes: Uint8Array[]): string[] => hashes.map(encodeHex)

describe('tiles of a tree', () => {
  const tree = new MerkleTree()
  const size = 70_000
  for (let index = 0; index < size; index += 1) tree.append(leafHash(Buffer.from(String(index))))
  const readTile = (path: string): Uint8Array => {
    const address = parseTilePath(path)
    if (address?.level === undefined) throw new Error(path)
    return tree.tile(address.level, address.index, address.width)
  }

  it('hold every hash that roots and proofs are made of, at any size', () => {
    for (const [index, at] of [
      [0, 1],
      [255, 256],
      [256, 257],
      [300, 65_536],
      [65_535, 65_537],
      [69_999, 70_000],
      [12_345, 66_000],
    ] as const) {
      const hashAt = hashesFromTiles(at, readTile)
      expect(encodeHex(treeRoot(at, hashAt))).toBe(encodeHex(tree.root(at)))
      expect(hex(proveInclusion(index, at, hashAt))).toEqual(hex(tree.inclusionProof(index, at)))
      expect(hex(proveConsistency(index + 1, at, hashAt))).toEqual(
        hex(tree.consistencyProof(index + 1, at)),
      )
    }
  })

  it('inclusionTilePaths() names exactly the tiles that are read', () => {
    const read = new Set<string>()
    proveInclusion(
      12_345,
      66_000,
      hashesFromTiles(66_000, (path) => {
        read.add(path)
        return readTile(path)
      }),
    )
    expect(new Set(inclusionTilePaths(12_345, 66_000))).toEqual(read)
  })

  it('are refused when one has another length than its path says', () => {
    const hashAt = hashesFromTiles(300, (path) => readTile(path).subarray(32))
    expect(() => treeRoot(300, hashAt)).toThrow('wrong length')
  })
})

describe.skipIf(sharedFolder === undefined)('a real log on disk (skipped: no shared data)', () => {
  const file = (path: string): Buffer => readShared(`interop/tiles/${path}`)

  it('gives the signed root, and a proof for each of its 321 entries', () => {
    const head = parseCheckpoint(parseNote(file('checkpoint').toString('utf8')).text)
    const size = Number(head.treeSize)
    const hashAt = hashesFromTiles(size, file)
    const root = encodeHex(head.rootHash)
    expect(encodeHex(treeRoot(size, hashAt))).toBe(root)
    const entries = [
      ...parseEntryBundle(file(entryBundlePath(0))),
      ...parseEntryBundle(file(entryBundlePath(1, size - 256))),
    ]
    expect(entries).toHaveLength(size)
    const tree = new MerkleTree()
    for (const [index, entry] of entries.entries()) {
      tree.append(leafHash(entry))
      const proof = {
        leafHash: leafHash(entry),
        leafIndex: BigInt(index),
        treeSize: head.treeSize,
        hashes: proveInclusion(index, size, hashAt),
      }
      expect(encodeHex(rootFromInclusionProof(proof))).toBe(root)
    }
    expect(encodeHex(tree.root())).toBe(root)
    expect(Buffer.from(tree.tile(0, 0))).toEqual(file('tile/0/000'))
    expect(Buffer.from(tree.tile(0, 1, 65))).toEqual(file('tile/0/001.p/65'))
    expect(Buffer.from(tree.tile(1, 0, 1))).toEqual(file('tile/1/000.p/1'))
  })

  it('gives every root it has ever signed, and the proof that each signature embeds', () => {
    const hashAt = hashesFromTiles(321, file)
    let checked = 0
    for (const { id, entry } of signedObjects('interop')) {
      const proof = entry?.inclusionProof
      if (entry === undefined || proof === undefined || entry.inclusionPromise) continue
      const size = Number(proof.treeSize)
      const head = parseCheckpoint(parseNote(proof.checkpoint).text)
      expect([id, encodeHex(head.rootHash)]).toEqual([id, encodeHex(treeRoot(size, hashAt))])
      const path = proveInclusion(Number(entry.logIndex), size, hashAt)
      expect([id, hex(proof.hashes)]).toEqual([id, hex(path)])
      const consistency = {
        firstSize: proof.treeSize,
        firstRoot: head.rootHash,
        secondSize: 321n,
        secondRoot: treeRoot(321, hashAt),
        hashes: proveConsistency(size, 321, hashAt),
      }
      expect(verifyConsistency(consistency)).toBe(true)
      checked += 1
    }
    expect(checked).toBeGreaterThan(20)
  })
})
