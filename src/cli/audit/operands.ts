import { escapeText } from '../../encoding/escape.ts'
import { UsageError } from '../../errors.ts'
import type { RepositoryAnswers } from '../../git/answers.ts'
import { fullRefName, resolveRange } from '../../git/refs.ts'
import type { CommitRange } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import type { GitAnswers } from '../../policy/git-answers.ts'
import { identBytes } from '../../policy/ident.ts'
import type { Reason } from '../../policy/reason.ts'

/** What people asked to verify: single objects, or the commits of ranges. */
export type Operands =
  | { readonly kind: 'objects'; readonly revisions: readonly string[] }
  | { readonly kind: 'ranges'; readonly ranges: readonly CommitRange[] }

const HINT = 'git signet verify REV, or git signet verify A..B'

/**
 * Reads operands: `A..B` is one range each and they are judged one after another (git itself would
 * leave out of one what another excludes); `^A B` together are one range; anything else is an object.
 *
 * @throws UsageError REVISION_UNKNOWN; RANGE_MIXED objects beside ranges
 */
export async function readOperands(
  place: GitPlace,
  positionals: readonly string[],
): Promise<Operands> {
  const given = positionals.length === 0 ? ['HEAD'] : positionals
  if (given.some((text) => text.startsWith('^'))) {
    return { kind: 'ranges', ranges: [await resolveRange(place, given)] }
  }
  const single = given.filter((text) => !text.includes('..'))
  if (single.length === given.length) return { kind: 'objects', revisions: given }
  const [first] = single
  if (first !== undefined) {
    const why = `${escapeText(first)} is one object, and ranges stand beside it`
    throw new UsageError('RANGE_MIXED', why, { hint: HINT })
  }
  const ranges: CommitRange[] = []
  for (const text of given) ranges.push(await resolveRange(place, [text]))
  return { kind: 'ranges', ranges }
}

/**
 * What is wrong with a tag whatever rules say: it has no object of its own, or one that is made for
 * another name.
 */
export async function tagFaults(git: GitAnswers, id: string, ref: string): Promise<Reason[]> {
  const name = ref.slice('refs/tags/'.length)
  const type = await git.objectType(id)
  if (type === undefined) return []
  if (type !== 'tag') {
    const detail = `${name} is a plain name for an object, without one of its own`
    return [{ code: 'TAG_NOT_ANNOTATED', detail }]
  }
  const tag = await git.tag(id)
  if (isUnanswered(tag) || tag.name === identBytes(name)) return []
  return [{ code: 'TAG_NAME', detail: `the tag calls itself "${tag.name}"` }]
}

/** The ref a tag object is judged as: the name asked for, else the one it calls itself. */
export async function tagRef(
  repository: RepositoryAnswers,
  revision: string,
  id: string,
): Promise<string> {
  const named = await fullRefName(repository.place, revision)
  if (named?.startsWith('refs/tags/') === true) return named
  const tag = await repository.tag(id)
  return `refs/tags/${isUnanswered(tag) ? id : Buffer.from(tag.name, 'latin1').toString('utf8')}`
}
