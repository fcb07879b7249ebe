import { pipeline } from 'node:stream/promises'
import { LIMITS } from '../encoding/limits.ts'
import { BatchParser } from './batch-parser.ts'
import { checked, type ReadAnswer } from './objects.ts'
import type { CommitRange } from './refs.ts'
import { gitError, startGit, type GitPlace } from './run.ts'
import { revListArguments, revListInput, type WalkOptions } from './walk.ts'

/**
 * Reads every commit of a range in one stream, `git rev-list | git cat-file --batch --buffer`, in the
 * order of the walk and a chunk at a time. Memory is bounded by one chunk and one object; a consumer
 * that waits makes git wait.
 *
 * @throws UnavailableError GIT_FAILED also where a commit on the way is missing
 */
export async function* readCommits(
  place: GitPlace,
  range: CommitRange,
  options: WalkOptions = {},
): AsyncGenerator<ReadAnswer[], void, undefined> {
  if (range.include.length === 0) return
  const list = startGit(place, revListArguments(options))
  const objects = startGit(place, ['cat-file', '--batch', '--buffer'])
  try {
    list.stdin.end(revListInput(range))
    const fed = pipeline(list.stdout, objects.stdin)
    fed.catch(() => undefined)
    yield* answers(objects.stdout)
    await list.finished
    await objects.finished
    await fed
  } finally {
    list.stop()
    objects.stop()
  }
}

/**
 * Reads many objects by id through one `git cat-file --batch --buffer`, in the order asked.
 *
 * @throws UnavailableError as runGit
 */
export async function* readObjects(
  place: GitPlace,
  ids: readonly string[],
): AsyncGenerator<ReadAnswer[], void, undefined> {
  if (ids.length === 0) return
  const objects = startGit(place, ['cat-file', '--batch', '--buffer'])
  try {
    const fed = pipeline(blocks(ids), objects.stdin)
    fed.catch(() => undefined)
    yield* answers(objects.stdout)
    await objects.finished
    await fed
  } finally {
    objects.stop()
  }
}

async function* answers(
  stdout: AsyncIterable<unknown>,
): AsyncGenerator<ReadAnswer[], void, undefined> {
  let ready: ReadAnswer[] = []
  const parser = new BatchParser(LIMITS.objectBytes, (answer) => {
    ready.push(checked(answer))
  })
  for await (const chunk of stdout) {
    parser.push(chunk as Buffer)
    if (ready.length === 0) continue
    yield ready
    ready = []
  }
  if (!parser.idle) throw gitError('GIT_OUTPUT', ['cat-file'], 'output ends inside an object')
}

function* blocks(ids: readonly string[]): Generator<string, void, undefined> {
  for (let at = 0; at < ids.length; at += 1000) {
    yield `${ids.slice(at, at + 1000).join('\n')}\n`
  }
}
