import type { ExitCode } from '../../errors.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { historyVerdict } from '../audit/history-verdict.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { readOperands } from '../audit/operands.ts'
import { countRanges, provedRanges } from '../audit/range-commits.ts'
import { reportStream } from '../audit/report-stream.ts'
import type { StreamFlags } from '../audit/report-stream.ts'
import type { CommitRange } from '../../git/refs.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { judgeFor } from '../verify/judge.ts'
import {
  KEEP_OPTIONS,
  PROOF_OPTIONS,
  REPORT_OPTIONS,
  SIGNER_OPTIONS,
  STREAM_OPTIONS,
} from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { printVerdicts } from '../verify/report.ts'
import { detailsOf, singleVerdict } from '../verify/single.ts'
import type { JudgeSigner } from '../verify/single.ts'

export const verify = defineCommand({
  name: 'verify',
  summary: 'Prove who signed a commit, tag or range, and that it is who you say',
  operands: '[REV | A..B …]',
  description: `REV (default HEAD) is that one object; a tag's name is the tag object. A..B is those commits; several ranges are judged one after another.

Exit 0 only if everything was checked and the signer is the one you named. Nobody named: 3, even when the signature is valid. Wrong: 1. Could not be checked, or nothing to check: 4.`,
  examples: [
    'git signet verify --identity alice@example.org --issuer google',
    'git signet verify --identity alice@example.org --issuer google origin/main..HEAD',
    'git signet verify --same-signer-as v1.1.0 v1.2.0',
  ],
  options: {
    ...SIGNER_OPTIONS,
    ...PROOF_OPTIONS,
    ...KEEP_OPTIONS,
    ...REPORT_OPTIONS,
    ...STREAM_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const prover = await Prover.open(context, options)
    try {
      const judge = await judgeFor(options, prover)
      const place = { cwd: context.cwd, env: context.env }
      const operands = await readOperands(place, positionals)
      const command = ['verify', ...positionals].join(' ')
      if (operands.kind === 'ranges') {
        return await verifyRanges(operands.ranges, judge, command, prover, options, context)
      }
      const results: Judged[] = []
      for (const revision of operands.revisions) {
        const { facts, object } = await prover.prove(revision)
        const { verdict, reasons } = singleVerdict(facts, judge)
        const details = { ...detailsOf(object, facts), reasons, story: story(options) }
        results.push({ verdict, details })
      }
      await prover.settle()
      return printVerdicts(results, command, prover, options, context)
    } finally {
      await prover.close()
    }
  },
})

async function verifyRanges(
  ranges: readonly CommitRange[],
  judge: JudgeSigner | undefined,
  command: string,
  prover: Prover,
  flags: StreamFlags,
  context: Context,
): Promise<ExitCode> {
  const history = await HistoryProver.open(context, prover)
  try {
    const run = {
      command,
      trustRoots: prover.reportedRoots,
      warnings: [...prover.warnings],
      now: context.clock() / 1000,
      ...baseOf(ranges),
    }
    return await reportStream(
      judged(history, ranges, judge, prover),
      run,
      flags,
      { warnings: prover.warnings, total: countRanges(history, ranges) },
      context,
    )
  } finally {
    await history.close()
  }
}

async function* judged(
  history: HistoryProver,
  ranges: readonly CommitRange[],
  judge: JudgeSigner | undefined,
  prover: Prover,
): AsyncGenerator<Judged, void, undefined> {
  try {
    for await (const proved of provedRanges(history, ranges)) yield historyVerdict(proved, judge)
  } finally {
    await prover.settle()
  }
}

/** What a range of one's own would be signed again after. */
function baseOf(ranges: readonly CommitRange[]): { base?: string } {
  const [base, ...others] = ranges.flatMap(({ exclude }) => exclude)
  return base === undefined || others.length > 0 ? {} : { base }
}

function story(options: { readonly 'same-signer-as': string | undefined }): string[] {
  const other = options['same-signer-as']
  return other === undefined ? [] : [`compared with the signer of ${other}, whoever that is`]
}
