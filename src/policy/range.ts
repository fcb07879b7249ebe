import { landingAt, newestLanding } from './chain.ts'
import type { Landing, PolicyChain } from './chain.ts'
import { judgeArriving } from './arriving.ts'
import { fromLanding, inForceNow, outcome, rulesOf, setsFor } from './context.ts'
import type { InForce, PolicyContext, StepOutcome } from './context.ts'
import { trustedTime } from './identify.ts'
import { inOrder } from './in-order.ts'
import { judgeCommit } from './judge-commit.ts'
import type { Judgement } from './judge-commit.ts'
import { evaluateEdges } from './policy-branch.ts'

/** Commits that are asked about: reachable from `include` and not from `exclude`. */
export interface RangeQuestion {
  readonly ref: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/**
 * Judges the commits of a range as arriving at a ref, by the policy in force at the policy branch's tip;
 * no step rules. Rules with `mainline` ask only about the first-parent chain (policy.md §4).
 */
export async function* evaluateRange(
  context: PolicyContext,
  question: RangeQuestion,
): AsyncGenerator<Judgement> {
  const inForce = inForceNow(context)
  const { ref, include } = question
  const exclude = [
    ...question.exclude,
    ...(context.anchor === undefined ? [] : [context.anchor]),
    ...inForce.policy.accept
      .filter(({ covers }) => covers === 'ancestors')
      .map(({ commit }) => commit),
  ]
  const sets = setsFor(context, inForce.policy, ref)
  const hasMainline = sets.some(({ rules }) => rules.some(({ commits }) => commits === 'mainline'))
  const mainline = new Set<string>()
  if (hasMainline) {
    for await (const { id } of context.git.walk({ include, exclude, firstParent: true })) {
      mainline.add(id)
    }
  }
  yield* inOrder(context.git.walk({ include, exclude }), async ({ id, absent }) => {
    if (absent !== undefined) return missing(id, absent)
    const asked = hasMainline
      ? sets.map((set) => ({
          ...set,
          rules: set.rules.filter(({ commits }) => commits === 'all' || mainline.has(id)),
        }))
      : sets
    // Under `mainline` alone, whoever merged a side branch vouches for it.
    if (asked.every(({ rules, isUnmatched }) => rules.length === 0 && !isUnmatched)) {
      return vouchedFor(id, ref)
    }
    return judgeCommit(context, {
      id,
      sets: asked,
      denials: [inForce.policy, inForce.newest],
      accept: [...inForce.policy.accept],
      story: [...inForce.story, `ref: ${ref}`],
    })
  })
}

function missing(id: string, code: 'MISSING_OBJECT' | 'SHALLOW'): Judgement {
  const reasons = [{ code, detail: 'the repository does not have it' }]
  return { ...vouchedFor(id, ''), verdict: 'unknown', strength: undefined, reasons }
}

function vouchedFor(id: string, ref: string): Judgement {
  return {
    id,
    verdict: 'pass',
    strength: 'vouched-by-merger',
    reasons: [],
    person: undefined,
    rules: ref === '' ? [] : [ref],
    story: [],
    sources: [],
  }
}

/** Audits the policy branch: every first-parent edge above the anchor, oldest first. */
export function auditPolicyBranch(
  context: PolicyContext,
  chain: PolicyChain,
): AsyncGenerator<StepOutcome> {
  return evaluateEdges(context, chain, context.policyBranch, 0, '0')
}

/**
 * Audits another ref without a journal: first-parent edges not yet on a verified tip, oldest first, each
 * by the newest policy whose landing precedes the commit's trusted time; no step rules.
 *
 * @param verified - tips whose history needs no second look, the policy branch's first of all
 */
export async function* auditRef(
  context: PolicyContext,
  ref: string,
  tip: string,
  verified: readonly string[],
): AsyncGenerator<StepOutcome> {
  const exclude = [...verified, ...(context.anchor === undefined ? [] : [context.anchor])]
  const edges: { id: string; parent: string }[] = []
  const query = { include: [tip], exclude, firstParent: true }
  for await (const { id, parents, absent } of context.git.walk(query)) {
    if (absent !== undefined) {
      const reason = { code: absent, detail: 'the repository does not have it' }
      yield outcome({ ref, before: '', after: id }, '', [reason], [])
      continue
    }
    edges.push({ id, parent: parents[0] ?? '' })
  }
  yield* inOrder(edges.reverse(), async ({ id, parent }) => {
    const inForce = await inForceFor(context, id)
    const step = { ref, before: parent === '' ? '0'.repeat(id.length) : parent, after: id }
    const sets = setsFor(context, inForce.policy, ref)
    const [own] = sets
    if (own?.isUnmatched === true && inForce.policy.otherRefs === 'any' && own.rules.length === 0) {
      return outcome(step, inForce.id, [], [])
    }
    const { reasons, judgements } = await judgeArriving(context, sets, step, inForce)
    return outcome(step, inForce.id, reasons, judgements)
  })
}

async function inForceFor(context: PolicyContext, id: string): Promise<InForce> {
  const { chain } = context
  if (chain === undefined) return inForceNow(context)
  const newest = newestLanding(chain)
  const time = trustedTime(await context.facts(id, newest.policy))
  const landing = time === undefined ? newest : landingBefore(chain, time)
  const { story, ...rest } = fromLanding(landing, chain)
  const why =
    'the newest whose landing precedes the commit’s trusted time, as no journal says when it arrived'
  return { ...rest, story: [...story, why] }
}

function landingBefore(chain: PolicyChain, time: number): Landing {
  let found = landingAt(chain, 0)
  for (const landing of chain.landings) {
    if (landing.at !== undefined && landing.at <= time) found = landing
  }
  return found
}

/** Whether any rule is about a ref: what `audit --all` looks at. */
export function isProtected(context: PolicyContext, ref: string): boolean {
  return !rulesOf(inForceNow(context).policy, ref, false).isUnmatched
}
