import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { escapeText } from '../encoding/escape.ts'
import { UnavailableError } from '../errors.ts'
import { HOOK_LIMITS } from './limits.ts'

/**
 * Appends one line to a file in one write. When the file is full it becomes `FILE.1`, whose place in turn
 * is taken the next time.
 *
 * @throws UnavailableError AUDIT_FILE
 */
export function appendAuditLine(
  path: string,
  line: string,
  maxBytes: number = HOOK_LIMITS.auditFileBytes,
): void {
  let file: number | undefined
  try {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
    file = openSync(path, flags, 0o600)
    const bytes = Buffer.from(`${line}\n`)
    if (writeSync(file, bytes) !== bytes.length) throw new Error('the disk is full')
    if (fstatSync(file).size > maxBytes) renameSync(path, `${path}.1`)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const why = 'code' in error ? String(error.code) : error.message
    throw new UnavailableError('AUDIT_FILE', `cannot write ${escapeText(path)}: ${why}`, {
      hint: 'signet.hook.auditFile names a file that the hook may write',
      cause: error,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
