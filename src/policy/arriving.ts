import { isZero, rulesOf } from './context.ts'
import type { InForce, PolicyContext, Step } from './context.ts'
import { isUnanswered } from './git-answers.ts'
import type { GitAnswers, WalkedCommit } from './git-answers.ts'
import { inOrder } from './in-order.ts'
import { judgeCommit, shownRules } from './judge-commit.ts'
import type { Judgement, RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Accept, Policy, RefPattern, Rule } from './model.ts'
import { matchesRef } from './patterns.ts'
import type { Reason } from './reason.ts'

export interface Arriving {
  readonly reasons: Reason[]
  readonly judgements: Judgement[]
  /** Commits that rules without paths were asked about. */
  readonly arrived: ReadonlySet<string>
}

/** Commits that are asked about: reachable from `include` and not from `exclude`. */
export interface RangeQuestion {
  readonly ref: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/**
 * Judges every arriving commit once, by all rules in whose N it is.
 *
 * @param known - commits that have been judged, with all below them, beside the step's `before`
 */
export async function judgeArriving(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  inForce: InForce,
  known: readonly string[] = [],
): Promise<Arriving> {
  const walks = await walksOf(context, sets, step, known)
  const judge = (): Promise<Arriving> => judgeWalks(context, sets, step, inForce, known, walks)
  const { memo } = context
  if (memo === undefined) return judge()
  const bySet = walks.map(({ set, rules }) => [set, rules] as const)
  const ranges = walks.map(({ exclude, firstParent }) => [exclude, firstParent])
  const start = isZero(step.before) ? [] : [step.before]
  const key = [step.after, start, known, memo.rulesKey(bySet, inForce), ranges]
  return memo.arriving(JSON.stringify(key), judge)
}

/** Rules of one set that are asked about the same commits. */
interface RuleWalk {
  readonly set: RuleSet
  readonly rules: Rule[]
  readonly exclude: readonly string[]
  readonly firstParent: boolean
}

async function walksOf(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  known: readonly string[],
): Promise<RuleWalk[]> {
  const walks: RuleWalk[] = []
  for (const set of sets) {
    const base = [...known, ...excluded(context, step, set.policy)]
    const groups = new Map<string, RuleWalk>()
    const rules: (Rule | undefined)[] = [...set.rules]
    // A ref that no rule without paths matches: everything that arrives goes to other-refs.
    if (set.isUnmatched && !set.isFloor) rules.push(undefined)
    for (const rule of rules) {
      const tips = await excludedTips(context, set, rule, step)
      const firstParent = rule?.commits === 'mainline'
      const key = `${String(firstParent)} ${tips.join(' ')}`
      const group = groups.get(key) ?? { set, exclude: [...base, ...tips], firstParent, rules: [] }
      if (rule !== undefined) group.rules.push(rule)
      groups.set(key, group)
    }
    walks.push(...groups.values())
  }
  return walks
}

async function judgeWalks(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  inForce: InForce,
  known: readonly string[],
  walks: readonly RuleWalk[],
): Promise<Arriving> {
  const { memo } = context
  const reasons: Reason[] = []
  const found = new Map<string, Map<RuleSet, Rule[]>>()
  for (const { set, exclude, firstParent, rules } of walks) {
    const walk = context.git.walk({ include: [step.after], exclude, firstParent })
    for await (const { id, absent } of walk) {
      if (absent !== undefined) {
        reasons.push({ code: absent, detail: `commit ${id} is not here` })
        continue
      }
      const bySet = found.get(id) ?? new Map<RuleSet, Rule[]>()
      bySet.set(set, [...(bySet.get(set) ?? []), ...rules])
      found.set(id, bySet)
    }
  }
  const arrived = new Set<string>()
  for (const [id, bySet] of found) {
    if ([...bySet.values()].flat().some((rule) => !isPathRule(rule))) arrived.add(id)
  }
  const start = isZero(step.before) ? [] : [step.before]
  const range = { ref: step.ref, include: [step.after], exclude: [...known, ...start] }
  const judgements = await revokedBelowCover(context, range, sets, inForce)
  const asked = new Set(found.keys())
  for (let round = [...found]; round.length > 0;) {
    const brought: typeof round = []
    const judged = inOrder(round, async ([id, bySet]) => {
      const judge = (): Promise<Judgement> =>
        judgeCommit(context, {
          id,
          sets: [...bySet].map(([set, rules]) => ({ ...set, rules })),
          denials: [inForce.policy, inForce.newest],
          accept: acceptOf(inForce),
          story: [...inForce.story, `ref: ${step.ref}`],
          isOrderUnknown: inForce.isOrderUnknown,
          landing: inForce.landing,
        })
      const judgement =
        memo === undefined
          ? await judge()
          : await memo.judgement(`${id} ${memo.rulesKey(bySet, inForce)}`, judge)
      return { judgement, bySet }
    })
    for await (const { judgement, bySet } of judged) {
      judgements.push(judgement)
      const exclude = [...known, ...baseOf(context, step, sets)]
      for await (const { id, absent } of squashedBy(context, judgement, exclude)) {
        if (absent !== undefined) {
          reasons.push({ code: absent, detail: `commit ${id} is not here` })
        } else if (!asked.has(id)) {
          asked.add(id)
          brought.push([id, bySet])
        }
      }
    }
    round = brought
  }
  return { reasons, judgements, arrived }
}

/** What was squashed arrives with the squash. */
export async function* squashedBy(
  { git }: PolicyContext,
  { id, sources }: Judgement,
  exclude: readonly string[],
): AsyncGenerator<WalkedCommit, void, undefined> {
  if (sources.length === 0) return
  const squash = await git.commit(id)
  const parents = isUnanswered(squash) ? [] : squash.parents
  yield* git.walk({ include: sources, exclude: [...exclude, ...parents] })
}

function baseOf(context: PolicyContext, step: Step, sets: readonly RuleSet[]): string[] {
  const [first] = sets
  return first === undefined ? [] : excluded(context, step, first.policy)
}

/** What never arrives: what was there before, the anchor, and what an `[[accept]]` covers. */
function excluded(context: PolicyContext, step: Step, policy: Policy): string[] {
  return [
    ...(isZero(step.before) ? [] : [step.before]),
    ...(context.anchor === undefined ? [] : [context.anchor]),
    ...policy.accept.filter(({ covers }) => covers === 'ancestors').map(({ commit }) => commit),
  ]
}

/** Verified tips whose commits may arrive unjudged by a rule. */
export async function excludedTips(
  context: PolicyContext,
  set: RuleSet,
  rule: Rule | undefined,
  step: Step,
): Promise<string[]> {
  let refs: readonly string[]
  if (rule === undefined) refs = await protectedBranches(context, set.policy)
  else if (rule.from !== undefined) refs = await refsMatching(context, set.policy, rule.from)
  else refs = isZero(step.before) && context.chain !== undefined ? [context.policyBranch] : []
  const tips: string[] = []
  for (const ref of refs) {
    if (ref === step.ref) continue
    const tip = await context.verifiedTip(ref)
    // An unknown tip excludes nothing: more is judged, never less.
    if (typeof tip === 'object') tips.push(tip.id)
  }
  return tips
}

/** Refs that patterns name and rules protect: others never vouch for anything. */
export async function refsMatching(
  context: PolicyContext,
  policy: Policy,
  patterns: readonly RefPattern[],
): Promise<string[]> {
  const names = await protectedRefs(context, policy)
  return names.filter((name) => matchesRef(patterns, name))
}

async function protectedBranches(context: PolicyContext, policy: Policy): Promise<string[]> {
  const names = await protectedRefs(context, policy)
  return names.filter((name) => name.startsWith('refs/heads/'))
}

const protectedNames = new WeakMap<Policy, Map<GitAnswers, Promise<readonly string[]>>>()

/** Asked for many commits, and the same for all of them: names of refs do not change meanwhile. */
function protectedRefs(context: PolicyContext, policy: Policy): Promise<readonly string[]> {
  const { git, policyBranch } = context
  const byGit = protectedNames.get(policy) ?? new Map<GitAnswers, Promise<readonly string[]>>()
  protectedNames.set(policy, byGit)
  const known = byGit.get(git)
  if (known !== undefined) return known
  const asked = git
    .refNames()
    .then((names) =>
      [...new Set([policyBranch, ...names])].filter(
        (name) => !rulesOf(policy, name, false).isUnmatched,
      ),
    )
  byGit.set(git, asked)
  return asked
}

/**
 * Commits that a covering `[[accept]]` keeps unread, as far as one of them is revoked by name: this much
 * is looked at.
 */
export async function revokedBelowCover(
  context: PolicyContext,
  range: RangeQuestion,
  sets: readonly RuleSet[],
  inForce: InForce,
): Promise<Judgement[]> {
  const { git } = context
  const revocations = [...new Set([...inForce.policy.revoke, ...inForce.newest.revoke])].filter(
    ({ target }) => target.kind === 'commit',
  )
  const covers = inForce.policy.accept.filter((entry) => entry.covers === 'ancestors')
  if (revocations.length === 0 || covers.length === 0) return []
  const anchor = context.anchor === undefined ? [] : [context.anchor]
  const include = covers.map(({ commit }) => commit)
  const arrives = new Set<string>()
  const exclude = [...range.exclude, ...anchor]
  for await (const { id } of git.walk({ include: range.include, exclude })) arrives.add(id)
  const judgements: Judgement[] = []
  for await (const { id, absent } of git.walk({ include, exclude })) {
    if (absent !== undefined || !arrives.has(id)) continue
    const commit = await git.commit(id)
    if (isUnanswered(commit)) continue
    for (const revocation of revocations) {
      const { target, except, reason } = revocation
      if (target.kind !== 'commit' || except.has(id)) continue
      const named = await git.commit(target.id)
      const isSame = !isUnanswered(named) && named.payloadSha256 === commit.payloadSha256
      if (id !== target.id && !isSame) continue
      judgements.push({
        id,
        verdict: 'fail',
        strength: undefined,
        reasons: [{ code: 'REVOKED', detail: reason }],
        person: undefined,
        rules: shownRules(sets),
        story: [...inForce.story, `ref: ${range.ref}`],
        sources: [],
      })
      break
    }
  }
  return judgements
}

export function acceptOf({ policy, newest }: InForce): Accept[] {
  return policy === newest ? [...policy.accept] : [...policy.accept, ...newest.accept]
}
