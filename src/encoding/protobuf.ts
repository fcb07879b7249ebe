import { MalformedError } from '../errors.ts'
import { concatBytes, encodeUtf8 } from './bytes.ts'

/** One field of a message on the wire; exactly one of `varint` and `bytes` is there. */
export type ProtobufField =
  | { readonly number: number; readonly wireType: 0; readonly varint: bigint }
  | { readonly number: number; readonly wireType: 2; readonly bytes: Uint8Array }

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
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at]
      if (byte === undefined) throw malformed('a varint is cut off')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) {
        if (byte === 0 && shift > 0n) throw malformed('a varint is not minimal')
        if (value >= 1n << 64n) throw malformed('a varint is longer than 64 bits')
        return value
      }
    }
    throw malformed('a varint is longer than ten bytes')
  }
  while (at < bytes.length) {
    const key = varint()
    const number = Number(key >> 3n)
    if (number < 1 || number > 0x1fffffff) throw malformed('a field number is out of range')
    if (fields.length === maxFields) throw malformed(`more than ${String(maxFields)} fields`)
    switch (Number(key & 7n)) {
      case 0:
        fields.push({ number, wireType: 0, varint: varint() })
        break
      case 2: {
        const length = varint()
        if (length > BigInt(bytes.length - at)) throw malformed('a field is cut off')
        fields.push({ number, wireType: 2, bytes: bytes.subarray(at, at + Number(length)) })
        at += Number(length)
        break
      }
      default:
        throw malformed(`wire type ${String(key & 7n)} is not used by any message read here`)
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
