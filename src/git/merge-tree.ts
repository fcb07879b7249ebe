import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UnavailableError } from '../errors.ts'
import { mergeArguments, MergeProcess, type Merged, type MergePair } from './merge-process.ts'
import type { RepositoryPaths } from './refs.ts'
import { runGit, type Environment, type GitPlace } from './run.ts'
import { writeLongAnswer, writeScratchRepository } from './scratch-repository.ts'

/** What the merge machinery makes of two commits. */
export type MergeResult =
  | Merged
  /** No common ancestor. */
  | { readonly kind: 'unrelated' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'time-limit' }

export interface MergeOptions {
  /** For one merge; a batch gets a little more for each. Default 10 s. */
  readonly timeoutMs?: number
}

/** Merges asked for at one time; bounds what has to be repeated when one of them is too slow. */
const batchSize = 1000
/** git keeps every commit it has seen in memory: after so many merges another process goes on. */
const maxMerges = 10_000
/** More than a C library holds back: a pipe's buffer has 4 KiB on Linux, at most 16 KiB elsewhere. */
const longAnswerBytes = process.platform === 'linux' ? 4200 : 17_000

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
  'core.warnAmbiguousRefs=false',
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
  /** Its answer pushes out those before it. */
  readonly #pusher: MergePair
  #process: MergeProcess | undefined
  /** How git is asked, once that is known: by one process, by one that ends for each batch, or pair. */
  #way: 'kept' | 'ended' | 'alone' | undefined

  private constructor(folder: string, place: GitPlace, pusher: MergePair, timeoutMs: number) {
    this.#folder = folder
    this.#place = place
    this.#pusher = pusher
    this.#timeoutMs = timeoutMs
  }

  /** Makes the scratch repository; `remove` deletes it. */
  static create(
    env: Environment,
    repository: RepositoryPaths,
    options: MergeOptions = {},
  ): MergeScratch {
    const folder = mkdtempSync(join(tmpdir(), 'git-signet-merge-'))
    const place = { cwd: join(folder, 'merge.git'), env: scratchEnvironment(env, folder) }
    const { format } = repository
    try {
      const alternates = [repository.objects, ...quarantineFolders(env)]
      writeScratchRepository(place.cwd, { format, settings, alternates })
      const pusher = writeLongAnswer(place.cwd, format, longAnswerBytes)
      return new MergeScratch(folder, place, pusher, options.timeoutMs ?? 10_000)
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Where objects that merging wrote can be read, besides those of the repository itself. */
  get place(): GitPlace {
    return this.#place
  }

  remove(): void {
    this.#stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /**
   * Merges every pair, in order, through as few processes as can be. Commits and trees must be known
   * to exist where it matters: git calls a merge clean without looking at what it does not need.
   *
   * @throws UnavailableError GIT_TOO_OLD, and as runGit
   */
  async merge(pairs: readonly MergePair[]): Promise<MergeResult[]> {
    const results: MergeResult[] = []
    for (let at = 0; at < pairs.length; at += batchSize) {
      results.push(...(await this.#mergeBatch(pairs.slice(at, at + batchSize))))
    }
    return results
  }

  async #mergeBatch(pairs: readonly MergePair[]): Promise<MergeResult[]> {
    const results: MergeResult[] = []
    while (results.length < pairs.length) {
      const rest = pairs.slice(results.length)
      const done = await this.#attempt(rest)
      if (done === 'time-limit') {
        // Answers come together: the slow one is found by halving.
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
  async #attempt(pairs: readonly MergePair[]): Promise<Merged[] | 'time-limit'> {
    if (this.#way === 'alone') return this.#mergeAlone(pairs)
    const done = await this.#ask(pairs, this.#way === 'ended')
    if (this.#way !== undefined) return done
    if (done === 'time-limit') {
      // A slow merge, or a C library that holds more back than we push.
      const again = await this.#ask(pairs, true)
      if (again !== 'time-limit') this.#way = 'ended'
      return again
    }
    if (done.length > 0) this.#way = 'kept'
    else if (!(await this.#canBatch())) {
      this.#way = 'alone'
      return this.#mergeAlone(pairs)
    }
    return done
  }

  async #ask(pairs: readonly MergePair[], isLast: boolean): Promise<Merged[] | 'time-limit'> {
    if (this.#process?.isOpen !== true) {
      this.#process = new MergeProcess(this.#place, this.#pusher)
    }
    const { asked } = this.#process
    let isDone = false
    try {
      const timeoutMs = this.#timeoutMs + 20 * pairs.length
      const done = await this.#process.ask(pairs, { timeoutMs, isLast })
      isDone = done !== 'time-limit' && !isLast && asked + pairs.length < maxMerges
      return done
    } finally {
      if (!isDone) this.#stop()
    }
  }

  #stop(): void {
    this.#process?.stop()
    this.#process = undefined
  }

  /** A process for each merge. */
  async #mergeAlone(pairs: readonly MergePair[]): Promise<Merged[] | 'time-limit'> {
    const results: Merged[] = []
    for (const { first, second } of pairs) {
      try {
        const { status, stdout } = await runGit(this.#place, [...mergeArguments, first, second], {
          timeoutMs: this.#timeoutMs,
          answers: [0, 1, 128],
          maxBytes: 256 << 20,
        })
        // A refusal is exit 1 too, but only a merge prints a tree.
        const merged = status === 128 ? undefined : parseMerge(stdout, status === 0)
        if (merged === undefined) break
        results.push(merged)
      } catch (error) {
        if (error instanceof UnavailableError && error.code === 'GIT_TIMEOUT') return 'time-limit'
        throw error
      }
    }
    return results
  }

  /** Why git refused: only its exit code is asked. */
  async #whyNot({ first, second }: MergePair): Promise<MergeResult> {
    const { status } = await runGit(this.#place, ['merge-base', '--', first, second], {
      answers: [0, 1, 128],
    })
    return { kind: status === 1 ? 'unrelated' : 'missing' }
  }

  /** Asked where a process ended without any answer: an old git, or one that refuses the pair. */
  async #canBatch(): Promise<boolean> {
    const { stdout } = await runGit(this.#place, ['version'])
    const [, major = 0, minor = 0] = (/ (\d+)\.(\d+)/.exec(stdout.toString()) ?? []).map(Number)
    if (major > 2 || minor >= 39) return true
    if (minor === 38) return false
    throw new UnavailableError('GIT_TOO_OLD', 'git cannot merge without a work tree: before 2.38')
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

/** The one record `tree NUL (path NUL)*` of a git without `--stdin`. */
function parseMerge(output: Buffer, clean: boolean): Merged | undefined {
  const [tree, ...conflicts] = splitNul(output)
  if (tree === undefined) return undefined
  return { kind: 'merged', tree: tree.toString('latin1'), conflicts: clean ? [] : conflicts }
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
