import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { EXIT } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { StepVerdict, Summary, Verdict } from '../../facts.ts'
import { HOOK_LIMITS } from '../../hooks/limits.ts'
import type { HookSession } from '../../hooks/policy.ts'
import { inForceNow, isZero } from '../../policy/context.ts'
import type { Step, StepOutcome } from '../../policy/context.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import { parseIdent } from '../../policy/ident.ts'
import type { Judgement } from '../../policy/judge-commit.ts'
import { codesOf, verdictOf } from '../../policy/reason.ts'
import { openSinks, parseFormats } from '../../report/formats.ts'
import { ROOT } from '../../report/reasons.ts'
import { renderRefusal } from '../../report/refusal.ts'
import type { ReportOutput, ResultSink, VerdictDetails } from '../../report/result.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import { judgementVerdict } from '../audit/judgement.ts'
import { stepVerdict } from './push.ts'
import { VerdictCount } from '../verify/verdict-count.ts'

export interface PushReportOptions extends HookSession {
  readonly sources: SettingSources
  readonly roots: TrustRoots
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stderr: ReportOutput
  readonly command: string
  readonly policySource: string
  readonly isAudit: boolean
  readonly now: number
  readonly earlier: EarlierSteps
  /** About the policy. */
  readonly warnings: readonly string[]
}

/** Steps that passed before anybody wanted a report. */
export interface EarlierSteps {
  /** Grows with the report. */
  readonly steps: StepVerdict[]
  /** Commits and tags in them. */
  readonly passed: number
}

interface Finding {
  readonly verdict: Verdict
  readonly details: VerdictDetails
  readonly own: boolean
}

/** What a push comes to: counted as it is judged, said at the end. */
export class PushReport {
  readonly steps: StepVerdict[]
  readonly findings: Finding[] = []
  readonly #options: PushReportOptions
  readonly #count = new VerdictCount()
  /** Steps that are at fault themselves, with their own codes. */
  readonly #faults: (StepVerdict & { why?: string })[] = []
  readonly #sink: ResultSink | undefined
  /** People read what it says; else a format of its own does. */
  readonly isForPeople: boolean
  readonly #failedRefs = new Set<string>()
  #failed = 0
  #base: string | undefined

