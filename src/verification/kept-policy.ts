import { newestLanding } from '../policy/chain.ts'
import type { PolicyChain } from '../policy/chain.ts'
import type { PolicyContext } from '../policy/context.ts'
import type { GitAnswers } from '../policy/git-answers.ts'
import type { AuditedBranch, ChainCache, KeptChain } from './policy-cache.ts'
import { rememberedFiles } from './policy-files.ts'
import type { FilesRead, PolicyFiles } from './policy-files.ts'

/** What one session knows of the policy chain from an earlier one, and leaves for the next. */
export class KeptPolicy {
  readonly #cache: ChainCache
  readonly #found: KeptChain | undefined
  readonly #files: Map<string, FilesRead>
  #audited: AuditedBranch | undefined

  constructor(cache: ChainCache) {
    this.#cache = cache
    this.#found = cache.read()
    this.#files = new Map(this.#found?.files)
    this.#audited = this.#found?.audited
  }

  /** The chain up to where the policy branch once was. */
  get chain(): PolicyChain | undefined {
    return this.#found?.chain
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

  /** Leaves what is new. */
  leave(chain: PolicyChain): void {
    const audited = this.#audited
    if (chain === this.#found?.chain && audited === this.#found.audited) return
    const landed = new Set(chain.landings.map(({ commit }) => commit))
    const files = new Map([...this.#files].filter(([commit]) => landed.has(commit)))
    this.#cache.write({ chain, files, audited })
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
