import type { ExitCode } from '../../errors.ts'
import type { StepVerdict, Summary } from '../../facts.ts'
import type { Step, StepOutcome } from '../../policy/context.ts'
import type { EarlierSteps, PushReport } from './push-report.ts'

/** What a push comes to. A report is opened by the first step that needs one: most pushes pass unreported. */
export class Push {
  /** Every step so far. */
  readonly steps: StepVerdict[] = []
  report: PushReport | undefined
  readonly #openReport: (earlier: EarlierSteps) => Promise<PushReport>
  #passed = 0

  /** @param openReport - called at most once */
  constructor(openReport: (earlier: EarlierSteps) => Promise<PushReport>) {
    this.#openReport = openReport
  }

  /** Opens the report now: somebody wants to read of everything. */
  async watch(): Promise<void> {
    this.report ??= await this.#openReport({ steps: this.steps, passed: this.#passed })
  }

  async add(step: Step, outcomes: readonly StepOutcome[], certificate?: string): Promise<void> {
    if (outcomes.some(({ verdict }) => verdict !== 'pass')) await this.watch()
    if (this.report !== undefined) {
      await this.report.add(step, outcomes, certificate)
      return
    }
    for (const outcome of outcomes) {
      this.steps.push(stepVerdict(outcome, certificate))
      this.#passed += outcome.judgements.length
    }
  }

  /** Says what is to be said, and gives the verdict whatever the mode; undefined: it passed unreported. */
  end(): (Summary & { exit: ExitCode }) | undefined {
    return this.report?.end()
  }

  abort(): void {
    this.report?.abort()
  }
}

/** A step as reports and journals have it. */
export function stepVerdict(
  { ref, before, after, policy, verdict, codes }: StepOutcome,
  certificate: string | undefined,
): StepVerdict {
  const told = { ref, before, after, policy, ...(certificate !== undefined && { certificate }) }
  return { ...told, verdict, codes: [...codes] }
}
