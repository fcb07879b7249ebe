import { latin1 } from '../../encoding/bytes.ts'
import { escapeText } from '../../encoding/escape.ts'
import { UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { tagFields } from '../../git/object-form.ts'
import { fullRefName, repositoryPaths, resolveRevision } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import { splitObject } from '../../git/split.ts'
import type { StoredObject } from '../../verification/object.ts'
import { explainFacts } from '../audit/explain.ts'
import type { Judged } from '../audit/history-verdict.ts'
import { openJudging, runOf } from '../audit/judging.ts'
import type { Asked } from '../audit/judging.ts'
import { tagFaults } from '../audit/operands.ts'
import type { OpenPolicy } from '../audit/policy-source.ts'
import { PolicyVerdicts } from '../audit/policy-verdicts.ts'
import { reportStream } from '../audit/report-stream.ts'
import type { Context } from '../context.ts'
import { defineCommand } from '../command.ts'
import {
  KEEP_OPTIONS,
  POLICY_OPTIONS,
  PROOF_OPTIONS,
  REPORT_OPTIONS,
  SIGNER_OPTIONS,
} from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { printVerdicts } from '../verify/report.ts'
import type { ReportFlags } from '../verify/report.ts'
import { detailsOf, singleVerdict } from '../verify/single.ts'
import type { JudgeSigner, Reason } from '../verify/single.ts'

export const verifyTag = defineCommand({
  name: 'verify-tag',
  summary: 'Prove who signed a tag, and that it is the tag it is called',
  operands: 'TAG…',
  operandCount: { min: 1 },
  description: `Checks the tag object: signature, name, signer. By a policy also that its commit lies on a verified ref; else the commits below it are not looked at.

Exit codes are those of verify; a tag without an object of its own, or whose object has another name, is 1.`,
  examples: ['git signet verify-tag --identity release@example.org --issuer google v1.2.0'],
  options: {
    ...SIGNER_OPTIONS,
    ...POLICY_OPTIONS,
    ...PROOF_OPTIONS,
    ...KEEP_OPTIONS,
    ...REPORT_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const prover = await Prover.open(context, options)
    try {
      const asked: Asked = ['verify-tag', ...positionals]
      const judging = await openJudging(context, prover, options)
      if (judging.kind === 'policy') {
        try {
          return await verifyByPolicy(positionals, judging.policy, asked, prover, options, context)
        } finally {
          await judging.policy.close()
        }
      }
      const { judge } = judging
      const results: Judged[] = []
      for (const name of positionals) {
        const { verdict, details } = await judgeTag(name, judge, prover, context)
        const facts = options.explain ? details.facts : undefined
        const run = runOf(asked, prover, context, judge)
        const more = facts === undefined ? [] : explainFacts(facts, details.reasons ?? [], { run })
        const story = [...(details.story ?? []), ...more]
        results.push({ verdict, details: { ...details, story } })
      }
      await prover.settle()
      return printVerdicts(results, runOf(asked, prover, context, judge), options, context)
    } finally {
      await prover.close()
    }
  },
})

async function verifyByPolicy(
  names: readonly string[],
  policy: OpenPolicy,
  asked: Asked,
  prover: Prover,
  flags: ReportFlags & { readonly explain: boolean },
  context: Context,
): Promise<ExitCode> {
  const place = { cwd: context.cwd, env: context.env }
  const verdicts = new PolicyVerdicts(policy.session, flags.explain)
  const refs: string[] = []
  for (const name of names) refs.push(await tagRefNamed(name, place))
  const warnings: string[] = []
  async function* judged(): AsyncGenerator<Judged, void, undefined> {
    for (const ref of refs) {
      const id = await resolveRevision(place, ref)
      if (id === undefined) continue
      yield* verdicts.tag(id, ref, await tagFaults(policy.session.context.git, id, ref))
    }
    await prover.settle()
    warnings.push(...prover.warnings, ...policy.session.problems)
  }
  const run = runOf(asked, prover, context, { policy, ref: refs.join(' ') })
  const once = { ...flags, 'fail-fast': false, 'allow-empty': false }
  return reportStream(judged(), run, once, { warnings, isSingle: true }, context)
}

/** @throws UsageError REVISION_UNKNOWN where there is no such tag; UnavailableError where no repository */
async function tagRefNamed(given: string, place: GitPlace): Promise<string> {
  const ref = `refs/tags/${given.replace(/^refs\/tags\//, '')}`
  if ((await fullRefName(place, ref)) !== ref) {
    await repositoryPaths(place)
    throw new UsageError('REVISION_UNKNOWN', `no such tag: ${escapeText(given)}`, {
      hint: 'git tag --list shows what there is; git signet verify is for commits',
    })
  }
  return ref
}

async function judgeTag(
  given: string,
  judge: JudgeSigner | undefined,
  prover: Prover,
  context: Context,
): Promise<Judged> {
  const ref = await tagRefNamed(given, { cwd: context.cwd, env: context.env })
  const name = ref.slice('refs/tags/'.length)
  const { facts, object } = await prover.prove(ref)
  const { reasons, story } = aboutTag(object, name)
  const judged = singleVerdict(facts, judge, reasons)
  return {
    verdict: { ...judged.verdict, ref },
    details: { ...detailsOf(object, facts), reasons: judged.reasons, story },
  }
}

function aboutTag(
  object: StoredObject | undefined,
  name: string,
): { reasons: Reason[]; story: string[] } {
  if (object === undefined) return { reasons: [], story: [] }
  if (object.type !== 'tag') {
    const detail = `${name} is a plain name for a commit, without an object of its own`
    return { reasons: [{ code: 'TAG_NOT_ANNOTATED', detail }], story: [] }
  }
  const fields = tagFields(splitObject('tag', object.bytes, object.format))
  if (fields === undefined) return { reasons: [], story: [] }
  const story = [
    `names the ${fields.targetType} ${fields.object}; the commits below were not looked at`,
  ]
  const own = Buffer.from(name, 'utf8').toString('latin1')
  if (latin1(fields.name) === own) return { reasons: [], story }
  const stated = Buffer.from(fields.name).toString('utf8')
  return { reasons: [{ code: 'TAG_NAME', detail: `the object is tag ${stated}` }], story }
}
