import { readFileSync } from 'node:fs'
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
    const bytes = readFileSync(path)
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
