import {
  closeSync,
  fchmodSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { escapeText } from '../encoding/escape.ts'
import { UnavailableError, UsageError } from '../errors.ts'
import type { ReportOutput } from './result.ts'

const BUFFER_LENGTH = 1 << 16

export interface OutputFile extends ReportOutput {
  /** Puts the whole report in place under its name. */
  commit(): void
  /** Removes what was written; the file that was there before stays. */
  discard(): void
}

/**
 * Opens a report file, mode 0644. It is written beside its name and renamed when it is whole, so
 * that a reader never finds half a report; a device or pipe is written directly.
 *
 * @throws UsageError `REPORT_FILE` when it cannot be created
 * @throws UnavailableError `REPORT_WRITE`, from `write` and `commit`, when the disk is full and the like
 */
export function openOutputFile(path: string): OutputFile {
  const target = resolveTarget(path)
  const written = target.direct
    ? target.path
    : join(dirname(target.path), `.${basename(target.path)}.${uniqueSuffix()}.tmp`)
  let descriptor: number | undefined = open(written, target.direct, path)
  let buffered: string[] = []
  let length = 0

  const flush = (): void => {
    if (descriptor === undefined) return
    const bytes = Buffer.from(buffered.join(''), 'utf8')
    buffered = []
    length = 0
    try {
      for (let offset = 0; offset < bytes.length;) {
        offset += writeSync(descriptor, bytes, offset)
      }
    } catch (error) {
      throw unwritable(path, error)
    }
  }
  const close = (): void => {
    if (descriptor === undefined) return
    const open = descriptor
    descriptor = undefined
    closeSync(open)
  }
  return {
    write(text) {
      buffered.push(text)
      length += text.length
      if (length >= BUFFER_LENGTH) flush()
    },
    commit() {
      flush()
      try {
        close()
        if (!target.direct) renameSync(written, target.path)
      } catch (error) {
        throw unwritable(path, error)
      }
    },
    discard() {
      close()
      if (!target.direct) unlinkSync(written)
    },
  }
}

let opened = 0

function uniqueSuffix(): string {
  return `${process.pid}-${++opened}`
}

/** A link is followed, so that the file it names is replaced and not the link. */
function resolveTarget(path: string): { path: string; direct: boolean } {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return { path, direct: false }
  if (found.isDirectory())
    throw new UsageError('REPORT_FILE', `cannot write ${escapeText(path)}: it is a directory`)
  if (!found.isSymbolicLink()) return { path, direct: !found.isFile() }
  try {
    const real = realpathSync(path)
    return { path: real, direct: !lstatSync(real).isFile() }
  } catch (error) {
    throw uncreatable(path, error)
  }
}

function open(written: string, direct: boolean, path: string): number {
  try {
    const descriptor = openSync(written, direct ? 'w' : 'wx', 0o644)
    // Whatever the umask: a report is made to be read by others.
    if (!direct) fchmodSync(descriptor, 0o644)
    return descriptor
  } catch (error) {
    throw uncreatable(path, error)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}

function uncreatable(path: string, error: unknown): UsageError {
  return new UsageError('REPORT_FILE', `cannot write ${escapeText(path)}: ${reasonOf(error)}`, {
    cause: error,
  })
}

function unwritable(path: string, error: unknown): UnavailableError {
  return new UnavailableError(
    'REPORT_WRITE',
    `cannot write ${escapeText(path)}: ${reasonOf(error)}`,
    { cause: error },
  )
}
