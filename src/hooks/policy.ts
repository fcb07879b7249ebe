import { escapeText } from '../encoding/escape.ts'
import { PolicyError } from '../errors.ts'
import type { RepositoryAnswers } from '../git/answers.ts'
import { isObjectId } from '../git/object-form.ts'
import { POLICY_DIRECTORY } from '../policy/fold.ts'
import { isUnanswered } from '../policy/git-answers.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { KnownFacts } from '../verification/facts-on-demand.ts'
import { floorOf, PolicyCache } from '../verification/policy-cache.ts'
import { PolicySession } from '../verification/policy-session.ts'
import { readPolicyFile } from './policy-file.ts'

/** What a hook enforces, as it was installed. */
export interface HookPolicy {
  /** A file by its absolute path: the only policy, or the floor beside the one in the tree. */
  readonly policyFile: string | undefined
  /** Full commit id. */
  readonly anchor: string | undefined
  readonly policyBranch: string
}

export interface HookSessionOptions extends HookPolicy {
  readonly repository: RepositoryAnswers
  readonly roots: TrustRoots
  readonly openCache: (roots: TrustRoots) => KnownFacts | undefined
  /** For the chain of an in-tree policy, which is kept below the git directory; else it is walked. */
  readonly keeping?: { readonly version: string; readonly keyFile: string }
  /** What a ref is before the push, by the name that rules know it by. */
  readonly current: (ref: string) => Promise<string | undefined>
  readonly ruleName?: (local: string) => string | undefined
  readonly localName?: (ref: string) => string
}

export interface HookSession {
  readonly session: PolicySession
  /** The policy branch has no anchor yet: until it is pushed nothing else is. */
  readonly isWaiting: boolean
  readonly isInTree: boolean
}

/**
 * Opens the policy that stood before a push. Before the first push of the policy branch its chain is the
 * anchor alone, which then has to be in what is pushed.
 *
 * @throws PolicyError NO_POLICY, POLICY_FILE, POLICY_INVALID, ANCHOR_INVALID
 */
export async function openHookSession(options: HookSessionOptions): Promise<HookSession> {
  const { repository, policyFile, anchor, policyBranch, current } = options
  if (policyFile === undefined && anchor === undefined) {
    throw new PolicyError('NO_POLICY', 'the hook is told neither a policy nor an anchor', {
      hint: 'git signet hook install pre-receive --anchor COMMIT',
    })
  }
  if (anchor !== undefined && !isObjectId(anchor, repository.format)) {
    throw new PolicyError(
      'ANCHOR_INVALID',
      `the anchor "${escapeText(anchor, 80)}" is not a full commit id`,
      { hint: 'git rev-parse COMMIT prints it' },
    )
  }
  const isInTree =
    anchor !== undefined && (policyFile === undefined || (await mayHavePolicy(repository, anchor)))
  const fixed =
    policyFile === undefined
      ? undefined
      : readPolicyFile(policyFile, {
          folder: '/',
          policyBranch,
          isFloor: isInTree,
          hint: 'save the policy there, or name another file: git signet hook install NAME --policy FILE',
        })
  const tip = isInTree ? await current(policyBranch) : undefined
  const { roots, openCache, keeping } = options
  const floor = isInTree && fixed !== undefined ? await floorOf(fixed) : undefined
  const common = {
    repository,
    roots,
    openCache,
    ...(isInTree &&
      keeping !== undefined && {
        chains: new PolicyCache({
          paths: repository.paths,
          anchor,
          policyBranch,
          floor,
          roots,
          ...keeping,
        }),
      }),
    completion: undefined,
    policyBranch,
    anchor,
    fixed,
    isInTree,
    squashSources: [],
    tipOf: current,
    ruleName: options.ruleName ?? ((local) => local),
    localName: options.localName ?? ((ref) => ref),
  }
  const openAt = (at: string | undefined): Promise<PolicySession> =>
    PolicySession.open({ ...common, tip: at })
  const waiting = async (): Promise<HookSession> => {
    return { session: await openAt(anchor), isWaiting: true, isInTree }
  }
  if (isInTree && tip === undefined) return waiting()
  try {
    return { session: await openAt(tip), isWaiting: false, isInTree }
  } catch (error) {
    // Asked only now: most pushes come long after the anchor.
    const isEarly = isInTree && tip !== undefined && (await isBefore(repository, tip, anchor))
    if (isEarly) return waiting()
    throw error
  }
}

/** Whether the policy branch stands before the anchor, so that the anchor has yet to be pushed. */
async function isBefore(
  repository: RepositoryAnswers,
  tip: string,
  anchor: string,
): Promise<boolean> {
  if (tip === anchor || isUnanswered(await repository.commit(anchor))) return false
  return (await repository.isAncestor(tip, anchor)) === true
}

/** What cannot be read is not taken for absent: the chain then says what is wrong. */
async function mayHavePolicy(repository: RepositoryAnswers, commit: string): Promise<boolean> {
  const object = await repository.commit(commit)
  if (isUnanswered(object)) return true
  const tree = await repository.tree(object.tree)
  return isUnanswered(tree) || tree.entries.some(({ name }) => name === POLICY_DIRECTORY)
}
