import { PolicyError } from '../errors.ts'
import { judgeArriving } from './arriving.ts'
import { failureAt, landingAt, newestLanding } from './chain.ts'
import type { PolicyChain } from './chain.ts'
import { asReason, fromLanding, isZero, outcome, setsFor } from './context.ts'
import type { PolicyContext, Step, StepOutcome } from './context.ts'
import { isUnanswered } from './git-answers.ts'
import { inOrder } from './in-order.ts'
import type { Judgement } from './judge-commit.ts'
import { needsCertificate } from './movement.ts'
import { verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'

/**
 * The policy branch: the chain up to the new tip is verified first, then each first-parent edge is a
 * step of its own, judged by the policy in force before it.
 *
 * @throws PolicyError POLICY_INVALID where the anchor has yet to be pushed and is not on the chain
 */
export async function evaluatePolicyBranch(
  context: PolicyContext,
  step: Step,
): Promise<StepOutcome[]> {
  const inForce = context.chain === undefined ? '' : newestLanding(context.chain).commit
  if (isZero(step.after)) {
    const detail = 'the policy branch is never deleted'
    return [outcome(step, inForce, [{ code: 'DELETED', detail }], [])]
  }
  let chain: PolicyChain
  try {
    chain = await context.chainTo(step.after)
  } catch (error) {
    // The anchor was here and is not where it has to be: that is the push's fault.
    const reasons = error instanceof PolicyError ? await whyOffTheChain(context, step) : []
    if (reasons.length === 0) throw error
    return [outcome(step, inForce, reasons, [])]
  }
  const start = await startOf(context, chain, step)
  const outcomes: StepOutcome[] = []
  let index = start.index
  for await (const one of edges(context, chain, step.ref, start.index, start.known)) {
    const sets = setsFor(context, landingAt(chain, index++).policy, step.ref)
    const certificate = await needsCertificate(context, sets, one)
    outcomes.push(
      certificate.length === 0
        ? one
        : outcome(one, one.policy, [...one.reasons, ...certificate], one.judgements),
    )
  }
  if (outcomes.length === 0 || start.reasons.length > 0) {
    outcomes.push(outcome(step, landingAt(chain, start.index).commit, start.reasons, []))
  }
  return outcomes
}

/** Why a tip does not have the anchor on its chain, where the branch had it before. */
async function whyOffTheChain(
  { git, anchor }: PolicyContext,
  { before, after, ref }: Step,
): Promise<Reason[]> {
  if (anchor === undefined || isZero(before)) return []
  if ((await git.isAncestor(anchor, before)) !== true) return []
  const descends = await git.isAncestor(anchor, after)
  if (isUnanswered(descends)) return [asReason(descends)]
  const reasons: Reason[] = []
  if ((await git.isAncestor(before, after)) === false) {
    reasons.push({ code: 'REWRITTEN', detail: `${ref} is the policy branch: it only grows` })
  }
  reasons.push(
    descends
      ? { code: 'FOXTROT', detail: 'the anchor came in from the side: merge the other way round' }
      : { code: 'NOT_DESCENDANT', detail: 'it does not descend from the anchor' },
  )
  return reasons
}

interface Start {
  /** Of the last commit that was there before. */
  readonly index: number
  readonly reasons: readonly Reason[]
  /** What was there before beside the chain, and the landing by which it was judged. */
  readonly known: { readonly before: string; readonly landing: string } | undefined
}

/** Where on the new chain the steps of a push start, and what is wrong with how it moves. */
async function startOf(
  context: PolicyContext,
  chain: PolicyChain,
  { ref, before, after }: Step,
): Promise<Start> {
  const at = (index: number, ...reasons: Reason[]): Start => ({ index, reasons, known: undefined })
  if (isZero(before)) return at(0)
  const index = chain.commits.indexOf(before)
  if (index !== -1) return at(index)
  if ((await context.git.isAncestor(before, chain.anchor)) === true) return at(0)
  const forward = await context.git.isAncestor(before, after)
  if (isUnanswered(forward)) return at(0, asReason(forward))
  const old = new Set<string>()
  const walk = { include: [before], exclude: [], firstParent: true }
  for await (const { id } of context.git.walk(walk)) {
    old.add(id)
    if (id === chain.anchor) break
  }
  let parting = chain.commits.length - 1
  while (parting >= 0 && !old.has(chain.commits.at(parting) ?? '')) parting--
  if (!forward) {
    const detail = `${ref} is the policy branch: it only grows`
    return at(Math.max(parting, 0), { code: 'REWRITTEN', detail })
  }
  // Pushed as a merge whose first parent is somewhere else: harmless only while no policy landed
  // between `before` and where the two chains part.
  const landing = landingAt(chain, Math.max(parting, 0))
  const landed = context.chain === undefined ? undefined : newestLanding(context.chain).commit
  const isLandingBetween = landed !== landing.commit
  // So does any policy that judges a step of this push: what was there before would come in unseen.
  const judging = chain.landings.slice(chain.landings.indexOf(landing))
  const isMainline = judging.some(({ policy, index: from }) => {
    if (from >= chain.commits.length - 1) return false
    const sets = setsFor(context, policy, ref)
    return sets.some(({ rules }) => rules.some(({ commits }) => commits === 'mainline'))
  })
  if (parting === -1 || isLandingBetween || isMainline) {
    const what = isLandingBetween
      ? 'a policy landed on what was there before'
      : 'what was there before is no longer the first parent'
    const detail = `${what}: merge the other way round`
    return at(Math.max(parting, 0), { code: 'FOXTROT', detail })
  }
  return { index: parting, reasons: [], known: { before, landing: landing.commit } }
}

/**
 * Judges the first-parent edges of a chain, oldest first, as an audit does: whatever was there before,
 * by the policy in force at each.
 *
 * @param from - index of the commit after which edges are judged: whoever judged those before it knows
 */
export function evaluateEdges(
  context: PolicyContext,
  chain: PolicyChain,
  ref: string,
  from = 0,
): AsyncGenerator<StepOutcome> {
  return edges(context, chain, ref, from, undefined)
}

async function* edges(
  context: PolicyContext,
  chain: PolicyChain,
  ref: string,
  from: number,
  known: Start['known'],
): AsyncGenerator<StepOutcome> {
  const indices = Array.from({ length: chain.commits.length - from - 1 }, (_, at) => from + 1 + at)
  yield* inOrder(indices, (index) => evaluateEdge(context, chain, ref, index, known))
}

/** One edge, by the policy in force at its parent: edges do not depend on each other. */
async function evaluateEdge(
  context: PolicyContext,
  chain: PolicyChain,
  ref: string,
  index: number,
  known: Start['known'],
): Promise<StepOutcome> {
  const edge = {
    ref,
    before: chain.commits.at(index - 1) ?? '',
    after: chain.commits.at(index) ?? '',
  }
  const landing = landingAt(chain, index - 1)
  const { uncertain } = chain
  if (uncertain !== undefined && uncertain.index < index) {
    return outcome(edge, landing.commit, [...uncertain.reasons], [])
  }
  const sets = setsFor(context, landing.policy, ref)
  // What was there before was judged when it came; by another policy it is judged again, as audits will.
  const judged = known?.landing === landing.commit ? [known.before] : []
  const landed = landingAt(chain, index)
  const inForce = {
    ...fromLanding(landing, chain, context.denying),
    ...(landed.index === index && { landing: landed.policy }),
  }
  const arriving = await judgeArriving(context, sets, edge, inForce, judged)
  const failed = failureAt(chain, index)?.reasons ?? []
  const isHere = arriving.judgements.some(({ id }) => id === edge.after)
  return outcome(
    edge,
    landing.commit,
    // A landing that failed is told with its commit, with the step where that did not arrive in it.
    isHere ? arriving.reasons : [...arriving.reasons, ...failed],
    arriving.judgements.map((one) => (one.id === edge.after ? addReasons(one, failed) : one)),
  )
}

export function addReasons(judgement: Judgement, reasons: readonly Reason[]): Judgement {
  if (reasons.length === 0) return judgement
  const all = [...judgement.reasons, ...reasons]
  return { ...judgement, reasons: all, verdict: verdictOf(all), strength: undefined }
}
