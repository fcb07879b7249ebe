import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnavailableError } from '../errors.ts'
import type { RepositoryPaths } from './refs.ts'
import { runGit, type Environment, type GitPlace } from './run.ts'

/** What the merge machinery makes of two commits. */
export type MergeResult =
  | { readonly kind: 'merged'; readonly tree: string; readonly conflicts: readonly Uint8Array[] }
  /** No common ancestor. */
  | { readonly kind: 'unrelated' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'time-limit' }

export interface MergePair {
  readonly first: string
  readonly second: string
}

export interface MergeOptions {
  /** For one merge; a batch gets a little more for each. Default 10 s. */
  readonly timeoutMs?: number
}

/** Merges given to one process; bounds what a batch that has to be repeated costs. */
const batchSize = 1000

/** Settings of policy.md §4 "Mechanical merge"; the histogram diff is merge-ort's own. */
const settings = [
  'merge.renames=true',
  'merge.renameLimit=7000',
  'merge.directoryRenames=conflict',
  'merge.conflictStyle=merge',
  'merge.renormalize=false',
  'diff.algorithm=histogram',
  'core.attributesFile=/dev/null',
  'core.ignoreCase=false',
  'gc.auto=0',
]

/**
 * Merges commits of another repository in a scratch one: its own empty configuration, attributes and
 * refs, the other's objects by alternates. Nothing is written outside the scratch folder.
 *
 * git before 2.39 has no `merge-tree --stdin`: there each merge is a process of its own. git before
 * 2.38 cannot do it at all.
 */
export class MergeScratch {
  readonly #folder: string
  readonly #place: GitPlace
  readonly #timeoutMs: number
  #batches: boolean | undefined

  private constructor(folder: string, env: Environment, timeoutMs: number) {
    this.#folder = folder
    this.#place = { cwd: join(folder, 'merge.git'), env }
    this.#timeoutMs = timeoutMs
  }

  /**
   * Makes the scratch repository; `remove` deletes it.
   *
   * @throws UnavailableError as runGit
   */
  static async create(
    env: Environment,
    repository: RepositoryPaths,
    options: MergeOptions = {},
  ): Promise<MergeScratch> {
    const folder = mkdtempSync(join(tmpdir(), 'git-signet-merge-'))
    const scratch = new MergeScratch(
      folder,
      scratchEnvironment(env, folder),
      options.timeoutMs ?? 10_000,
    )
    try {
      await scratch.#initialize(env, repository)
    } catch (error) {
      scratch.remove()
      throw error
    }
    return scratch
  }

