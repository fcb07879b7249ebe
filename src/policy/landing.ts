import { encodeHex } from '../encoding/hex.ts'
import { LIMITS } from '../encoding/limits.ts'
import { sha256 } from '../crypto/digest.ts'
import type { Facts } from '../facts.ts'
import type { ChainQuestion, FailedLanding, Landing } from './chain.ts'
import { denialsOf } from './denials.ts'
import type { ChainCommit, CommitObject, GitAnswers, Unanswered } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { identify, namesOf, signedObject, trustedTime } from './identify.ts'
import { isPathRule } from './model.ts'
import type { Person, PinnedKey, Policy, TrustPin, Window } from './model.ts'
import { policyEntry, readEntry } from './policy-entry.ts'
import { matchesRef } from './patterns.ts'
import { verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'

/** Whether a commit that changes the policy entry lands a policy, by the one in force before it. */
export async function judgeLanding(
  question: ChainQuestion,
  { id, index }: ChainCommit,
  entry: string | undefined | Unanswered,
  inForce: Landing,
): Promise<Landing | FailedLanding> {
  const fail = (...reasons: Reason[]): FailedLanding => ({ commit: id, index, reasons })
  if (isUnanswered(entry)) return fail({ code: entry.unanswered, detail: entry.detail })
  const commit = await question.git.commit(id)
  if (isUnanswered(commit)) return fail({ code: commit.unanswered, detail: commit.detail })
  const facts = await question.facts(id, inForce.policy)
  const authority = await landedBy(question, commit, facts, entry, inForce)
  const refused = 'code' in authority ? [authority] : []
  const read = await readEntry(question, id, entry)
  if (read.policy === undefined) return fail(...refused, read)
  const at = trustedTime(facts)
  const lockout = await whyLockedOut(question, read.policy, commit.tree, at)
  if (lockout !== undefined) return fail(...refused, lockout)
  if ('code' in authority) return fail(authority)
  return { commit: id, index, policy: read.policy, at, signedBy: authority.name }
}

/** The admin who consented to a landing, or why nobody did. */
async function landedBy(
  question: ChainQuestion,
  commit: CommitObject,
  facts: Facts,
  entry: string | undefined,
  inForce: Landing,
): Promise<{ name: string } | Reason> {
  const own = await adminOf(question, inForce.policy, commit, facts)
  if ('name' in own) return own
  const [, second, ...more] = commit.parents
  if (second === undefined || more.length > 0) return own
  if (!(await mayMerge(question, inForce.policy, commit, facts))) return own
  // A forge's web merge: the consent is in the second parent, for exactly this entry, after this landing.
  const proposal = await question.git.commit(second)
  if (isUnanswered(proposal)) return { code: proposal.unanswered, detail: proposal.detail }
  const proposed = await policyEntry(question.git, second)
  if (isUnanswered(proposed)) return { code: proposed.unanswered, detail: proposed.detail }
  if (proposed !== entry) {
    return notAdmin('the merge has another policy than the commit it merges')
  }
  if (afterTrailer(proposal.message) !== inForce.commit) {
    return notAdmin(`the merged commit lacks the trailer Signet-Policy-After: ${inForce.commit}`)
  }
  const secondFacts = await question.facts(second, inForce.policy)
  return adminOf(question, inForce.policy, proposal, secondFacts)
}

function notAdmin(detail: string): Reason {
  return { code: 'POLICY_CHANGE_NOT_ADMIN', detail }
}

/** The admin of the policy, and of the floor, who signed a commit. */
async function adminOf(
  question: ChainQuestion,
  policy: Policy,
  commit: CommitObject,
  facts: Facts,
): Promise<{ name: string } | Reason> {
  if (commit.findings.length > 0) return { code: 'MALFORMED', detail: commit.findings[0] ?? '' }
  const own = await adminBy(question, policy, 'of the policy in force', commit, facts)
  if ('code' in own || question.floor === undefined) return own
  const byFloor = await question.facts(commit.id, question.floor)
  const other = await adminBy(question, question.floor, 'of the floor', commit, byFloor)
  return 'code' in other ? other : own
}

async function adminBy(
  { git }: ChainQuestion,
  policy: Policy,
  where: string,
  commit: CommitObject,
  facts: Facts,
): Promise<{ name: string } | Reason> {
  const signing = identify(policy, facts, signedObject(commit))
  const [reason] = signing.reasons
  if (reason !== undefined) {
    return verdictOf(signing.reasons) === 'unknown'
      ? reason
      : notAdmin(`it changes the policy: ${reason.detail}`)
  }
  const admin = signing.exact?.name
  if (admin === undefined || !policy.admins.includes(admin)) {
    return notAdmin(
      `it changes the policy, and ${namesOf(signing).join(', ')} is no admin ${where}`,
    )
  }
  const [denial] = await denials(git, policy, commit, facts)
  return denial === undefined
    ? { name: admin }
    : notAdmin(`it changes the policy: ${denial.detail}`)
}

function denials(
  git: GitAnswers,
  policy: Policy,
  commit: CommitObject,
  facts: Facts,
): Promise<Reason[]> {
  const { id, payloadSha256 } = commit
  const object = { id, payloadSha256, facts, signed: signedObject(commit) }
  return denialsOf(policy, object, async (revoked) => {
    const found = await git.commit(revoked)
    return isUnanswered(found) ? undefined : found.payloadSha256
  })
}

/** Whether every rule of the policy branch lets this signer merge. */
async function mayMerge(
  { git, policyBranch }: ChainQuestion,
  policy: Policy,
  commit: CommitObject,
  facts: Facts,
): Promise<boolean> {
  if (commit.findings.length > 0) return false
  const names = namesOf(identify(policy, facts, signedObject(commit)))
  const rules = policy.rules.filter(
    (rule) => !isPathRule(rule) && matchesRef(rule.refs, policyBranch),
  )
  if (rules.length === 0) return false
  if (!rules.every(({ mergeBy }) => names.some((name) => mergeBy.has(name)))) return false
  return (await denials(git, policy, commit, facts)).length === 0
}

/** The landing that a proposal was made after: a trailer of its last paragraph; two are none. */
function afterTrailer(message: string): string | undefined {
  const last =
    message
      .trimEnd()
      .split(/\n\s*\n/)
      .at(-1) ?? ''
  const found = [...last.matchAll(/^Signet-Policy-After: ([0-9a-f]{40}|[0-9a-f]{64})$/gm)]
  return found.length === 1 ? found[0]?.[1] : undefined
}

/** Why no admin of a new policy could ever land another one; undefined where one can. */
async function whyLockedOut(
  question: ChainQuestion,
  policy: Policy,
  tree: string,
  at: number | undefined,
): Promise<Reason | undefined> {
  const roots = new Map<string, boolean>([['public', true]])
  for (const pin of policy.trust.values()) {
    const isThere = await hasRoot(question.git, tree, pin)
    if (isUnanswered(isThere)) return { code: isThere.unanswered, detail: isThere.detail }
    roots.set(pin.name, isThere)
  }
  const left = policy.admins.flatMap((name) => {
    const entry = policy.entries.get(name)
    return entry?.kind === 'person' && !isRevoked(policy, entry, at) ? [entry] : []
  })
  if (left.some((person) => hasOpenIdentity(person, roots, at))) return undefined
  const keys = left.flatMap((person) => openKeys(policy, person))
  if (keys.some(({ kind }) => kind === 'ssh-key')) return undefined
  const detail = 'none of its admins could sign: all are retired, revoked or without a trust root'
  if (keys.length === 0) return { code: 'POLICY_LOCKOUT', detail }
  const found = await question.openpgpKeys?.(policy)
  if (found === undefined) return undefined
  if ('unanswered' in found) return { code: found.unanswered, detail: found.detail }
  if (keys.some(({ value }) => found.has(value))) return undefined
  return { code: 'POLICY_LOCKOUT', detail: 'no file in .signet/keys/ has the key of any admin' }
}

/** Whether the tree has the root that a policy pins. */
async function hasRoot(
  git: GitAnswers,
  tree: string,
  { root, sha256: pinned }: TrustPin,
): Promise<boolean | Unanswered> {
  let id = tree
  let isBlob = false
  for (const part of root.split('/')) {
    if (isBlob) return false
    const answer = await git.tree(id)
    if (isUnanswered(answer)) return answer
    const entry = answer.entries.find(({ name }) => name === part)
    if (entry === undefined) return false
    if (entry.mode !== '040000' && entry.mode !== '100644') return false
    isBlob = entry.mode === '100644'
    id = entry.id
  }
  if (!isBlob) return false
  const bytes = await git.blob(id, LIMITS.trustedRootBytes)
  if (isUnanswered(bytes)) return bytes.unanswered === 'LIMIT' ? false : bytes
  return encodeHex(sha256(bytes)) === pinned
}

function isRevoked(policy: Policy, { name }: Person, at: number | undefined): boolean {
  return policy.revoke.some(
    ({ target, from, to }) =>
      target.kind === 'person' &&
      target.name === name &&
      (to === undefined || at === undefined || at <= to) &&
      (from === undefined || at === undefined || from <= at),
  )
}

function hasOpenIdentity(
  person: Person,
  roots: ReadonlyMap<string, boolean>,
  at: number | undefined,
): boolean {
  const isOpen = ({ until }: Window): boolean =>
    until === undefined || (at !== undefined && at < until)
  return person.identities.some(
    (identity) => isOpen(person) && isOpen(identity) && roots.get(identity.trust) === true,
  )
}

/** A key's signatures have no time, so none of a window can be met from here on. */
function openKeys(policy: Policy, person: Person): PinnedKey[] {
  const hasWindow = ({ since, until }: Window): boolean =>
    since !== undefined || until !== undefined
  const revoked = new Set(
    policy.revoke.flatMap(({ target }) => (target.kind === 'key' ? [target.value] : [])),
  )
  return hasWindow(person)
    ? []
    : person.keys.filter((key) => !hasWindow(key) && !revoked.has(key.value))
}
