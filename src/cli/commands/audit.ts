import { UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { countCommits } from '../../git/walk.ts'
import { isProtected } from '../../policy/range.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { historyVerdict } from '../audit/history-verdict.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { openJudging, runOf } from '../audit/judging.ts'
import { readAnchorSetting } from '../audit/policy-source.ts'
import type { OpenPolicy, PolicyFlags } from '../audit/policy-source.ts'
import { PolicyVerdicts } from '../audit/policy-verdicts.ts'
import { provedRanges } from '../audit/range-commits.ts'
import { RefView } from '../audit/ref-view.ts'
import { RememberedTips } from '../audit/remembered-tip.ts'
import { reportStream } from '../audit/report-stream.ts'
import type { StreamFlags } from '../audit/report-stream.ts'
import type { Context } from '../context.ts'
import { defineCommand } from '../command.ts'
import {
  KEEP_OPTIONS,
  POLICY_OPTIONS,
  PROOF_OPTIONS,
  REPORT_OPTIONS,
  SIGNER_OPTIONS,
  STREAM_OPTIONS,
} from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import type { JudgeSigner } from '../verify/single.ts'

interface AuditFlags extends StreamFlags, PolicyFlags {
  readonly all: boolean
  readonly explain: boolean
}

export const audit = defineCommand({
  name: 'audit',
  summary: 'Prove the whole history of a ref since its anchor, each commit by the policy before it',
  operands: '[REF]',
  operandCount: { max: 1 },
  description: `REF is the policy branch unless you name another. Every commit is judged by the policy that stood before it arrived; a tip that has lost what an earlier audit verified is a ROLLBACK.

Exit codes are those of verify.`,
  examples: [
    'git signet audit --anchor 8f0e… main',
    'git signet audit --policy policy.toml --format text --format html=report.html',
  ],
  options: {
    ...SIGNER_OPTIONS,
    ...POLICY_OPTIONS,
    all: { type: 'boolean', summary: 'every ref that a rule protects' },
    ...PROOF_OPTIONS,
    ...KEEP_OPTIONS,
    ...REPORT_OPTIONS,
    ...STREAM_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const [named] = positionals
    if (named !== undefined && options.all) {
      throw new UsageError('AUDIT_ALL', '--all is every ref, and one is named', {
        hint: 'git signet audit --all, or git signet audit REF',
      })
    }
    const prover = await Prover.open(context, options)
    try {
      const judging = await openJudging(context, prover, options)
      const command = ['audit', ...positionals].join(' ')
      if (judging.kind === 'signer') {
        return await auditSigner(named, judging.judge, command, prover, options, context)
      }
      try {
        return await auditPolicy(named, judging.policy, command, prover, options, context)
      } finally {
        await judging.policy.close()
      }
    } finally {
      await prover.close()
    }
  },
})

async function auditPolicy(
  named: string | undefined,
  policy: OpenPolicy,
  command: string,
  prover: Prover,
  flags: AuditFlags,
  context: Context,
): Promise<ExitCode> {
  const { session, refs, anchor, repository } = policy
  const verdicts = new PolicyVerdicts(session, flags.explain)
  const asked = flags.all
    ? await protectedRefs(policy)
    : [await refs.named(named ?? refs.localName(refs.policyBranch))]
  const total = Promise.all(
    asked.map(({ tip }) =>
      countCommits(repository.place, {
        include: [tip],
        exclude: anchor === undefined ? [] : [anchor],
      }),
    ),
  ).then((counts) => counts.reduce((sum, count) => sum + count, 0))
  const warnings: string[] = []
  const ref = flags.all ? refs.policyBranch : (asked[0]?.ref ?? '')
  async function* judged(): AsyncGenerator<Judged, void, undefined> {
    for (const { ref: name, tip } of asked) {
      if (name.startsWith('refs/tags/')) yield* verdicts.tag(tip, name)
      else yield* auditBranch(name, tip, policy, verdicts, warnings)
    }
    await prover.settle()
    warnings.push(...prover.warnings, ...session.problems)
  }
  return reportStream(
    judged(),
    runOf(command, prover, context, { policy, ref }),
    flags,
    { warnings, total, steps: () => verdicts.steps },
    context,
  )
}

/** One branch, and whether it still has what was verified before. */
async function* auditBranch(
  ref: string,
  tip: string,
  { session, repository, anchor }: OpenPolicy,
  verdicts: PolicyVerdicts,
  warnings: string[],
): AsyncGenerator<Judged, void, undefined> {
  const remembered = new RememberedTips(repository.paths)
  const before = remembered.get(anchor, ref)
  const stepsBefore = verdicts.steps.length
  let isGood = true
  for await (const one of verdicts.audit(ref, tip)) {
    isGood &&= one.verdict.verdict === 'pass'
    yield one
  }
  if (before !== undefined && (await session.context.git.isAncestor(before, tip)) !== true) {
    const policy = session.context.chain?.landings.at(-1)?.commit ?? ''
    const step = { ref, before, after: tip, policy, verdict: 'fail', codes: ['ROLLBACK'] } as const
    verdicts.addStep({ ...step, codes: [...step.codes] })
  }
  if (!isGood || verdicts.steps.length > stepsBefore) return
  const failure = remembered.set(anchor, ref, tip)
  if (failure !== undefined) warnings.push(`cannot remember the tip of ${ref}: ${failure}`)
}

async function protectedRefs({
  session,
  refs,
}: OpenPolicy): Promise<{ ref: string; tip: string }[]> {
  const found: { ref: string; tip: string }[] = []
  for (const ref of new Set(await session.context.git.refNames())) {
    if (!isProtected(session.context, ref)) continue
    const tip = await refs.tipOf(ref)
    if (tip !== undefined) found.push({ ref, tip })
  }
  return found
}

/** Without a policy: the whole history of a ref, each commit by whom it must be signed. */
async function auditSigner(
  named: string | undefined,
  judge: JudgeSigner | undefined,
  command: string,
  prover: Prover,
  flags: AuditFlags,
  context: Context,
): Promise<ExitCode> {
  const place = { cwd: context.cwd, env: context.env }
  const refs = await RefView.open(place, prover.sources)
  const { tip } = await refs.named(named ?? refs.localName(refs.policyBranch))
  const history = await HistoryProver.open(context, prover)
  const range = { include: [tip], exclude: await readAnchorSetting(place, prover, flags) }
  async function* judged(): AsyncGenerator<Judged, void, undefined> {
    for await (const proved of provedRanges(history, [range])) yield historyVerdict(proved, judge)
    await prover.settle()
  }
  try {
    return await reportStream(
      judged(),
      runOf(command, prover, context),
      flags,
      { warnings: prover.warnings, total: countCommits(place, range) },
      context,
    )
  } finally {
    await history.close()
  }
}
