import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { resolveRange } from '../../git/refs.ts'
import { policyDiff } from '../../policy/diff.ts'
import type { Policy } from '../../policy/model.ts'
import { MAX_POLICY_BYTES, parsePolicy } from '../../policy/parse.ts'
import { plural } from '../../report/terminal.ts'
import { tellWarnings } from '../audit/after-words.ts'
import type { PolicyFlags } from '../audit/policy-source.ts'
import type { Context } from '../context.ts'
import { Prover } from '../verify/prover.ts'
import type { ProofFlags } from '../verify/prover.ts'
import { comparePushes } from './against-pushes.ts'
import { compareRange } from './against-range.ts'
import { openCandidate } from './candidate.ts'
import type { PolicyText } from './policy-text.ts'

export interface AgainstFlags extends ProofFlags, PolicyFlags {
  readonly against: string
}

/** What changes for a number of commits or pushes when a policy takes the place of another. */
export interface Comparison {
  /** `commit` or `push`. */
  readonly noun: string
  readonly total: number
  readonly refused: number
  readonly accepted: number
  /** Could be checked before, and cannot by the candidate. */
  readonly unchecked: number
  /** Refused by both. */
  readonly stillRefused: number
  /** What was refused then, and is not here to be judged again. */
  readonly gone: number
}

/**
 * Says what a policy would newly refuse or accept: in a range of commits, among the pushes that a hook
 * wrote down, or in words compared with another policy file.
 *
 * @throws UsageError AGAINST, REVISION_UNKNOWN, POLICY_FILE; PolicyError as `openPolicy`, and of the
 *   other policy file
 */
export async function checkAgainst(
  context: Context,
  flags: AgainstFlags,
  written: { readonly policy: Policy; readonly text: PolicyText },
  policyBranch: string,
): Promise<ExitCode> {
  const { against } = flags
  const path = resolve(context.cwd, against)
  const isFile = existsSync(path) && statSync(path).isFile()
  if (isFile && !isJsonLines(path)) return inWords(context, against, written.policy, policyBranch)
  const prover = await Prover.open(context, flags)
  try {
    const candidate = await openCandidate(context, prover, flags, written)
    try {
      const { refs, baseline, repository } = candidate
      const { stdout } = context.streams
      const line = (text: string): void => {
        stdout.write(`${text}\n`)
      }
      const by = isFile ? 'what the hook said' : (baseline?.name ?? 'no policy, which accepts all')
      const place = isFile ? '' : `, for ${refs.policyBranch}`
      line(
        `against ${escapeText(against, 1000)}${escapeText(place)}, compared with ${escapeText(by, 1000)}`,
      )
      if (!isFile && candidate.session.context.chain === undefined) {
        line(
          'without an anchor changes of the policy are judged as any other commit: --anchor COMMIT',
        )
      }
      const comparison = isFile
        ? await comparePushes(candidate, path, line)
        : await compareRange(candidate, await resolveRange(repository.place, [against]), line)
      await prover.settle()
      tellWarnings([...prover.warnings, ...candidate.session.problems], context)
      line(summaryOf(comparison))
      return exitOf(comparison)
    } finally {
      await candidate.close()
    }
  } finally {
    await prover.close()
  }
}

/** A hook's audit file and journal are JSON lines; no policy starts like one. */
function isJsonLines(path: string): boolean {
  return /^\s*\{/.test(readFileSync(path).subarray(0, MAX_POLICY_BYTES).toString('latin1'))
}

function inWords(
  { cwd, streams }: Context,
  file: string,
  policy: Policy,
  policyBranch: string,
): ExitCode {
  const bytes = readFileSync(resolve(cwd, file)).subarray(0, MAX_POLICY_BYTES + 1)
  const lines = policyDiff(parsePolicy(bytes, file, { policyBranch }), policy)
  streams.stdout.write(`compared with ${escapeText(file, 1000)}:\n`)
  for (const text of lines) streams.stdout.write(`  ${escapeText(text, 2000)}\n`)
  if (lines.length === 0) streams.stdout.write('  nothing that decides is different\n')
  return EXIT.ok
}

function summaryOf(found: Comparison): string {
  const { noun, total, refused, accepted, unchecked, stillRefused, gone } = found
  if (total === 0) return 'there was nothing to check'
  const nouns = noun === 'push' ? 'pushes' : undefined
  const parts = [
    `${plural(total, noun, nouns)}: ${String(refused)} newly refused`,
    `${String(accepted)} newly accepted`,
    ...(unchecked > 0 ? [`${String(unchecked)} could no longer be checked`] : []),
    ...(stillRefused > 0 ? [`${String(stillRefused)} refused as before`] : []),
    ...(gone > 0 ? [`${String(gone)} refused then and not here any more`] : []),
  ]
  return parts.join(', ')
}

function exitOf({ total, refused, unchecked }: Comparison): ExitCode {
  if (refused > 0) return EXIT.violation
  return unchecked > 0 || total === 0 ? EXIT.unchecked : EXIT.ok
}

/** @throws UsageError AGAINST where flags stand without it */
export function refuseWithout(flags: Omit<AgainstFlags, 'against'>): void {
  const { anchor, policy, online } = flags
  if (anchor === undefined && policy === undefined && !online && flags['trusted-root'].length === 0)
    return
  throw new UsageError('AGAINST', 'flags say how to prove commits, and nothing says which', {
    hint: 'git signet policy check --against A..B',
  })
}
