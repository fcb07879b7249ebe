import { escapeText } from '../../encoding/escape.ts'
import { EXIT, SignetError, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import { readGitConfig } from '../../git/config.ts'
import { resolveRevision } from '../../git/refs.ts'
import { gitLine } from '../../git/run.ts'
import type { Policy } from '../../policy/model.ts'
import { readPolicy } from '../../policy/parse.ts'
import { showProblem } from '../../policy/problem.ts'
import { policyWarnings } from '../../policy/warnings.ts'
import { policyMaterial } from '../../verification/policy-material.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { PROOF_OPTIONS } from '../verify/options.ts'
import { checkAgainst, refuseWithout } from './against.ts'
import { policyBranchOf, policyInCommit, policyInFile, workTreePolicyPath } from './policy-text.ts'

export const check = defineCommand({
  name: 'check',
  summary: 'Find mistakes and doubtful lines in a policy',
  operands: '[FILE]',
  operandCount: { max: 1 },
  description: `FILE is .signet/policy.toml of the work tree unless you name another. Every mistake has its line, its key and what is allowed; warnings say why a line is doubtful. Keys and trusted roots are looked for beside FILE.

With --against also what it would newly refuse or accept: of the commits in RANGE, judged for the policy branch and compared with the policy in force (else with the one that HEAD has), changes of the policy too where there is an anchor; of the pushes in FILE, if that is what a hook wrote (signet.hook.auditFile, or its journal), each judged as if it came now; or in words, if FILE is another policy.

Exit 0 without mistakes, 3 with. With --against: 1 where something is newly refused, 4 where something can no longer be checked or there was nothing to check.`,
  examples: [
    'git signet policy check',
    'git signet policy check /etc/git/policy.toml',
    'git signet policy check --against v1.2..origin/main',
    'git signet policy check new.toml --against /var/log/signet-pushes.jsonl',
  ],
  options: {
    against: {
      type: 'string',
      value: 'RANGE|FILE',
      summary: 'also say what it would newly refuse or accept there',
    },
    policy: {
      type: 'string',
      value: 'FILE',
      summary: 'with --against: the policy in force, or the floor of an in-tree one',
    },
    anchor: {
      type: 'string',
      value: 'COMMIT',
      summary: 'with --against: where trust in the policy in force starts',
    },
    ...PROOF_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const [operand] = positionals
    const { against, ...flags } = options
    if (against === undefined) refuseWithout(flags)
    const { stdout, stderr } = context.streams
    const place = { cwd: context.cwd, env: context.env }
    const policyBranch = policyBranchOf({ env: context.env, gitConfig: await readGitConfig(place) })
    const top = operand === undefined ? await topLevel(context) : undefined
    const source = policyInFile(context, operand ?? workTreePolicyPath(context, top))
    const { policy, problems, lineOf } = readPolicy(source.bytes, source.name, { policyBranch })
    const material = policy && (await policyMaterial(policy, source.files))
    const all = [...problems, ...(material?.problems ?? [])]
    for (const problem of all) stderr.write(`${showProblem(source.name, problem)}\n`)
    if (policy === undefined) return refused(all.length, context)
    const before = operand === undefined ? await committedPolicy(context, policyBranch) : undefined
    const now = context.clock()
    for (const { line, key, message } of policyWarnings(policy, {
      policyBranch,
      before,
      now,
      lineOf,
    })) {
      const at = key === '' ? '' : `${escapeText(key)}: `
      const place = line === undefined ? '' : `:${String(line)}`
      stderr.write(`${escapeText(source.name)}${place}: warning: ${at}${message}\n`)
    }
    if (all.length > 0) return refused(all.length, context)
    const counts = [
      countOf(policy.entries.size, 'name'),
      countOf(policy.admins.length, 'admin'),
      countOf(policy.rules.length, 'rule'),
    ].join(', ')
    stdout.write(
      `${escapeText(source.name)}: no mistakes (${counts}; policy branch ${policyBranch})\n`,
    )
    if (against === undefined) return EXIT.ok
    return checkAgainst(context, { ...flags, against }, { policy, text: source }, policyBranch)
  },
})

function refused(mistakes: number, { streams }: Context): ExitCode {
  streams.stderr.write(`${countOf(mistakes, 'mistake')}: this policy would be refused\n`)
  return EXIT.policy
}

function countOf(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`
}

/** Top folder of the work tree; undefined outside of one. */
export async function topLevel(context: Context): Promise<string | undefined> {
  try {
    return await gitLine({ cwd: context.cwd, env: context.env }, ['rev-parse', '--show-toplevel'])
  } catch (error) {
    if (error instanceof SignetError) return undefined
    throw error
  }
}

/** The policy that is committed: what the work tree's is to follow. */
async function committedPolicy(
  context: Context,
  policyBranch: string,
): Promise<Policy | undefined> {
  let repository: RepositoryAnswers
  try {
    repository = await RepositoryAnswers.open({ cwd: context.cwd, env: context.env })
  } catch (error) {
    if (error instanceof SignetError) return undefined
    throw error
  }
  try {
    const head = await resolveRevision(repository.place, 'HEAD^{commit}')
    const text = head === undefined ? undefined : await policyInCommit(repository, head, 'HEAD')
    return text && readPolicy(text.bytes, text.name, { policyBranch }).policy
  } finally {
    await repository.close()
  }
}

/** @throws UsageError NO_WORK_TREE */
export async function needTopLevel(context: Context): Promise<string> {
  const top = await topLevel(context)
  if (top !== undefined) return top
  throw new UsageError('NO_WORK_TREE', 'there is no work tree here to write to')
}
