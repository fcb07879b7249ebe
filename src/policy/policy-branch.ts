import { judgeArriving } from './arriving.ts'
import { landingAt, newestLanding } from './chain.ts'
import type { PolicyChain } from './chain.ts'
import { asReason, fromLanding, isZero, outcome, rulesOf, setsFor } from './context.ts'
import type { PolicyContext, Step, StepOutcome } from './context.ts'
import { isUnanswered } from './git-answers.ts'
import { inOrder } from './in-order.ts'
import type { Judgement } from './judge-commit.ts'
import { foxtrot, needsCertificate } from './movement.ts'
import { verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'

/**
 * The policy branch: the chain up to the new tip is verified first, then each first-parent edge is a
 * step of its own, judged by the policy in force before it.
 */
export async function evaluatePolicyBranch(
  context: PolicyContext,
  step: Step,
): Promise<StepOutcome[]> {
  const before = context.chain
  if (before === undefined) throw new Error('the policy branch has a chain')
  if (isZero(step.after)) {
    const detail = 'the policy branch is never deleted'
    return [outcome(step, newestLanding(before).commit, [{ code: 'DELETED', detail }], [])]
  }
  const chain = await context.chainTo(step.after)
  const start = await startOf(context, chain, step)
  const reasons: Reason[] = [...start.reasons]
  const outcomes: StepOutcome[] = []
  for await (const one of evaluateEdges(context, chain, step.ref, start.index, step.before)) {
    outcomes.push(one)
  }
  if (outcomes.length === 0 || reasons.length > 0) {
    outcomes.push(outcome(step, landingAt(chain, start.index).commit, reasons, []))
  }
  return outcomes
}

/** Where on the new chain the steps of a push start, and what is wrong with how it moves. */
export async function startOf(
  context: PolicyContext,
  chain: PolicyChain,
  { ref, before, after }: Step,
): Promise<{ index: number; reasons: Reason[] }> {
  if (isZero(before) || (await context.git.isAncestor(before, chain.anchor)) === true) {
    return { index: 0, reasons: [] }
  }
  const index = chain.commits.indexOf(before)
  if (index !== -1) return { index, reasons: [] }
  const forward = await context.git.isAncestor(before, after)
  if (isUnanswered(forward)) return { index: 0, reasons: [asReason(forward)] }
  if (!forward) {
    return {
      index: 0,
      reasons: [{ code: 'REWRITTEN', detail: `${ref} is the policy branch: it only grows` }],
    }
  }
  // Pushed as a merge whose first parent is somewhere else: harmless only while no policy landed
  // between `before` and where the two chains part.
  const reachable = new Set<string>()
  for await (const { id } of context.git.walk({
    include: [before],
    exclude: [],
    firstParent: true,
  })) {
    reachable.add(id)
    if (id === chain.anchor) break
  }
  const parting = chain.commits.findLastIndex((id) => reachable.has(id))
  const rules = rulesOf(landingAt(chain, Math.max(parting, 0)).policy, ref, false).rules
  const old = context.chain
  const oldIndex = old?.commits.indexOf(chain.commits[parting] ?? '') ?? -1
  const landed = old?.landings.some((landing) => landing.index > oldIndex) ?? false
  const isMainline = rules.some(({ commits }) => commits === 'mainline')
  if (parting === -1 || landed || isMainline) {
    const detail = landed
      ? 'a policy landed on what was there before: merge the other way round'
      : 'what was there before is no longer the first parent: merge the other way round'
    return { index: Math.max(parting, 0), reasons: [{ code: 'FOXTROT', detail }] }
  }
  return { index: parting, reasons: [] }
}

/** Judges the first-parent edges of a chain above `from`, oldest first. */
export async function* evaluateEdges(
  context: PolicyContext,
  chain: PolicyChain,
  ref: string,
  from: number,
  before: string,
): AsyncGenerator<StepOutcome> {
  const indices = Array.from({ length: chain.commits.length - from - 1 }, (_, at) => from + 1 + at)
  yield* inOrder(indices, (index) => evaluateEdge(context, chain, ref, index, before))
}

/** One edge, by the policy in force at its parent: edges do not depend on each other. */
async function evaluateEdge(
  context: PolicyContext,
  chain: PolicyChain,
  ref: string,
  index: number,
  before: string,
): Promise<StepOutcome> {
  const parent = chain.commits[index - 1] ?? ''
  const id = chain.commits[index] ?? ''
  const landing = landingAt(chain, index - 1)
  const inForce = fromLanding(landing, chain)
  const edge = { ref, before: parent, after: id }
  const unknown = chain.uncertain
  if (unknown !== undefined && unknown.index < index) {
    return outcome(edge, landing.commit, [...unknown.reasons], [])
  }
  const sets = setsFor(context, landing.policy, ref)
  // What the ref already had, beside the first parent, was judged when it came.
  const known = isZero(before) || before === parent ? [] : [before]
  const arriving = await judgeArriving(withExcluded(context, known), sets, edge, inForce)
  const reasons = [...arriving.reasons]
  const { failed, judgements } = withLanding(chain, index, id, arriving.judgements)
  reasons.push(...failed)
  const mainline = sets.some(({ rules }) => rules.some(({ commits }) => commits === 'mainline'))
  const moved = mainline ? await foxtrot(context, edge) : undefined
  if (moved !== undefined) reasons.push(moved)
  reasons.push(...(await needsCertificate(context, sets, edge)))
  return outcome(edge, landing.commit, reasons, judgements)
}

/** Adds to a commit that its landing failed; to the step where the commit did not arrive with it. */
function withLanding(
  chain: PolicyChain,
  index: number,
  id: string,
  judgements: readonly Judgement[],
): { failed: readonly Reason[]; judgements: readonly Judgement[] } {
  const all = [...chain.failed, ...(chain.uncertain === undefined ? [] : [chain.uncertain])]
  const failed = all.find((one) => one.index === index)?.reasons
  if (failed === undefined) return { failed: [], judgements }
  if (!judgements.some((judgement) => judgement.id === id)) return { failed, judgements }
  return {
    failed: [],
    judgements: judgements.map((judgement) => addReasons(judgement, id, failed)),
  }
}

/** The same context, from which more commits never arrive. */
export function withExcluded(context: PolicyContext, ids: readonly string[]): PolicyContext {
  if (ids.length === 0) return context
  return {
    ...context,
    facts: (id, policy) => context.facts(id, policy),
    chainTo: (tip) => context.chainTo(tip),
    verifiedTip: (ref) => context.verifiedTip(ref),
    git: Object.assign(Object.create(context.git) as typeof context.git, {
      walk: (query: Parameters<typeof context.git.walk>[0]) =>
        context.git.walk({ ...query, exclude: [...query.exclude, ...ids] }),
    }),
  }
}

export function addReasons(
  judgement: Judgement,
  id: string,
  reasons: readonly Reason[],
): Judgement {
  if (judgement.id !== id) return judgement
  const all = [...judgement.reasons, ...reasons]
  return { ...judgement, reasons: all, verdict: verdictOf(all), strength: undefined }
}
