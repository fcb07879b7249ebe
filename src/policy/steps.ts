import { PolicyError } from '../errors.ts'
import { judgeArriving } from './arriving.ts'
import { asReason, inForceNow, isProtectedBy, isZero, outcome, setsFor } from './context.ts'
import type { InForce, PolicyContext, Step, StepOutcome } from './context.ts'
import { isUnanswered } from './git-answers.ts'
import type { Judgement, RuleSet } from './judge-commit.ts'
import { judgeTag, judgeTagObject } from './judge-tag.ts'
import { judgeDeletion, judgeMovement } from './movement.ts'
import { evaluatePolicyBranch } from './policy-branch.ts'
import type { Reason } from './reason.ts'

/**
 * Judges one ref movement (policy.md §4): every arriving commit and the movement itself. Hooks and
 * audits call this one function.
 *
 * @throws PolicyError where there is no policy to judge by
 */
export async function evaluateStep(context: PolicyContext, step: Step): Promise<StepOutcome[]> {
  const { ref } = step
  if (ref.startsWith('refs/replace/')) {
    const detail = 'refs/replace/ changes what every reader sees'
    return [outcome(step, '', [{ code: 'REF_NOT_ALLOWED', detail }], [])]
  }
  if (ref.startsWith('refs/notes/')) return [outcome(step, '', [], [])]
  const isInTree =
    context.chain !== undefined || context.floor !== undefined || context.fixed === undefined
  if (isInTree && ref === context.policyBranch) return evaluatePolicyBranch(context, step)
  if (isInTree && context.chain === undefined) {
    throw new PolicyError(
      'POLICY_INVALID',
      `${context.policyBranch} does not have the anchor yet`,
      {
        hint: `push ${context.policyBranch} first`,
      },
    )
  }
  return [await evaluateRef(context, step, inForceNow(context))]
}

export async function evaluateRef(
  context: PolicyContext,
  step: Step,
  inForce: InForce,
): Promise<StepOutcome> {
  const sets = setsFor(context, inForce.policy, step.ref)
  const [own] = sets
  if (own === undefined) throw new Error('a ref has its policy’s rules, if none')
  const { policy, uncertain } = inForce
  if (own.isUnmatched && policy.otherRefs === 'deny') {
    const detail = 'no rule is about this ref, and other-refs = "deny"'
    return outcome(step, inForce.id, [{ code: 'REF_NOT_ALLOWED', detail }], [])
  }
  const isProtected = isProtectedBy(sets)
  const done = (reasons: readonly Reason[], judgements: readonly Judgement[] = []): StepOutcome =>
    outcome(step, inForce.id, [...reasons, ...uncertain], judgements)
  if (isZero(step.after)) return done(await judgeDeletion(context, sets, step))
  if (isFree(sets)) return outcome(step, inForce.id, [], [])
  if (step.ref.startsWith('refs/tags/') && isProtected) {
    const result = await judgeTag(context, sets, step, inForce)
    return done(result.reasons, result.judgements)
  }
  const target = await commitBelow(context, step, inForce, sets)
  if ('reasons' in target) return done(target.reasons, target.judgements)
  const moved = { ...step, after: target.commit }
  const arriving = await judgeArriving(context, sets, moved, inForce)
  const reasons = [...arriving.reasons]
  if (isProtected) reasons.push(...(await judgeMovement(context, sets, moved, arriving)))
  const { judgements } = arriving
  return done(
    reasons,
    target.judgements.length === 0 ? judgements : [...target.judgements, ...judgements],
  )
}

/** Whether nothing is asked of a ref at all. */
export function isFree(sets: readonly RuleSet[]): boolean {
  return sets.every(
    ({ rules, isFloor, policy }) => rules.length === 0 && (isFloor || policy.otherRefs === 'any'),
  )
}

/** The commit a ref points to; tags on a ref that no rule matches are judged on the way down. */
async function commitBelow(
  context: PolicyContext,
  { after }: Step,
  inForce: InForce,
  sets: readonly RuleSet[],
): Promise<
  { commit: string; judgements: Judgement[] } | { reasons: Reason[]; judgements: Judgement[] }
> {
  const judgements: Judgement[] = []
  const isProtected = isProtectedBy(sets)
  let id = after
  for (let depth = 0; depth < 8; depth += 1) {
    const type = await context.git.objectType(id)
    if (type === 'commit') return { commit: id, judgements }
    if (type === undefined) {
      return { reasons: [{ code: 'MISSING_OBJECT', detail: `${id} is missing` }], judgements }
    }
    if (isProtected) {
      const reasons: Reason[] = [
        { code: 'MALFORMED', detail: `a ${type} where a commit has to be` },
      ]
      return { reasons, judgements }
    }
    // A tree or blob brings no commit.
    if (type !== 'tag') return { reasons: [], judgements }
    const tag = await context.git.tag(id)
    if (isUnanswered(tag)) return { reasons: [asReason(tag)], judgements }
    if (inForce.policy.otherRefs === 'signed') {
      judgements.push(await judgeTagObject(context, tag, sets, inForce))
    }
    id = tag.target
  }
  return { reasons: [{ code: 'LIMIT', detail: 'tags of tags of tags' }], judgements }
}
