import { PolicyError, SignetError, UnavailableError } from '../../errors.ts'
import { readRecordedCertificate } from '../../hooks/certificate.ts'
import { judgePush } from '../../hooks/judge-push.ts'
import { newestLanding } from '../../policy/chain.ts'
import { isZero, outcome } from '../../policy/context.ts'
import type { PolicyContext, Step, StepOutcome, VerifiedTip } from '../../policy/context.ts'
import { auditPolicyBranch, auditRef } from '../../policy/range.ts'
import type { Reason } from '../../policy/reason.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import { PastChains } from './past-chains.ts'
import type { OpenPolicy } from './policy-source.ts'
import { RefState } from './ref-state.ts'

export interface ReplayOptions {
  readonly policy: OpenPolicy
  readonly roots: TrustRoots
  /** What refs were when their first push came; those it does not name never moved. */
  readonly starts: ReadonlyMap<string, string>
}

/** A push as it is judged again. */
export interface ReplayedPush {
  readonly steps: readonly Step[]
  /** Of the policy by which the hook judged, where it says so. */
  readonly policy?: string | undefined
  readonly certificate?: string | undefined
  /** Nobody wrote down how it came: nothing is asked of a push certificate. */
  readonly isPastHook?: boolean
  readonly isReport?: boolean
}

export interface ReplayedStep {
  readonly step: Step
  readonly outcomes: readonly StepOutcome[]
}

/**
 * Judges pushes again in the order they came, each by the policy and the verified tips that stood
 * before it, through the very function that hooks use. Denials are those of the newest policy.
 */
export class Replay {
  readonly #options: ReplayOptions
  readonly #states = new Map<string, RefState>()
  readonly #chains: PastChains | undefined
  readonly #names: Promise<readonly string[]>
  readonly #asking = new Set<string>()
  readonly #audited = new Map<string, Promise<VerifiedTip>>()

  constructor(options: ReplayOptions) {
    this.#options = options
    const { session } = options.policy
    const { chain, git } = session.context
    this.#chains = chain && new PastChains(chain, (tip) => session.chainTo(tip))
    // Those that were not there yet have no verified tip.
    this.#names = git.refNames().then((names) => [...new Set([...names, ...options.starts.keys()])])
  }

  /** Policies that the journal names and that never landed, or had been replaced. */
  get doubtfulPolicies(): Pick<PastChains, 'unknown' | 'replaced'> {
    return this.#chains ?? { unknown: new Set(), replaced: new Set() }
  }

