/** Systematic changes of a protobuf message: each field in turn, at every depth that is a message. */
import { bytesField, encodeVarint, readMessage, varintField } from '../../src/encoding/protobuf.ts'
import type { ProtobufField } from '../../src/encoding/protobuf.ts'

export interface ProtobufMutation {
  /** Field numbers from the outermost message, e.g. `6.5`, and what was done there. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** Fields that are messages themselves: log_id, kind_version, promise, proof and its checkpoint. */
const MESSAGES: ReadonlySet<string> = new Set(['2', '3', '5', '6', '6.5'])

const write = (field: ProtobufField): Uint8Array =>
  field.wireType === 0
    ? varintField(field.number, field.varint)
    : bytesField(field.number, field.bytes)

const CHANGES: Readonly<Record<string, (field: ProtobufField) => Uint8Array | undefined>> = {
  removed: () => new Uint8Array(),
  doubled: (field) => Buffer.concat([write(field), write(field)]),
  'number changed': (field) => write({ ...field, number: field.number + 8 }),
  'one more': (field) =>
    field.wireType === 0 ? varintField(field.number, field.varint + 1n) : undefined,
  'one less': (field) =>
    field.wireType === 0 ? varintField(field.number, field.varint - 1n) : undefined,
  '2^64 - 1': (field) =>
    field.wireType === 0 ? varintField(field.number, 2n ** 64n - 1n) : undefined,
  'not minimal': (field) => {
    if (field.wireType !== 0) return undefined
    const digits = encodeVarint(field.varint)
    digits[digits.length - 1] = (digits.at(-1) ?? 0) | 0x80
    return Buffer.concat([encodeVarint(BigInt(field.number) << 3n), digits, Uint8Array.of(0)])
  },
  'as the other wire type': (field) =>
    field.wireType === 0
      ? bytesField(field.number, encodeVarint(field.varint))
      : varintField(field.number, 1n),
  'as a fixed64': (field) =>
    Buffer.concat([encodeVarint((BigInt(field.number) << 3n) | 1n), Buffer.alloc(8)]),
  emptied: (field) =>
    field.wireType === 2 && field.bytes.length > 0
      ? bytesField(field.number, new Uint8Array())
      : undefined,
  'last byte cut': (field) =>
    field.wireType === 2 && field.bytes.length > 0
      ? bytesField(field.number, field.bytes.subarray(0, -1))
      : undefined,
  'a byte more': (field) =>
    field.wireType === 2
      ? bytesField(field.number, Buffer.concat([field.bytes, Uint8Array.of(0x20)]))
      : undefined,
  'a bit flipped': (field) => {
    if (field.wireType !== 2 || field.bytes.length === 0) return undefined
    const flipped = Uint8Array.from(field.bytes)
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 4
    return bytesField(field.number, flipped)
  },
}

/** Every change of every field of a serialized TransparencyLogEntry. */
export function* mutateProtobuf(bytes: Uint8Array, path = ''): Generator<ProtobufMutation> {
  const fields = readMessage(bytes)
  const around = (at: number, changed: Uint8Array): Uint8Array =>
    Buffer.concat([...fields.slice(0, at).map(write), changed, ...fields.slice(at + 1).map(write)])
  for (const [at, field] of fields.entries()) {
    const place = path === '' ? String(field.number) : `${path}.${String(field.number)}`
    for (const [what, change] of Object.entries(CHANGES)) {
      const changed = change(field)
      if (changed !== undefined) yield { name: `${place} ${what}`, bytes: around(at, changed) }
    }
    if (field.wireType === 2 && MESSAGES.has(place)) {
      for (const inner of mutateProtobuf(field.bytes, place)) {
        yield { name: inner.name, bytes: around(at, bytesField(field.number, inner.bytes)) }
      }
    }
  }
  const reversed = Buffer.concat(fields.map(write).reverse())
  if (fields.length > 1) yield { name: `${path} fields reversed`, bytes: reversed }
}
