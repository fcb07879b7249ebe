import { gitError, gitLine, startGit, type GitPlace } from './run.ts'
import type { CommitRange } from './refs.ts'

export interface WalkOptions {
  /** Only the first parent of each commit is followed. */
  readonly firstParent?: boolean
  /** `topological`: children before parents. `any`: as git finds them, which needs no memory. */
  readonly order?: 'topological' | 'reverse-topological' | 'any'
}

export interface ListedCommit {
  readonly id: string
  /** As git sees them: a commit the `shallow` file names has none. */
  readonly parents: readonly string[]
}

/**
 * Lists the commits of a range with their parents through one `git rev-list`.
 *
 * @throws UnavailableError GIT_FAILED also where a commit on the way is missing
 */
export async function* listCommits(
  place: GitPlace,
  range: CommitRange,
  options: WalkOptions = {},
): AsyncGenerator<ListedCommit, void, undefined> {
  for await (const line of revListLines(place, range, ['--parents', ...flags(options)])) {
    const [id = '', ...parents] = line.split(' ')
    yield { id, parents }
  }
}

/**
 * Number of commits in a range.
 *
 * @throws UnavailableError as runGit
 */
export async function countCommits(place: GitPlace, range: CommitRange): Promise<number> {
  if (range.include.length === 0) return 0
  const args = [...revListArguments({}), '--count']
  return Number(await gitLine(place, args, { input: revListInput(range) }))
}

/** The arguments of `git rev-list` for a walk; the range goes to its standard input. */
export function revListArguments(options: WalkOptions): string[] {
  return ['rev-list', ...flags(options), '--stdin']
}

/** What `git rev-list --stdin` reads. */
export function revListInput(range: CommitRange): string {
  return [...range.include, ...range.exclude.map((id) => `^${id}`)].map((id) => `${id}\n`).join('')
}

async function* revListLines(
  place: GitPlace,
  range: CommitRange,
  args: readonly string[],
): AsyncGenerator<string, void, undefined> {
  for (const id of [...range.include, ...range.exclude]) {
    if (!/^[0-9a-f]{40,64}$/.test(id))
      throw gitError('GIT_FAILED', ['rev-list'], 'not an object id')
  }
  if (range.include.length === 0) return
  const git = startGit(place, ['rev-list', ...args, '--stdin'])
  try {
    git.stdin.end(revListInput(range))
    let rest = ''
    for await (const chunk of git.stdout) {
      const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
    await git.finished
  } finally {
    git.stop()
  }
}

function flags(options: WalkOptions): string[] {
  const list: string[] = []
  if (options.firstParent === true) list.push('--first-parent')
  if (options.order === 'topological') list.push('--topo-order')
  if (options.order === 'reverse-topological') list.push('--topo-order', '--reverse')
  return list
}
