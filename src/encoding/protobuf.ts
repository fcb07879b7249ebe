import { MalformedError } from '../errors.ts'
import { concatBytes, encodeUtf8 } from './bytes.ts'

/** One field of a message on the wire; exactly one of `varint` and `bytes` is there. */
export type ProtobufField =
  | { readonly number: number; readonly wireType: 0; readonly varint: bigint }
  | { readonly number: number; readonly wireType: 2; readonly bytes: Uint8Array }

/** Groups of seven bits that a number adds up exactly. */
const LOW_GROUPS = 7

/**
 * Splits a serialized message into its fields, in order. Wire types 0 (varint) and 2 (length-delimited)
 * only: nothing read here has others. Varints must be minimal and fit 64 bits.
 *
 * @throws MalformedError PROTOBUF_MALFORMED
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function readMessage(bytes: Uint8Array, maxFields = 4096): ProtobufField[] {
  const fields: ProtobufField[] = []
  let at = 0
  /** A bigint only where a number cannot hold it: bigints are slow. */
  const varint = (): number | bigint => {
    let low = 0
    let high = 0
    for (let group = 0; group < 10; group += 1) {
      const byte = bytes[at]
      if (byte === undefined) throw malformed('a varint is cut off')
      at += 1
      if (group < LOW_GROUPS) low += (byte & 0x7f) * 128 ** group
      else high += (byte & 0x7f) * 128 ** (group - LOW_GROUPS)
      if (byte < 0x80) {
        if (byte === 0 && group > 0) throw malformed('a varint is not minimal')
        if (high >= 1 << 15) throw malformed('a varint is longer than 64 bits')
        return high === 0 ? low : (BigInt(high) << 49n) | BigInt(low)
      }
    }
    throw malformed('a varint is longer than ten bytes')
  }
  while (at < bytes.length) {
    const key = Number(varint())
    const number = Math.floor(key / 8)
    if (number < 1 || number > 0x1fffffff) throw malformed('a field number is out of range')
    if (fields.length === maxFields) throw malformed(`more than ${String(maxFields)} fields`)
    switch (key % 8) {
      case 0:
        fields.push({ number, wireType: 0, varint: BigInt(varint()) })
        break
      case 2: {
        const length = Number(varint())
        if (length > bytes.length - at) throw malformed('a field is cut off')
        fields.push({ number, wireType: 2, bytes: bytes.subarray(at, at + length) })
        at += length
        break
      }
      default:
        throw malformed(`wire type ${String(key % 8)} is not used by any message read here`)
    }
  }
  return fields
}

export function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

export function varintField(number: number, value: bigint): Uint8Array {
  return concatBytes(encodeVarint(BigInt(number) << 3n), encodeVarint(value))
}

export function bytesField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? encodeUtf8(value) : value
  return concatBytes(
    encodeVarint((BigInt(number) << 3n) | 2n),
    encodeVarint(BigInt(bytes.length)),
    bytes,
  )
}

function malformed(why: string): MalformedError {
  return new MalformedError('PROTOBUF_MALFORMED', `cannot read protobuf message: ${why}`)
}
