import type { Facts, Verdict } from '../facts.ts'
import { jsonLine } from './media.ts'
import type { ReportOutput, ResultSink } from './result.ts'

export interface JsonOptions {
  /** Whether each verdict carries its facts (`--facts`). */
  facts: boolean
}

function shown(verdict: Verdict, facts: Facts | undefined, options: JsonOptions): Verdict {
  const { facts: own, ...rest } = verdict
  const carried = own ?? facts
  return options.facts && carried !== undefined ? { ...rest, facts: carried } : rest
}

/** One verdict a line as they come, then the summary (facts.md). */
export function jsonLinesSink(output: ReportOutput, options: JsonOptions): ResultSink {
  return {
    verdict(verdict, details) {
      output.write(`${jsonLine(shown(verdict, details.facts, options))}\n`)
    },
    end(summary) {
      output.write(`${jsonLine(summary)}\n`)
    },
    abort() {
      // No summary: a reader sees that the stream did not end.
    },
  }
}

/** One document `{schema, verdicts, summary}`, written as it grows. */
export function jsonSink(output: ReportOutput, options: JsonOptions): ResultSink {
  let separator = '\n'
  output.write('{"schema":"git-signet.report/1","verdicts":[')
  return {
    verdict(verdict, details) {
      output.write(`${separator}${jsonLine(shown(verdict, details.facts, options))}`)
      separator = ',\n'
    },
    end(summary) {
      output.write(`\n],"summary":${jsonLine(summary)}}\n`)
    },
    abort() {
      // Not a whole document, so nobody takes it for a result.
    },
  }
}
