import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from '../crypto/random.ts'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError, UnavailableError } from '../errors.ts'
import type { ObjectType } from '../facts.ts'
import { notePaths, writeNotes } from '../git/notes.ts'
import type { Note } from '../git/notes.ts'
import { ObjectReader } from '../git/objects.ts'
import type { ReadsObjects } from '../git/objects.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import type { GitPlace } from '../git/run.ts'
import { logEntryFromJson, logEntryToJson } from '../tlog/entry-json.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'

/** Notes that travel with a repository: git push origin refs/notes/signet. */
export const NOTES_REF = 'refs/notes/signet'

const SCHEMA = 'git-signet.log-entry/1'
const MAX_BYTES = 256 << 10
const NOTES_AT_ONCE = 1000

export interface KeptEntriesOptions {
  readonly place: GitPlace
  readonly paths: Pick<RepositoryPaths, 'commonDir'>
  /** Who reads notes, where somebody reads objects already; not closed here. */
  readonly reader?: ReadsObjects | undefined
  /** Whether what is added also goes to the notes (`--keep`). */
  readonly notes: boolean
}

/**
 * Log entries that were found online before, by object: in files below the git directory, and in
 * `refs/notes/signet`. Nobody has to trust either: an entry is verified whenever it is used, and one
 * that is damaged is as good as none.
 */
export class KeptEntries {
  readonly #options: KeptEntriesOptions
  readonly #folder: string
  readonly #reader: ReadsObjects
  #hasNotes: Promise<boolean> | undefined
  #unwritten: Note[] = []
  /** Why notes could not be written; undefined while all is well. */
  failure: UnavailableError | undefined
  /** Whether anything was found. */
  hasFound = false

  constructor(options: KeptEntriesOptions) {
    this.#options = options
    this.#folder = join(options.paths.commonDir, 'signet', 'entries')
    this.#reader = options.reader ?? new ObjectReader(options.place)
  }

  /** What is kept for an object; proves nothing. */
  async find(id: string): Promise<readonly TransparencyLogEntry[]> {
    const found = this.#fromFile(id) ?? (await this.#fromNotes(id)) ?? []
    if (found.length > 0) this.hasFound = true
    return found
  }

  /** Keeps an entry that proves an object. A file that cannot be written is not kept. */
  async add(id: string, type: ObjectType, entry: TransparencyLogEntry): Promise<void> {
    const text = `${JSON.stringify({ schema: SCHEMA, entries: [logEntryToJson(entry)] })}\n`
    this.#write(id, text)
    if (!this.#options.notes) return
    this.#unwritten.push({ id, type, text })
    if (this.#unwritten.length >= NOTES_AT_ONCE) await this.flush()
  }

  /** Takes over into the notes what only a file has. */
  async keep(id: string, type: ObjectType): Promise<void> {
    if (!this.#options.notes || (await this.#fromNotes(id)) !== undefined) return
    const text = this.#read(id)
    if (text !== undefined) this.#unwritten.push({ id, type, text })
  }

  async close(): Promise<void> {
    if (this.#options.reader === undefined) await this.#reader.close()
  }

  /** Writes the notes that are left; see `failure`. */
  async flush(): Promise<void> {
    const notes = this.#unwritten
    this.#unwritten = []
    if (notes.length === 0) return
    try {
      const message = 'git-signet: keep log entries\n'
      await writeNotes(this.#options.place, NOTES_REF, notes, message)
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      this.failure = error
    }
  }

  #path(id: string): string {
    return join(this.#folder, id.slice(0, 2), `${id.slice(2)}.json`)
  }

  #read(id: string): string | undefined {
    try {
      const bytes = readFileSync(this.#path(id))
      return bytes.length > MAX_BYTES ? undefined : decodeUtf8(bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      return undefined
    }
  }

  #write(id: string, text: string): void {
    const path = this.#path(id)
    try {
      mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
      const temporary = `${path}.${encodeHex(randomBytes(6))}`
      writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' })
      renameSync(temporary, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }

  #fromFile(id: string): readonly TransparencyLogEntry[] | undefined {
    const text = this.#read(id)
    return text === undefined ? undefined : parseEntries(text)
  }

  async #fromNotes(id: string): Promise<readonly TransparencyLogEntry[] | undefined> {
    this.#hasNotes ??= this.#reader.read(NOTES_REF).then(({ kind }) => kind !== 'missing')
    if (!(await this.#hasNotes)) return undefined
    for (const name of notePaths(NOTES_REF, id)) {
      const answer = await this.#reader.read(name)
      if (answer.kind !== 'object' || answer.type !== 'blob') continue
      if (answer.bytes.length > MAX_BYTES) return undefined
      const text = decodeUtf8(answer.bytes)
      return text === undefined ? undefined : parseEntries(text)
    }
    return undefined
  }
}

/** Entries of a kept text; undefined where it is something else. */
function parseEntries(text: string): readonly TransparencyLogEntry[] | undefined {
  try {
    const value = parseJson(text, 'kept log entry')
    if (!isJsonObject(value) || value['schema'] !== SCHEMA) return undefined
    const { entries } = value
    if (!Array.isArray(entries) || entries.length > LIMITS.onlineEntries) return undefined
    return (entries as readonly JsonValue[]).map((entry) => logEntryFromJson(entry))
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
