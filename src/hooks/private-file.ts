import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { escapeText } from '../encoding/escape.ts'
import { UnavailableError } from '../errors.ts'

/** Opens a file that only this user may have written and can read; undefined where there is none. */
export function openPrivate(path: string): number | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unusable(path, error)
  }
  if (isPrivate(file)) return file
  closeSync(file)
  throw new UnavailableError(
    'HOOK_STATE',
    `cannot use ${escapeText(path)}: others may have written it`,
    { hint: `look at it; then: chown "$(id -un)" ${path} && chmod 600 ${path}` },
  )
}

/** The whole file; undefined where there is none, or it is not this user's alone. */
export function readPrivate(path: string): string | undefined {
  try {
    const file = openPrivate(path)
    if (file === undefined) return undefined
    try {
      return readFileSync(file, 'utf8')
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

/**
 * Appends whole lines in one write, 0600. A line that an earlier run left half-written is ended first.
 *
 * @throws UnavailableError HOOK_STATE
 */
export function appendLines(path: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  let file: number | undefined
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
    file = openSync(path, flags, 0o600)
    if (!isPrivate(file)) throw new Error('others may have written it')
    const text = Buffer.from(`${needsEnd(file) ? '\n' : ''}${lines.join('\n')}\n`)
    if (writeSync(file, text) !== text.length) throw new Error('the disk is full')
  } catch (error) {
    throw unusable(path, error)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Writes a file whole under another name first, 0600. One that cannot be written stays as it is. */
export function replacePrivate(path: string, text: string): void {
  const fresh = `${path}.${String(process.pid)}.tmp`
  try {
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' })
    renameSync(fresh, path)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    rmSync(fresh, { force: true })
  }
}

function needsEnd(file: number): boolean {
  const { size } = fstatSync(file)
  const last = Buffer.alloc(1)
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a
}

function isPrivate(file: number): boolean {
  const { uid, mode } = fstatSync(file)
  const isFile = (mode & constants.S_IFMT) === constants.S_IFREG
  return isFile && uid === process.getuid?.() && (mode & 0o077) === 0
}

function unusable(path: string, error: unknown): UnavailableError {
  const why = codeOf(error) ?? (error instanceof Error ? error.message : 'unknown error')
  return new UnavailableError('HOOK_STATE', `cannot use ${escapeText(path)}: ${why}`, {
    hint: 'all hooks of a repository run as one user, who must own it',
    cause: error,
  })
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
