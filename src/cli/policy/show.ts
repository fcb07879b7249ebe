import { escapeText } from '../../encoding/escape.ts'
import { EXIT, PolicyError, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { resolveRevision, unknownRevision } from '../../git/refs.ts'
import { landingAt } from '../../policy/chain.ts'
import { isoTime } from '../../encoding/time.ts'
import { openPolicy } from '../audit/policy-source.ts'
import { defineCommand } from '../command.ts'
import { PROOF_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { policyInCommit, policyInFile } from './policy-text.ts'

export const show = defineCommand({
  name: 'show',
  summary: 'Print the policy in force at a commit, and the landing it came from',
  operands: '[COMMIT]',
  operandCount: { max: 1 },
  description: `COMMIT is on the first-parent chain of the policy branch, its tip unless you name another. The chain is verified from the anchor on. The file goes to standard output, where it comes from to standard error.`,
  examples: ['git signet policy show', 'git signet policy show v1.2 --anchor 8f0e…'],
  options: {
    policy: {
      type: 'string',
      value: 'FILE',
      summary: 'the policy, or the floor of an in-tree one',
    },
    anchor: {
      type: 'string',
      value: 'COMMIT',
      summary: 'full id of the commit where trust starts',
    },
    ...PROOF_OPTIONS,
  },
  async run(context, { options, positionals }): Promise<ExitCode> {
    const { stdout, stderr } = context.streams
    const [operand] = positionals
    const prover = await Prover.open(context, options)
    try {
      const open = await openPolicy(context, prover, options)
      if (open === undefined) {
        throw new PolicyError('ANCHOR_MISSING', 'no policy is in force: there is no anchor', {
          hint: 'name the signed commit that brought it: git config signet.anchor "$(git rev-parse COMMIT)"',
        })
      }
      try {
        const { session, repository } = open
        const { chain, fixed } = session.context
        const { place } = repository
        const commit =
          operand === undefined ? chain?.tip : await resolveRevision(place, `${operand}^{commit}`)
        if (commit === undefined && operand !== undefined) throw unknownRevision(operand)
        if (chain === undefined || commit === undefined) {
          const name = fixed?.policy.name ?? ''
          stderr.write(`in force everywhere: ${escapeText(name, 1000)}\n`)
          stdout.write(policyInFile(context, name).bytes)
          return EXIT.ok
        }
        const isOnChain = chain.commits.indexOf(commit) !== -1
        const at = isOnChain ? chain : await session.chainTo(commit)
        const index = at.commits.indexOf(commit)
        const landing = landingAt(at, index)
        const by = landing.signedBy === undefined ? 'unproven' : escapeText(landing.signedBy)
        const time = landing.at === undefined ? '' : `, ${isoTime(landing.at)}`
        const how = landing.index === 0 ? 'the anchor' : 'landed'
        stderr.write(`in force at ${commit}\n${how}: ${landing.commit}, signed by ${by}${time}\n`)
        for (const failed of at.failed.filter((one) => one.index <= index)) {
          const why = failed.reasons.map(({ code, detail }) => `${code}: ${escapeText(detail)}`)
          stderr.write(`did not land: ${failed.commit} (${why.join('; ')})\n`)
        }
        const { uncertain } = at
        const isKnown = uncertain === undefined || uncertain.index > index
        if (!isKnown) {
          const why = uncertain.reasons.map(({ code, detail }) => `${code}: ${escapeText(detail)}`)
          stderr.write(`could not check: ${uncertain.commit} (${why.join('; ')})\n`)
        }
        if (fixed !== undefined) stderr.write(`floor: ${escapeText(fixed.policy.name, 1000)}\n`)
        const text = await policyInCommit(repository, landing.commit, landing.commit)
        if (text === undefined) throw new UsageError('POLICY_FILE', 'the landing has no policy')
        stdout.write(text.bytes)
        return isKnown ? EXIT.ok : EXIT.unchecked
      } finally {
        await open.close()
      }
    } finally {
      await prover.close()
    }
  },
})
