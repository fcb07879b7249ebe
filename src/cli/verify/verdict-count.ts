import { EXIT } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { ReasonCode, StepVerdict, Summary, Verdict, VerdictValue } from '../../facts.ts'
import { REASONS } from '../../report/reasons.ts'

/** Counts verdicts as they pass by; any number fits. */
export class VerdictCount {
  readonly #verdicts: Record<VerdictValue, number> = { pass: 0, fail: 0, unknown: 0 }
  readonly #codes: Partial<Record<ReasonCode, number>> = {}
  readonly #steps: StepVerdict[] = []
  #unnamed = 0

  /** Valid signatures whose signer nobody named. */
  get unnamed(): number {
    return this.#unnamed
  }

  get checked(): number {
    return this.#verdicts.pass + this.#verdicts.fail + this.#verdicts.unknown
  }

  add({ verdict, codes }: Verdict): void {
    this.#verdicts[verdict]++
    if (verdict === 'unknown' && codes.length === 0) this.#unnamed++
    for (const code of codes) this.addCode(code)
  }

  /** So many objects that passed. */
  addPassed(count: number): void {
    this.#verdicts.pass += count
  }

  addStep(step: StepVerdict): void {
    this.#steps.push(step)
    for (const code of step.codes) this.addCode(code)
  }

  /** A code of the whole run, such as NOTHING_TO_CHECK. */
  addCode(code: ReasonCode): void {
    this.#codes[code] = (this.#codes[code] ?? 0) + 1
  }

  /** The counts with the exit code, by precedence (policy.md §5). */
  summary(): Summary & { exit: ExitCode } {
    return {
      schema: 'git-signet.summary/1',
      exit: this.#exit(),
      checked: this.checked,
      ...this.#verdicts,
      codes: this.#codes,
      steps: this.#steps,
    }
  }

  #exit(): ExitCode {
    const isBad = (value: VerdictValue): boolean =>
      this.#verdicts[value] > 0 || this.#steps.some(({ verdict }) => verdict === value)
    if (isBad('fail')) return EXIT.violation
    const codes = Object.keys(this.#codes) as ReasonCode[]
    const unchecked = codes.some((code) => REASONS[code].exit === EXIT.unchecked)
    const unknown = this.#verdicts.unknown - this.#unnamed
    if (unknown > 0 || unchecked || this.#steps.some(({ verdict }) => verdict === 'unknown')) {
      return EXIT.unchecked
    }
    return this.#unnamed > 0 ? EXIT.policy : EXIT.ok
  }
}
