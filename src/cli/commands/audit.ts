import { resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { StepVerdict } from '../../facts.ts'
import { countCommits } from '../../git/walk.ts'
import { isProtected, mayGoBack } from '../../policy/range.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { historyVerdict } from '../audit/history-verdict.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { JournalAudit } from '../audit/journal-audit.ts'
import { openJudging, runOf } from '../audit/judging.ts'
import type { Asked } from '../audit/judging.ts'
import { readAnchorSetting } from '../audit/policy-source.ts'
import type { OpenPolicy, PolicyFlags } from '../audit/policy-source.ts'
import { PolicyVerdicts } from '../audit/policy-verdicts.ts'
import { provedRanges } from '../audit/range-commits.ts'
import { RefView } from '../audit/ref-view.ts'
import { RememberedTips } from '../audit/remembered-tip.ts'
import { ROOT } from '../../report/reasons.ts'
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
  readonly steps: string | undefined
  readonly explain: boolean
}

export const audit = defineCommand({
  name: 'audit',
  summary: 'Prove the whole history of a ref since its anchor, each commit by the policy before it',
  operands: '[REF]',
  operandCount: { max: 1 },
  description: `REF is the policy branch unless you name another. Every commit is judged by the policy that stood before it arrived; a tip that has lost what an earlier audit verified is a ROLLBACK.

With --steps, in the repository that the hook guards or a mirror of it, every push of the journal is judged again by what stood before it, on all refs the journal names (REF: on that one). What came before the journal, and what moved past the hook, is judged as well.

Exit codes are those of verify.`,
  examples: [
    'git signet audit --anchor 8f0e… main',
    'git signet audit --policy policy.toml --format text --format html=report.html',
    'git signet audit --anchor 8f0e… --steps signet/journal.jsonl',
  ],
  options: {
    ...SIGNER_OPTIONS,
    ...POLICY_OPTIONS,
    all: { type: 'boolean', summary: 'every ref that a rule protects' },
    steps: {
      type: 'string',
      value: 'FILE',
      summary: 'the journal of a hook: judge its pushes again, of all refs it names unless REF is',
    },
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
      const asked: Asked = ['audit', ...positionals]
      if (judging.kind === 'signer') {
        if (options.steps !== undefined) {
          throw new UsageError('STEPS_POLICY', 'only a policy judges the steps of a journal', {
            hint: 'git signet audit --steps FILE --anchor COMMIT, or --policy FILE',
          })
        }
        return await auditSigner(named, judging.judge, asked, prover, options, context)
      }
      try {
        const { steps } = options
        return steps === undefined
          ? await auditPolicy(named, judging.policy, asked, prover, options, context)
          : await auditSteps(named, steps, judging.policy, asked, prover, options, context)
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
  asked: Asked,
  prover: Prover,
  flags: AuditFlags,
  context: Context,
): Promise<ExitCode> {
  const { session, refs, anchor, repository } = policy
  const verdicts = new PolicyVerdicts(session, flags.explain)
  const targets = flags.all
    ? await protectedRefs(policy)
    : [await refs.named(named ?? refs.localName(refs.policyBranch))]
  const total = Promise.all(
    targets.map(({ tip }) =>
      countCommits(repository.place, {
        include: [tip],
        exclude: anchor === undefined ? [] : [anchor],
      }),
    ),
  ).then((counts) => counts.reduce((sum, count) => sum + count, 0))
  const warnings: string[] = []
  const ref = flags.all ? refs.policyBranch : (targets[0]?.ref ?? '')
  async function* judged(): AsyncGenerator<Judged, void, undefined> {
    for (const { ref: name, tip } of targets) {
      if (name.startsWith('refs/tags/')) yield* verdicts.tag(tip, name)
      else yield* auditBranch(name, tip, policy, verdicts, warnings)
    }
    await prover.settle()
    warnings.push(...prover.warnings, ...session.problems)
  }
  return reportStream(
    judged(),
    { ...runOf(asked, prover, context, { policy, ref }), base: anchor ?? ROOT },
    flags,
    { warnings, total, steps: () => verdicts.steps },
    context,
  )
}

/** By a hook's journal: its pushes, and what no push of it explains. */
async function auditSteps(
  named: string | undefined,
  file: string,
  policy: OpenPolicy,
  asked: Asked,
  prover: Prover,
  flags: AuditFlags,
  context: Context,
): Promise<ExitCode> {
  const { session, refs } = policy
  const verdicts = new PolicyVerdicts(session, flags.explain)
  const only = named === undefined ? undefined : await refNamed(refs, named)
  const path = resolve(context.cwd, file)
  const journal = new JournalAudit({ policy, verdicts, roots: prover.roots, path, only: only?.ref })
  const warnings: string[] = []
  async function* judged(): AsyncGenerator<Judged, void, undefined> {
    yield* journal.run()
    const { policyBranch } = refs
    const targets = flags.all
      ? await protectedRefs(policy)
      : [only ?? { ref: policyBranch, tip: await refs.tipOf(policyBranch) }]
    for (const { ref, tip } of targets) {
      if (tip === undefined || journal.refs.has(ref)) continue
      if (ref.startsWith('refs/tags/')) yield* verdicts.tag(tip, ref)
      else yield* auditBranch(ref, tip, policy, verdicts, warnings)
    }
    for (const ref of only === undefined ? journal.refs : [only.ref]) {
      const tip = await refs.tipOf(ref)
      if (tip !== undefined) await findRollback(ref, tip, policy, verdicts)
    }
    await prover.settle()
    warnings.push(...journal.warnings.texts(), ...prover.warnings, ...session.problems)
  }
  const ref = only?.ref ?? refs.policyBranch
  return reportStream(
    judged(),
    {
      ...runOf([...asked, '--steps', file], prover, context, { policy, ref }),
      base: policy.anchor ?? ROOT,
    },
    flags,
    {
      warnings,
      steps: () => verdicts.steps,
      allSteps: () => journal.withOthers(verdicts.steps),
    },
    context,
  )
}

/** A ref by name; one that was deleted by its full name. */
async function refNamed(
  refs: RefView,
  name: string,
): Promise<{ ref: string; tip: string | undefined }> {
  try {
    return await refs.named(name)
  } catch (error) {
    if (error instanceof UsageError && name.startsWith('refs/'))
      return { ref: name, tip: undefined }
    throw error
  }
}

/** Whether a ref has lost what an earlier audit verified. */
async function findRollback(
  ref: string,
  tip: string,
  { session, repository, anchor }: OpenPolicy,
  verdicts: PolicyVerdicts,
): Promise<void> {
  const before = new RememberedTips(repository.paths).get(anchor, ref)
  if (before === undefined || mayGoBack(session.context, ref)) return
  if ((await session.context.git.isAncestor(before, tip)) === true) return
  const policy = session.context.chain?.landings.at(-1)?.commit ?? ''
  const codes: StepVerdict['codes'] = ['ROLLBACK']
  verdicts.addStep({ ref, before, after: tip, policy, verdict: 'fail', codes })
}

/** One branch, and whether it still has what was verified before. */
async function* auditBranch(
  ref: string,
  tip: string,
  policy: OpenPolicy,
  verdicts: PolicyVerdicts,
  warnings: string[],
): AsyncGenerator<Judged, void, undefined> {
  const { repository, anchor } = policy
  const stepsBefore = verdicts.steps.length
  let isGood = true
  for await (const one of verdicts.audit(ref, tip)) {
    isGood &&= one.verdict.verdict === 'pass'
    yield one
  }
  await findRollback(ref, tip, policy, verdicts)
  if (!isGood || verdicts.steps.length > stepsBefore) return
  const failure = new RememberedTips(repository.paths).set(anchor, ref, tip)
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
  asked: Asked,
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
      { ...runOf(asked, prover, context, judge), base: range.exclude[0] ?? ROOT },
      flags,
      { warnings: prover.warnings, total: countCommits(place, range) },
      context,
    )
  } finally {
    await history.close()
  }
}
