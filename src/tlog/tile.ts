import { concatBytes } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import { HASH_LENGTH, nodeHash } from './merkle.ts'
import { proveInclusion, type HashAt } from './prove.ts'

/** Levels of the tree in one tile (c2sp.org/tlog-tiles). */
export const TILE_HEIGHT = 8
/** Hashes in a full tile, entries in a full bundle. */
export const TILE_WIDTH = 256
/** c2sp.org/tlog-tiles: tile levels are 0 to 5. */
const MAX_TILE_LEVEL = 5
const MAX_ENTRY_LENGTH = 0xffff

/** One tile of hashes, or (`level` absent) one bundle of entries. */
export interface TileAddress {
  level?: number
  index: number
  /** 1 to 256; below 256 the tile is partial. */
  width: number
}

/** Path of a tile below the log's prefix: `tile/0/x001/234.p/5`. */
export function tilePath(level: number, index: number, width = TILE_WIDTH): string {
  return `tile/${String(level)}/${indexPath(index)}${partialSuffix(width)}`
}

/** Path of a bundle of entries: `tile/entries/000`. */
export function entryBundlePath(index: number, width = TILE_WIDTH): string {
  return `tile/entries/${indexPath(index)}${partialSuffix(width)}`
}

/** Reads a path that `tilePath` or `entryBundlePath` writes; anything else is `undefined`. */
export function parseTilePath(path: string): TileAddress | undefined {
  const match = /^tile\/(entries|\d)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (match === null) return undefined
  const [, kind, digits = '', partial] = match
  const index = Number(digits.replace(/[x/]/g, ''))
  const width = partial === undefined ? TILE_WIDTH : Number(partial)
  if (width < 1 || width > TILE_WIDTH) return undefined
  const address = kind === 'entries' ? { index, width } : { level: Number(kind), index, width }
  if (address.level !== undefined && address.level > MAX_TILE_LEVEL) return undefined
  const written =
    address.level === undefined
      ? entryBundlePath(index, width)
      : tilePath(address.level, index, width)
  return written === path ? address : undefined
}

/** Entries as a bundle holds them: each behind its length in two bytes, big-endian. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_LENGTH) throw new RangeError('an entry is at most 65535 bytes')
    parts.push(Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry)
  }
  return concatBytes(...parts)
}

/**
 * Splits a bundle into its entries (slices). Does not check them against the tree.
 *
 * @throws MalformedError `TILE_MALFORMED`
 */
export function parseEntryBundle(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = []
  let offset = 0
  while (offset < bytes.length) {
    const high = bytes[offset]
    const low = bytes[offset + 1]
    if (high === undefined || low === undefined) throw malformed('a length is cut off')
    const end = offset + 2 + high * 256 + low
    if (end > bytes.length) throw malformed('an entry is cut off')
    if (entries.length === TILE_WIDTH) throw malformed('there are more than 256 entries')
    entries.push(bytes.subarray(offset + 2, end))
    offset = end
  }
  return entries
}

/**
 * Subtree hashes out of the tiles of a tree of `size` leaves, for `prove.ts`. `readTile` gives a
 * tile's bytes by path. Nothing is verified: prove against a signed root.
 *
 * @throws MalformedError `TILE_MALFORMED`: a tile of another length than its path says.
 */
export function hashesFromTiles(size: number, readTile: (path: string) => Uint8Array): HashAt {
  return (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const height = level % TILE_HEIGHT
    const first = index * 2 ** height
    const tileIndex = Math.floor(first / TILE_WIDTH)
    const path = tileOf(tileLevel, tileIndex, size)
    const tile = readTile(path.path)
    if (tile.length !== path.width * HASH_LENGTH) throw malformed('a tile has the wrong length')
    return subtreeHash(tile, first % TILE_WIDTH, 2 ** height)
  }
}

/** Paths of the tiles that the inclusion proof of leaf `index` at `size` is made of. */
export function inclusionTilePaths(index: number, size: number): string[] {
  const paths = new Set<string>()
  const unknown = new Uint8Array(HASH_LENGTH)
  proveInclusion(index, size, (level, position) => {
    const first = position * 2 ** (level % TILE_HEIGHT)
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    paths.add(tileOf(tileLevel, Math.floor(first / TILE_WIDTH), size).path)
    return unknown
  })
  return [...paths]
}

/** The tile as wide as a tree of `size` leaves has it. */
function tileOf(level: number, index: number, size: number): { path: string; width: number } {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH
  const width = Math.min(hashes, TILE_WIDTH)
  return { path: tilePath(level, index, width), width }
}

function subtreeHash(tile: Uint8Array, first: number, count: number): Uint8Array {
  if (count === 1) return tile.slice(first * HASH_LENGTH, (first + 1) * HASH_LENGTH)
  const half = count / 2
  return nodeHash(subtreeHash(tile, first, half), subtreeHash(tile, first + half, half))
}

function indexPath(index: number): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError('no such tile')
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.match(/\d{3}/g) ?? []
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
}

function partialSuffix(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new RangeError('a tile is 1 to 256 wide')
  }
  return width === TILE_WIDTH ? '' : `.p/${String(width)}`
}

function malformed(reason: string): MalformedError {
  return new MalformedError('TILE_MALFORMED', `the tile is malformed: ${reason}`)
}
