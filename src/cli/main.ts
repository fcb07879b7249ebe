import { fileURLToPath } from 'node:url'
import { escapeText } from '../encoding/escape.ts'
import { EXIT, SignetError, type ExitCode } from '../errors.ts'
import { COMMANDS } from './commands.ts'
import type { Context } from './context.ts'
import { dispatch } from './dispatch.ts'
import { processInput, processOutput } from './streams.ts'
import { VERSION } from './version.ts'

/**
 * Words for people: `git-signet: error: what happened: why`, then one `hint:` line per line of the
 * hint. Anything that is not a SignetError is our mistake and says how to report it.
 */
export function renderError(error: unknown): string {
  if (error instanceof SignetError) {
    const hints = (error.hint ?? '').split('\n').filter((line) => line !== '')
    return [`error: ${error.message}`, ...hints.map((line) => `hint: ${line}`)]
      .map((line) => `git-signet: ${line}\n`)
      .join('')
  }
  const stack = error instanceof Error ? (error.stack ?? String(error)) : String(error)
  const lines = stack.split('\n').map((line) => `git-signet: ${escapeText(line, 400)}\n`)
  return (
    `git-signet: error: this is a mistake in git-signet ${VERSION} (node ${process.version})\n` +
    lines.join('') +
    'git-signet: hint: please report the lines above with the command that led here\n'
  )
}

function exitCodeOf(error: unknown): ExitCode {
  return error instanceof SignetError ? error.exit : EXIT.internal
}

async function main(): Promise<ExitCode> {
  let outputFailure: Error | undefined
  const fail = (error: Error) => {
    outputFailure ??= error
  }
  const stdout = processOutput(process.stdout, fail)
  const stderr = processOutput(process.stderr, fail)
  const stdin = processInput()
  const context: Context = {
    streams: { stdin, stdout, stderr },
    env: process.env,
    cwd: process.cwd(),
    clock: Date.now,
    isInteractive: stdin.isTerminal && stderr.isTerminal,
    color: stdout.isTerminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    programPath: fileURLToPath(new URL('../bin/git-signet.cjs', import.meta.url)),
  }
  let exit: ExitCode
  try {
    exit = await dispatch(COMMANDS, process.argv.slice(2), context)
  } catch (error) {
    exit = exitCodeOf(error)
    stderr.write(renderError(error))
  }
  await Promise.all([stdout.flushed(), stderr.flushed()])
  if (outputFailure && exit === EXIT.ok) {
    stderr.write(
      `git-signet: error: cannot write the output: ${escapeText(outputFailure.message)}\n`,
    )
    return EXIT.unchecked
  }
  return exit
}

process.exit(await main())
