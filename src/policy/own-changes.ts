import type { Change, CommitObject, GitAnswers, TreeEntry, Unanswered } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'

/** What a commit changes that did not come from its parents (policy.md §4.3). */
export interface OwnChanges {
  /** Two parents, and nothing but what merging them makes. */
  readonly isMechanical: boolean
  /** Paths of its own; for rules with paths also those a rename carried an edit into. */
  readonly paths: readonly string[]
  /** What is wrong with the trees that were read. */
  readonly findings: readonly string[]
  /** What is odd with them, and let pass. */
  readonly tolerated: readonly string[]
}

/**
 * A commit's own changes. One parent: the difference. Two: against the mechanical merge of the parents.
 * More, or parents that share no ancestor: every path that differs from any of them, never mechanical.
 *
 * @param parents - those it is judged by: a squash is judged as the merge it was made of
 * @param isCarryingAsked - whether paths matter: then also those a rename carried an edit into
 */
export async function ownChanges(
  git: GitAnswers,
  commit: CommitObject,
  parents: readonly string[],
  isCarryingAsked: boolean,
): Promise<OwnChanges | Unanswered> {
  const trees: string[] = []
  for (const parent of parents) {
    const object = await git.commit(parent)
    if (isUnanswered(object)) return object
    trees.push(object.tree)
  }
  const [first, second] = trees
  if (trees.length === 2 && first !== undefined && second !== undefined) {
    const [one = '', two = ''] = parents
    const merge = await git.mechanicalMerge(one, two)
    if (isUnanswered(merge)) return merge
    if (merge.kind === 'merged') {
      const carriers = isCarryingAsked ? ([first, second] as const) : undefined
      return againstMerge(git, commit.tree, carriers, merge)
    }
  }
  return differences(git, trees.length === 0 ? [undefined] : trees, commit.tree)
}

/** Every path that differs from any of `trees`. */
async function differences(
  git: GitAnswers,
  trees: readonly (string | undefined)[],
  tree: string,
): Promise<OwnChanges | Unanswered> {
  const paths = new Set<string>()
  const findings = new Set<string>()
  const tolerated = new Set<string>()
  for (const from of trees) {
    const answer = await git.changes(from, tree)
    if (isUnanswered(answer)) return answer
    for (const { path } of answer.changes) paths.add(path)
    for (const finding of answer.findings) findings.add(finding)
    for (const one of answer.tolerated ?? []) tolerated.add(one)
  }
  const read = { findings: [...findings], tolerated: [...tolerated] }
  return { isMechanical: false, paths: [...paths], ...read }
}

async function againstMerge(
  git: GitAnswers,
  tree: string,
  carriers: readonly [string, string] | undefined,
  merge: { readonly tree: string; readonly conflicts: readonly string[] },
): Promise<OwnChanges | Unanswered> {
  const answer = await git.changes(merge.tree, tree)
  if (isUnanswered(answer)) return answer
  const own = new Set([...answer.changes.map(({ path }) => path), ...merge.conflicts])
  const isMechanical = own.size === 0
  const { findings, tolerated = [] } = answer
  if (carriers === undefined) return { isMechanical, paths: [...own], findings, tolerated }
  const carried = await carriedPaths(git, carriers, tree)
  if (isUnanswered(carried)) return carried
  for (const path of carried.paths) own.add(path)
  const all = [...new Set([...findings, ...carried.findings])]
  const odd = [...new Set([...tolerated, ...carried.tolerated])]
  return { isMechanical, paths: [...own], findings: all, tolerated: odd }
}

/**
 * Paths whose entry is neither parent's, unless it is a file in both: a rename on one side carries an
 * edit of the other into a path that its author may not touch.
 */
async function carriedPaths(
  git: GitAnswers,
  [first, second]: readonly [string, string],
  tree: string,
): Promise<Omit<OwnChanges, 'isMechanical'> | Unanswered> {
  const one = await git.changes(first, tree)
  if (isUnanswered(one)) return one
  const two = await git.changes(second, tree)
  if (isUnanswered(two)) return two
  const others = new Map<string, Change>(two.changes.map((change) => [change.path, change]))
  const paths = one.changes
    .filter(({ path, before }) => {
      const other = others.get(path)
      return other !== undefined && !(isFile(before) && isFile(other.before))
    })
    .map(({ path }) => path)
  const findings = [...one.findings, ...two.findings]
  return { paths, findings, tolerated: [...(one.tolerated ?? []), ...(two.tolerated ?? [])] }
}

function isFile(entry: TreeEntry | undefined): boolean {
  return entry?.mode === '100644' || entry?.mode === '100755'
}
