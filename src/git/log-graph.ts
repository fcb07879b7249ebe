import { StringDecoder } from 'node:string_decoder'
import { startGit, type GitPlace } from './run.ts'

export interface LogSelection {
  /** git log's ranges, and paths after `--`; never options. */
  readonly operands: readonly string[]
  /** Decimal; undefined: all of them. */
  readonly maxCount?: string | undefined
}

/**
 * What `git log --graph` draws, some lines at a time and without their ends; a consumer that waits
 * makes git wait.
 *
 * @param format - of one commit, on one line
 * @throws UnavailableError as runGit; GIT_FAILED also where git does not understand the operands
 */
export async function* graphLines(
  place: GitPlace,
  format: string,
  { operands, maxCount }: LogSelection,
): AsyncGenerator<string[], void, undefined> {
  const git = startGit(place, [
    'log',
    '--graph',
    '--no-color',
    '--no-show-signature',
    '--no-patch',
    '--no-notes',
    '--encoding=UTF-8',
    `--format=tformat:${format}`,
    ...(maxCount === undefined ? [] : [`--max-count=${maxCount}`]),
    '--end-of-options',
    ...operands,
  ])
  try {
    git.stdin.end()
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for await (const chunk of git.stdout) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n')
      rest = lines.pop() ?? ''
      if (lines.length > 0) yield lines
    }
    await git.finished
  } finally {
    git.stop()
  }
}
