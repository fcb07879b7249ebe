import { escapeText } from '../../encoding/escape.ts'
import { EXIT } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import { readGitConfig } from '../../git/config.ts'
import { policyDiff } from '../../policy/diff.ts'
import { parsePolicy } from '../../policy/parse.ts'
import { defineCommand } from '../command.ts'
import { policyBranchOf, policyNamed } from './policy-text.ts'

export const diff = defineCommand({
  name: 'diff',
  summary: 'Say in words who gained or lost what between two policies',
  operands: 'A B',
  operandCount: { min: 2, max: 2 },
  description: `A and B are policy files, or commits whose .signet/policy.toml is compared as it is written there, landed or not.`,
  examples: [
    'git signet policy diff main proposal',
    'git signet policy diff HEAD .signet/policy.toml',
  ],
  options: {},
  async run(context, { positionals }): Promise<ExitCode> {
    const [first = '', second = ''] = positionals
    const place = { cwd: context.cwd, env: context.env }
    const policyBranch = policyBranchOf({ env: context.env, gitConfig: await readGitConfig(place) })
    const repository = await RepositoryAnswers.open(place)
    try {
      const policies = []
      for (const operand of [first, second]) {
        const { bytes, name } = await policyNamed(context, repository, operand)
        policies.push(parsePolicy(bytes, name, { policyBranch }))
      }
      const [before, after] = policies
      const lines = before && after ? policyDiff(before, after) : []
      const { stdout } = context.streams
      for (const line of lines) stdout.write(`${escapeText(line, 2000)}\n`)
      if (lines.length === 0) stdout.write('nothing that decides is different\n')
      return EXIT.ok
    } finally {
      await repository.close()
    }
  },
})
