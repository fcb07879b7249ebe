import type { ExitCode } from '../../errors.ts'
import { escapeText } from '../../encoding/escape.ts'
import { UnavailableError, UsageError } from '../../errors.ts'
import { graphLines } from '../../git/log-graph.ts'
import type { LogSelection } from '../../git/log-graph.ts'
import { GRAPH_FORMAT, parseGraphLine, renderGraphLine } from '../../report/graph.ts'
import { styleFor } from '../../report/terminal.ts'
import { hanging } from '../../report/text.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { historyVerdict } from '../audit/history-verdict.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { openJudging } from '../audit/judging.ts'
import type { Judging } from '../audit/judging.ts'
import { PolicyVerdicts } from '../audit/policy-verdicts.ts'
import { defineCommand } from '../command.ts'
import { SIGNER_NOT_CHECKED, tellWarnings } from '../audit/after-words.ts'
import { NO_SIGNER_FLAGS, PROOF_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { VerdictCount } from '../verify/verdict-count.ts'

export const log = defineCommand({
  name: 'log',
  summary: 'Show the history as a graph, each commit with its proven signer and verdict',
  operands: '[RANGE…] [-- PATH…]',
  description: `Ranges and paths are those of git log. The exit code is that of verify for the same commits.

For a pager: git -p signet log.`,
  examples: ['git signet log', 'git signet log -n 20', 'git signet log origin/main..HEAD -- src'],
  options: {
    'max-count': { type: 'string', short: 'n', value: 'N', summary: 'no more than N commits' },
    ...PROOF_OPTIONS,
  },
  async run(context, { options, positionals, beforeTerminator }): Promise<ExitCode> {
    const { stdout } = context.streams
    const selection = {
      operands: operandsOf(positionals, beforeTerminator),
      maxCount: parseCount(options['max-count']),
    }
    const prover = await Prover.open(context, { ...options, keep: false })
    const history = await HistoryProver.open(context, prover)
    const judging = await openJudging(context, prover, NOTHING_TYPED)
    try {
      const style = styleFor(stdout, context.env)
      const count = new VerdictCount()
      for await (const lines of drawn(history, selection)) {
        const parsed = lines.map(parseGraphLine)
        const ids = parsed.flatMap(({ commit }) => commit?.id ?? [])
        if (judging.kind === 'policy' && count.checked === 0) {
          // From the first commits down, so that no question of the policy costs a process.
          await judging.policy.session.load({ include: ids, exclude: [] })
        }
        const judged = new Map<string, Judged>()
        for await (const one of verdictsOn(ids, history, judging)) {
          judged.set(one.verdict.object.id, one)
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
      if (count.unnamed > 0) stdout.write(`\n${hanging(SIGNER_NOT_CHECKED, 0, style).join('\n')}\n`)
      tellWarnings(prover.warnings, context)
      return count.summary().exit
    } finally {
      if (judging.kind === 'policy') await judging.policy.close()
      await history.close()
      await prover.close()
    }
  },
})

const NOTHING_TYPED = { ...NO_SIGNER_FLAGS, policy: undefined, anchor: undefined }

/** By a policy each commit is judged for the policy branch, as `verify` judges it. */
async function* verdictsOn(
  ids: readonly string[],
  history: HistoryProver,
  judging: Judging,
): AsyncGenerator<Judged, void, undefined> {
  if (judging.kind === 'signer') {
    for await (const proved of history.commits(ids)) yield historyVerdict(proved, judging.judge)
    return
  }
  const { session, refs } = judging.policy
  const verdicts = new PolicyVerdicts(session, false)
  const one = async (id: string): Promise<Judged[]> => {
    const found: Judged[] = []
    for await (const judged of verdicts.commit(id, refs.policyBranch)) found.push(judged)
    return found
  }
  for (let at = 0; at < ids.length; at += TOGETHER) {
    for (const found of await Promise.all(ids.slice(at, at + TOGETHER).map(one))) yield* found
  }
}

const TOGETHER = 64

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

/** @throws UsageError LOG_COUNT */
function parseCount(text: string | undefined): string | undefined {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text
  throw new UsageError('LOG_COUNT', `-n needs a number of commits, not "${escapeText(text)}"`, {
    hint: 'git signet log -n 20',
  })
}

/** git's lines. @throws UsageError LOG_OPERANDS where git understands none of it */
async function* drawn(
  history: HistoryProver,
  selection: LogSelection,
): AsyncGenerator<string[], void, undefined> {
  let isDrawn = false
  try {
    for await (const lines of graphLines(history.repository.place, GRAPH_FORMAT, selection)) {
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
