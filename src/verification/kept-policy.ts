import { newestLanding } from '../policy/chain.ts'
import type { PolicyChain } from '../policy/chain.ts'
import type { PolicyContext } from '../policy/context.ts'
import { isUnanswered } from '../policy/git-answers.ts'
import type { GitAnswers } from '../policy/git-answers.ts'
import type { AuditedBranch, ChainCache, KeptChain } from './policy-cache.ts'
import { rememberedFiles } from './policy-files.ts'
import type { FilesRead, PolicyFiles } from './policy-files.ts'

/** A chain is written anew where it has grown by this part of its length: one push, as a rule. */
const GROWTH = 1 / 4096

/** What one session knows of the policy chain from an earlier one, and leaves for the next. */
export class KeptPolicy {
  readonly #cache: ChainCache
  #found: KeptChain | undefined
  #files = new Map<string, FilesRead>()
  readonly #absent = new Set<string>()
  #audited: AuditedBranch | undefined

  constructor(cache: ChainCache) {
    this.#cache = cache
  }

  /** The chain up to where the policy branch once was; none where what it was judged without has come since. */
  async chain(git: GitAnswers): Promise<PolicyChain | undefined> {
    const found = this.#cache.read()
    for (const id of found?.absent ?? []) if (!isUnanswered(await git.commit(id))) return undefined
    this.#found = found
    this.#files = new Map(found?.files)
    this.#audited = found?.audited
    for (const id of found?.absent ?? []) this.#absent.add(id)
    return found?.chain
  }

  /** Answers for whatever is kept: takes note of commits that are not here. */
  noting(git: GitAnswers): GitAnswers {
    return {
      ...git,
      commit: async (id) => {
        const commit = await git.commit(id)
        if (isUnanswered(commit)) this.#absent.add(id)
        return commit
      },
    }
  }

  /** The files beside the policy that a commit landed. */
  filesOf(commit: string, inTree: PolicyFiles): PolicyFiles {
    const known = this.#files.get(commit) ?? { files: new Map(), folders: new Map() }
    this.#files.set(commit, known)
    return rememberedFiles(inTree, known)
  }

  /**
   * Where an audit of the policy branch has to go on: the newest value known to be verified, and the index
   * on the chain from which edges are still to be judged; undefined: from none.
   */
  audited(chain: PolicyChain): { verified: string; from: number | undefined } | undefined {
    const audited = this.#audited
    if (audited?.landing !== newestLanding(chain).commit) return undefined
    const { upTo, verified } = audited
    const index = chain.commits.indexOf(upTo)
    if (index === -1) return undefined
    const isDone = verified !== upTo || upTo === chain.tip
    return { verified, from: isDone ? undefined : index }
  }

  /** Takes note of an audit that nothing but the chain has decided. */
  noteAudit(chain: PolicyChain, verified: string): void {
    this.#audited = { upTo: chain.tip, verified, landing: newestLanding(chain).commit }
  }

  /** Whether the next session would gain by what this one has found. */
  isNews(chain: PolicyChain): boolean {
    const found = this.#found
    if (found === undefined || this.#audited !== found.audited) return true
    const { tip, commits, landings, failed } = found.chain
    if (commits.indexOf(chain.tip) !== -1) return false
    const isOther = chain.commits.indexOf(tip) === -1
    const isLanding = chain.landings.length + chain.failed.length > landings.length + failed.length
    return isOther || isLanding || chain.commits.length - commits.length > commits.length * GROWTH
  }

  /** Leaves what was found to the next session. */
  leave(chain: PolicyChain): void {
    const audited = this.#audited
    const landed = new Set(chain.landings.map(({ commit }) => commit))
    const files = new Map([...this.#files].filter(([commit]) => landed.has(commit)))
    this.#cache.write({ chain, files, audited, absent: [...this.#absent] })
  }
}

/** The context of an audit, which counts how often anything but the chain is asked for. */
export function watched(context: PolicyContext, watch: { asked: number }): PolicyContext {
  const noting = <A extends unknown[], R>(ask: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      watch.asked++
      return ask(...args)
    }
  }
  const git: GitAnswers = {
    ...context.git,
    ref: noting((name) => context.git.ref(name)),
    refNames: noting(() => context.git.refNames()),
  }
  const verifiedTip = noting((ref: string) => context.verifiedTip(ref))
  return { ...context, git, verifiedTip }
}

/** Answers from the chain who descends from whom, where both are on it. */
export function alongChain(git: GitAnswers, chain: PolicyChain): GitAnswers {
  return {
    ...git,
    isAncestor(ancestor, descendant) {
      const { commits } = chain
      const [from, to] = [commits.indexOf(ancestor), commits.indexOf(descendant)]
      return from === -1 || to === -1
        ? git.isAncestor(ancestor, descendant)
        : Promise.resolve(from <= to)
    },
  }
}
