import { isUtf8 } from 'node:buffer'

const SLAB_LENGTH = 16 << 10
const MAX_PIECE = 4 << 10
let slab = new Uint8Array()
let used = 0

/** Room for bytes that are written at once; short ones share memory, which is several times quicker. */
function room(length: number): Uint8Array {
  if (length > MAX_PIECE) return new Uint8Array(length)
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB_LENGTH)
    used = 0
  }
  used += length
  return slab.subarray(used - length, used)
}

export function encodeUtf8(text: string): Uint8Array {
  return plain(Buffer.from(text, 'utf8'))
}

/** For text that is known to be ASCII: `encodeUtf8` in half the time. */
export function encodeAscii(text: string): Uint8Array {
  return plain(Buffer.from(text, 'latin1'))
}

/** Slices of a Buffer are Buffers, which cost more than others. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** UTF-8 text of `bytes`, or undefined where they are not well-formed UTF-8. A BOM is kept. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  // A TextDecoder costs a start of the program 2 ms: git starts it once a commit.
  if (!isUtf8(bytes)) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** One character a byte, for comparing and searching bytes that need not be text. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Not constant-time: everything compared here is public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** Bytewise order, as DER sorts the elements of a SET OF (X.690 §11.6). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** For a handful of parts: arguments are on the stack. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const all = room(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
