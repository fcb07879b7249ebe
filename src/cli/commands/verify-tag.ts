import { latin1 } from '../../encoding/bytes.ts'
import type { ExitCode } from '../../errors.ts'
import type { Verdict } from '../../facts.ts'
import { tagFields } from '../../git/object-form.ts'
import { fullRefName, unknownRevision } from '../../git/refs.ts'
import { splitObject } from '../../git/split.ts'
import type { VerdictDetails } from '../../report/result.ts'
import type { StoredObject } from '../../verification/object.ts'
import type { Context } from '../context.ts'
import { defineCommand } from '../command.ts'
import { judgeFor } from '../verify/judge.ts'
import { KEEP_OPTIONS, PROOF_OPTIONS, REPORT_OPTIONS, SIGNER_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { printVerdicts } from '../verify/report.ts'
import { detailsOf, singleVerdict } from '../verify/single.ts'
import type { JudgeSigner, Reason } from '../verify/single.ts'

export const verifyTag = defineCommand({
  name: 'verify-tag',
  summary: 'Prove who signed a tag, and that it is the tag it is called',
  operands: 'TAG…',
  operandCount: { min: 1 },
  description: `Checks the tag object: signature, name, signer. The commits below it are not looked at.

Exit codes are those of verify; a tag without an object of its own, or whose object has another name, is 1.`,
  examples: ['git signet verify-tag --identity release@example.org --issuer google v1.2.0'],
  options: { ...SIGNER_OPTIONS, ...PROOF_OPTIONS, ...KEEP_OPTIONS, ...REPORT_OPTIONS },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const prover = await Prover.open(context, options)
    try {
      const judge = await judgeFor(options, prover)
      const results: { verdict: Verdict; details: VerdictDetails }[] = []
      for (const name of positionals) results.push(await judgeTag(name, judge, prover, context))
      await prover.settle()
      const command = `verify-tag ${positionals.join(' ')}`
      return printVerdicts(results, command, prover, options, context)
    } finally {
      await prover.close()
    }
  },
})

async function judgeTag(
  given: string,
  judge: JudgeSigner | undefined,
  prover: Prover,
  context: Context,
): Promise<{ verdict: Verdict; details: VerdictDetails }> {
  const name = given.replace(/^refs\/tags\//, '')
  const ref = `refs/tags/${name}`
  if ((await fullRefName({ cwd: context.cwd, env: context.env }, ref)) !== ref) {
    throw unknownRevision(given)
  }
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
