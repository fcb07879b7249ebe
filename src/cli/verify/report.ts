import type { ExitCode } from '../../errors.ts'
import type { Verdict } from '../../facts.ts'
import { openSinks, parseFormats } from '../../report/formats.ts'
import type { Run, VerdictDetails } from '../../report/result.ts'
import type { Context } from '../context.ts'
import { VerdictCount } from './verdict-count.ts'

export interface ReportFlags {
  readonly format: readonly string[]
  readonly json: boolean
  readonly facts: boolean
}

/**
 * Prints verdicts in every format that was asked for.
 *
 * @returns the exit code, which is the one in the summary
 * @throws UsageError FORMAT_UNKNOWN, FORMAT_FILE, FORMAT_TWICE, REPORT_FILE
 */
export function printVerdicts(
  results: readonly { verdict: Verdict; details: VerdictDetails }[],
  run: Run,
  flags: ReportFlags,
  context: Context,
): ExitCode {
  const formats = parseFormats([...flags.format, ...(flags.json ? ['json'] : [])])
  const sinks = openSinks(formats, run, {
    stdout: context.streams.stdout,
    env: context.env,
    facts: flags.facts,
    single: true,
  })
  const count = new VerdictCount()
  for (const { verdict, details } of results) {
    count.add(verdict)
    sinks.verdict(verdict, details)
  }
  const { warnings } = run
  const summary = { ...count.summary(), ...(warnings.length > 0 && { warnings: [...warnings] }) }
  sinks.end(summary)
  return summary.exit
}
