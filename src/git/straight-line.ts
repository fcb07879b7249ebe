import type { WalkedCommit, WalkQuery } from '../policy/git-answers.ts'

/** Parents of a commit that is here and has git's one form; else undefined. */
export type ParentsOf = (id: string) => Promise<readonly string[] | undefined>

export interface StraightLine {
  /** As a walk gives them, the tip first. */
  readonly commits: readonly WalkedCommit[]
  /** The excluded commit the line leads to; undefined where it ends in a root: that is all there is below the tip. */
  readonly end: string | undefined
}

/** Longer lines are one process for git. */
const MAX_COMMITS = 16

/**
 * Answers a walk by reading single commits, where history is a short line without merges from one tip
 * down to an excluded commit or a root: what most pushes bring. There git would be started for a few
 * commits that are read anyway.
 *
 * @param isBelow - whether the first is known to be reachable from the second
 * @returns undefined where it is not that simple; nothing is said about the history then
 */
export async function straightLine(
  { include, exclude, firstParent }: WalkQuery,
  parentsOf: ParentsOf,
  isBelow: (ancestor: string, descendant: string) => boolean,
): Promise<StraightLine | undefined> {
  const [tip, ...others] = include
  if (tip === undefined || others.length > 0) return undefined
  const commits: WalkedCommit[] = []
  let next: string | undefined = tip
  while (next !== undefined) {
    const id: string = next
    if (exclude.includes(id)) {
      // What another excluded commit reaches beside this one, nobody knows here. An absent one excludes nothing.
      if (!exclude.every((one) => one === id || isBelow(one, id))) return undefined
      return (await parentsOf(id)) === undefined ? undefined : { commits, end: id }
    }
    if (commits.length === MAX_COMMITS) return undefined
    const parents: readonly string[] | undefined = await parentsOf(id)
    if (parents === undefined || (parents.length > 1 && firstParent !== true)) return undefined
    commits.push({ id, parents })
    next = parents[0]
  }
  return { commits, end: undefined }
}
