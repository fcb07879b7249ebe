import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject, parseJson } from '../../encoding/json.ts'
import { MalformedError } from '../../errors.ts'
import type { RepositoryPaths } from '../../git/refs.ts'
import { isObjectId } from '../../git/object-form.ts'

/**
 * The last verified tips of refs, by anchor, in a 0600 file under the git directory: an audit that
 * passes moves them, and a tip that no longer has the remembered one went back in time.
 */
export class RememberedTips {
  readonly #path: string
  readonly #paths: RepositoryPaths
  readonly #tips: Map<string, string>

  constructor(paths: RepositoryPaths) {
    this.#paths = paths
    this.#path = join(paths.commonDir, 'signet', 'audited.json')
    this.#tips = readTips(this.#path)
  }

  get(anchor: string | undefined, ref: string): string | undefined {
    const id = this.#tips.get(keyOf(anchor, ref))
    return id !== undefined && isObjectId(id, this.#paths.format) ? id : undefined
  }

  /** @returns why it cannot be remembered; undefined where it is */
  set(anchor: string | undefined, ref: string, id: string): string | undefined {
    this.#tips.set(keyOf(anchor, ref), id)
    try {
      mkdirSync(join(this.#path, '..'), { recursive: true, mode: 0o700 })
      const temporary = `${this.#path}.${String(process.pid)}`
      const text = `${JSON.stringify(Object.fromEntries(this.#tips))}\n`
      writeFileSync(temporary, text, { mode: 0o600 })
      renameSync(temporary, this.#path)
      return undefined
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      return code
    }
  }
}

function keyOf(anchor: string | undefined, ref: string): string {
  return `${anchor ?? 'no-anchor'} ${ref}`
}

function readTips(path: string): Map<string, string> {
  try {
    const value = parseJson(readFileSync(path, 'utf8'), 'remembered tips')
    if (!isJsonObject(value)) return new Map()
    return new Map(
      Object.entries(value).flatMap(([key, id]) =>
        typeof id === 'string' ? [[key, id] as const] : [],
      ),
    )
  } catch (error) {
    // Nothing is remembered yet, or nothing that can be read.
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined && !(error instanceof MalformedError)) throw error
    return new Map()
  }
}
