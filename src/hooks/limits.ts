import { readSetting } from '../config/settings.ts'
import type { SettingSources } from '../config/settings.ts'

/**
 * Every bound of a hook, in one place; what is above one is LIMIT and rejected. Real pushes are far
 * below. An object's and a signature's bounds are `objectBytes` and `signatureBytes` of encoding/limits.
 */
export const HOOK_LIMITS = {
  /** Ref updates of one push. */
  refs: 100_000,
  /** Lines git writes to a hook: as many refs with long names. */
  inputBytes: 64 << 20,
  /** Commits of one push; `signet.hook.maxCommits`. */
  commits: 1_000_000,
  /** A push certificate: as many refs. */
  certificateBytes: 32 << 20,
  /** From the start of the hook to its verdict; `signet.hook.maxSeconds`. */
  seconds: 30 * 60,
  /** Verdicts that are kept for the report of one push; the rest is counted. */
  reportedVerdicts: 1_000,
  /** The audit file and the one before it. */
  auditFileBytes: 16 << 20,
} as const

export type HookLimits = { readonly [K in keyof typeof HOOK_LIMITS]: number }

/** The limits of one repository: the defaults, and what its owner has set. @throws UsageError SETTING_INVALID */
export function readHookLimits(sources: SettingSources): HookLimits {
  return {
    ...HOOK_LIMITS,
    commits: readSetting('hookMaxCommits', sources).value,
    seconds: readSetting('hookMaxSeconds', sources).value,
  }
}
