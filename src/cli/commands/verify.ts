import type { ExitCode } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { judgeFor } from '../verify/judge.ts'
import { PROOF_OPTIONS, REPORT_OPTIONS, SIGNER_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { printVerdicts } from '../verify/report.ts'
import { detailsOf, singleVerdict } from '../verify/single.ts'

export const verify = defineCommand({
  name: 'verify',
  summary: 'Prove who signed a commit or tag, and that it is who you say',
  operands: '[REV]',
  operandCount: { max: 1 },
  description: `REV (default HEAD) is that one object; a tag's name is the tag object.

Exit 0 only if everything was checked and the signer is the one you named. Nobody named: 3, even when the signature is valid. Wrong: 1. Could not be checked: 4.`,
  examples: [
    'git signet verify --identity alice@example.org --issuer google',
    'git signet verify --same-signer-as v1.1.0 v1.2.0',
  ],
  options: { ...SIGNER_OPTIONS, ...PROOF_OPTIONS, ...REPORT_OPTIONS },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const prover = await Prover.open(context, options)
    try {
      const judge = await judgeFor(options, prover)
      const revision = positionals[0] ?? 'HEAD'
      const { facts, object } = await prover.prove(revision)
      const { verdict, reasons } = singleVerdict(facts, judge)
      const details = { ...detailsOf(object, facts), reasons, story: story(options) }
      return printVerdicts([{ verdict, details }], `verify ${revision}`, prover, options, context)
    } finally {
      await prover.close()
    }
  },
})

function story(options: { readonly 'same-signer-as': string | undefined }): string[] {
  const other = options['same-signer-as']
  return other === undefined ? [] : [`compared with the signer of ${other}, whoever that is`]
}
