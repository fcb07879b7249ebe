import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'
import { runGit, type GitPlace } from './run.ts'

/** git's configuration as every file, `-c` and environment variable together make it. */
export class GitConfig {
  readonly #values: ReadonlyMap<string, readonly (string | null)[]>

  constructor(values: ReadonlyMap<string, readonly (string | null)[]>) {
    this.#values = values
  }

  /** The last value of a key; `null` for a key without `=`. Section and name are lower-case. */
  get(key: string): string | null | undefined {
    return this.#values.get(canonicalKey(key))?.at(-1)
  }

  /** Every value of a key, in order of precedence from weak to strong. */
  all(key: string): readonly (string | null)[] {
    return this.#values.get(canonicalKey(key)) ?? []
  }

  /** The keys that are set, section and name in lower case. */
  keys(): readonly string[] {
    return [...this.#values.keys()]
  }

  /**
   * A key by git's own boolean rules; undefined where it is not set.
   *
   * @throws UsageError GIT_CONFIG_BOOLEAN
   */
  boolean(key: string): boolean | undefined {
    const value = this.get(key)
    if (value === undefined) return undefined
    const parsed = parseGitBoolean(value)
    if (parsed !== undefined) return parsed
    throw new UsageError(
      'GIT_CONFIG_BOOLEAN',
      `${key} is no boolean: "${escapeText(value ?? '')}"`,
      { hint: `git config ${key} true, or false` },
    )
  }
}

/** git's rule (config.c git_config_bool): words in any case, empty is false, a number is not zero. */
export function parseGitBoolean(value: string | null): boolean | undefined {
  if (value === null) return true
  if (/^(true|yes|on)$/i.test(value)) return true
  if (/^(false|no|off|)$/i.test(value)) return false
  const number = /^\s*[+-]?(0x[0-9a-f]+|[0-9]+)[kmg]?$/i.exec(value)?.[1]
  return number === undefined ? undefined : Number(number) !== 0
}

/** Reads all configuration in force at a place with one process. @throws UnavailableError as runGit */
export async function readGitConfig(place: GitPlace): Promise<GitConfig> {
  const { stdout } = await runGit(place, ['config', '--list', '-z'], { plain: true })
  return parseGitConfig(stdout.toString('utf8'))
}

/** Reads `git config --list -z`: entries end in NUL, LF ends the key, no LF is a key without `=`. */
export function parseGitConfig(text: string): GitConfig {
  const values = new Map<string, (string | null)[]>()
  for (const entry of text.split('\0')) {
    if (entry === '') continue
    const end = entry.indexOf('\n')
    const key = canonicalKey(end === -1 ? entry : entry.slice(0, end))
    const value = end === -1 ? null : entry.slice(end + 1)
    const before = values.get(key)
    if (before === undefined) values.set(key, [value])
    else before.push(value)
  }
  return new GitConfig(values)
}

/** Section and name are case-insensitive, what stands between the first and the last dot is not. */
function canonicalKey(key: string): string {
  const first = key.indexOf('.')
  const last = key.lastIndexOf('.')
  if (first === -1) return key.toLowerCase()
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase()
}
