import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { readTextFile } from '../../config/text-file.ts'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { resolveRevision, unknownRevision } from '../../git/refs.ts'
import { draftFromAllowedSigners } from '../../policy/draft-allowed-signers.ts'
import { draftPolicy } from '../../policy/draft.ts'
import { HistoryProver } from '../audit/history-prover.ts'
import { tellWarnings } from '../audit/after-words.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { PROOF_OPTIONS } from '../verify/options.ts'
import { Prover } from '../verify/prover.ts'
import { policyBranchOf } from './policy-text.ts'
import { whoSigned } from './who-signed.ts'

export const init = defineCommand({
  name: 'init',
  summary: 'Draft a policy from who has signed so far',
  description: `Proves the history and writes down who signed it, how often and with which addresses. An issuer that no signature proved is never guessed; OpenPGP keys, which prove nothing before a policy pins them, are named in comments; where nobody has signed the draft is a template of comments.

Prints the draft; -o writes it to a file that is not there yet.`,
  examples: [
    'git signet policy init',
    'git signet policy init -o .signet/policy.toml',
    'git signet policy init --allowed-signers .git/allowed_signers',
  ],
  options: {
    output: { type: 'string', short: 'o', value: 'FILE', summary: 'write it to FILE' },
    'from-commit': {
      type: 'string',
      value: 'COMMIT',
      summary: 'look at the history of COMMIT instead of HEAD',
    },
    'allowed-signers': {
      type: 'string',
      value: 'FILE',
      summary: 'take the keys of an allowed_signers file instead',
    },
    ...PROOF_OPTIONS,
  },
  async run(context, { options }): Promise<ExitCode> {
    const { output } = options
    const path = output === undefined ? undefined : resolve(context.cwd, output)
    if (path !== undefined && existsSync(path)) {
      throw new UsageError('FILE_EXISTS', `${escapeText(output ?? '')} is there already`, {
        hint: 'git signet policy init prints the draft',
      })
    }
    const text = await draft(context, options)
    if (path === undefined) context.streams.stdout.write(text)
    else {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text, { flag: 'wx' })
      context.streams.stderr.write(
        `wrote ${escapeText(output ?? '', 1000)}: look at every line, then git signet policy check\n`,
      )
    }
    return EXIT.ok
  },
})

interface DraftFlags {
  readonly 'from-commit': string | undefined
  readonly 'allowed-signers': string | undefined
  readonly 'trusted-root': readonly string[]
  readonly online: boolean
}

async function draft(context: Context, flags: DraftFlags): Promise<string> {
  const prover = await Prover.open(context, flags)
  try {
    const policyBranch = policyBranchOf(prover.sources)
    const keys = flags['allowed-signers']
    if (keys !== undefined) {
      const file = readTextFile(
        resolve(context.cwd, keys),
        'ALLOWED_SIGNERS',
        'the allowed signers',
      )
      return draftFromAllowedSigners(file, policyBranch)
    }
    const history = await HistoryProver.open(context, prover)
    try {
      const from = flags['from-commit']
      const tip = await resolveRevision(history.repository.place, `${from ?? 'HEAD'}^{commit}`)
      if (tip === undefined && from !== undefined) throw unknownRevision(from)
      const found =
        tip === undefined ? { seen: [], claimed: [], others: [] } : await whoSigned(history, tip)
      await prover.settle()
      tellWarnings(prover.warnings, context)
      const me = prover.sources.gitConfig.get('user.email') ?? undefined
      return draftPolicy({ policyBranch, ...found, me, roots: ownRoots(prover) })
    } finally {
      await history.close()
    }
  } finally {
    await prover.close()
  }
}

/** Digests of the roots that are not the public one. */
export function ownRoots({ roots }: Prover): Map<string, string> {
  return new Map(
    roots.filter(({ name }) => name !== 'public').map(({ name, digest }) => [name, digest]),
  )
}
