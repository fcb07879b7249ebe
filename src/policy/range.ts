import { acceptOf, excludedTips, judgeArriving, revokedBelowCover, squashedBy } from './arriving.ts'
import type { RangeQuestion } from './arriving.ts'
import { landingAt, newestLanding } from './chain.ts'
import type { Landing, PolicyChain } from './chain.ts'
import { fromLanding, inForceNow, isProtectedBy, outcome, setsFor } from './context.ts'
import type { InForce, PolicyContext, Step, StepOutcome } from './context.ts'
import { trustedTime } from './identify.ts'
import { IdList } from './id-list.ts'
import { inOrder } from './in-order.ts'
import { judgeCommit } from './judge-commit.ts'
import type { Judgement, RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Rule } from './model.ts'
import { notDescendant } from './movement.ts'
import { addReasons, evaluateEdges } from './policy-branch.ts'
import type { Reason } from './reason.ts'
import { isFree } from './steps.ts'

/**
 * Judges the commits of a range as arriving at a ref, by the policy in force at the policy branch's tip;
 * no step rules. Rules with `mainline` ask only about the first-parent chain (policy.md §4). A commit of the
 * policy branch whose policy did not land fails.
 */
export async function* evaluateRange(
  context: PolicyContext,
  question: RangeQuestion,
): AsyncGenerator<Judgement> {
  const inForce = { ...inForceNow(context), isOrderUnknown: true }
  const { ref, include } = question
  const exclude = [
    ...question.exclude,
    ...(context.anchor === undefined ? [] : [context.anchor]),
    ...inForce.policy.accept
      .filter(({ covers }) => covers === 'ancestors')
      .map(({ commit }) => commit),
  ]
  const sets = setsFor(context, inForce.policy, ref)
  const members = await membersOf(context, { ref, include, exclude }, sets)
  yield* await revokedBelowCover(context, question, sets, inForce)
  const judge = (id: string, isSquashed = false): Promise<Judgement> => {
    // What a squash brings is in no range: every rule is about it.
    const isAsked = (rule: Rule): boolean => isSquashed || members(rule, id)
    const asked = sets
      .map((set) => ({ ...set, rules: set.rules.filter(isAsked) }))
      .filter(({ rules, isUnmatched, isFloor }) => rules.length > 0 || (isUnmatched && !isFloor))
    // Under `mainline` alone, whoever merged a side branch vouches for it; so does a verified tip.
    if (asked.length === 0) return Promise.resolve(vouchedFor(id, ref))
    return judgeCommit(context, {
      id,
      sets: asked,
      denials: [inForce.policy, inForce.newest],
      accept: acceptOf(inForce),
      story: [...inForce.story, `ref: ${ref}`],
      isOrderUnknown: true,
    })
  }
  const judged = inOrder(context.git.walk({ include, exclude }), ({ id, absent }) =>
    absent === undefined ? judge(id) : Promise.resolve(missing(id, absent)),
  )
  const squashed = new Set<string>()
  const notLanded = ref === context.policyBranch ? failuresOf(context.chain) : failuresOf(undefined)
  for await (const one of judged) {
    yield addReasons(one, [...inForce.uncertain, ...(notLanded.get(one.id) ?? [])])
    // Sources may have sources of their own.
    for (let round = [one]; round.length > 0;) {
      const next: Judgement[] = []
      for (const squash of round) {
        for await (const { id, absent } of squashedBy(context, squash, exclude)) {
          if (squashed.has(id)) continue
          squashed.add(id)
          const source = absent === undefined ? await judge(id, true) : missing(id, absent)
          next.push(source)
          yield addReasons(source, inForce.uncertain)
        }
      }
      round = next
    }
  }
}

/** By commit, why the policy that it brought to the policy branch did not land. */
function failuresOf(chain: PolicyChain | undefined): ReadonlyMap<string, readonly Reason[]> {
  return new Map((chain?.failed ?? []).map(({ commit, reasons }) => [commit, reasons]))
}

