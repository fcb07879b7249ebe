import { simpleGit, type SimpleGit } from 'simple-git'
import { escapeText } from '../../encoding/escape.ts'
import { UnavailableError, UsageError } from '../../errors.ts'

export type ConfigScope = 'global' | 'local'

/**
 * One of git's configuration files, written by git itself. Only what stands in that file counts:
 * not what it includes, not what another scope says.
 */
export class GitConfigFile {
  readonly scope: ConfigScope
  readonly #git: SimpleGit

  constructor(scope: ConfigScope, cwd: string) {
    this.scope = scope
    // gpg.x509.program is what this is for; simple-git otherwise refuses to name a program.
    this.#git = simpleGit({ baseDir: cwd, unsafe: { allowUnsafeGpgProgram: true } })
  }

  /** Every value of a key in order; empty when it is not set. */
  async read(key: string): Promise<string[]> {
    const output = await this.#config('--null', '--get-all', key)
    return output.split('\0').slice(0, -1)
  }

  /** Makes `values` the only values of a key; none unsets it. Reads them back. */
  async write(key: string, values: readonly string[]): Promise<void> {
    if (values.length <= 1) {
      const [value] = values
      if (value !== undefined) await this.#config('--replace-all', key, value)
      else if ((await this.read(key)).length > 0) await this.#config('--unset-all', key)
    } else {
      await this.write(key, [])
      for (const value of values) await this.#config('--add', key, value)
    }
    const now = await this.read(key)
    if (!sameValues(now, values)) {
      throw new UnavailableError('GIT_CONFIG_FAILED', `git did not store ${key} (--${this.scope})`)
    }
  }

  /** What is in force here for a key, all scopes together; undefined when nothing sets it. */
  async effective(key: string): Promise<string | undefined> {
    const output = await this.#raw(['config', '--null', '--get', key])
    return output === '' ? undefined : output.slice(0, -1)
  }

  /** The repository's own folder, shared by its worktrees. @throws UsageError NOT_A_REPOSITORY */
  async commonDirectory(): Promise<string> {
    try {
      const output = await this.#raw(['rev-parse', '--path-format=absolute', '--git-common-dir'])
      return output.replace(/\n$/, '')
    } catch (error) {
      throw new UsageError('NOT_A_REPOSITORY', 'this is no git repository', {
        cause: error,
        hint: 'cd into one, or without --local for all of them: git-signet setup',
      })
    }
  }

  #config(...args: readonly string[]): Promise<string> {
    return this.#raw(['config', `--${this.scope}`, ...args])
  }

  async #raw(args: readonly string[]): Promise<string> {
    try {
      return await this.#git.raw([...args])
    } catch (error) {
      const why = error instanceof Error ? error.message.trim() : String(error)
      throw new UnavailableError(
        'GIT_CONFIG_FAILED',
        `git ${args[0] ?? ''} failed: ${escapeText(why)}`,
        {
          cause: error,
        },
      )
    }
  }
}

export function sameValues(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index])
}
