import { fileURLToPath } from 'node:url'
import { escapeText } from '../encoding/escape.ts'
import { EXIT, type ExitCode } from '../errors.ts'
import { COMMANDS } from './commands.ts'
import type { Context } from './context.ts'
import { dispatch } from './dispatch.ts'
import { errorText, exitCodeOf } from './error-text.ts'
import { processInput, processOutput } from './streams.ts'

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
    stderr.write(errorText(error))
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
