import { judgeArriving } from './arriving.ts'
import { asReason, inForceNow, isZero, outcome, setsFor } from './context.ts'
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
  if (context.chain !== undefined && ref === context.policyBranch) {
    return evaluatePolicyBranch(context, step)
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
  const { policy } = inForce
  if (own.isUnmatched && policy.otherRefs === 'deny') {
    const detail = 'no rule is about this ref, and other-refs = "deny"'
    return outcome(step, inForce.id, [{ code: 'REF_NOT_ALLOWED', detail }], [])
  }
  if (isZero(step.after)) {
    return outcome(step, inForce.id, await judgeDeletion(context, sets, step), [])
  }
  const isTagRef = step.ref.startsWith('refs/tags/')
  if (own.isUnmatched && policy.otherRefs === 'any' && own.rules.length === 0) {
    return outcome(step, inForce.id, [], [])
  }
  if (isTagRef && !own.isUnmatched) {
    const result = await judgeTag(context, sets, step, inForce)
    return outcome(step, inForce.id, result.reasons, result.judgements)
  }
  const target = await commitBelow(context, step, inForce, sets)
  if ('reasons' in target) return outcome(step, inForce.id, target.reasons, target.judgements)
  const moved = { ...step, after: target.commit }
  const arriving = await judgeArriving(context, sets, moved, inForce)
  const reasons = [...arriving.reasons]
  if (!own.isUnmatched) reasons.push(...(await judgeMovement(context, sets, moved, arriving)))
  return outcome(step, inForce.id, reasons, [...target.judgements, ...arriving.judgements])
}

/** The commit a ref points to; tags on a ref that no rule matches are judged on the way down. */
export async function commitBelow(
  context: PolicyContext,
  { ref, after }: Step,
  inForce: InForce,
  sets: readonly RuleSet[],
): Promise<
  { commit: string; judgements: Judgement[] } | { reasons: Reason[]; judgements: Judgement[] }
> {
  const judgements: Judgement[] = []
  let id = after
  for (let depth = 0; depth < 8; depth += 1) {
    const type = await context.git.objectType(id)
    if (type === 'commit') return { commit: id, judgements }
    if (type === 'tag' && ref.startsWith('refs/tags/')) {
      const tag = await context.git.tag(id)
      if (isUnanswered(tag)) return { reasons: [asReason(tag)], judgements }
      judgements.push(await judgeTagObject(context, tag, sets, inForce))
      id = tag.target
      continue
    }
    if (type === undefined) {
      return { reasons: [{ code: 'MISSING_OBJECT', detail: `${id} is missing` }], judgements }
    }
    const isBranch = ref.startsWith('refs/heads/')
    if (!isBranch && judgements.every(({ verdict }) => verdict === 'pass')) {
      // A tag of a tree or blob brings no commit.
      return { reasons: [], judgements }
    }
    return { reasons: [{ code: 'MALFORMED', detail: `a ${type} is no commit` }], judgements }
  }
  return { reasons: [{ code: 'LIMIT', detail: 'tags of tags of tags' }], judgements }
}
