import type { Run } from '../../report/result.ts'
import type { Context } from '../context.ts'
import { judgeFor } from '../verify/judge.ts'
import type { SignerFlags } from '../verify/wanted-signer.ts'
import type { Prover } from '../verify/prover.ts'
import type { JudgeSigner } from '../verify/single.ts'
import { openPolicy, refuseBoth } from './policy-source.ts'
import type { OpenPolicy, PolicyFlags } from './policy-source.ts'

export type JudgingFlags = SignerFlags &
  PolicyFlags & { readonly 'same-signer-as': string | undefined }

/** By what objects are judged: a policy, or one identity, or nothing. */
export type Judging =
  | { readonly kind: 'policy'; readonly policy: OpenPolicy }
  | { readonly kind: 'signer'; readonly judge: JudgeSigner | undefined }

const SIGNER_FLAGS = [
  'identity',
  'issuer',
  'certificate-identity-regexp',
  'certificate-oidc-issuer-regexp',
  'certificate-github-workflow-trigger',
  'certificate-github-workflow-sha',
  'certificate-github-workflow-name',
  'certificate-github-workflow-repository',
  'certificate-github-workflow-ref',
  'same-signer-as',
] as const

/**
 * What judges: flags that name a signer come first, then a policy, then the signer that the settings
 * name.
 *
 * @throws UsageError POLICY_TWICE, as `judgeFor`; PolicyError as `openPolicy`
 */
export async function openJudging(
  context: Context,
  prover: Prover,
  flags: JudgingFlags,
): Promise<Judging> {
  const hasSigner = SIGNER_FLAGS.some((name) => flags[name] !== undefined)
  refuseBoth(flags, hasSigner)
  if (!hasSigner) {
    const policy = await openPolicy(context, prover, flags)
    if (policy !== undefined) return { kind: 'policy', policy }
  }
  return { kind: 'signer', judge: await judgeFor(flags, prover) }
}

/** The head of a report. */
export function runOf(
  command: string,
  prover: Prover,
  context: Context,
  judged?: { readonly policy: OpenPolicy; readonly ref: string },
): Run {
  const policy = judged?.policy
  return {
    command,
    ...(judged !== undefined && { ref: judged.ref, policy: judged.policy.source }),
    ...(policy?.anchor !== undefined && { anchor: policy.anchor }),
    trustRoots: prover.reportedRoots,
    warnings: [
      ...prover.warnings,
      ...(policy === undefined ? [] : policyWarnings(policy, context)),
    ],
    now: context.clock() / 1000,
  }
}

function policyWarnings({ session }: OpenPolicy, context: Context): string[] {
  const { chain, fixed, floor } = session.context
  const warnings = [...session.problems]
  for (const { commit, reasons } of chain?.failed ?? []) {
    const why = reasons.map(({ code, detail }) => `${code}, ${detail}`).join('; ')
    warnings.push(
      `the policy change at ${commit.slice(0, 10)} did not land (${why}): the policy before it stays in force`,
    )
  }
  for (const policy of [chain?.landings.at(-1)?.policy, fixed?.policy, floor]) {
    if (policy?.expires === undefined || policy.expires > context.clock()) continue
    const since = new Date(policy.expires).toISOString()
    warnings.push(`the policy ${policy.name} was to be looked at again before ${since}`)
  }
  return [...new Set(warnings)]
}
