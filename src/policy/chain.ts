import { PolicyError, UnavailableError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { ChainCommits } from './chain-commits.ts'
import type { ChainCommit, GitAnswers, Unanswered } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { trustedTime } from './identify.ts'
import { judgeLanding } from './landing.ts'
import type { Policy } from './model.ts'
import { isObjectId } from './parse-rules.ts'
import { policyEntry, readEntry } from './policy-entry.ts'
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
  readonly commits: ChainCommits
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
  /** Fingerprints of the pinned OpenPGP keys that lie beside a policy; without it all do. */
  openpgpKeys?(policy: Policy): Promise<ReadonlySet<string> | Unanswered>
  /** Whoever lands a policy must be among its admins too. */
  readonly floor?: Policy | undefined
  /** A chain from the same anchor: where one is a part of the other, only the rest is walked. */
  readonly known?: PolicyChain | undefined
}

/** The policy in force at a commit of the chain, by its index. */
export function landingAt(chain: PolicyChain, index: number): Landing {
  const { landings } = chain
  return landings[upTo(landings, index)] ?? landings[0]
}

/** The landing that failed at an index of the chain, or could not be judged. */
export function failureAt(chain: PolicyChain, index: number): FailedLanding | undefined {
  const { failed, uncertain } = chain
  if (uncertain?.index === index) return uncertain
  const found = failed[upTo(failed, index)]
  return found?.index === index ? found : undefined
}

/** The same chain up to an earlier tip, by its index. */
export function chainUpTo(chain: PolicyChain, index: number): PolicyChain {
  const { anchor, commits, landings, failed, uncertain } = chain
  const [first, ...others] = landings.slice(0, upTo(landings, index) + 1)
  return {
    anchor,
    tip: commits.at(index) ?? anchor,
    commits: commits.upTo(index),
    landings: [first ?? landings[0], ...others],
    failed: failed.slice(0, upTo(failed, index) + 1),
    uncertain: uncertain !== undefined && uncertain.index <= index ? uncertain : undefined,
  }
}

/** Number of the last item at or before an index, -1 for none. */
function upTo(items: readonly { readonly index: number }[], index: number): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((items[middle]?.index ?? Infinity) <= index) low = middle + 1
    else high = middle
  }
  return low - 1
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
  const extended = await extendChain(question)
  if (extended !== undefined) return extended
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
  const changes = await entryChanges(git, anchor, tip, commits)
  const start = {
    anchor,
    tip,
    commits: ChainCommits.of(commits),
    landings: [first],
    failed: [],
    uncertain: undefined,
  } as const
  if (!isUnanswered(changes)) return land(question, start, changes)
  const detail = `the policy chain could not be read: ${changes.detail}`
  const reasons = [{ code: changes.unanswered, detail }]
  return { ...start, uncertain: { commit: anchor, index: 0, reasons } }
}

/** The known chain, cut or with what came since; undefined where the two part. */
async function extendChain(question: ChainQuestion): Promise<PolicyChain | undefined> {
  const { git, anchor, tip, known } = question
  if (known?.anchor !== anchor || known.uncertain !== undefined) return undefined
  const index = known.commits.indexOf(tip)
  if (index === known.commits.length - 1) return known
  if (index !== -1) return chainUpTo(known, index)
  const more = await firstParentChain(git, known.tip, tip)
  if (more === undefined || isUnanswered(more)) return undefined
  const changes = await entryChanges(git, known.tip, tip, more)
  if (isUnanswered(changes)) return undefined
  const base = known.commits.length - 1
  const commits = known.commits.with(more.slice(1))
  const moved = changes.map(({ id, index }) => ({ id, index: base + index }))
  return land(question, { ...known, tip, commits }, moved)
}

/** Judges the landings among the commits that change the policy's entry. */
async function land(
  question: ChainQuestion,
  chain: PolicyChain,
  changes: readonly ChainCommit[],
): Promise<PolicyChain> {
  if (changes.length === 0) return chain
  const { git } = question
  const landings: [Landing, ...Landing[]] = [...chain.landings]
  const failed = [...chain.failed]
  let uncertain: FailedLanding | undefined
  let entryInForce = await policyEntry(git, newestLanding(chain).commit)
  for (const { id, index } of changes) {
    const inForce = landings.at(-1) ?? landings[0]
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
  return { ...chain, landings, failed, uncertain }
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
  const chain: string[] = []
  for await (const { id } of git.walk({ include: [tip], exclude: [], firstParent: true })) {
    chain.push(id)
  }
  let [low, high] = [0, chain.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((await git.isAncestor(anchor, chain[middle] ?? '')) === true) low = middle
    else high = middle - 1
  }
  return `merge ${chain[low] ?? ''} brought it in from the side; merge the other way round`
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
    entry === undefined
      ? 'commit .signet/policy.toml, signed, and name that commit: git rev-parse COMMIT'
      : 'git signet policy check',
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

function invalid(message: string, hint?: string): PolicyError {
  return new PolicyError('POLICY_INVALID', message, hint === undefined ? {} : { hint })
}
