import { PolicyError, UnavailableError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { denialsOf } from './denials.ts'
import { foldPath, isPolicyDirectoryTwin, POLICY_DIRECTORY } from './fold.ts'
import type { ChainCommit, CommitObject, GitAnswers, Unanswered } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { identify, namesOf, trustedTime } from './identify.ts'
import { isPathRule } from './model.ts'
import type { Person, Policy } from './model.ts'
import { MAX_POLICY_BYTES, readPolicy } from './parse.ts'
import { isObjectId } from './parse-rules.ts'
import { matchesRef } from './patterns.ts'
import { showProblem } from './problem.ts'
import { verdictOf } from './reason.ts'
import type { Reason } from './reason.ts'

/** A policy that came into force, and where. */
export interface Landing {
  readonly commit: string
  /** First-parent steps above the anchor. */
  readonly index: number
  readonly policy: Policy
  /** Trusted time of the commit, milliseconds. */
  readonly at: number | undefined
  readonly signedBy: string | undefined
}

export interface FailedLanding {
  readonly commit: string
  readonly index: number
  readonly reasons: readonly Reason[]
}

/** Which policy stood where on the policy branch, from the anchor to a tip (policy.md §3). */
export interface PolicyChain {
  readonly anchor: string
  readonly tip: string
  /** Every commit of the first-parent chain, the anchor first. */
  readonly commits: readonly string[]
  /** Ascending; the first is the anchor's. */
  readonly landings: readonly [Landing, ...Landing[]]
  /** The last good policy stayed in force behind them. */
  readonly failed: readonly FailedLanding[]
  /** From here on nobody knows which policy is in force. */
  readonly uncertain: FailedLanding | undefined
}

export interface ChainQuestion {
  readonly git: GitAnswers
  /** Facts by the keys and roots of a policy. */
  facts(id: string, policy: Policy): Promise<Facts>
  readonly policyBranch: string
  readonly anchor: string
  readonly tip: string
  /** Whoever lands a policy must be among its admins too. */
  readonly floor?: Policy | undefined
}

/** The policy in force at a commit of the chain, by its index. */
export function landingAt(chain: PolicyChain, index: number): Landing {
  let found: Landing = chain.landings[0]
  for (const landing of chain.landings) if (landing.index <= index) found = landing
  return found
}

/** The newest policy in force. */
export function newestLanding(chain: PolicyChain): Landing {
  return chain.landings.at(-1) ?? chain.landings[0]
}

/**
 * Walks the policy branch from the anchor and verifies every landing by the policy before it.
 *
 * @throws PolicyError POLICY_INVALID: the anchor is no commit, has no valid policy, or is not on the
 *   first-parent chain of the tip; UnavailableError where the chain cannot be read
 */
export async function buildPolicyChain(question: ChainQuestion): Promise<PolicyChain> {
  const { git, anchor, tip } = question
  if (!isObjectId(anchor)) {
    throw invalid('the anchor is not a full commit id', 'git rev-parse COMMIT prints it')
  }
  const first = await anchorLanding(question)
  const commits = await firstParentChain(git, anchor, tip)
  if (isUnanswered(commits)) {
    throw new UnavailableError(
      commits.unanswered,
      `cannot read the policy chain: ${commits.detail}`,
      { hint: 'git fetch --unshallow' },
    )
  }
  if (commits === undefined) {
    throw invalid(
      `the anchor ${anchor.slice(0, 12)} is not on the first-parent chain of ${tip.slice(0, 12)}`,
      await whyNotOnChain(git, anchor, tip),
    )
  }
  const landings: [Landing, ...Landing[]] = [first]
  const failed: FailedLanding[] = []
  let uncertain: FailedLanding | undefined
  const changes = await entryChanges(git, anchor, tip, commits)
  if (isUnanswered(changes)) {
    const detail = `the policy chain could not be read: ${changes.detail}`
    uncertain = { commit: anchor, index: 0, reasons: [{ code: changes.unanswered, detail }] }
    return { anchor, tip, commits, landings, failed, uncertain }
  }
  let entryInForce = await policyEntry(git, anchor)
  for (const { id, index } of changes) {
    const inForce = landings.at(-1) ?? first
    const entry = await policyEntry(git, id)
    // Back to what is in force, after a landing that failed: nothing new lands.
    if (!isUnanswered(entry) && entry === entryInForce) continue
    const result = await judgeLanding(question, { id, index }, entry, inForce)
    if ('policy' in result) {
      landings.push(result)
      entryInForce = entry
    } else if (verdictOf(result.reasons) === 'unknown') {
      uncertain = result
      break
    } else failed.push(result)
  }
  return { anchor, tip, commits, landings, failed, uncertain }
}

/** Oldest first, both ends included; undefined where the anchor is not on it. */
async function firstParentChain(
  git: GitAnswers,
  anchor: string,
  tip: string,
): Promise<string[] | undefined | Unanswered> {
  const chain: string[] = []
  let last = tip
  if (tip !== anchor) {
    const query = { include: [tip], exclude: [anchor], firstParent: true }
    for await (const { id, parents, absent } of git.walk(query)) {
      if (absent !== undefined) return { unanswered: absent, detail: 'a commit of it is missing' }
      chain.push(id)
      last = parents[0] ?? ''
    }
  }
  return last === anchor ? [anchor, ...chain.reverse()] : undefined
}

async function whyNotOnChain(git: GitAnswers, anchor: string, tip: string): Promise<string> {
  if ((await git.isAncestor(anchor, tip)) !== true) {
    return 'check the anchor: git signet policy show COMMIT prints the policy of a commit'
  }
  // It came in through a merge: name that merge, the first on the chain that has it.
  let merge = tip
  for await (const { id } of git.walk({ include: [tip], exclude: [], firstParent: true })) {
    if ((await git.isAncestor(anchor, id)) !== true) break
    merge = id
  }
  return `merge ${merge} brought it in from the side; merge the other way round`
}

async function anchorLanding(question: ChainQuestion): Promise<Landing> {
  const { git, anchor } = question
  const entry = await policyEntry(git, anchor)
  if (isUnanswered(entry))
    throw invalid(`the anchor ${anchor.slice(0, 12)} could not be read: ${entry.detail}`)
  const read = await readEntry(question, anchor, entry)
  if ('policy' in read) {
    const facts = await question.facts(anchor, read.policy)
    return {
      commit: anchor,
      index: 0,
      policy: read.policy,
      at: trustedTime(facts),
      signedBy: facts.signer?.value,
    }
  }
  throw invalid(
    `the anchor ${anchor.slice(0, 12)} has no valid policy: ${read.detail}`,
    'git signet policy check',
  )
}

async function entryChanges(
  git: GitAnswers,
  anchor: string,
  tip: string,
  commits: readonly string[],
): Promise<readonly ChainCommit[] | Unanswered> {
  if (git.policyEntryChanges !== undefined) {
    return (await git.policyEntryChanges(anchor, tip)) ?? []
  }
  const changes: ChainCommit[] = []
  let before: string | undefined
  for (const [index, id] of commits.entries()) {
    const entry = await policyEntry(git, id)
    if (isUnanswered(entry)) return entry
    if (index > 0 && entry !== before) changes.push({ id, index })
    before = entry
  }
  return changes
}

/** `mode id name` of every root entry that is, or folds to, `.signet`; undefined for none. */
async function policyEntry(git: GitAnswers, id: string): Promise<string | undefined | Unanswered> {
  const commit = await git.commit(id)
  if (isUnanswered(commit)) return commit
  const tree = await git.tree(commit.tree)
  if (isUnanswered(tree)) return tree
  const entries = tree.entries.filter(({ name }) => foldPath(name) === POLICY_DIRECTORY)
  return entries.length === 0
    ? undefined
    : entries.map(({ mode, id: entryId, name }) => `${mode} ${entryId} ${name}`).join('\n')
}

type Read = { readonly policy: Policy } | (Reason & { readonly policy?: never })

/** The policy that a tree's `.signet` holds. */
async function readEntry(
  { git, policyBranch }: Pick<ChainQuestion, 'git' | 'policyBranch'>,
  commit: string,
  entry: string | undefined,
): Promise<Read> {
  const bad = (detail: string): Read => ({ code: 'POLICY_INVALID', detail })
  if (entry === undefined) return bad('there is no .signet')
  const [mode = '', id = '', name = '', ...more] = entry.split(/[ \n]/)
  if (more.length > 0 || isPolicyDirectoryTwin(name)) {
    return bad('a name in the tree is .signet only to some file systems')
  }
  if (mode !== '040000') return bad('.signet is not a directory')
  const tree = await git.tree(id)
  if (isUnanswered(tree)) return { code: tree.unanswered, detail: tree.detail }
  if (tree.findings.length > 0) return bad(`.signet is malformed: ${tree.findings[0] ?? ''}`)
  const files = tree.entries.filter((file) => foldPath(file.name) === 'policy.toml')
  const [file] = files
  if (file === undefined) return bad('there is no .signet/policy.toml')
  if (files.length > 1 || file.name !== 'policy.toml') {
    return bad('a name in .signet is policy.toml only to some file systems')
  }
  if (file.mode !== '100644')
    return bad(`.signet/policy.toml is not a regular file (mode ${file.mode})`)
  const bytes = await git.blob(file.id, MAX_POLICY_BYTES + 1)
  if (isUnanswered(bytes)) {
    return bytes.unanswered === 'LIMIT'
      ? bad('.signet/policy.toml is too large')
      : { code: bytes.unanswered, detail: bytes.detail }
  }
  const policyName = `${commit}:.signet/policy.toml`
  const { policy, problems } = readPolicy(bytes, policyName, { policyBranch })
  const [problem] = problems
  if (policy !== undefined) return { policy }
  return bad(
    problem === undefined ? 'it is malformed' : showProblem('.signet/policy.toml', problem),
  )
}

/** The policy that stands in the tree of one commit, whether or not it is in force. */
export async function policyInTree(
  git: GitAnswers,
  commit: string,
  policyBranch: string,
): Promise<Read> {
  const entry = await policyEntry(git, commit)
  if (isUnanswered(entry)) return { code: entry.unanswered, detail: entry.detail }
  return readEntry({ git, policyBranch }, commit, entry)
}

async function judgeLanding(
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
  if ('code' in authority) return fail(authority)
  const read = await readEntry(question, id, entry)
  if (read.policy === undefined) return fail(read)
  const at = trustedTime(facts)
  const lockout = whyLockedOut(read.policy, at)
  if (lockout !== undefined) return fail({ code: 'POLICY_LOCKOUT', detail: lockout })
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
  if (!mayMerge(inForce.policy, question.policyBranch, commit, facts)) return own
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

async function adminOf(
  question: ChainQuestion,
  policy: Policy,
  commit: CommitObject,
  facts: Facts,
): Promise<{ name: string } | Reason> {
  if (commit.findings.length > 0) return { code: 'MALFORMED', detail: commit.findings[0] ?? '' }
  let name = ''
  for (const one of [policy, ...(question.floor === undefined ? [] : [question.floor])]) {
    const signing = identify(one, facts, {
      author: commit.author,
      committer: commit.committer,
      parents: commit.parents.length,
    })
    const [reason] = signing.reasons
    if (reason !== undefined) {
      return verdictOf(signing.reasons) === 'unknown'
        ? reason
        : notAdmin(`it changes the policy: ${reason.detail}`)
    }
    const admin = signing.exact?.name
    if (admin === undefined || !one.admins.includes(admin)) {
      const where = one === policy ? 'of the policy in force' : 'of the floor'
      return notAdmin(
        `it changes the policy, and ${namesOf(signing).join(', ')} is no admin ${where}`,
      )
    }
    name ||= admin
  }
  const denials = await denialsOf(
    policy,
    { id: commit.id, payloadSha256: commit.payloadSha256, facts },
    async (id) => {
      const object = await question.git.commit(id)
      return isUnanswered(object) ? undefined : object.payloadSha256
    },
  )
  const [denial] = denials
  return denial === undefined ? { name } : notAdmin(`it changes the policy: ${denial.detail}`)
}

/** Whether every rule of the policy branch lets this signer merge. */
function mayMerge(policy: Policy, branch: string, commit: CommitObject, facts: Facts): boolean {
  const signing = identify(policy, facts, {
    author: commit.author,
    committer: commit.committer,
    parents: commit.parents.length,
  })
  const names = namesOf(signing)
  const rules = policy.rules.filter((rule) => !isPathRule(rule) && matchesRef(rule.refs, branch))
  return rules.length > 0 && rules.every(({ mergeBy }) => names.some((name) => mergeBy.has(name)))
}

/** The landing that a proposal was made after: the last trailer counts, and there may be one only. */
function afterTrailer(message: string): string | undefined {
  const found = [...message.matchAll(/^Signet-Policy-After: ([0-9a-f]{40}|[0-9a-f]{64})$/gm)]
  return found.length === 1 ? found[0]?.[1] : undefined
}

/** Why no admin of a new policy could ever land another one; undefined where one can. */
function whyLockedOut(policy: Policy, at: number | undefined): string | undefined {
  const usable = policy.admins.some((name) => {
    const entry = policy.entries.get(name)
    return entry?.kind === 'person' && isReachable(policy, entry, at)
  })
  return usable
    ? undefined
    : 'none of its admins could sign: all are retired, revoked or without an identity'
}

function isReachable(policy: Policy, person: Person, at: number | undefined): boolean {
  const isOpen = ({ until }: { until?: number }): boolean =>
    until === undefined || (at !== undefined && at < until)
  if (!isOpen(person)) return false
  const isRevoked = policy.revoke.some(
    ({ target, from, to }) =>
      target.kind === 'person' &&
      target.name === person.name &&
      (to === undefined || (at !== undefined && at <= to)) &&
      (from === undefined || at === undefined || from <= at),
  )
  if (isRevoked) return false
  const revokedKeys = new Set(
    policy.revoke.flatMap(({ target }) => (target.kind === 'key' ? [target.value] : [])),
  )
  return (
    person.identities.some(isOpen) ||
    person.keys.some((key) => isOpen(key) && key.since === undefined && !revokedKeys.has(key.value))
  )
}

function invalid(message: string, hint?: string): PolicyError {
  return new PolicyError('POLICY_INVALID', message, hint === undefined ? {} : { hint })
}
