import type { CommitObject, GitAnswers, Unanswered } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { isObjectId } from './parse-rules.ts'

/** As many places are looked at; each costs a merge. */
const MAX_CANDIDATES = 8

export type SquashAnswer =
  | { readonly kind: 'matches'; readonly source: string }
  /** Sources were found; none of them makes this tree. */
  | { readonly kind: 'differs'; readonly source: string }
  | { readonly kind: 'no-source' }

/** Trailer by which a squash names the commit it was made of. */
const SOURCE_TRAILER = /^Signet-Squash-Source: ([0-9a-f]+)$/gm
const PULL = /\(#(\d{1,12})\)/g
const MERGE_REQUEST = /^See merge request \S*!(\d{1,12})$/gm

/** Whether a message names where a squash came from: a trailer, `(#N)`, or a merge request. */
export function namesSource(message: string): boolean {
  return [SOURCE_TRAILER, PULL, MERGE_REQUEST].some(
    (pattern) => [...message.matchAll(pattern)].length > 0,
  )
}

/**
 * Finds the commit H that a one-parent commit squashes: its tree must be what merging H into the parent
 * makes, without conflict (policy.md §4.4).
 *
 * @param given - candidates from the caller, tried first
 */
export async function findSquashSource(
  git: GitAnswers,
  commit: CommitObject,
  given: readonly string[],
): Promise<SquashAnswer | Unanswered> {
  const [parent] = commit.parents
  if (parent === undefined) return { kind: 'no-source' }
  let differs: string | undefined
  let unanswered: Unanswered | undefined
  for (const source of await candidates(git, commit, given)) {
    const object = await git.commit(source)
    if (isUnanswered(object)) continue
    const merge = await git.mechanicalMerge(parent, source)
    if (isUnanswered(merge)) {
      unanswered = merge
      continue
    }
    if (merge.kind !== 'merged') continue
    if (merge.tree === commit.tree && merge.conflicts.length === 0)
      return { kind: 'matches', source }
    differs ??= source
  }
  if (differs !== undefined) return { kind: 'differs', source: differs }
  return unanswered ?? { kind: 'no-source' }
}

async function candidates(
  git: GitAnswers,
  { id, message }: CommitObject,
  given: readonly string[],
): Promise<string[]> {
  const found = new Set(given)
  for (const [, source = ''] of message.matchAll(SOURCE_TRAILER)) {
    if (isObjectId(source)) found.add(source)
  }
  const refs = [`refs/signet/sources/${id}`]
  for (const [, number = ''] of message.matchAll(PULL)) refs.push(`refs/pull/${number}/head`)
  for (const [, number = ''] of message.matchAll(MERGE_REQUEST)) {
    refs.push(`refs/merge-requests/${number}/head`)
  }
  for (const ref of refs.slice(0, MAX_CANDIDATES)) {
    const target = await git.ref(ref)
    if (target !== undefined) found.add(target)
  }
  return [...found].filter((source) => source !== id).slice(0, MAX_CANDIDATES)
}
