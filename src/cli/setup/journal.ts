import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../../encoding/json.ts'
import { UnavailableError, UsageError } from '../../errors.ts'

const SCHEMA = 'git-signet.setup/1'

/** One key that setup wrote: every value it had before and has since. */
export interface Change {
  readonly key: string
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** What `--undo` needs. */
export interface Journal {
  readonly changes: readonly Change[]
  /** Files written besides: launchers. */
  readonly files: readonly string[]
}

/** @throws UsageError SETUP_JOURNAL when it is there but unreadable */
export function readJournal(path: string): Journal | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw damaged(path, error)
  }
  try {
    return parseJournal(parseJson(text, 'what setup replaced'))
  } catch (error) {
    throw damaged(path, error)
  }
}

/** Written aside and renamed: a journal is whole or absent. */
export function writeJournal(path: string, journal: Journal): void {
  const fresh = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, `${JSON.stringify({ schema: SCHEMA, ...journal }, undefined, 2)}\n`, {
      mode: 0o600,
    })
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new UnavailableError('SETUP_JOURNAL', `cannot note what is replaced: ${why}`, {
      cause: error,
    })
  }
}

function parseJournal(value: JsonValue): Journal {
  const { schema, changes, files } = object(value)
  if (schema !== SCHEMA) throw new TypeError('unknown schema')
  return {
    changes: array(changes).map((each) => {
      const { key, before, after } = object(each)
      return {
        key: string(key),
        before: array(before).map(string),
        after: array(after).map(string),
      }
    }),
    files: array(files).map(string),
  }
}

function object(value: JsonValue | undefined): JsonObject {
  if (!isJsonObject(value)) throw new TypeError('not an object')
  return value
}

function array(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new TypeError('not a list')
  return value as readonly JsonValue[]
}

function string(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new TypeError('not a text')
  return value
}

function damaged(path: string, cause: unknown): UsageError {
  return new UsageError('SETUP_JOURNAL', `cannot read what setup replaced: ${path} is damaged`, {
    cause,
    hint: `look at it, mend git's configuration by hand, and remove it: rm ${path}`,
  })
}
