import { escapeText } from '../../encoding/escape.ts'
import type { Context } from '../context.ts'

/** Said once under a history some of whose valid signatures nobody was asked to compare. */
export const SIGNER_NOT_CHECKED =
  'signer not checked: where a name stands after ?, the signature is valid, but nobody said who may sign (git config signet.identity WHO and signet.identityIssuer URL, or git signet policy init)'

/** Warnings that were only found on the way. */
export function tellWarnings(warnings: readonly string[], context: Context): void {
  for (const warning of new Set(warnings)) {
    context.streams.stderr.write(`git-signet: warning: ${escapeText(warning, 1000)}\n`)
  }
}