  /** What the journal says about a ref so far; undefined where it never moved. */
  state(ref: string): RefState | undefined {
    const known = this.#states.get(ref)
    if (known !== undefined) return known
    if (!this.#options.starts.has(ref)) return undefined
    const made = new RefState()
    this.#states.set(ref, made)
    return made
  }

  /**
   * Judges a push. Its refs were seen where it starts.
   *
   * @param withLater - whether what later policies deny and accept counts
   * @param passed - refs whose steps passed when they came; later denials do not move their tips back
   */
  async judge(
    push: ReplayedPush,
    withLater = true,
    passed?: ReadonlySet<string>,
  ): Promise<ReplayedStep[]> {
    const { policy, roots } = this.#options
    const { repository, session } = policy
    const judged: ReplayedStep[] = []
    try {
      const past = await this.#contextOf(push)
      const context = withLater ? past.context : withoutLater(past.context)
      const certificate =
        push.certificate === undefined
          ? undefined
          : await readRecordedCertificate(context.git, push.certificate, push.steps)
      // What is no longer kept was good when the hook had it.
      const isKept = push.certificate === undefined || certificate !== undefined
      const isUnknown = push.isPastHook === true || !isKept
      const question = {
        session: session.under(context),
        isWaiting: past.isWaiting,
        isInTree: context.chain !== undefined,
        repository,
        steps: push.steps,
        certificate: isUnknown ? ('unknown' as const) : certificate,
        roots,
        verifiedTip: (ref: string) => this.#verifiedTip(ref, context),
        remembered: (ref: string) => this.state(ref)?.verified,
        passed,
        limits: undefined,
      }
      for await (const one of judgePush(question)) judged.push(one)
    } catch (error) {
      const reason = reasonOf(error)
      const done = new Set(judged.map(({ step }) => step))
      for (const step of push.steps.filter((one) => !done.has(one))) {
        judged.push({ step, outcomes: [outcome(step, push.policy ?? '', [reason], [])] })
      }
    }
    return judged
  }

  /** Takes note of what a push came to. */
  note({ isReport }: ReplayedPush, judged: readonly ReplayedStep[]): void {
    for (const { step, outcomes } of judged) {
      const passes = outcomes.every(({ verdict }) => verdict === 'pass')
      this.state(step.ref)?.move(step.after, passes && isReport !== true)
    }
  }

  /** Whether what later policies deny or accept could change a verdict on this push. */
  async isLaterDifferent(push: ReplayedPush): Promise<boolean> {
    const { context } = await this.#contextOf(push)
    return context.chain !== undefined && newestLanding(context.chain).policy !== context.denying
  }

  /** What stood before a push. */
  async #contextOf(push: ReplayedPush): Promise<{ context: PolicyContext; isWaiting: boolean }> {
    const { session } = this.#options.policy
    const { context } = session
    const names = await this.#names
    const git = { ...context.git, refNames: () => Promise.resolve(names) }
    if (this.#chains === undefined) return { context: { ...context, git }, isWaiting: false }
    const { policyBranch } = context
    const moved = push.steps.find(({ ref }) => ref === policyBranch)
    const tip = moved?.before ?? this.#valueOf(policyBranch)
    const past = await this.#chains.before(tip, async (id) => {
      const { anchor } = context
      return id === undefined || anchor === undefined || isZero(id)
        ? true
        : id !== anchor && (await context.git.isAncestor(id, anchor)) === true
    })
    const isFree = moved === undefined && push.policy !== undefined
    const chain = isFree ? this.#chains.withPolicy(past.chain, push.policy) : past.chain
    const chains = this.#chains
    return {
      context: {
        ...context,
        git,
        chain,
        denying: chains.newest.policy,
        chainTo: (after) => chains.to(after),
      },
      isWaiting: past.isWaiting,
    }
  }

  #valueOf(ref: string): string | undefined {
    const { starts } = this.#options
    const { chain } = this.#options.policy.session.context
    const own = ref === this.#options.policy.refs.policyBranch ? chain?.tip : undefined
    return this.state(ref)?.newest ?? starts.get(ref) ?? own
  }

  /** As the hook did: by what it remembered, else by an audit of the ref as it stood. */
  async #verifiedTip(ref: string, context: PolicyContext): Promise<VerifiedTip> {
    const { session, refs } = this.#options.policy
    const state = this.state(ref)
    if (state === undefined && this.#chains === undefined) return session.verifiedTip(ref)
    const id = this.#valueOf(ref) ?? (await refs.tipOf(ref))
    if (id === undefined || isZero(id)) return 'none'
    const tip = state?.likelyVerified
    if (tip === id) return { id }
    const audited = await this.#auditedTip(ref, id, context)
    // As the hook, which writes down what its audit found.
    if (typeof audited === 'object' && audited.id === id) state?.verify()
    else if (tip !== undefined) return { id: tip }
    return audited
  }

  #auditedTip(ref: string, id: string, context: PolicyContext): Promise<VerifiedTip> {
    if (this.#asking.has(ref)) return Promise.resolve('unknown')
    const policy = context.chain === undefined ? '' : newestLanding(context.chain).commit
    const key = `${policy} ${id} ${ref}`
    const known = this.#audited.get(key)
    if (known !== undefined) return known
    const asked = this.#audit(ref, id, context)
    this.#audited.set(key, asked)
    return asked
  }

  async #audit(ref: string, id: string, context: PolicyContext): Promise<VerifiedTip> {
    this.#asking.add(ref)
    try {
      const own = {
        ...withoutLater(context),
        verifiedTip: (other: string) => this.#verifiedTip(other, context),
      }
      let last = context.anchor
      for await (const { verdict, after } of await this.#edges(ref, id, own)) {
        if (verdict === 'unknown') return 'unknown'
        if (verdict === 'fail') break
        last = after
      }
      return last === undefined ? 'none' : { id: last }
    } catch (error) {
      if (error instanceof PolicyError) return 'none'
      throw error
    } finally {
      this.#asking.delete(ref)
    }
  }

  async #edges(
    ref: string,
    id: string,
    context: PolicyContext,
  ): Promise<AsyncGenerator<StepOutcome>> {
    const { chain, policyBranch } = context
    if (chain === undefined) return auditRef(context, ref, id, [])
    if (ref === policyBranch) return auditPolicyBranch(context, await context.chainTo(id))
    const known = await context.verifiedTip(policyBranch)
    return auditRef(context, ref, id, typeof known === 'string' ? [] : [known.id])
  }
}

/** The policy that stood then has the last word, as it had for the hook. */
function withoutLater(context: PolicyContext): PolicyContext {
  return { ...context, denying: undefined }
}

function reasonOf(error: unknown): Reason {
  if (!(error instanceof SignetError)) throw error
  const detail = error.message
  if (error instanceof PolicyError) return { code: 'POLICY_INVALID', detail }
  if (!(error instanceof UnavailableError)) throw error
  const code = error.code === 'LIMIT' || error.code === 'SHALLOW' ? error.code : 'MISSING_OBJECT'
  return { code, detail }
}
