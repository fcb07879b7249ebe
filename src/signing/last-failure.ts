import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataDirectory } from '../config/directories.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import { SignetError } from '../errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The last signature that could not be made. Holds no secret: errors never do. */
export interface LastFailure {
  /** RFC 3339. */
  readonly at: string
  readonly code: string
  readonly message: string
  readonly hint?: string
}

const FILE = 'last-failure.json'

/** Keeps a failure for `status`: git before 2.40 swallows what a signing program says. */
export function keepFailure(env: Environment, error: unknown, now: number): void {
  const known = error instanceof SignetError ? (error as SignetError) : undefined
  const failure: LastFailure = {
    at: new Date(now).toISOString(),
    code: known?.code ?? 'INTERNAL',
    message: known?.message ?? 'git-signet made a mistake',
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  }
  inDataDirectory(env, (directory) => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const file = join(directory, FILE)
    const draft = `${file}.${String(process.pid)}`
    writeFileSync(draft, `${JSON.stringify(failure)}\n`, { mode: 0o600 })
    renameSync(draft, file)
  })
}

/** After a signature that was made. */
export function forgetFailure(env: Environment): void {
  inDataDirectory(env, (directory) => {
    rmSync(join(directory, FILE), { force: true })
  })
}

/** The last failure since the last success; undefined where there is none, or no readable one. */
export function readLastFailure(env: Environment): LastFailure | undefined {
  return inDataDirectory(env, (directory) => {
    const value = parseJson(readFileSync(join(directory, FILE), 'utf8'), 'last failure')
    if (!isJsonObject(value)) return undefined
    const { at, code, message, hint } = value
    if (typeof at !== 'string' || typeof code !== 'string' || typeof message !== 'string') {
      return undefined
    }
    return { at, code, message, ...(typeof hint === 'string' ? { hint } : {}) }
  })
}

function inDataDirectory<T>(env: Environment, act: (directory: string) => T): T | undefined {
  try {
    return act(dataDirectory(env))
  } catch {
    // No such file, a read-only home, a damaged file: this is a convenience and never the result.
    return undefined
  }
}
