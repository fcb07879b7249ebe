import { isatty } from 'node:tty'
import { loadSettings } from '../config/settings.ts'
import { EXIT, UnavailableError, UsageError } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import type { GpgCall } from '../gpg/arguments.ts'
import { beginSigningLine, signatureCreatedLine } from '../gpg/status.ts'
import { forgetFailure, keepFailure } from '../signing/last-failure.ts'
import { signPayload } from '../signing/sign-payload.ts'
import { openTerminal } from '../signing/terminal.ts'
import { errorText, exitCodeOf } from './error-text.ts'
import { readConfiguration } from './gpg-configuration.ts'
import { readAll, tell, writeAll } from './gpg-io.ts'

/**
 * git's `-bsau KEY`: the payload on standard input, the signature on standard output. A failure is said
 * on the terminal and on standard error, and kept for `status`; nothing has been output then.
 */
export async function runSign(call: GpgCall & { mode: 'sign' }): Promise<ExitCode> {
  const env = process.env
  const terminal = openTerminal()
  const say =
    terminal === undefined
      ? tell
      : (text: string) => {
          terminal.write(text)
        }
  try {
    // Not process.stdin: setting that stream up costs a tenth of an empty process.
    if (isatty(0)) {
      throw new UsageError('NOTHING_TO_SIGN', 'cannot sign: standard input is a terminal', {
        hint: 'git calls this; to sign a commit: git commit -S',
      })
    }
    const payload = readAll(0, 'what is to be signed')
    const settings = loadSettings({ env, gitConfig: readConfiguration() })
    if (payload.length === 0) {
      throw new UsageError('NOTHING_TO_SIGN', 'cannot sign: standard input is empty')
    }
    const isInteractive = terminal !== undefined
    const signed = await signPayload(payload, settings, {
      env,
      clock: Date.now,
      isInteractive,
      say,
    })
    if (call.statusFd !== undefined) writeAll(call.statusFd, beginSigningLine())
    writeAll(1, call.armor ? signed.armor : signed.cms)
    if (call.statusFd !== undefined) {
      writeAll(call.statusFd, signatureCreatedLine(signed.signingTime, signed.fingerprint))
    }
    forgetFailure(env)
    return EXIT.ok
  } catch (thrown) {
    const error = withWayOut(thrown)
    keepFailure(env, error, Date.now())
    const text = errorText(error)
    tell(text)
    // git before 2.40 swallows standard error when signing fails.
    if (!process.stderr.isTTY) terminal?.write(text)
    return exitCodeOf(error)
  } finally {
    terminal?.close()
  }
}

/** Whoever is offline wants to go on working. */
function withWayOut(error: unknown): unknown {
  if (!(error instanceof UnavailableError) || error.hint !== undefined) return error
  return new UnavailableError(error.code, error.message, {
    cause: error,
    hint: 'unsigned for now: git commit --no-gpg-sign\nsign it later: git signet resign BASE..HEAD',
  })
}
