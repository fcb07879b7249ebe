import type { Facts } from '../facts.ts'
import { addressesOf } from './addresses.ts'
import { denialsOf } from './denials.ts'
import { isUnanswered } from './git-answers.ts'
import type { TagObject } from './git-answers.ts'
import { identBytes, parseIdent } from './ident.ts'
import { creatorsOf, identify, namesOf } from './identify.ts'
import type { Identification } from './identify.ts'
import { shownRules, whenOrderIsUnknown } from './judge-commit.ts'
import type { Judgement, RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Policy, Rule } from './model.ts'
import { verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'
import { asReason, isZero } from './context.ts'
import type { InForce, PolicyContext, Step } from './context.ts'
import { refsMatching } from './arriving.ts'
import { needsCertificate, notDescendant } from './movement.ts'

/** A tag on a ref that rules are about: annotated, by its name, signed, on a verified tip, never moved. */
export async function judgeTag(
  context: PolicyContext,
  sets: readonly RuleSet[],
  step: Step,
  inForce: InForce,
): Promise<{ reasons: Reason[]; judgements: Judgement[] }> {
  const reasons: Reason[] = []
  if (!isZero(step.before) && step.before !== step.after) {
    reasons.push({ code: 'TAG_MOVED', detail: `${step.ref} already names another object` })
  }
  reasons.push(...(await needsCertificate(context, sets, step)))
  const type = await context.git.objectType(step.after)
  if (type === undefined) {
    return {
      reasons: [...reasons, { code: 'MISSING_OBJECT', detail: 'the tag is missing' }],
      judgements: [],
    }
  }
  if (type !== 'tag') {
    const detail = `it names a ${type} directly: git tag -s makes a tag that can be signed`
    return { reasons: [...reasons, { code: 'TAG_NOT_ANNOTATED', detail }], judgements: [] }
  }
  const tag = await context.git.tag(step.after)
  if (isUnanswered(tag)) return { reasons: [...reasons, asReason(tag)], judgements: [] }
  if (tag.name !== identBytes(step.ref.slice('refs/tags/'.length))) {
    reasons.push({ code: 'TAG_NAME', detail: `the tag calls itself "${tag.name}"` })
  }
  const judgement = await judgeTagObject(context, tag, sets, inForce)
  for (const set of sets) {
    for (const rule of set.rules.filter((one) => !isPathRule(one))) {
      const reason = await judgeTarget(context, tag, rule, set.policy)
      if (reason !== undefined) reasons.push(reason)
    }
  }
  const isAnywhere = ({ unsignedTarget }: Rule): boolean => unsignedTarget
  const pathless = sets.flatMap(({ rules }) => rules.filter((one) => !isPathRule(one)))
  if (!pathless.every(isAnywhere) && reasons.every(({ code }) => code !== 'TAG_TARGET')) {
    const reason = await notDescendant(context, sets, { ...step, after: tag.target })
    if (reason !== undefined) reasons.push(reason)
  }
  return { reasons: unique(reasons), judgements: [judgement] }
}

function unique(reasons: readonly Reason[]): Reason[] {
  const seen = new Set<string>()
  return reasons.filter(({ code, detail }) => {
    const key = `${code} ${detail}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** The tag object itself: its form, who signed it, and whether the rules let them. */
export async function judgeTagObject(
  context: PolicyContext,
  tag: TagObject,
  sets: readonly RuleSet[],
  inForce: InForce,
): Promise<Judgement> {
  const { id } = tag
  const story = [...inForce.story]
  const reasons: Reason[] = []
  let person: string | undefined
  if (tag.findings.length > 0) {
    reasons.push({ code: 'MALFORMED', detail: tag.findings.slice(0, 3).join('; ') })
  } else {
    const signed = { author: tag.tagger, committer: tag.tagger, parents: 0 }
    for (const { policy, rules, isFloor, isUnmatched } of sets) {
      if (isFloor && isUnmatched) continue
      const facts = await context.facts(id, policy)
      const signing = identify(policy, facts, signed)
      person ??= namesOf(signing)[0]
      reasons.push(...whenOrderIsUnknown(inForce, facts, signing.reasons))
      if (signing.reasons.length === 0) {
        const pathless = rules.filter((one) => !isPathRule(one))
        for (const rule of pathless) reasons.push(...askRule(rule, signing, tag, facts))
      }
      for (const denying of new Set([inForce.policy, inForce.newest])) {
        const object = { id, payloadSha256: tag.payloadSha256, facts, signed }
        const denials = await denialsOf(denying, object, async (revoked) => {
          const found = await context.git.tag(revoked)
          return isUnanswered(found) ? undefined : found.payloadSha256
        })
        reasons.push(...denials.filter(({ code }) => !reasons.some((one) => one.code === code)))
      }
    }
  }
  const accepted = [...inForce.policy.accept, ...inForce.newest.accept].some(
    ({ commit }) => commit === id,
  )
  const isLifted = accepted && reasons.every(({ code }) => LIFTABLE.has(code))
  const left = isLifted ? [] : reasons
  return {
    id,
    verdict: verdictOf(left),
    strength: left.length > 0 ? undefined : isLifted && reasons.length > 0 ? 'accepted' : 'signed',
    reasons: left,
    person,
    rules: shownRules(sets),
    story,
    sources: [],
  }
}

const LIFTABLE: ReadonlySet<Reason['code']> = new Set([
  'UNSIGNED',
  'UNKNOWN_SIGNER',
  'NOT_LOGGED',
  'NO_TRUSTED_TIME',
  'NOT_ALLOWED_HERE',
  'COMMITTER_MISMATCH',
])

function askRule(rule: Rule, signing: Identification, tag: TagObject, facts: Facts): Reason[] {
  const names = namesOf(signing)
  if (!creatorsOf(signing).some((name) => rule.by.has(name))) {
    const isGroup = names.some((name) => rule.by.has(name))
    const why = isGroup ? 'is a group, which creates no tag: name people in' : 'is not in'
    const detail = `${names.join(', ')} ${why} "by" of the rule at line ${String(rule.line)}`
    return [{ code: 'NOT_ALLOWED_HERE', detail }]
  }
  if (rule.committer !== 'match' && rule.author !== 'match') return []
  const address = parseIdent(tag.tagger)?.address
  if (address !== undefined && addressesOf(signing, facts).has(address)) return []
  const detail = `the tagger is "${address ?? 'malformed'}", not an address of ${names.join(', ')}`
  return [{ code: 'COMMITTER_MISMATCH', detail }]
}

/** The target: a commit reachable from the verified tip of a ref in `on`. */
async function judgeTarget(
  context: PolicyContext,
  tag: TagObject,
  rule: Rule,
  policy: Policy,
): Promise<Reason | undefined> {
  if (tag.targetType !== 'commit' || (await context.git.objectType(tag.target)) !== 'commit') {
    return { code: 'TAG_TARGET', detail: `it is a tag of a ${tag.targetType}, not of a commit` }
  }
  if (rule.unsignedTarget) return undefined
  const refs =
    rule.on === undefined
      ? context.chain === undefined
        ? []
        : [context.policyBranch]
      : await refsMatching(context, policy, rule.on)
  let isUnknown = false
  for (const ref of refs) {
    const tip = await context.verifiedTip(ref)
    if (tip === 'none') continue
    if (tip === 'unknown') {
      isUnknown = true
      continue
    }
    const reaches = await context.git.isAncestor(tag.target, tip.id)
    if (reaches === true) return undefined
    if (reaches !== false) isUnknown = true
  }
  if (isUnknown) {
    return {
      code: 'MISSING_OBJECT',
      detail: 'no verified tip of the refs in "on" is known: audit them first',
    }
  }
  if (rule.on === undefined && refs.length === 0) {
    const line = String(rule.line)
    return {
      code: 'TAG_TARGET',
      detail: `the rule at line ${line} names no "on", which a policy without an anchor has to`,
    }
  }
  return {
    code: 'TAG_TARGET',
    detail: `its commit is on no verified tip of ${refs.join(', ') || 'a ref in "on"'}`,
  }
}
