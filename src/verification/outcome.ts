import { CHECK_NAMES } from '../facts.ts'
import type { Check, CheckName, Outcome, ReasonCode } from '../facts.ts'

/** What each code alone makes of an object (facts.md). */
const OUTCOME_OF: Partial<Record<ReasonCode, Outcome>> = {
  BAD_SIGNATURE: 'bad',
  MALFORMED: 'bad',
  LOG_ENTRY_INVALID: 'bad',
  TIMESTAMP_INVALID: 'bad',
  SCT_INVALID: 'bad',
  CERTIFICATE_INVALID: 'bad',
  OUTSIDE_CERTIFICATE_VALIDITY: 'bad',
  UNTRUSTED_CERTIFICATE: 'untrusted',
  NOT_LOGGED: 'incomplete',
  NO_TRUSTED_TIME: 'incomplete',
  MISSING_OBJECT: 'incomplete',
  LIMIT: 'incomplete',
  UNSUPPORTED: 'incomplete',
  UNSIGNED: 'unsigned',
}

/** Worst first. */
const PRECEDENCE: readonly Outcome[] = ['bad', 'untrusted', 'incomplete', 'unsigned']

export interface Conclusion {
  readonly outcome: Outcome
  /** Only those that make the outcome; empty exactly when it is `proven`. */
  readonly codes: ReasonCode[]
}

/** The outcome of everything that was found, by precedence; nothing found is `proven`. */
export function conclude(codes: ReadonlySet<ReasonCode>): Conclusion {
  for (const outcome of PRECEDENCE) {
    const decisive = [...codes].filter((code) => OUTCOME_OF[code] === outcome)
    // An entry that is missing is the root cause of a time that is missing.
    const root = decisive.includes('NOT_LOGGED')
      ? decisive.filter((code) => code !== 'NO_TRUSTED_TIME')
      : decisive
    if (root.length > 0) return { outcome, codes: root }
  }
  return { outcome: 'proven', codes: [] }
}

/** The better of two outcomes for the same signature under two trust roots. */
export function isBetter(one: Outcome, other: Outcome): boolean {
  const rank = (outcome: Outcome): number =>
    outcome === 'proven' ? PRECEDENCE.length : PRECEDENCE.indexOf(outcome)
  return rank(one) > rank(other)
}

/** Collects results of checks and the codes they give. */
export class Findings {
  readonly #checks = new Map<CheckName, Check>()
  readonly codes = new Set<ReasonCode>()
  readonly tolerated: string[] = []

  /** The same so far, to go on from by another trust root. */
  copy(): Findings {
    const copy = new Findings()
    for (const check of this.#checks.values()) copy.check(check)
    for (const code of this.codes) copy.codes.add(code)
    copy.tolerated.push(...this.tolerated)
    return copy
  }

  passed(name: CheckName, detail?: string): void {
    this.#set(name, 'passed', detail)
  }

  failed(name: CheckName, code: ReasonCode, detail: string): void {
    this.#set(name, 'failed', detail)
    this.codes.add(code)
  }

  absent(name: CheckName, code?: ReasonCode, detail?: string): void {
    this.#set(name, 'absent', detail)
    if (code !== undefined) this.codes.add(code)
  }

  notChecked(name: CheckName, code?: ReasonCode, detail?: string): void {
    this.#set(name, 'not-checked', detail)
    if (code !== undefined) this.codes.add(code)
  }

  /** Takes over what a reader of one part found. */
  check(check: Check): void {
    this.#checks.set(check.name, check)
  }

  result(name: CheckName): Check['result'] | undefined {
    return this.#checks.get(name)?.result
  }

  /** Every check from `first` on, before `end`, in its order; those never reached are `not-checked`. */
  list(first: CheckName, end?: CheckName): Check[] {
    const last = end === undefined ? CHECK_NAMES.length : CHECK_NAMES.indexOf(end)
    const checks: Check[] = []
    for (const name of CHECK_NAMES.slice(CHECK_NAMES.indexOf(first), last)) {
      checks.push(this.#checks.get(name) ?? { name, result: 'not-checked' })
    }
    return checks
  }

  #set(name: CheckName, result: Check['result'], detail: string | undefined): void {
    this.#checks.set(name, detail === undefined ? { name, result } : { name, result, detail })
  }
}
