import { StringDecoder } from 'node:string_decoder'
import { startGit, type GitPlace } from './run.ts'

/**
 * What `git log --graph` draws, some lines at a time and without their ends; a consumer that waits
 * makes git wait.
 *
 * @param format - of one commit, on one line
 * @param operands - git log's ranges, and paths after `--`; never options
 * @throws UnavailableError as runGit; GIT_FAILED also where git does not understand the operands
 */
export async function* graphLines(
  place: GitPlace,
  format: string,
  operands: readonly string[],
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
