import type { ExitCode } from '../../errors.ts'
import { UnavailableError, UsageError } from '../../errors.ts'
import { graphLines } from '../../git/log-graph.ts'
import { GRAPH_FORMAT, parseGraphLine, renderGraphLine } from '../../report/graph.ts'
import { styleFor } from '../../report/terminal.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { historyVerdict } from '../audit/history-verdict.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { defineCommand } from '../command.ts'
import { SIGNER_NOT_CHECKED, tellWarnings } from '../audit/after-words.ts'
import { judgeFor } from '../verify/judge.ts'
import { NO_SIGNER_FLAGS, PROOF_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { VerdictCount } from '../verify/verdict-count.ts'

export const log = defineCommand({
  name: 'log',
  summary: 'Show the history as a graph, each commit with its proven signer and verdict',
  operands: '[RANGE…] [-- PATH…]',
  description: `Ranges and paths are those of git log. The exit code is that of verify for the same commits.

For a pager: git -p signet log.`,
  examples: ['git signet log', 'git signet log origin/main..HEAD -- src'],
  options: { ...PROOF_OPTIONS },
  async run(context, { options, positionals, beforeTerminator }): Promise<ExitCode> {
    const { stdout } = context.streams
    const prover = await Prover.open(context, { ...options, keep: false })
    const history = await HistoryProver.open(context, prover)
    try {
      const judge = await judgeFor(NO_SIGNER_FLAGS, prover)
      const style = styleFor(stdout, context.env)
      const count = new VerdictCount()
      for await (const lines of drawn(history, operandsOf(positionals, beforeTerminator))) {
        const parsed = lines.map(parseGraphLine)
        const ids = parsed.flatMap(({ commit }) => commit?.id ?? [])
        const judged = new Map<string, Judged>()
        for await (const proved of history.commits(ids)) {
          judged.set(proved.id, historyVerdict(proved, judge))
        }
        let text = ''
        for (const line of parsed) {
          const known = line.commit && judged.get(line.commit.id)
          if (known !== undefined) count.add(known.verdict)
          const graphed = known && { verdict: known.verdict, ...factsOf(known) }
          text += `${renderGraphLine(line, graphed, style)}\n`
        }
        stdout.write(text)
        // Whoever reads a pager and leaves it has seen enough.
        if (stdout.isClosed) break
      }
      await prover.settle()
      if (count.unnamed > 0) stdout.write(SIGNER_NOT_CHECKED)
      tellWarnings(prover.warnings, context)
      return count.summary().exit
    } finally {
      await history.close()
      await prover.close()
    }
  },
})

function factsOf({ details }: Judged): { facts?: NonNullable<Judged['details']['facts']> } {
  return details.facts === undefined ? {} : { facts: details.facts }
}

function operandsOf(
  positionals: readonly string[],
  beforeTerminator: number | undefined,
): string[] {
  if (beforeTerminator === undefined) return [...positionals]
  return [...positionals.slice(0, beforeTerminator), '--', ...positionals.slice(beforeTerminator)]
}

/** git's lines. @throws UsageError LOG_OPERANDS where git understands none of it */
async function* drawn(
  history: HistoryProver,
  operands: readonly string[],
): AsyncGenerator<string[], void, undefined> {
  let isDrawn = false
  try {
    for await (const lines of graphLines(history.repository.place, GRAPH_FORMAT, operands)) {
      isDrawn = true
      yield lines
    }
  } catch (error) {
    if (isDrawn || !(error instanceof UnavailableError)) throw error
    if (!/: fatal: (ambiguous argument|bad revision|unknown revision)/.test(error.message))
      throw error
    throw new UsageError('LOG_OPERANDS', error.message, {
      hint: 'git signet log [RANGE…] [-- PATH…]',
      cause: error,
    })
  }
}
