import type { ExitCode } from '../../errors.ts'
import type { Verdict } from '../../facts.ts'
import { openSinks, parseFormats } from '../../report/formats.ts'
import type { VerdictDetails } from '../../report/result.ts'
import type { Context } from '../context.ts'
import type { Prover } from './prover.ts'
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
  command: string,
  prover: Prover,
  flags: ReportFlags,
  context: Context,
): ExitCode {
  const formats = parseFormats([...flags.format, ...(flags.json ? ['json'] : [])])
  const sinks = openSinks(
    formats,
    {
      command,
      trustRoots: prover.reportedRoots,
      warnings: prover.warnings,
      now: context.clock() / 1000,
    },
    { stdout: context.streams.stdout, env: context.env, facts: flags.facts, single: true },
  )
  const count = new VerdictCount()
  for (const { verdict, details } of results) {
    count.add(verdict)
    sinks.verdict(verdict, details)
  }
  const { warnings } = prover
  const summary = { ...count.summary(), ...(warnings.length > 0 && { warnings: [...warnings] }) }
  sinks.end(summary)
  return summary.exit
}
