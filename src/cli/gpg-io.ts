import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError, UnavailableError, UsageError } from '../errors.ts'

const CHUNK = 64 << 10
const RETRY = new Int32Array(new SharedArrayBuffer(4))

/**
 * Writes everything, at once and in order: git reads what was written when this process ends.
 *
 * @throws UnavailableError OUTPUT_LOST whoever reads has gone
 */
export function writeAll(descriptor: number, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  let at = 0
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') Atomics.wait(RETRY, 0, 0, 5)
      else {
        const why = codeOf(error) === 'EPIPE' ? 'nobody reads it any more' : codeOf(error)
        const what = `cannot write to file descriptor ${String(descriptor)}: ${why}`
        throw new UnavailableError('OUTPUT_LOST', what, { cause: error })
      }
    }
  }
}

/** Tells people something; whether anybody reads it is no matter. */
export function tell(text: string): void {
  try {
    writeAll(2, text)
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
  }
}

/**
 * Reads a file, or a descriptor to its end.
 *
 * @throws UnavailableError INPUT_LOST; MalformedError LIMIT more than an object may have
 */
export function readAll(source: string | number, what: string): Uint8Array {
  let descriptor: number
  try {
    descriptor = typeof source === 'number' ? source : openSync(source, 'r')
  } catch (error) {
    throw new UsageError('INPUT_LOST', `cannot read ${what}: ${codeOf(error)}`, { cause: error })
  }
  try {
    return readDescriptor(descriptor, what)
  } finally {
    if (typeof source !== 'number') closeSync(descriptor)
  }
}

function readDescriptor(descriptor: number, what: string): Uint8Array {
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK)
    let count: number
    try {
      count = readSync(descriptor, chunk, 0, CHUNK, null)
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') {
        Atomics.wait(RETRY, 0, 0, 5)
        continue
      }
      // Windows says EOF for the end of a pipe.
      if (codeOf(error) === 'EOF') break
      throw new UnavailableError('INPUT_LOST', `cannot read ${what}: ${codeOf(error)}`, {
        cause: error,
      })
    }
    if (count === 0) break
    length += count
    if (length > LIMITS.objectBytes) {
      throw new MalformedError('LIMIT', `cannot read ${what}: it is longer than any object may be`)
    }
    chunks.push(chunk.subarray(0, count))
  }
  return Buffer.concat(chunks)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
