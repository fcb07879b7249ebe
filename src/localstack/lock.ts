import { readFileSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { UnavailableError } from '../errors.ts'
import { isMissing } from './state-directory.ts'

export interface LockHolder {
  readonly pid: number
  /** When the process began, where the system tells (Linux): process ids are used again. */
  readonly began: string | undefined
}

/**
 * Takes the lock file for this process; a lock whose holder is gone is taken over.
 *
 * @returns a function that gives it back
 * @throws UnavailableError STACK_LOCKED
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const mine: LockHolder = { pid: process.pid, began: processBegan(process.pid) }
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(`${JSON.stringify(mine)}\n`)
      await file.close()
      return async () => {
        await rm(path, { force: true })
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = await readLock(path)
    if (holder !== undefined) {
      throw new UnavailableError(
        'STACK_LOCKED',
        `cannot start the local stack: process ${holder.pid} is using its directory`,
        { hint: 'git-signet stack status' },
      )
    }
    await rm(path, { force: true })
  }
  throw new UnavailableError(
    'STACK_LOCKED',
    'cannot start the local stack: another one is starting',
  )
}

/** Who holds the lock; undefined when nobody who is alive does. */
export async function readLock(path: string): Promise<LockHolder | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  const holder = parseHolder(text)
  if (holder === undefined || !isAlive(holder.pid)) return undefined
  const began = processBegan(holder.pid)
  return began === holder.began || began === undefined ? holder : undefined
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value = JSON.parse(text) as JsonValue
    if (!isJsonObject(value) || typeof value['pid'] !== 'number') return undefined
    const { pid, began } = value
    return { pid, began: typeof began === 'string' ? began : undefined }
  } catch {
    // Cut off by a crash while it was written.
    return undefined
  }
}

/** Whether the process runs; one that has ended and that nobody has waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return processStat(pid)[0] !== 'Z'
}

/** Ticks since boot. */
function processBegan(pid: number): string | undefined {
  return processStat(pid)[19]
}

/** Fields of /proc/PID/stat from the third (the state) on; none where there is no such file. */
function processStat(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    // Not Linux, or the process has just gone.
    return []
  }
}
