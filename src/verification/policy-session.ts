import { UnavailableError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { RepositoryAnswers } from '../git/answers.ts'
import type { CommitRange } from '../git/refs.ts'
import { buildPolicyChain, newestLanding } from '../policy/chain.ts'
import type { PolicyChain } from '../policy/chain.ts'
import type { PolicyContext, StepOutcome, VerifiedTip } from '../policy/context.ts'
import type { GitAnswers, Unanswered } from '../policy/git-answers.ts'
import type { Policy } from '../policy/model.ts'
import { auditPolicyBranch, auditRef } from '../policy/range.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { FactsOnDemand } from './facts-on-demand.ts'
import type { KnownFacts } from './facts-on-demand.ts'
import { alongChain, KeptPolicy, watched } from './kept-policy.ts'
import type { LogCompletion } from './online-keep.ts'
import type { ChainCache } from './policy-cache.ts'
import { policyFilesInTree } from './policy-files.ts'
import type { PolicyFiles } from './policy-files.ts'
import { loadPolicyMaterial } from './policy-material.ts'
import type { PolicyMaterial } from './policy-material.ts'

/** A policy that lies outside the history it judges. */
export interface FixedPolicy {
  readonly policy: Policy
  /** How reports name it: the digest of the file. */
  readonly id: string
  readonly files: PolicyFiles
}

export interface PolicySessionOptions {
  readonly repository: RepositoryAnswers
  /** Those of the settings. */
  readonly roots: TrustRoots
  readonly openCache: (roots: TrustRoots) => KnownFacts | undefined
  readonly completion: LogCompletion | undefined
  /** Where the chain may be found built, and is left; a session without one walks it. */
  readonly chains?: ChainCache | undefined
  /** Full name by which rules know the policy branch. */
  readonly policyBranch: string
  /** Its tip; undefined where the repository has none. */
  readonly tip: string | undefined
  readonly anchor: string | undefined
  /** In force everywhere; beside an in-tree policy it is the floor. */
  readonly fixed: FixedPolicy | undefined
  /** Whether the policy lies in the tree, from the anchor on. */
  readonly isInTree: boolean
  readonly squashSources: readonly string[]
  /** What a ref resolves to, by the name that rules know it by. */
  readonly tipOf: (ref: string) => Promise<string | undefined>
  /** By what name rules know a ref that is here; undefined: they do not. */
  readonly ruleName: (local: string) => string | undefined
  /** What a ref is called here. */
  readonly localName: (ref: string) => string
}

/** An audit of a ref, and whose tips it has asked for. */
interface RunningAudit {
  readonly ref: string
  readonly waitsFor: Set<string>
  /** Refs whose tips it did not get, as their audits waited for it. */
  readonly without: Set<string>
}

const ZERO = '0'.repeat(40)

/**
 * One policy, or one chain of policies, over one repository: what evaluation needs, with facts proven
 * by the roots and keys of whichever policy asks. `close` it.
 */
export class PolicySession {
  readonly context: PolicyContext
  /** What policies pin and cannot be had; grows. */
  readonly problems = new Set<string>()
  readonly #options: PolicySessionOptions
  readonly #git: GitAnswers
  readonly #kept: KeptPolicy | undefined
  readonly #sources = new Map<string, FactsOnDemand>()
  readonly #byPolicy = new Map<Policy, Promise<FactsOnDemand>>()
  readonly #tips = new Map<string, Promise<VerifiedTip>>()
  /** Audits under way. */
  readonly #running = new Set<RunningAudit>()
  /** Refs whose tips were found without those of others, which waited for them. */
  readonly #without = new Map<string, ReadonlySet<string>>()

  /** @throws PolicyError POLICY_INVALID as `buildPolicyChain` */
  static async open(options: PolicySessionOptions): Promise<PolicySession> {
    const session = new PolicySession(options)
    const { tip, isInTree } = options
    if (!isInTree || tip === undefined) return session
    const chain = await session.#chainToTip(tip)
    options.repository.noteAncestor(chain.anchor, chain.tip)
    return new PolicySession(options, chain, session)
  }

  private constructor(
    options: PolicySessionOptions,
    chain?: PolicyChain,
    opened?: PolicySession,
    context?: PolicyContext,
  ) {
    this.#options = options
    const { chains } = options
    this.#kept = opened === undefined ? chains && new KeptPolicy(chains) : opened.#kept
    const git = boundAnswers(options)
    this.#git = chain === undefined ? git : alongChain(git, chain)
    if (opened !== undefined) {
      this.#sources = opened.#sources
      this.#byPolicy = opened.#byPolicy
      this.problems = opened.problems
    }
    const { fixed, isInTree } = options
    this.context = context ?? {
      git: this.#git,
      facts: (id, policy) => this.facts(id, policy),
      squashSources: options.squashSources,
      policyBranch: options.policyBranch,
      anchor: options.anchor,
      chain,
      fixed,
      floor: isInTree ? fixed?.policy : undefined,
      chainTo: (tip) => this.chainTo(tip),
      verifiedTip: (ref) => this.verifiedTip(ref),
      pushCertificate: 'unknown',
    }
  }

  /** The same proofs under another context: an audit goes back to what stood when a push came. */
  under(context: PolicyContext): PolicySession {
    return new PolicySession(this.#options, undefined, this, context)
  }

  /** Facts by the roots and keys that a policy pins. */
  async facts(id: string, policy: Policy): Promise<Facts> {
    return (await this.#sourceFor(policy)).facts(id)
  }

  /** The roots and keys that facts are proven by when this policy asks. */
  materialOf(policy: Policy): Promise<PolicyMaterial> {
    return loadPolicyMaterial(policy, this.#filesOf(policy), this.#options.roots)
  }

  /** Fingerprints of the OpenPGP keys that a policy pins and that lie beside it. */
  async openpgpKeysOf(policy: Policy): Promise<ReadonlySet<string> | Unanswered> {
    try {
      const { openpgpKeys } = await this.materialOf(policy)
      return new Set(openpgpKeys.map(({ fingerprint }) => fingerprint))
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      return { unanswered: 'MISSING_OBJECT', detail: error.message }
    }
  }

  /** Whether any policy was found to judge by. */
  get hasPolicy(): boolean {
    return this.context.chain !== undefined || this.context.fixed !== undefined
  }

  /** @throws PolicyError POLICY_INVALID as `buildPolicyChain` */
  chainTo(tip: string): Promise<PolicyChain> {
    return this.#buildChain(this.#git, tip, this.context.chain)
  }

  async #chainToTip(tip: string): Promise<PolicyChain> {
    const kept = this.#kept
    const known = await kept?.chain(this.#git)
    return this.#buildChain(kept === undefined ? this.#git : kept.noting(this.#git), tip, known)
  }

  #buildChain(git: GitAnswers, tip: string, known: PolicyChain | undefined): Promise<PolicyChain> {
    const { anchor = ZERO, policyBranch, fixed } = this.#options
    return buildPolicyChain({
      git,
      facts: (id, policy) => this.facts(id, policy),
      policyBranch,
      anchor,
      tip,
      openpgpKeys: (policy) => this.openpgpKeysOf(policy),
      floor: fixed?.policy,
      known,
    })
  }

  /** A ref's newest value that an audit of it passes, found once. */
  verifiedTip(ref: string): Promise<VerifiedTip> {
    const known = this.#tips.get(ref)
    if (known !== undefined) return known
    const asked = this.#auditedTip(ref)
    this.#tips.set(ref, asked)
    return asked
  }

  /** The same, asked by the audit of another ref: two that ask for each other must not wait for ever. */
  async #verifiedTipFor(asking: RunningAudit, ref: string): Promise<VerifiedTip> {
    if (ref === asking.ref) return 'unknown'
    if (this.#waitsFor(ref, asking.ref)) {
      asking.without.add(ref)
      return 'unknown'
    }
    asking.waitsFor.add(ref)
    const tip = await this.verifiedTip(ref)
    for (const other of this.#without.get(ref) ?? []) asking.without.add(other)
    return tip
  }

  /** Whether the audit of one ref needs, by way of others, the tip of another. */
  #waitsFor(ref: string, other: string): boolean {
    const seen = new Set([ref])
    for (const one of seen) {
      for (const audit of this.#running) {
        if (audit.ref === one) for (const next of audit.waitsFor) seen.add(next)
      }
    }
    return seen.has(other)
  }

  /** What was found without the answer of this audit is to be found again, now that there is one. */
  #end({ ref, without }: RunningAudit): void {
    for (const [other, missing] of this.#without) {
      if (!missing.has(ref)) continue
      this.#without.delete(other)
      this.#tips.delete(other)
    }
    without.delete(ref)
    if (without.size > 0) this.#without.set(ref, without)
  }

  /** Loads a range so that walks inside it cost no process. */
  load(range: CommitRange): Promise<void> {
    return this.#options.repository.load(range)
  }

  /** Audits a ref up to its tip: every first-parent edge with its commits, oldest first. */
  audit(ref: string, tip: string): AsyncGenerator<StepOutcome, void, undefined> {
    return this.#audit(ref, tip)
  }

  async *#audit(
    ref: string,
    tip: string,
    from?: number,
    watch?: { asked: number },
  ): AsyncGenerator<StepOutcome, void, undefined> {
    const { chain, policyBranch } = this.context
    const { anchor } = this.#options
    const running = { ref, waitsFor: new Set<string>(), without: new Set<string>() }
    const own = {
      ...this.context,
      verifiedTip: (other: string) => this.#verifiedTipFor(running, other),
    }
    const git = this.#kept?.noting(own.git) ?? own.git
    const context = watch === undefined ? own : watched({ ...own, git }, watch)
    this.#running.add(running)
    try {
      await this.load({ include: [tip], exclude: anchor === undefined ? [] : [anchor] })
      if (chain !== undefined && ref === policyBranch) {
        const upTo = chain.tip === tip ? chain : await this.chainTo(tip)
        yield* auditPolicyBranch(context, upTo, from)
        return
      }
      const known = chain === undefined ? 'none' : await context.verifiedTip(policyBranch)
      yield* auditRef(context, ref, tip, typeof known === 'string' ? [] : [known.id])
    } finally {
      this.#running.delete(running)
      this.#end(running)
    }
  }

  /** Leaves the chain, as far as it was built, to the next session that asks its cache. */
  async keepChain(): Promise<void> {
    const { chain } = this.context
    const kept = this.#kept
    // What somebody kept beside the repository may be gone tomorrow.
    if (kept === undefined || chain === undefined || this.#options.completion?.hasFound) return
    if (!kept.isNews(chain)) return
    await this.materialOf(newestLanding(chain).policy)
    kept.leave(chain)
  }

  close(): Promise<void> {
    for (const source of this.#sources.values()) source.close()
    return Promise.resolve()
  }

  async #auditedTip(ref: string): Promise<VerifiedTip> {
    const tip = await this.#options.tipOf(ref)
    if (tip === undefined) return 'none'
    const { chain, policyBranch } = this.context
    const isChain = ref === policyBranch && chain?.tip === tip
    const known = isChain ? this.#kept?.audited(chain) : undefined
    if (known !== undefined && known.from === undefined) return { id: known.verified }
    let last = known?.verified ?? this.#options.anchor
    const watch = { asked: 0 }
    for await (const { verdict, after } of this.#audit(ref, tip, known?.from, watch)) {
      if (verdict === 'unknown') return 'unknown'
      if (verdict === 'fail') break
      last = after
    }
    if (isChain && last !== undefined && watch.asked === 0) this.#kept?.noteAudit(chain, last)
    return last === undefined ? 'none' : { id: last }
  }

  #sourceFor(policy: Policy): Promise<FactsOnDemand> {
    const known = this.#byPolicy.get(policy)
    if (known !== undefined) return known
    const opened = this.#open(policy)
    this.#byPolicy.set(policy, opened)
    return opened
  }

  async #open(policy: Policy): Promise<FactsOnDemand> {
    const { repository, openCache, completion } = this.#options
    const material = await this.materialOf(policy)
    const { roots, openpgpKeys, missing } = material
    for (const problem of missing) this.problems.add(`${policy.name}: ${problem}`)
    const key = [
      ...roots.map(({ name, digest }) => `${name} ${digest}`),
      ...openpgpKeys.map(({ fingerprint }) => fingerprint),
    ].join('\n')
    const known = this.#sources.get(key)
    if (known !== undefined) return known
    const source = new FactsOnDemand({
      read: repository.read,
      material,
      cache: openCache(roots),
      completion: completion?.under(roots),
    })
    this.#sources.set(key, source)
    return source
  }

  #filesOf(policy: Policy): PolicyFiles {
    const { fixed } = this.#options
    if (policy === fixed?.policy) return fixed.files
    const commit = /^([0-9a-f]{40,64}):\.signet\/policy\.toml$/.exec(policy.name)?.[1]
    if (commit === undefined) throw new Error('a policy lies in a tree or beside a file')
    const files = policyFilesInTree(this.#git, commit)
    return this.#kept?.filesOf(commit, files) ?? files
  }
}

/** The answers as functions of their own, by the names that rules know. */
function boundAnswers(options: PolicySessionOptions): GitAnswers {
  const { repository, ruleName, localName } = options
  return {
    format: repository.format,
    commit: (id) => repository.commit(id),
    tag: (id) => repository.tag(id),
    objectType: (id) => repository.objectType(id),
    walk: (query) => repository.walk(query),
    isAncestor: (ancestor, descendant) => repository.isAncestor(ancestor, descendant),
    tree: (id) => repository.tree(id),
    changes: (from, to) => repository.changes(from, to),
    mechanicalMerge: (first, second) => repository.mechanicalMerge(first, second),
    blob: (id, maxBytes) => repository.blob(id, maxBytes),
    ref: (name) => repository.ref(localName(name)),
    async refNames() {
      return (await repository.refNames()).flatMap((local) => ruleName(local) ?? [])
    },
    policyEntryChanges: (anchor, tip) => repository.policyEntryChanges(anchor, tip),
  }
}
