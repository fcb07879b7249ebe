import type { ExitCode } from '../../errors.ts'
import { explainFacts } from '../audit/explain.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { historyVerdict } from '../audit/history-verdict.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { openJudging, runOf } from '../audit/judging.ts'
import type { Asked } from '../audit/judging.ts'
import { readOperands, tagFaults, tagRef } from '../audit/operands.ts'
import type { Operands } from '../audit/operands.ts'
import { readAnchorSetting } from '../audit/policy-source.ts'
import type { OpenPolicy } from '../audit/policy-source.ts'
import { PolicyVerdicts } from '../audit/policy-verdicts.ts'
import { countRanges, provedRanges } from '../audit/range-commits.ts'
import { RefView } from '../audit/ref-view.ts'
import { reportStream } from '../audit/report-stream.ts'
import type { StreamFlags } from '../audit/report-stream.ts'
import type { Run } from '../../report/result.ts'
import type { CommitRange } from '../../git/refs.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import {
  KEEP_OPTIONS,
  POLICY_OPTIONS,
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
  summary: 'Prove who signed a commit, tag or range, and that they may',
  operands: '[REV | A..B …]',
  description: `REV (default HEAD) is that one object; a tag's name is the tag object. A..B is those commits; several ranges are judged one after another. By a policy commits are judged for the policy branch, or for the ref that --for names.

Exit 0 only if everything was checked and good. Nobody named who may sign: 3, even when all signatures are valid. Wrong: 1. Could not be checked, or nothing to check: 4.`,
  examples: [
    'git signet verify --identity alice@example.org --issuer google',
    'git signet verify --policy policy.toml origin/main..HEAD',
    'git signet verify --same-signer-as v1.1.0 v1.2.0',
  ],
  options: {
    ...SIGNER_OPTIONS,
    ...POLICY_OPTIONS,
    for: { type: 'string', value: 'REF', summary: 'judge commits as arriving at this ref' },
    ...PROOF_OPTIONS,
    ...KEEP_OPTIONS,
    ...REPORT_OPTIONS,
    ...STREAM_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const prover = await Prover.open(context, options)
    try {
      const place = { cwd: context.cwd, env: context.env }
      const operands = await readOperands(place, positionals)
      const asked: Asked = ['verify', ...positionals]
      const judging = await openJudging(context, prover, options)
      if (judging.kind === 'policy') {
        try {
          return await verifyByPolicy(operands, judging.policy, asked, prover, options, context)
        } finally {
          await judging.policy.close()
        }
      }
      // A ref that is not there is a mistake whether or not rules are about it.
      if (options.for !== undefined) {
        await (await RefView.open(place, prover.sources)).named(options.for)
      }
      if (operands.kind === 'ranges') {
        const anchor = await readAnchorSetting(place, prover, options)
        const ranges = operands.ranges.map(({ include, exclude }) => ({
          include,
          exclude: [...exclude, ...anchor],
        }))
        return await verifyRanges(ranges, judging.judge, asked, prover, options, context)
      }
      const results: Judged[] = []
      for (const revision of operands.revisions) {
        const { facts, object } = await prover.prove(revision)
        const { verdict, reasons } = singleVerdict(facts, judging.judge)
        const details = detailsOf(object, facts)
        const about = { isRoot: details.isRoot, run: runOf(asked, prover, context, judging.judge) }
        const story = [
          ...comparison(options),
          ...(options.explain ? explainFacts(facts, reasons, about) : []),
        ]
        results.push({ verdict, details: { ...details, reasons, story } })
      }
      await prover.settle()
      const run = runOf(asked, prover, context, judging.judge)
      return printVerdicts(results, run, options, context)
    } finally {
      await prover.close()
    }
  },
})

interface VerifyFlags extends StreamFlags {
  readonly for: string | undefined
  readonly explain: boolean
}

async function verifyByPolicy(
  operands: Operands,
  policy: OpenPolicy,
  asked: Asked,
  prover: Prover,
  flags: VerifyFlags,
  context: Context,
): Promise<ExitCode> {
  const { session, refs, repository } = policy
  const ref = flags.for === undefined ? refs.policyBranch : (await refs.named(flags.for)).ref
  const verdicts = new PolicyVerdicts(session, flags.explain)
  const warnings: string[] = []
  async function* judged(): AsyncGenerator<Judged, void, undefined> {
    if (operands.kind === 'ranges') {
      for (const range of operands.ranges) yield* verdicts.range(range, ref)
    } else {
      for (const revision of operands.revisions) yield* judgeRevision(revision, ref)
    }
    await prover.settle()
    warnings.push(...prover.warnings, ...session.problems)
  }
  async function* judgeRevision(
    revision: string,
    forRef: string,
  ): AsyncGenerator<Judged, void, undefined> {
    const { facts } = await prover.prove(revision)
    const { id, type } = facts.object
    if (type !== 'tag') {
      yield* verdicts.commit(id, forRef)
      return
    }
    const tag = await tagRef(repository, revision, id)
    yield* verdicts.tag(id, tag, await tagFaults(session.context.git, id, tag))
  }
  const isSingle = operands.kind === 'objects'
  return reportStream(
    judged(),
    runOf(asked, prover, context, { policy, ref }),
    flags,
    {
      warnings,
      isSingle,
      ...(!isSingle && { total: countRanges(repository.place, operands.ranges) }),
      steps: () => verdicts.steps,
    },
    context,
  )
}

async function verifyRanges(
  ranges: readonly CommitRange[],
  judge: JudgeSigner | undefined,
  asked: Asked,
  prover: Prover,
  flags: VerifyFlags,
  context: Context,
): Promise<ExitCode> {
  const history = await HistoryProver.open(context, prover)
  try {
    const run = { ...runOf(asked, prover, context, judge), ...baseOf(ranges) }
    return await reportStream(
      judgedRanges(history, ranges, judge, prover, flags.explain ? run : undefined),
      run,
      flags,
      { warnings: prover.warnings, total: countRanges(history.repository.place, ranges) },
      context,
    )
  } finally {
    await history.close()
  }
}

async function* judgedRanges(
  history: HistoryProver,
  ranges: readonly CommitRange[],
  judge: JudgeSigner | undefined,
  prover: Prover,
  explained: Run | undefined,
): AsyncGenerator<Judged, void, undefined> {
  try {
    for await (const proved of provedRanges(history, ranges)) {
      const { verdict, details } = historyVerdict(proved, judge)
      const about = explained && { isRoot: details.isRoot, run: explained }
      const story = about ? explainFacts(proved.facts, details.reasons ?? [], about) : []
      yield { verdict, details: { ...details, story } }
    }
  } finally {
    await prover.settle()
  }
}

/** What a range of one's own would be signed again after. */
function baseOf(ranges: readonly CommitRange[]): { base?: string } {
  const [base, ...others] = ranges.flatMap(({ exclude }) => exclude)
  return base === undefined || others.length > 0 ? {} : { base }
}

function comparison(options: { readonly 'same-signer-as': string | undefined }): string[] {
  const other = options['same-signer-as']
  return other === undefined ? [] : [`compared with the signer of ${other}, whoever that is`]
}
