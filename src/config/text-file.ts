import { closeSync, openSync, readSync } from 'node:fs'
import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'

const MAX_BYTES = 4 << 20

/**
 * A small text file that a setting names.
 *
 * @param what - for the message: `the token file that SIGNET_TOKEN_FILE names`
 * @throws UsageError with `code`
 */
export function readTextFile(path: string, code: string, what: string): string {
  try {
    const bytes = readAtMost(path, MAX_BYTES + 1)
    if (bytes.length > MAX_BYTES) throw new UsageError(code, `cannot read ${what}: it is too long`)
    return bytes.toString('utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const why = reason === 'ENOENT' ? 'there is no such file' : reason
    throw new UsageError(code, `cannot read ${what}: ${why} (${escapeText(path)})`, {
      cause: error,
    })
  }
}

/**
 * The first bytes of a file, all of them where it has no more: a device or a pipe may never end.
 *
 * @throws as node:fs
 */
export function readAtMost(path: string, maxBytes: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const parts: Buffer[] = []
    for (let left = maxBytes; left > 0;) {
      const block = Buffer.allocUnsafe(Math.min(left, 1 << 16))
      const read = readSync(file, block)
      if (read === 0) break
      parts.push(block.subarray(0, read))
      left -= read
    }
    return Buffer.concat(parts)
  } finally {
    closeSync(file)
  }
}
