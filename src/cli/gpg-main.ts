import { EXIT, MalformedError } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import { parseGpgArguments } from '../gpg/arguments.ts'
import { verifyStatusLines } from '../gpg/status.ts'
import { openTerminal } from '../signing/terminal.ts'
import { errorText, exitCodeOf } from './error-text.ts'
import { tell, writeAll } from './gpg-io.ts'
import type * as PolicyPart from './gpg-policy.ts'
import type * as SignPart from './gpg-sign.ts'
import { runVerify } from './gpg-verify.ts'

/** Of CommonJS: bin/git-signet.cjs gives one that finds compiled code. */
declare const require: (id: string) => unknown

/** Signing loads much that verifying does not need: a bundle of its own beside this one. */
function signPart(): typeof SignPart {
  return require('./gpg-sign.cjs') as typeof SignPart
}

/** So do policies, and log entries that were kept: only those load it who have need of it. */
function policyPart(): typeof PolicyPart {
  return require('./gpg-policy.cjs') as typeof PolicyPart
}

/** git may swallow standard error; our own mistakes must not go unseen. */
function tellTerminal(text: string): void {
  if (process.stderr.isTTY) return
  const terminal = openTerminal()
  terminal?.write(text)
  terminal?.close()
}

/** No promise where there is nothing to wait for: git waits for us. */
function main(argv: readonly string[]): ExitCode | Promise<ExitCode> {
  let statusFd: number | undefined
  let isVerifying = argv.includes('--verify')
  const failed = (error: unknown): ExitCode => {
    const exit = exitCodeOf(error)
    const text = errorText(error)
    tell(text)
    if (exit === EXIT.internal) tellTerminal(text)
    // Nothing was said yet: whatever throws does so before the status. Silence would mean "unsigned".
    if (isVerifying && statusFd !== undefined) {
      const isBad = error instanceof MalformedError
      writeAll(
        statusFd,
        verifyStatusLines(
          isBad
            ? { kind: 'bad', fingerprint: undefined, signer: undefined }
            : { kind: 'error', fingerprint: undefined },
        ),
      )
    }
    return exit
  }
  try {
    const call = parseGpgArguments(argv)
    statusFd = call.statusFd
    isVerifying = call.mode === 'verify'
    if (call.mode === 'sign') return signPart().runSign(call).catch(failed)
    const done = runVerify(call, policyPart)
    return typeof done === 'number' ? done : done.catch(failed)
  } catch (error) {
    return failed(error)
  }
}

function lost(error: unknown): never {
  tell(errorText(error))
  process.exit(exitCodeOf(error))
}

try {
  const exit = main(process.argv.slice(2))
  if (typeof exit === 'number') process.exit(exit)
  exit.then((code) => process.exit(code), lost)
} catch (error) {
  lost(error)
}
