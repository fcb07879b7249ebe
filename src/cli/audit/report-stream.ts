import type { ExitCode } from '../../errors.ts'
import type { StepVerdict } from '../../facts.ts'
import { openSinks, parseFormats } from '../../report/formats.ts'
import { startProgress } from '../../report/progress.ts'
import type { Run } from '../../report/result.ts'
import type { Context } from '../context.ts'
import type { ReportFlags } from '../verify/report.ts'
import { VerdictCount } from '../verify/verdict-count.ts'
import { tellWarnings } from './after-words.ts'
import type { Judged } from './history-verdict.ts'

export interface StreamFlags extends ReportFlags {
  readonly 'fail-fast': boolean
  readonly 'allow-empty': boolean
}

export interface StreamOptions {
  /** How many there will be, once somebody has counted. */
  readonly total?: Promise<number>
  /** Single objects were asked for: what each signature says is shown. */
  readonly isSingle?: boolean
  /** Steps of refs, known when every commit is judged. */
  readonly steps?: () => readonly StepVerdict[]
  /** Every step that was judged, where the summary has them all and `steps` those at fault. */
  readonly allSteps?: () => readonly StepVerdict[]
  /** Warnings that grow on the way; those of the run itself are printed before. */
  readonly warnings: readonly string[]
}

/**
 * Prints any number of verdicts as they come, in every format that was asked for, with progress on a
 * terminal, in bounded memory.
 *
 * @returns the exit code, which is the one in the summary
 * @throws UsageError FORMAT_UNKNOWN, FORMAT_FILE, FORMAT_TWICE, REPORT_FILE; whatever `judged` throws
 */
export async function reportStream(
  judged: AsyncIterable<Judged>,
  run: Run,
  flags: StreamFlags,
  options: StreamOptions,
  context: Context,
): Promise<ExitCode> {
  const { stdout, stderr } = context.streams
  const formats = parseFormats([...flags.format, ...(flags.json ? ['json'] : [])])
  const progress = startProgress(stderr, { noun: 'commit', clock: context.clock })
  options.total?.then(
    (total) => {
      progress.expect(total)
    },
    () => undefined,
  )
  const sinks = openSinks(formats, run, {
    stdout: progress.around(stdout),
    env: context.env,
    facts: flags.facts,
    single: options.isSingle ?? false,
  })
  const count = new VerdictCount()
  let isCut = false
  try {
    for await (const { verdict, details } of judged) {
      count.add(verdict)
      progress.add(verdict.verdict)
      sinks.verdict(verdict, details)
      isCut = flags['fail-fast'] && verdict.verdict === 'fail'
      if (isCut) break
    }
    const faults = options.steps?.() ?? []
    for (const step of faults) count.addStep(step)
    const all = options.allSteps?.()
    if (count.checked === 0 && faults.length === 0 && !all?.length && !flags['allow-empty']) {
      count.addCode('NOTHING_TO_CHECK')
    }
    const warnings = [...new Set([...run.warnings, ...options.warnings])]
    const summary = {
      ...count.summary(),
      steps: [...(all ?? faults)],
      ...(warnings.length > 0 && { warnings }),
    }
    progress.end()
    sinks.end(summary, faults)
    const told = new Set(run.warnings)
    tellWarnings(
      options.warnings.filter((warning) => !told.has(warning)),
      context,
    )
    if (isCut)
      stderr.write('git-signet: stopped at the first violation; the rest was not checked\n')
    return summary.exit
  } catch (error) {
    progress.end()
    sinks.abort()
    throw error
  }
}
