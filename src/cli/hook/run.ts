import { EXIT, SignetError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { Environment } from '../../git/run.ts'
import { clientEnvironment, serverEnvironment } from '../../hooks/environment.ts'
import {
  parsePushInput,
  parseReceiveInput,
  parseUpdateArguments,
  readHookInput,
} from '../../hooks/input.ts'
import { readHookLimits } from '../../hooks/limits.ts'
import { TimeLimit } from '../../hooks/time-limit.ts'
import type { ReportOutput } from '../../report/result.ts'
import type { HookFlags, HookName } from './flags.ts'
import { judgeClient } from './judge-client.ts'
import { judgeServer } from './judge-server.ts'
import type { ReadAhead } from './read-ahead.ts'
import { Surroundings } from './surroundings.ts'
import type * as ToldPart from './told.ts'

/** What a hook is given. */
export interface HookRun {
  readonly flags: HookFlags
  /** What git adds to the command line. */
  readonly args: readonly string[]
  /** Absolute. */
  readonly cwd: string
  readonly env: Environment
  readonly stdin: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** What git was asked already. */
  readonly readAhead?: () => ReadAhead | undefined
  readonly stderr: ReportOutput
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Loads what only a push needs that is refused or reported. */
  readonly told: () => Promise<typeof ToldPart>
}

/**
 * Judges a push as git's hook of that name. Whatever goes wrong rejects, in audit mode only reports.
 *
 * @returns the exit code for git: 0 lets the push go on
 */
export async function runHook(name: HookName, run: HookRun): Promise<ExitCode> {
  const { audit } = run.flags
  const time = new TimeLimit()
  try {
    return await Promise.race([judge(name, run, time), time.passed])
  } catch (error) {
    const failure = isKnown(error)
      ? { message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }
      : { message: `a mistake in git-signet: ${error instanceof Error ? error.message : '?'}` }
    const { renderFailure } = await run.told()
    run.stderr.write(renderFailure(failure, audit))
    if (audit) return EXIT.ok
    return isKnown(error) && error.exit !== EXIT.ok ? error.exit : EXIT.internal
  } finally {
    time.stop()
  }
}

/** Also one of another bundle, which has a class of its own. */
function isKnown(error: unknown): error is SignetError & { exit: ExitCode } {
  return (
    error instanceof SignetError || (error instanceof Error && 'exit' in error && 'hint' in error)
  )
}

async function judge(name: HookName, run: HookRun, time: TimeLimit): Promise<ExitCode> {
  return name === 'pre-push' ? judgeOnClient(run, time) : judgeOnServer(name, run, time)
}

async function judgeOnServer(
  name: 'pre-receive' | 'update',
  run: HookRun,
  time: TimeLimit,
): Promise<ExitCode> {
  const given =
    name === 'update'
      ? [parseUpdateArguments(run.args)]
      : parseReceiveInput(await readHookInput(run.stdin()))
  const place = { cwd: run.cwd, env: serverEnvironment(run.env, run.cwd) }
  const surroundings = await Surroundings.openServer(place, run.flags, given, run.readAhead?.())
  try {
    time.set(readHookLimits(surroundings.sources).seconds)
    return await judgeServer(name, run, surroundings, given)
  } finally {
    await surroundings.close()
  }
}

async function judgeOnClient(run: HookRun, time: TimeLimit): Promise<ExitCode> {
  const given = parsePushInput(await readHookInput(run.stdin()))
  if (given.length === 0) return EXIT.ok
  const place = { cwd: run.cwd, env: clientEnvironment(run.env) }
  const surroundings = await Surroundings.openClient(place, run.flags)
  try {
    time.set(readHookLimits(surroundings.sources).seconds)
    return await judgeClient(run, surroundings, given)
  } finally {
    await surroundings.close()
  }
}
