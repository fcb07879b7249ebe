import type { ObjectType } from '../facts.ts'
import { resolveRevision } from './refs.ts'
import { gitLine, runGit, type GitPlace } from './run.ts'

/** A text to keep beside an object. */
export interface Note {
  readonly id: string
  readonly type: ObjectType
  readonly text: string
}

/** Where a note of an object may lie in the tree of a notes ref, by git's three usual fan-outs. */
export function notePaths(ref: string, id: string): string[] {
  const [first, second] = [id.slice(0, 2), id.slice(2, 4)]
  return [id, `${first}/${id.slice(2)}`, `${first}/${second}/${id.slice(4)}`].map(
    (path) => `${ref}:${path}`,
  )
}

/**
 * Writes notes below a full ref name in one commit, in place of those the objects have; notes of other
 * objects are kept. Commits in one process, tags in one each.
 *
 * @throws UnavailableError as runGit
 */
export async function writeNotes(
  at: GitPlace,
  ref: string,
  notes: readonly Note[],
  message: string,
): Promise<void> {
  const place = await somebody(at)
  const ofCommits = notes.filter(({ type }) => type === 'commit')
  if (ofCommits.length > 0) {
    const committer = await gitLine(place, ['var', 'GIT_COMMITTER_IDENT'])
    const parent = await resolveRevision(place, `${ref}^{commit}`)
    const blocks = [
      `commit ${ref}\ncommitter ${committer}\n`,
      data(message),
      parent === undefined ? '' : `from ${parent}\n`,
      ...ofCommits.map(({ id, text }) => `N inline ${id}\n${data(text)}`),
      '\ndone\n',
    ]
    await runGit(place, ['fast-import', '--quiet', '--done'], { input: blocks.join('') })
  }
  for (const { id, type, text } of notes) {
    if (type === 'commit') continue
    const args = ['notes', `--ref=${ref}`, 'add', '-f', '-F', '-', id]
    await runGit(place, args, { input: text })
  }
}

/** The place with a committer: a machine that only verifies need not have one. */
async function somebody(place: GitPlace): Promise<GitPlace> {
  const { status } = await runGit(place, ['var', 'GIT_COMMITTER_IDENT'], { answers: [0, 128] })
  if (status === 0) return place
  const [name, email] = ['git-signet', 'git-signet@invalid']
  const committer = { GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email }
  const author = { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email }
  return { ...place, env: { ...place.env, ...committer, ...author } }
}

function data(text: string): string {
  return `data ${String(Buffer.byteLength(text))}\n${text}\n`
}
