import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { encodeUtf8 } from '../../encoding/bytes.ts'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UnavailableError, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { latin1 } from '../../encoding/bytes.ts'
import { commitFields } from '../../git/object-form.ts'
import { splitObject } from '../../git/split.ts'
import { entryLines } from '../../policy/draft.ts'
import { parseIdent } from '../../policy/ident.ts'
import { parsePolicy, readPolicy } from '../../policy/parse.ts'
import { showProblem } from '../../policy/problem.ts'
import { defineCommand } from '../command.ts'
import { PROOF_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import type { Proved } from '../verify/prover.ts'
import { needTopLevel } from './check.ts'
import { ownRoots } from './init.ts'
import { policyBranchOf, policyInFile, workTreePolicyPath } from './policy-text.ts'

export const add = defineCommand({
  name: 'add',
  summary: 'Add whoever signed a commit to the policy in the work tree',
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  description: `Appends the identity that the signature of COMMIT proves to .signet/policy.toml as NAME, with the committer's address. It gives no rights: the lines to paste into rules are printed. Commit and sign the change as an admin.`,
  examples: ['git signet policy add carol --from-commit origin/carol/first'],
  options: {
    'from-commit': { type: 'string', value: 'COMMIT', summary: 'a commit that NAME signed' },
    ...PROOF_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const [name = ''] = positionals
    const revision = options['from-commit']
    if (revision === undefined) {
      throw new UsageError('FROM_COMMIT', 'no commit says who that is', {
        hint: 'git signet policy add NAME --from-commit COMMIT',
      })
    }
    const path = workTreePolicyPath(context, await needTopLevel(context))
    const prover = await Prover.open(context, options)
    try {
      const use = { policyBranch: policyBranchOf(prover.sources) }
      const policy = parsePolicy(policyInFile(context, path).bytes, path, use)
      if (policy.entries.has(name) || policy.teams.has(name)) {
        throw new UsageError('NAME_TAKEN', `${escapeText(name)} is already in ${escapeText(path)}`)
      }
      const proved = await prover.prove(revision)
      const { facts } = proved
      if (facts.outcome !== 'proven' || facts.signer === null) {
        throw new UnavailableError(
          'SIGNER_NOT_PROVEN',
          `cannot add the signer of ${escapeText(revision)}: it is not proven (${facts.codes.join(', ')})`,
          { hint: `git signet inspect ${escapeText(revision)}` },
        )
      }
      const addresses = committerOf(proved)
      const lines = entryLines(
        name,
        { signer: facts.signer, count: 1, addresses },
        ownRoots(prover),
      )
      lines[0] = (lines[0] ?? '').replace(/ {3}#.*$/, '')
      const place = resolve(context.cwd, path)
      const before = readFileSync(place, 'utf8')
      const text = `${before}${before.endsWith('\n') ? '' : '\n'}\n${lines.join('\n')}\n`
      const [problem] = readPolicy(encodeUtf8(text), path, use).problems
      const { stdout, stderr } = context.streams
      if (problem !== undefined) {
        stdout.write(`${lines.join('\n')}\n`)
        throw new UsageError('POLICY_ADD', `nothing was written: ${showProblem(path, problem)}`, {
          hint: 'paste the lines above where they fit',
        })
      }
      writeFileSync(place, text)
      stderr.write(`added ${escapeText(name)} to ${escapeText(path, 1000)}; it has no rights yet\n`)
      stdout.write(`# to let it commit, add the name to "by" of a rule:\n`)
      for (const rule of policy.rules) {
        const by = [...rule.by, name].map((one) => `"${escapeText(one)}"`).join(', ')
        const refs = rule.refs.map((ref) => ref.text).join(' ')
        stdout.write(`# line ${String(rule.line)}, ${escapeText(refs, 1000)}\nby = [${by}]\n`)
      }
      return EXIT.ok
    } finally {
      await prover.close()
    }
  },
})

function committerOf({ object }: Proved): string[] {
  if (object?.type !== 'commit') return []
  const fields = commitFields(splitObject('commit', object.bytes, object.format))
  const ident = fields && parseIdent(latin1(fields.committer))
  return ident === undefined ? [] : [Buffer.from(ident.address, 'latin1').toString('utf8')]
}
