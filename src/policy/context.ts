import type { StepVerdict } from '../facts.ts'
import { newestLanding } from './chain.ts'
import type { Landing, PolicyChain } from './chain.ts'
import type { Unanswered } from './git-answers.ts'
import type { Evidence, Judgement, RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Policy } from './model.ts'
import { matchesRef } from './patterns.ts'
import { codesOf, verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'
import type { StepMemo } from './step-memo.ts'

/** A ref movement; an id of zeros is no object. */
export interface Step {
  readonly ref: string
  readonly before: string
  readonly after: string
}

/** A push certificate that came with a step, already verified as an object. */
export interface PushCertificateEvidence {
  /** Id by which its facts are asked, and by which it is reported. */
  readonly id: string
  /** Why it does not count: nonce, pushee, lines; empty where it does. */
  readonly problems: readonly string[]
  /** The pusher line, as an ident. */
  readonly pusher: string
}

/** Newest value of a ref whose steps all passed; `unknown`: it could not be found out. */
export type VerifiedTip = { readonly id: string } | 'none' | 'unknown'

export interface PolicyContext extends Evidence {
  readonly policyBranch: string
  /** Trust starts here; undefined for a policy by path or flags alone. */
  readonly anchor: string | undefined
  /** The in-tree policies up to the policy branch's tip before this push; undefined without an anchor. */
  readonly chain: PolicyChain | undefined
  /** A policy by path or flags, in force everywhere; with a chain it is the floor instead. */
  readonly fixed: { readonly policy: Policy; readonly id: string } | undefined
  readonly floor: Policy | undefined
  /** Whose denials count where it is newer than the chain's: what an audit of old pushes knows. */
  readonly denying?: Policy | undefined
  /** What is known from other steps of the same push. */
  readonly memo?: StepMemo
  /** The chain up to another tip of the policy branch: what a push brings is judged on the way. */
  chainTo(tip: string): Promise<PolicyChain>
  verifiedTip(ref: string): Promise<VerifiedTip>
  /** `unknown`: nobody wrote down how it was pushed, so nothing is asked of it; audits. */
  readonly pushCertificate: PushCertificateEvidence | 'unknown' | undefined
}

export interface StepOutcome extends StepVerdict {
  readonly reasons: readonly Reason[]
  readonly judgements: readonly Judgement[]
}

/** Which policy judges, its id for reports, and what later ones deny or accept. */
export interface InForce {
  readonly policy: Policy
  readonly id: string
  readonly newest: Policy
  readonly story: readonly string[]
  /** Why nobody knows which policy is in force; then nothing can be checked by it. */
  readonly uncertain: readonly Reason[]
  /** Nobody knows which policies landed before what is judged. */
  readonly isOrderUnknown?: boolean
  /** The policy that lands in this very step. */
  readonly landing?: Policy | undefined
}

export function isZero(id: string): boolean {
  return /^0+$/.test(id)
}

/** The policy in force at the policy branch's tip. */
export function inForceNow(context: PolicyContext): InForce {
  if (context.chain !== undefined) {
    return {
      ...fromLanding(newestLanding(context.chain), context.chain, context.denying),
      uncertain: context.chain.uncertain?.reasons ?? [],
    }
  }
  const { fixed } = context
  if (fixed === undefined) throw new Error('a context has a chain or a policy')
  const story = [`policy: ${fixed.policy.name}`]
  return { policy: fixed.policy, id: fixed.id, newest: fixed.policy, story, uncertain: [] }
}

export function fromLanding(
  landing: Landing,
  chain: PolicyChain,
  denying: Policy | undefined,
): InForce {
  const { policy, commit, signedBy } = landing
  const by = signedBy === undefined ? '' : `, landed by ${signedBy}`
  const newest = denying ?? newestLanding(chain).policy
  return {
    policy,
    id: commit,
    newest,
    story: [`policy: as it stood at ${commit}${by}`],
    uncertain: [],
  }
}

/** Rules of a ref by one policy. */
export function rulesOf(policy: Policy, ref: string, isFloor: boolean): RuleSet {
  const rules = policy.rules.filter(({ refs }) => matchesRef(refs, ref))
  return { policy, rules, isFloor, isUnmatched: !rules.some((rule) => !isPathRule(rule)) }
}

export function setsFor(context: PolicyContext, policy: Policy, ref: string): RuleSet[] {
  const sets = [rulesOf(policy, ref, false)]
  if (context.floor !== undefined && context.floor.rules.length > 0) {
    const floor = rulesOf(context.floor, ref, true)
    if (floor.rules.length > 0) sets.push(floor)
  }
  return sets
}

/** Whether any rule without paths is about a ref, the policy's or the floor's. */
export function isProtectedBy(sets: readonly RuleSet[]): boolean {
  return sets.some(({ isUnmatched }) => !isUnmatched)
}

export function asReason(answer: Unanswered): Reason {
  return { code: answer.unanswered, detail: answer.detail }
}

const found = new WeakMap<readonly Judgement[], readonly Reason[]>()

/** Asked again and again where many refs bring the same commits. */
function reasonsOf(judgements: readonly Judgement[]): readonly Reason[] {
  const known = found.get(judgements)
  if (known !== undefined) return known
  const reasons = judgements.flatMap((judgement) => judgement.reasons)
  found.set(judgements, reasons)
  return reasons
}

/** A step passes when every commit and the step itself pass. */
export function outcome(
  { ref, before, after }: Step,
  policy: string,
  reasons: readonly Reason[],
  judgements: readonly Judgement[],
): StepOutcome {
  const all = [...reasons, ...reasonsOf(judgements)]
  return {
    ref,
    before,
    after,
    policy,
    verdict: verdictOf(all),
    codes: codesOf(all),
    reasons,
    judgements,
  }
}
