import { excludedTips } from './arriving.ts'
import type { Arriving } from './arriving.ts'
import { newestLanding } from './chain.ts'
import { asReason, isZero } from './context.ts'
import type { PolicyContext, Step } from './context.ts'
import { denialsOf } from './denials.ts'
import { isUnanswered } from './git-answers.ts'
import { creatorsOf, identify, namesOf, signedObject } from './identify.ts'
import type { RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Rule } from './model.ts'
import type { Reason } from './reason.ts'

export async function judgeDeletion(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
): Promise<Reason[]> {
  const rules = sets.flatMap(({ rules: all }) => all.filter((rule) => !isPathRule(rule)))
  const refusing = rules.find((rule) => !rule.delete)
  if (refusing === undefined) return needsCertificate(context, sets, step)
  return [
    { code: 'DELETED', detail: `the rule at line ${String(refusing.line)} keeps ${step.ref}` },
  ]
}

/** The movement of a protected branch. */
export async function judgeMovement(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  arriving: Arriving,
): Promise<Reason[]> {
  const { git } = context
  const rules = sets.flatMap((set) => set.rules.filter((rule) => !isPathRule(rule)))
  const reasons: Reason[] = []
  const add = (reason: Reason | undefined): void => {
    if (reason !== undefined) reasons.push(reason)
  }
  const isMainline = sets.some((set) => set.rules.some(({ commits }) => commits === 'mainline'))
  if (isZero(step.before)) {
    if (!(await startsSomewhere(context, sets, step, arriving))) {
      const detail = 'it brings nothing of its own: who creates it must sign the push'
      add({ code: 'CREATED', detail })
    }
  } else {
    const forward = await git.isAncestor(step.before, step.after)
    if (isUnanswered(forward)) add(asReason(forward))
    else if (!forward) {
      const refusing = rules.find((rule) => !rule.rewrite)
      if (refusing !== undefined) {
        add({
          code: 'REWRITTEN',
          detail: `the rule at line ${String(refusing.line)} lets ${step.ref} only grow`,
        })
      } else if (arriving.arrived.size === 0 && !(await isCertifiedBy(context, sets, 'by'))) {
        add({
          code: 'REWRITTEN',
          detail: 'it moves back to old commits: who does so must sign the push',
        })
      }
    } else if (isMainline) {
      add(await foxtrot(context, step))
    }
  }
  add(await notDescendant(context, sets, step))
  reasons.push(...(await needsCertificate(context, sets, step)))
  return reasons
}

/** A new protected branch starts at a verified tip, or with a commit by someone in `by`, for each rule. */
async function startsSomewhere(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  arriving: Arriving,
): Promise<boolean> {
  if (await isCertifiedBy(context, sets, 'by')) return true
  const commit = await context.git.commit(step.after)
  if (isUnanswered(commit)) return false
  for (const set of sets) {
    const facts = await context.facts(step.after, set.policy)
    const names = creatorsOf(identify(set.policy, facts, signedObject(commit)))
    for (const rule of set.rules.filter((one) => !isPathRule(one))) {
      const isBy = names.some((name) => rule.by.has(name))
      if (isBy && arriving.arrived.has(step.after)) continue
      const tips = await excludedTips(context, set, rule, step)
      if (!tips.includes(step.after)) return false
    }
  }
  return true
}

async function foxtrot(context: PolicyContext, step: Step): Promise<Reason | undefined> {
  const walk = context.git.walk({
    include: [step.after],
    exclude: [step.before],
    firstParent: true,
  })
  let last: readonly string[] = [step.after]
  for await (const { parents } of walk) last = parents.slice(0, 1)
  if (step.after === step.before || last.includes(step.before)) return undefined
  return {
    code: 'FOXTROT',
    detail: 'what was there before is no longer the first parent: merge the other way round',
  }
}

export async function notDescendant(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
): Promise<Reason | undefined> {
  if (context.anchor === undefined) return undefined
  const [set] = sets
  const covering = (set?.policy.accept ?? []).filter(({ covers }) => covers === 'ancestors')
  let unanswered: Reason | undefined
  for (const start of [context.anchor, ...covering.map(({ commit }) => commit)]) {
    const descends = await context.git.isAncestor(start, step.after)
    if (descends === true) return undefined
    if (isUnanswered(descends)) unanswered = asReason(descends)
  }
  const detail = 'it descends neither from the anchor nor from a commit that [[accept]] covers'
  return unanswered ?? { code: 'NOT_DESCENDANT', detail }
}

/** Where a rule has `push-cert`, a certificate by someone in `by` or `merge-by` is needed. */
export async function needsCertificate(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
): Promise<Reason[]> {
  const needing = sets.flatMap(({ rules }) => rules.filter(({ pushCert }) => pushCert))
  const certificate = context.pushCertificate
  if (needing.length === 0 || certificate === 'unknown') return []
  if (certificate === undefined) {
    return [
      { code: 'PUSH_CERT', detail: `a push to ${step.ref} must be signed: git push --signed` },
    ]
  }
  if (certificate.problems.length > 0) {
    return certificate.problems.map((detail) => ({ code: 'PUSH_CERT', detail }))
  }
  return (await isCertifiedBy(context, sets, 'by or merge-by'))
    ? []
    : [{ code: 'PUSH_CERT', detail: 'the push is signed by somebody who may not push here' }]
}

/**
 * Whether the push certificate is good, its signer not denied since, and in every rule. `by` alone asks
 * who may create.
 */
async function isCertifiedBy(
  context: PolicyContext,
  sets: readonly RuleSet[],
  where: 'by' | 'by or merge-by',
): Promise<boolean> {
  const certificate = context.pushCertificate
  if (certificate === 'unknown') return true
  if (certificate === undefined || certificate.problems.length > 0) return false
  const { id, pusher } = certificate
  const signed = { author: pusher, committer: pusher, parents: 0 }
  for (const { policy, rules } of sets) {
    const facts = await context.facts(id, policy)
    const signing = identify(policy, facts, signed)
    const names = where === 'by' ? creatorsOf(signing) : namesOf(signing)
    // A rule with paths decides nothing about a push but that somebody it names has to sign it.
    const asked = rules.filter((rule) => !isPathRule(rule) || rule.pushCert)
    const stands = ({ by, mergeBy }: Rule): boolean =>
      names.some((name) => by.has(name) || (where === 'by or merge-by' && mergeBy.has(name)))
    if (!asked.every(stands)) return false
    const object = { id, payloadSha256: facts.payload_sha256 ?? '', facts, signed }
    const newest =
      context.denying ??
      (context.chain === undefined ? policy : newestLanding(context.chain).policy)
    for (const denying of new Set([policy, newest])) {
      const denials = await denialsOf(denying, object, () => Promise.resolve(undefined))
      if (denials.length > 0) return false
    }
  }
  return true
}