  /** @throws UsageError FORMAT_UNKNOWN, FORMAT_FILE, REPORT_FILE, SETTING_INVALID */
  constructor(options: PushReportOptions) {
    this.#options = options
    this.steps = options.earlier.steps
    this.#count.addPassed(options.earlier.passed)
    const format = readSetting('hookFormat', options.sources).value
    const asked = format === undefined || format === '' ? [] : parseFormats([format])
    // A format without a file takes the place of the refusal; what goes to a file stands beside it.
    const requests = asked.some(({ file }) => file !== undefined)
      ? asked.filter(({ file }) => file !== undefined)
      : asked
    this.isForPeople = requests.every(({ file }) => file !== undefined)
    this.#sink =
      requests.length === 0
        ? undefined
        : openSinks(requests, this.#run(), {
            stdout: options.stderr,
            env: options.env,
            facts: false,
            single: false,
          })
  }

  async add(step: Step, outcomes: readonly StepOutcome[], certificate?: string): Promise<void> {
    for (const outcome of outcomes) {
      const { reasons, judgements } = outcome
      const told = stepVerdict(outcome, certificate)
      this.steps.push(told)
      for (const judgement of judgements) await this.#addJudgement(judgement, outcome, step)
      const own = reasons.filter(
        ({ code }) => !judgements.some((one) => one.reasons.some((reason) => reason.code === code)),
      )
      if (own.length === 0) continue
      const fault = { ...told, verdict: verdictOf(own), codes: codesOf(own) }
      // The commit that does not count says it better.
      const isTipBad = judgements.some(
        ({ id, verdict }) => id === outcome.after && verdict !== 'pass',
      )
      if (isTipBad && own.every(({ code }) => code === 'CREATED')) {
        this.#count.addStep(fault)
        continue
      }
      const why = own.find(({ code }) => code === fault.codes[0])?.detail
      this.#faults.push({ ...fault, ...(why !== undefined && { why }) })
      this.#count.addStep(fault)
    }
    if (outcomes.every(({ verdict }) => verdict === 'pass')) return
    this.#failedRefs.add(step.ref)
    this.#base ??= isZero(step.before) ? await this.#baseOfNew(step) : step.before
  }

  /** Where a new branch is taken to start. */
  async #baseOfNew({ after }: Step): Promise<string> {
    const { anchor, git, policyBranch } = this.#options.session.context
    const base = anchor ?? (await git.ref(policyBranch))
    return base === undefined || base === after ? ROOT : base
  }

  /** Says it, and gives the exit code of the verdict whatever the mode. */
  end(): Summary & { exit: ExitCode } {
    const summary = { ...this.#count.summary(), steps: this.steps }
    this.#sink?.end(summary)
    if (summary.exit !== EXIT.ok && this.isForPeople) {
      this.#options.stderr.write(this.#refusal(summary))
    }
    return summary
  }

  abort(): void {
    this.#sink?.abort()
  }

  #refusal(summary: Summary): string {
    const { isAudit, sources } = this.#options
    const helpUrl = readSetting('helpUrl', sources).value
    return renderRefusal({
      steps: this.#faults,
      findings: this.findings,
      failed: this.#failed,
      checked: summary.checked,
      refs: this.#failedRefs.size,
      ...(this.#base !== undefined && { base: this.#base }),
      ...(helpUrl !== undefined && { helpUrl }),
      auditOnly: isAudit,
    })
  }

  async #addJudgement(judgement: Judgement, outcome: StepOutcome, step: Step): Promise<void> {
    const { session } = this.#options
    const isGood = judgement.verdict === 'pass'
    if (!isGood) this.#failed++
    if (
      this.#sink === undefined &&
      (isGood || this.findings.length >= HOOK_LIMITS.reportedVerdicts)
    ) {
      this.#count.add(plainVerdict(judgement, outcome))
      return
    }
    const by = inForceNow(session.context).policy
    const place = { ref: outcome.ref, policy: outcome.policy, by, explain: false }
    const { verdict, details } = await judgementVerdict(session, judgement, place)
    this.#count.add(verdict)
    this.#sink?.verdict(verdict, details)
    if (isGood || this.findings.length >= HOOK_LIMITS.reportedVerdicts) return
    this.findings.push({ verdict, details, own: await this.#isOwn(judgement.id, step.after) })
  }

  /** Who pushes is not known: whoever made the newest commit is taken for the pusher. */
  async #isOwn(id: string, tip: string): Promise<boolean> {
    const { git } = this.#options.session.context
    const [commit, newest] = await Promise.all([git.commit(id), git.commit(tip)])
    if (isUnanswered(commit) || isUnanswered(newest)) return true
    return parseIdent(commit.committer)?.address === parseIdent(newest.committer)?.address
  }

  #run() {
    const { command, policySource, session, roots, now, isAudit } = this.#options
    const { anchor } = session.context
    return {
      command,
      policy: policySource,
      ...(anchor !== undefined && { anchor }),
      trustRoots: roots.map(({ name, isLocal, asOf }) => ({
        name,
        local: isLocal,
        ...(asOf !== undefined && { asOf }),
      })),
      warnings: this.#options.warnings,
      now: now / 1000,
      auditOnly: isAudit,
    }
  }
}

/** Enough to be counted. */
function plainVerdict({ id, verdict, reasons, rules }: Judgement, { ref, policy }: StepOutcome) {
  return {
    schema: 'git-signet.verdict/1',
    object: { id, type: 'commit', format: id.length === 64 ? 'sha256' : 'sha1' },
    ref,
    verdict,
    codes: codesOf(reasons),
    rules: [...rules],
    policy,
  } as const satisfies Verdict
}
