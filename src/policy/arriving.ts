import { isZero, rulesOf } from './context.ts'
import type { InForce, PolicyContext, Step } from './context.ts'
import { isUnanswered } from './git-answers.ts'
import type { Unanswered } from './git-answers.ts'
import { inOrder } from './in-order.ts'
import { judgeCommit } from './judge-commit.ts'
import type { Judgement, RuleSet } from './judge-commit.ts'
import type { Accept, Policy, Rule } from './model.ts'
import { matchesRef } from './patterns.ts'
import type { Reason } from './reason.ts'

export interface Arriving {
  readonly reasons: Reason[]
  readonly judgements: Judgement[]
  /** Whether `after` is, or builds on, a verified tip of `from` and nothing else. */
  readonly isEmpty: boolean
}

/** Judges every arriving commit once, by all rules in whose N it is. */
export async function judgeArriving(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  inForce: InForce,
): Promise<Arriving> {
  const reasons: Reason[] = []
  const found = new Map<string, Map<RuleSet, Rule[]>>()
  for (const set of sets) {
    const base = excluded(context, step, set.policy)
    const groups = new Map<string, { exclude: string[]; firstParent: boolean; rules: Rule[] }>()
    const rules: (Rule | undefined)[] = [...set.rules]
    // A ref that no rule without paths matches: everything that arrives goes to other-refs.
    if (set.isUnmatched && !set.isFloor) rules.push(undefined)
    for (const rule of rules) {
      const tips = await excludedTips(context, set, rule, step)
      if ('code' in tips) {
        reasons.push(tips)
        continue
      }
      const firstParent = rule?.commits === 'mainline'
      const key = `${String(firstParent)} ${tips.join(' ')}`
      const group = groups.get(key) ?? { exclude: [...base, ...tips], firstParent, rules: [] }
      if (rule !== undefined) group.rules.push(rule)
      groups.set(key, group)
    }
    for (const { exclude, firstParent, rules: grouped } of groups.values()) {
      const walk = context.git.walk({ include: [step.after], exclude, firstParent })
      for await (const { id, absent } of walk) {
        if (absent !== undefined) {
          reasons.push({ code: absent, detail: `commit ${id} is not here` })
          continue
        }
        const bySet = found.get(id) ?? new Map<RuleSet, Rule[]>()
        bySet.set(set, [...(bySet.get(set) ?? []), ...grouped])
        found.set(id, bySet)
      }
    }
  }
  const judgements: Judgement[] = []
  const asked = new Set(found.keys())
  for (let round = [...found]; round.length > 0;) {
    const brought: typeof round = []
    const judged = inOrder(round, async ([id, bySet]) => {
      const judgement = await judgeCommit(context, {
        id,
        sets: [...bySet].map(([set, rules]) => ({ ...set, rules })),
        denials: [inForce.policy, inForce.newest],
        accept: acceptOf(inForce),
        story: [...inForce.story, `ref: ${step.ref}`],
      })
      return { judgement, bySet }
    })
    for await (const { judgement, bySet } of judged) {
      judgements.push(judgement)
      // What was squashed arrives with the squash.
      for (const source of judgement.sources) {
        const parents = parentsOf(await context.git.commit(judgement.id))
        const exclude = [...baseOf(context, step, sets), ...parents]
        for await (const { id, absent } of context.git.walk({ include: [source], exclude })) {
          if (absent !== undefined) {
            reasons.push({ code: absent, detail: `commit ${id} is not here` })
          } else if (!asked.has(id)) {
            asked.add(id)
            brought.push([id, bySet])
          }
        }
      }
    }
    round = brought
  }
  return { reasons, judgements, isEmpty: found.size === 0 }
}

export function parentsOf(
  commit: { readonly parents: readonly string[] } | Unanswered,
): readonly string[] {
  return isUnanswered(commit) ? [] : commit.parents
}

export function baseOf(context: PolicyContext, step: Step, sets: readonly RuleSet[]): string[] {
  const [first] = sets
  return first === undefined ? [] : excluded(context, step, first.policy)
}

/** What never arrives: what was there before, the anchor, and what an `[[accept]]` covers. */
export function excluded(context: PolicyContext, step: Step, policy: Policy): string[] {
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
): Promise<string[] | Reason> {
  let refs: string[]
  if (rule === undefined) refs = await protectedBranches(context, set.policy)
  else if (rule.from !== undefined) refs = await refsMatching(context, rule.from)
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

export async function refsMatching(
  context: PolicyContext,
  patterns: NonNullable<Rule['from']>,
): Promise<string[]> {
  const names = new Set([context.policyBranch, ...(await context.git.refNames())])
  return [...names].filter((name) => matchesRef(patterns, name))
}

export async function protectedBranches(context: PolicyContext, policy: Policy): Promise<string[]> {
  const names = new Set([context.policyBranch, ...(await context.git.refNames())])
  return [...names].filter(
    (name) => name.startsWith('refs/heads/') && !rulesOf(policy, name, false).isUnmatched,
  )
}

export function acceptOf({ policy, newest }: InForce): Accept[] {
  return policy === newest ? [...policy.accept] : [...policy.accept, ...newest.accept]
}