/** Whether a rule is about a commit of the range: `mainline` and `from` leave some out. */
async function membersOf(
  context: PolicyContext,
  { ref, include, exclude }: RangeQuestion,
  sets: readonly RuleSet[],
): Promise<(rule: Rule, id: string) => boolean> {
  const byRule = new Map<Rule, ReadonlySet<string>>()
  const step: Step = { ref, before: exclude[0] ?? '', after: include[0] ?? '' }
  for (const set of sets) {
    for (const rule of set.rules) {
      if (rule.commits === 'all' && rule.from === undefined) continue
      const tips = rule.from === undefined ? [] : await excludedTips(context, set, rule, step)
      const firstParent = rule.commits === 'mainline'
      const ids = new Set<string>()
      const walk = context.git.walk({ include, exclude: [...exclude, ...tips], firstParent })
      for await (const { id } of walk) ids.add(id)
      byRule.set(rule, ids)
    }
  }
  return (rule, id) => byRule.get(rule)?.has(id) ?? true
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

/** Audits the policy branch: every first-parent edge above the anchor, or above `from`, oldest first. */
export function auditPolicyBranch(
  context: PolicyContext,
  chain: PolicyChain,
  from?: number,
): AsyncGenerator<StepOutcome> {
  return evaluateEdges(context, chain, context.policyBranch, from)
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
  const chain = new IdList()
  let below = ''
  const query = { include: [tip], exclude, firstParent: true }
  for await (const { id, parents, absent } of context.git.walk(query)) {
    if (absent !== undefined) {
      const reason = { code: absent, detail: 'the repository does not have it' }
      yield outcome({ ref, before: '', after: id }, '', [reason], [])
      continue
    }
    chain.push(id)
    below = parents[0] ?? ''
  }
  const last = chain.at(0)
  if (last === undefined) {
    yield* notAboveAnchor(context, ref, tip)
    return
  }
  yield* inOrder(edgesOf(chain, below), async ({ id, parent }) => {
    const inForce = await inForceFor(context, id)
    const step = { ref, before: parent === '' ? '0'.repeat(id.length) : parent, after: id }
    const sets = setsFor(context, inForce.policy, ref)
    if (isFree(sets)) return outcome(step, inForce.id, [], [])
    const arriving = await judgeArriving(context, sets, step, inForce)
    const reasons = [...arriving.reasons, ...inForce.uncertain]
    // All of a chain descends from where its tip does not, so the tip is enough.
    if (id === last && isProtectedBy(sets)) {
      const reason = await notDescendant(context, sets, step)
      if (reason !== undefined) reasons.push(reason)
    }
    return outcome(step, inForce.id, reasons, arriving.judgements)
  })
}

/** First-parent edges, oldest first, of a chain whose tip comes first and which ends above `below`. */
function* edgesOf(chain: IdList, below: string): Generator<{ id: string; parent: string }> {
  for (let index = chain.length - 1; index >= 0; index -= 1) {
    yield { id: chain.at(index) ?? '', parent: chain.at(index + 1) ?? below }
  }
}

/** A protected ref that brings nothing: it may be older than the anchor. */
async function* notAboveAnchor(
  context: PolicyContext,
  ref: string,
  tip: string,
): AsyncGenerator<StepOutcome> {
  const inForce = await inForceFor(context, tip)
  const sets = setsFor(context, inForce.policy, ref)
  if (!isProtectedBy(sets)) return
  const step = { ref, before: '0'.repeat(tip.length), after: tip }
  const reason = await notDescendant(context, sets, step)
  if (reason !== undefined) yield outcome(step, inForce.id, [reason], [])
}

/**
 * The policy by which something is judged without a journal: the newest whose landing precedes its
 * trusted time; without a time the newest of all, which denies most.
 */
export async function inForceFor(context: PolicyContext, id: string): Promise<InForce> {
  const { chain } = context
  if (chain === undefined) return { ...inForceNow(context), isOrderUnknown: true }
  const newest = newestLanding(chain)
  const time = trustedTime(await context.facts(id, newest.policy))
  const landing = time === undefined ? newest : landingBefore(chain, time)
  const inForce = fromLanding(landing, chain, context.denying)
  const why =
    'the newest whose landing precedes the object’s trusted time, as no journal says when it arrived'
  return {
    ...inForce,
    story: [...inForce.story, why],
    uncertain: chain.uncertain?.reasons ?? [],
    isOrderUnknown: true,
  }
}

function landingBefore(chain: PolicyChain, time: number): Landing {
  const found = chain.landings.findLast(({ at }) => at !== undefined && at <= time)
  return found ?? landingAt(chain, 0)
}

/** Whether a ref that was verified may lose what it had: no rule keeps it, or all let it be rewritten. */
export function mayGoBack(context: PolicyContext, ref: string): boolean {
  const { policy } = inForceNow(context)
  const rules = setsFor(context, policy, ref).flatMap((set) => set.rules)
  return rules.filter((rule) => !isPathRule(rule)).every(({ rewrite }) => rewrite)
}

/** Whether any rule is about a ref: what `audit --all` looks at. */
export function isProtected(context: PolicyContext, ref: string): boolean {
  return isProtectedBy(setsFor(context, inForceNow(context).policy, ref))
}
