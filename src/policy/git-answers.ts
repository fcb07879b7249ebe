import type { ObjectFormat, ReasonCode } from '../facts.ts'

/**
 * What evaluation asks of git. `src/git` answers from a repository, tests from memory.
 *
 * Contract of every answer: full object ids only; raw objects (no replace refs, no grafts, no
 * lazy fetch, no mailmap, no rename detection); equal questions have equal answers during one
 * evaluation. Many questions may be in flight at once; implementations keep one long-lived
 * process for each kind and answer in any order. "Could not be answered" is a value
 * (`Unanswered`), a broken repository or git an `UnavailableError`.
 */
export interface GitAnswers {
  readonly format: ObjectFormat
  /** The commit as its raw bytes say. `MALFORMED` when there is no reading at all. */
  commit(id: string): Promise<CommitObject | Unanswered>
  /** The tag object as its raw bytes say, never peeled. */
  tag(id: string): Promise<TagObject | Unanswered>
  /** `undefined` when the object is absent. */
  objectType(id: string): Promise<GitObjectType | undefined>
  /**
   * Commits reachable from `include` and not from `exclude`, children before parents
   * (topological order). Absent parents are yielded once each, with `absent`. Excluded ids that
   * are absent exclude nothing.
   */
  walk(query: WalkQuery): AsyncIterable<WalkedCommit>
  /** Whether `ancestor` is reachable from `descendant`; a commit is its own ancestor. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean | Unanswered>
  /** One level of a tree, in stored order. */
  tree(id: string): Promise<TreeAnswer | Unanswered>
  /**
   * Every path below whose entries differ, trees opened to the files, no rename detection;
   * `from` undefined is the empty tree. Modes are canonical, so 100664 equals 100644.
   * `findings` are about trees below `to` that were read and are not below `from`.
   */
  changes(from: string | undefined, to: string): Promise<ChangesAnswer | Unanswered>
  /**
   * What `git merge-tree --write-tree` makes of the two commits in a scratch repository
   * (policy.md §4 "Mechanical merge"). The resulting tree can be given to `changes`.
   */
  mechanicalMerge(first: string, second: string): Promise<MergeAnswer | Unanswered>
  /** `LIMIT` when longer than `maxBytes`. */
  blob(id: string, maxBytes: number): Promise<Uint8Array | Unanswered>
  /** What a ref resolves to, unpeeled; `undefined` when there is none. */
  ref(name: string): Promise<string | undefined>
  /** Names of all refs, for `on` and `from` patterns. */
  refNames(): Promise<readonly string[]>
  /**
   * Shortcut for long histories: along the first-parent chain from `tip` down to `anchor`,
   * oldest first, the commits after `anchor` where a root entry that is `.signet` after folding
   * (see `foldPath`) differs from the first parent's. `undefined`: `anchor` is not on the chain.
   * Where it is left out the chain is walked with `commit` and `tree`.
   */
  policyEntryChanges?(
    anchor: string,
    tip: string,
  ): Promise<readonly ChainCommit[] | undefined | Unanswered>
}

export type GitObjectType = 'commit' | 'tree' | 'blob' | 'tag'

/** A question without an answer, and the code a verdict gets from it. */
export interface Unanswered {
  readonly unanswered: Extract<
    ReasonCode,
    'MISSING_OBJECT' | 'SHALLOW' | 'LIMIT' | 'MALFORMED' | 'UNSUPPORTED'
  >
  readonly detail: string
}

export function isUnanswered(answer: unknown): answer is Unanswered {
  return typeof answer === 'object' && answer !== null && 'unanswered' in answer
}

/** Header values are the raw bytes read as latin1, so that no byte is lost or invented. */
export interface CommitObject {
  readonly id: string
  readonly tree: string
  /** As the raw object names them, whatever `shallow` or grafts say. */
  readonly parents: readonly string[]
  /** Value of the header: `Name <address> seconds zone`. */
  readonly author: string
  readonly committer: string
  /** Everything after the blank line, latin1. */
  readonly message: string
  /** SHA-256 of the signed payload, or of the whole object when unsigned. */
  readonly payloadSha256: string
  /** What is wrong with the object's form (policy.md §4 item 1), empty when sane. */
  readonly findings: readonly string[]
  /** Whether the repository's `shallow` file names it. */
  readonly shallow: boolean
}

export interface TagObject {
  readonly id: string
  /** Id and type the object names; the type is what the tag says. */
  readonly target: string
  readonly targetType: string
  /** Header `tag`, latin1. */
  readonly name: string
  readonly tagger: string
  readonly message: string
  readonly payloadSha256: string
  readonly findings: readonly string[]
}

export interface WalkQuery {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly firstParent?: boolean
}

export interface WalkedCommit {
  readonly id: string
  /** Raw parents; empty for an absent one. */
  readonly parents: readonly string[]
  readonly absent?: 'MISSING_OBJECT' | 'SHALLOW'
}

/** A commit on a first-parent chain and how many first-parent steps it is above the anchor. */
export interface ChainCommit {
  readonly id: string
  readonly index: number
}

export interface TreeEntry {
  /** Canonical: 100644 100755 120000 160000 040000. */
  readonly mode: string
  readonly id: string
}

export interface TreeAnswer {
  /** `name` as `pathText` decodes it. */
  readonly entries: readonly (TreeEntry & { readonly name: string })[]
  readonly findings: readonly string[]
}

export interface Change {
  /** Whole path as `pathText` decodes it. */
  readonly path: string
  readonly before?: TreeEntry
  readonly after?: TreeEntry
}

export interface ChangesAnswer {
  readonly changes: readonly Change[]
  readonly findings: readonly string[]
  /** What those trees have that git does not write and that is read all the same: mode 100664. */
  readonly tolerated?: readonly string[]
}

export type MergeAnswer =
  | { readonly kind: 'merged'; readonly tree: string; readonly conflicts: readonly string[] }
  | { readonly kind: 'unrelated' }
