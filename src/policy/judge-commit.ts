import type { Facts, Strength, VerdictValue } from '../facts.ts'
import { CommitWork } from './commit-work.ts'
import { denialsOf } from './denials.ts'
import type { CommitObject, GitAnswers } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { identify, namesOf, showSigner, signedObject } from './identify.ts'
import type { Accept, Policy, Rule } from './model.ts'
import { verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'

/** What judging needs to know beside the policy. */
export interface Evidence {
  readonly git: GitAnswers
  /** Facts about an object by the keys and roots of a policy, proven as often as asked: callers cache. */
  facts(id: string, policy: Policy): Promise<Facts>
  /** Candidates for the sources of squashes. */
  readonly squashSources: readonly string[]
}

/** The rules of one policy that a commit has to satisfy. */
export interface RuleSet {
  readonly policy: Policy
  /** Rules of the ref in whose arriving commits it is. */
  readonly rules: readonly Rule[]
  /** No rule without paths matches the ref: what the rules leave goes to `other-refs`. */
  readonly isUnmatched: boolean
  /** A floor's rules are asked beside the policy's; its `other-refs` is not. */
  readonly isFloor: boolean
}

export interface Judgement {
  readonly id: string
  readonly verdict: VerdictValue
  readonly strength: Strength | undefined
  readonly reasons: readonly Reason[]
  /** Entry of the policy that the signer is. */
  readonly person: string | undefined
  /** As the rules write them: their refs, and what paths they are about. */
  readonly rules: readonly string[]
  /** What happened, step by step, for `--explain`; not escaped. */
  readonly story: readonly string[]
  /** Commits a squash was made of: they arrive with it. */
  readonly sources: readonly string[]
}

export interface CommitQuestion {
  readonly id: string
  readonly sets: readonly RuleSet[]
  /** Policies whose denials count: that of the step and the newest. */
  readonly denials: readonly Policy[]
  /** Accept entries of the step's policy and of later ones. */
  readonly accept: readonly Accept[]
  /** Above this, in the story: which policy and ref. */
  readonly story?: readonly string[]
  /** Nobody knows which policies landed before it came. */
  readonly isOrderUnknown?: boolean | undefined
  /** The policy that lands in this very step. */
  readonly landing?: Policy | undefined
}

/** Judges one arriving commit (policy.md §4, 1 to 6). */
export async function judgeCommit(
  evidence: Evidence,
  question: CommitQuestion,
): Promise<Judgement> {
  const { git } = evidence
  const { id } = question
  const story = [...(question.story ?? [])]
  const commit = await git.commit(id)
  if (isUnanswered(commit)) {
    return judged(question, [{ code: commit.unanswered, detail: commit.detail }], story)
  }
  const sanity = saneForm(commit)
  if (sanity.length > 0) return judged(question, sanity, story)

  const [first] = question.sets
  if (first === undefined) throw new Error('a commit is judged by the rules of a policy')
  const facts = await evidence.facts(id, first.policy)
  const work = new CommitWork(evidence, commit, facts, story)
  const lifted: Reason[] = []
  const firm: Reason[] = []
  let person: string | undefined
  for (const set of question.sets) {
    const bySet = set === first ? facts : await evidence.facts(id, set.policy)
    const signing = identify(set.policy, bySet, signedObject(commit))
    person ??= namesOf(signing)[0]
    if (!set.isFloor) {
      story.push(
        signing.reasons.length > 0
          ? `signer: ${facts.signer === null ? 'nobody' : showSigner(facts.signer)}`
          : `signer: ${namesOf(signing).join(', ')} (${facts.signer === null ? '' : showSigner(facts.signer)})`,
      )
    }
    if (signing.reasons.length > 0) {
      // Where only rules with paths match, who signed matters only for what those are about.
      const isFree = set.isUnmatched && (set.isFloor || set.policy.otherRefs === 'any')
      if (!isFree || (await work.isConcerned(set))) {
        lifted.push(...whenOrderIsUnknown(question, bySet, signing.reasons))
      }
      continue
    }
    lifted.push(...(await work.askRules(set, signing)))
  }
  const payloadOf = async (revoked: string): Promise<string | undefined> => {
    const object = await git.commit(revoked)
    return isUnanswered(object) ? undefined : object.payloadSha256
  }
  const { payloadSha256 } = commit
  const object = { id, payloadSha256, facts, signed: signedObject(commit) }
  for (const policy of new Set(question.denials)) {
    for (const reason of await denialsOf(policy, object, payloadOf)) {
      if (![...firm, ...lifted].some(({ code }) => code === reason.code)) firm.push(reason)
    }
  }
  firm.push(...landedWith(question.landing, facts, commit, [...firm, ...lifted]))
  const accepted =
    lifted.length > 0 ? await acceptedBy(git, id, lifted, question.accept) : undefined
  if (accepted !== undefined) story.push(`accepted: ${accepted.reason}`)
  const reasons = unique([...(accepted === undefined ? lifted : []), ...firm])
  const passes = reasons.length === 0
  return {
    id,
    verdict: verdictOf(reasons),
    strength: !passes ? undefined : accepted !== undefined ? 'accepted' : work.strength,
    reasons,
    person,
    rules: shownRules(question.sets),
    story,
    sources: work.sources,
  }
}

/**
 * A signature without time is met by an `until` only where it came in a step before the one that set
 * it, which a commit arriving with that landing did not.
 */
function landedWith(
  landing: Policy | undefined,
  facts: Facts,
  commit: CommitObject,
  found: readonly Reason[],
): Reason[] {
  if (landing === undefined || facts.times.length > 0) return []
  if (found.some(({ code }) => code === 'AFTER_UNTIL')) return []
  const { reasons } = identify(landing, facts, signedObject(commit))
  return reasons.filter(({ code }) => code === 'AFTER_UNTIL')
}

function judged(question: CommitQuestion, reasons: Reason[], story: string[]): Judgement {
  return {
    id: question.id,
    verdict: verdictOf(reasons),
    strength: undefined,
    reasons,
    person: undefined,
    rules: shownRules(question.sets),
    story,
    sources: [],
  }
}

function saneForm(commit: CommitObject): Reason[] {
  if (commit.findings.length > 0) {
    return [{ code: 'MALFORMED', detail: commit.findings.slice(0, 3).join('; ') }]
  }
  return commit.shallow
    ? [
        {
          code: 'SHALLOW',
          detail: 'the repository is shallow here: its parents were never fetched',
        },
      ]
    : []
}

/** Whether a signature without time was made before its `until` was set, nobody can tell then. */
export function whenOrderIsUnknown(
  { isOrderUnknown }: { readonly isOrderUnknown?: boolean | undefined },
  facts: Facts,
  reasons: readonly Reason[],
): readonly Reason[] {
  if (isOrderUnknown !== true || facts.times.length > 0) return reasons
  return reasons.map((reason) =>
    reason.code === 'AFTER_UNTIL'
      ? { code: 'UNSUPPORTED', detail: `${reason.detail}; nothing tells when it came` }
      : reason,
  )
}

/** Rule by rule, for reports. */
export function shownRules(sets: readonly RuleSet[]): string[] {
  const shown = sets.flatMap(({ rules }) =>
    rules.map(({ refs }) => refs.map(({ text }) => text).join(' ')),
  )
  return [...new Set(shown)]
}

function unique(reasons: readonly Reason[]): Reason[] {
  return reasons.filter(
    (reason, at) =>
      reasons.findIndex(({ code, detail }) => code === reason.code && detail === reason.detail) ===
      at,
  )
}

/** What `[[accept]]` may lift: nobody knew who signed, or rules refused; never a bad signature. */
const LIFTABLE: ReadonlySet<Reason['code']> = new Set([
  'UNSIGNED',
  'UNKNOWN_SIGNER',
  'NOT_LOGGED',
  'NO_TRUSTED_TIME',
  'NOT_ALLOWED_HERE',
  'PATH_NOT_ALLOWED',
  'MERGE_ADDS_CHANGES',
  'SQUASH_NOT_REPRODUCIBLE',
  'SQUASH_SOURCE_MISSING',
  'FORGE_EDIT',
  'COMMITTER_MISMATCH',
  'AUTHOR_MISMATCH',
])

async function acceptedBy(
  git: GitAnswers,
  id: string,
  reasons: readonly Reason[],
  accept: readonly Accept[],
): Promise<Accept | undefined> {
  if (!reasons.every(({ code }) => LIFTABLE.has(code))) return undefined
  for (const entry of accept) {
    if (entry.commit === id) return entry
    if (entry.covers !== 'ancestors') continue
    if ((await git.isAncestor(id, entry.commit)) === true) return entry
  }
  return undefined
}
