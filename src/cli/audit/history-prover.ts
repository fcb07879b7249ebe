import { join } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import type { CommitRange } from '../../git/refs.ts'
import { FactsCache } from '../../verification/cache.ts'
import { verifyCommits, verifyHistory } from '../../verification/history.ts'
import type { HistoryOptions, ProvedCommit } from '../../verification/history.ts'
import { completeHistory } from '../../verification/online-keep.ts'
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'
import type { Prover } from '../verify/prover.ts'

/** Proves whole ranges of the repository at hand, with what was proven before; `close` it. */
export class HistoryProver {
  readonly repository: RepositoryAnswers
  readonly #prover: Prover
  readonly #cache: FactsCache | undefined

  /** @throws UnavailableError as runGit */
  static async open(context: Context, prover: Prover): Promise<HistoryProver> {
    const repository = await RepositoryAnswers.open({ cwd: context.cwd, env: context.env })
    const cache = FactsCache.open({
      paths: repository.paths,
      roots: prover.roots,
      version: VERSION,
      keyFile: join(dataDirectory(context.env), 'facts.key'),
    })
    return new HistoryProver(repository, prover, cache)
  }

  private constructor(
    repository: RepositoryAnswers,
    prover: Prover,
    cache: FactsCache | undefined,
  ) {
    this.repository = repository
    this.#prover = prover
    this.#cache = cache
  }

  /** Every commit of a range, in the order of the walk. @throws UnavailableError as runGit */
  range(range: CommitRange, options: HistoryOptions = {}): AsyncIterable<ProvedCommit> {
    const cache = this.#cache
    return this.#completed(
      verifyHistory(this.repository, range, this.#prover.roots, { ...options, cache }),
    )
  }

  /** Commits by id, in this order. @throws UnavailableError as runGit */
  commits(ids: readonly string[]): AsyncIterable<ProvedCommit> {
    const options = { cache: this.#cache }
    return this.#completed(verifyCommits(this.repository, ids, this.#prover.roots, options))
  }

  async *#completed(
    source: AsyncIterable<ProvedCommit>,
  ): AsyncGenerator<ProvedCommit, void, undefined> {
    yield* completeHistory(source, await this.#prover.completion())
  }

  async close(): Promise<void> {
    this.#cache?.save()
    this.#cache?.close()
    await this.repository.close()
  }
}
