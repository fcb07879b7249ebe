import { readSync } from 'node:fs'
import { concatBytes } from '../encoding/bytes.ts'

/** Kinds of record in a log's file. */
export const RECORD = { entry: 1, checkpoint: 2 } as const

const HEADER_BYTES = 5
const CHUNK_BYTES = 1 << 20
/** An entry is a certificate or two. */
const MAX_PAYLOAD_BYTES = 1 << 20

export interface LogRecord {
  readonly type: number
  readonly payload: Uint8Array
  /** Offset of the payload in the file. */
  readonly at: number
}

/** One octet of type, four of length (big-endian), the payload. */
export function encodeRecord(type: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt8(type)
  header.writeUInt32BE(payload.length, 1)
  return concatBytes(header, payload)
}

/** The records of a file from its beginning, up to the first that is cut off or not a record. */
export function* readRecords(fd: number): Generator<LogRecord, undefined, undefined> {
  let buffer = Buffer.alloc(0)
  let start = 0
  for (;;) {
    const length = buffer.length >= HEADER_BYTES ? buffer.readUInt32BE(1) : undefined
    if (length !== undefined) {
      const type = buffer.readUInt8(0)
      if (length > MAX_PAYLOAD_BYTES || (type !== RECORD.entry && type !== RECORD.checkpoint))
        return
      if (buffer.length >= HEADER_BYTES + length) {
        const payload = buffer.subarray(HEADER_BYTES, HEADER_BYTES + length)
        yield { type, payload, at: start + HEADER_BYTES }
        buffer = buffer.subarray(HEADER_BYTES + length)
        start += HEADER_BYTES + length
        continue
      }
    }
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const read = readSync(fd, chunk, 0, CHUNK_BYTES, start + buffer.length)
    if (read === 0) return
    buffer = Buffer.concat([buffer, chunk.subarray(0, read)])
  }
}
