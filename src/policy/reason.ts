import type { ReasonCode, VerdictValue } from '../facts.ts'

/** One thing that was found against an object or a step; the detail is not escaped. */
export interface Reason {
  readonly code: ReasonCode
  readonly detail: string
}

/** Codes that say "could not check" (policy.md §5); every other is a violation. */
const UNCHECKED: ReadonlySet<ReasonCode> = new Set([
  'NOT_LOGGED',
  'NO_TRUSTED_TIME',
  'MISSING_OBJECT',
  'SHALLOW',
  'LIMIT',
  'SQUASH_SOURCE_MISSING',
  'UNSUPPORTED',
  'NOTHING_TO_CHECK',
])

export function isViolation(code: ReasonCode): boolean {
  return !UNCHECKED.has(code)
}

/** What reasons make of an object or a step; none is a pass. */
export function verdictOf(reasons: readonly Reason[]): VerdictValue {
  if (reasons.length === 0) return 'pass'
  return reasons.some(({ code }) => isViolation(code)) ? 'fail' : 'unknown'
}

/** Codes in the order found, each once. */
export function codesOf(reasons: readonly Reason[]): ReasonCode[] {
  return [...new Set(reasons.map(({ code }) => code))]
}
