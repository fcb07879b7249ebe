import { escapeText } from '../encoding/escape.ts'
import { EXIT, SignetError } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import { VERSION } from './version.ts'

/**
 * Words for people: `git-signet: error: what happened: why`, then one `hint:` line per line of the
 * hint. Anything that is not a SignetError is our mistake and says how to report it.
 */
export function errorText(error: unknown): string {
  if (error instanceof SignetError) {
    const hints = (error.hint ?? '').split('\n').filter((line) => line !== '')
    return [`error: ${error.message}`, ...hints.map((line) => `hint: ${line}`)]
      .map((line) => `git-signet: ${line}\n`)
      .join('')
  }
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error)
  return (
    `git-signet: error: this is a mistake in git-signet ${VERSION} (node ${process.version})\n` +
    stack
      .split('\n')
      .map((line) => `git-signet: ${escapeText(line, 400)}\n`)
      .join('') +
    'git-signet: hint: please report the lines above with the command that led here\n'
  )
}

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof SignetError ? error.exit : EXIT.internal
}