  /** Where objects that merging wrote can be read, besides those of the repository itself. */
  get place(): GitPlace {
    return this.#place
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /**
   * Merges every pair, in order, through as few processes as can be. Commits and trees must be known
   * to exist where it matters: git calls a merge clean without looking at what it does not need.
   *
   * @throws UnavailableError GIT_TOO_OLD, and as runGit
   */
  async merge(pairs: readonly MergePair[]): Promise<MergeResult[]> {
    this.#batches ??= await this.#canBatch()
    const results: MergeResult[] = []
    const size = this.#batches ? batchSize : 1
    for (let at = 0; at < pairs.length; at += size) {
      results.push(...(await this.#mergeBatch(pairs.slice(at, at + size))))
    }
    return results
  }

  async #mergeBatch(pairs: readonly MergePair[]): Promise<MergeResult[]> {
    const results: MergeResult[] = []
    while (results.length < pairs.length) {
      const rest = pairs.slice(results.length)
      const done = await this.#attempt(rest)
      if (done === 'time-limit') {
        // git writes nothing before it ends: the slow one is found by halving.
        if (rest.length === 1) results.push({ kind: 'time-limit' })
        else results.push(...(await this.#mergeBatch(rest.slice(0, rest.length >> 1))))
        continue
      }
      results.push(...done)
      const culprit = rest[done.length]
      if (culprit !== undefined) results.push(await this.#whyNot(culprit))
    }
    return results
  }

  /** Results up to the first merge that git refuses. */
  async #attempt(pairs: readonly MergePair[]): Promise<MergeResult[] | 'time-limit'> {
    const batch = this.#batches === true
    const [only] = pairs
    if (only === undefined) return []
    const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages']
    try {
      const { status, stdout } = await runGit(
        this.#place,
        batch ? [...args, '--stdin'] : [...args, only.first, only.second],
        {
          input: batch ? pairs.map(({ first, second }) => `${first} ${second}\n`).join('') : '',
          timeoutMs: this.#timeoutMs + 20 * pairs.length,
          answers: [0, 1, 128],
          maxBytes: 256 << 20,
        },
      )
      if (batch) return parseMerges(stdout)
      // A refusal is exit 1 too, but only a merge prints a tree.
      return status === 128 ? [] : parseMerge(stdout, status === 0)
    } catch (error) {
      if (error instanceof UnavailableError && error.code === 'GIT_TIMEOUT') return 'time-limit'
      throw error
    }
  }

  /** Why git refused: only its exit code is asked. */
  async #whyNot({ first, second }: MergePair): Promise<MergeResult> {
    const { status } = await runGit(this.#place, ['merge-base', '--', first, second], {
      answers: [0, 1, 128],
    })
    return { kind: status === 1 ? 'unrelated' : 'missing' }
  }

  async #canBatch(): Promise<boolean> {
    const probe = async (args: readonly string[]): Promise<number> =>
      (await runGit(this.#place, args, { answers: [0, 1, 128, 129] })).status
    if ((await probe(['merge-tree', '--write-tree', '--stdin'])) === 0) return true
    // One argument too few: a git that knows the option says usage (129), as does one that does not.
    const { stdout } = await runGit(this.#place, ['version'])
    const [, major = 0, minor = 0] = (/ (\d+)\.(\d+)/.exec(stdout.toString()) ?? []).map(Number)
    if (major > 2 || (major === 2 && minor >= 38)) return false
    throw new UnavailableError('GIT_TOO_OLD', 'git cannot merge without a work tree: before 2.38')
  }

  async #initialize(env: Environment, repository: RepositoryPaths): Promise<void> {
    await runGit(
      { cwd: this.#folder, env: this.#place.env },
      ['init', '-q', '--bare', `--object-format=${repository.format}`, '--template=', 'merge.git'],
      { plain: true },
    )
    const config = settings.map((setting) => {
      const [, section = '', name = '', value = ''] = /^(\w+)\.(\w+)=(.*)$/.exec(setting) ?? []
      return `[${section}]\n\t${name} = ${value}\n`
    })
    writeFileSync(join(this.#place.cwd, 'config'), config.join(''), { flag: 'a' })
    const folders = [repository.objects, ...quarantineFolders(env)]
    writeFileSync(
      join(this.#place.cwd, 'objects', 'info', 'alternates'),
      folders.map((folder) => `${quoted(folder)}\n`).join(''),
    )
  }
}

/** Object folders that only this process's environment names (git's receive quarantine). */
function quarantineFolders(env: Environment): string[] {
  const alternates = env['GIT_ALTERNATE_OBJECT_DIRECTORIES'] ?? ''
  return [env['GIT_OBJECT_DIRECTORY'] ?? '', ...alternates.split(':')].filter((one) => one !== '')
}

function scratchEnvironment(env: Environment, folder: string): Environment {
  const kept = ['PATH', 'TMPDIR', 'SystemRoot', 'LD_LIBRARY_PATH']
  return {
    ...Object.fromEntries(kept.map((name) => [name, env[name]])),
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: folder,
  }
}

/** git unquotes a line of `alternates` that starts with a quote as it does C strings. */
function quoted(path: string): string {
  if (!/[\n"\\#]/.test(path)) return path
  return `"${path.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}

/** Whole records `clean NUL tree NUL (path NUL)* NUL` of `merge-tree --stdin -z --name-only`. */
function parseMerges(output: Buffer): MergeResult[] {
  const results: MergeResult[] = []
  let at = 0
  for (;;) {
    const fields: Buffer[] = []
    for (;;) {
      const end = output.indexOf(0, at)
      if (end === -1) return results
      const field = output.subarray(at, end)
      at = end + 1
      if (field.length === 0) break
      fields.push(field)
    }
    const [clean, tree, ...conflicts] = fields
    if (clean === undefined || tree === undefined) return results
    results.push({ kind: 'merged', tree: tree.toString('latin1'), conflicts })
  }
}

/** The one record `tree NUL (path NUL)*` of a git without `--stdin`. */
function parseMerge(output: Buffer, clean: boolean): MergeResult[] {
  const [tree, ...conflicts] = splitNul(output)
  if (tree === undefined) return []
  return [{ kind: 'merged', tree: tree.toString('latin1'), conflicts: clean ? [] : conflicts }]
}

function splitNul(output: Buffer): Buffer[] {
  const fields: Buffer[] = []
  let at = 0
  for (let end = output.indexOf(0, at); end !== -1; end = output.indexOf(0, at)) {
    fields.push(output.subarray(at, end))
    at = end + 1
  }
  return fields
}
