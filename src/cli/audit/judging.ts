import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { UsageError } from '../../errors.ts'
import { askedText } from '../../report/result.ts'
import type { Run } from '../../report/result.ts'
import type { Context } from '../context.ts'
import { judgeFor } from '../verify/judge.ts'
import type { SignerFlags } from '../verify/wanted-signer.ts'
import type { Prover } from '../verify/prover.ts'
import type { JudgeSigner } from '../verify/single.ts'
import { policyWarnings } from './policy-warnings.ts'
import { openPolicy, refuseBoth } from './policy-source.ts'
import type { OpenPolicy, PolicyFlags } from './policy-source.ts'

export type JudgingFlags = SignerFlags &
  PolicyFlags & { readonly 'same-signer-as': string | undefined; readonly me?: boolean }

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
  typed: JudgingFlags,
): Promise<Judging> {
  const flags = typed.me === true ? { ...typed, ...whoAmI(typed, prover.sources) } : typed
  const hasSigner = SIGNER_FLAGS.some((name) => flags[name] !== undefined)
  refuseBoth(flags, hasSigner)
  if (!hasSigner) {
    const policy = await openPolicy(context, prover, flags)
    if (policy !== undefined) return { kind: 'policy', policy }
  }
  return { kind: 'signer', judge: await judgeFor(flags, prover) }
}

/**
 * The identity one signs with here: git's address (or `signet.identity`) under the issuer that the
 * settings name.
 *
 * @throws UsageError ME_TWICE, ME_UNKNOWN
 */
function whoAmI(
  flags: JudgingFlags,
  sources: SettingSources,
): { identity: string; issuer: string } {
  if (SIGNER_FLAGS.some((name) => name !== 'same-signer-as' && flags[name] !== undefined)) {
    throw new UsageError('ME_TWICE', '--me says who must have signed, and so do other flags', {
      hint: 'leave out --me, or --identity and --issuer',
    })
  }
  const address = readSetting('identity', sources).value ?? sources.gitConfig.get('user.email')
  const issuer =
    readSetting('identityIssuer', sources).value ?? readSetting('connectorId', sources).value
  if (!address) {
    throw new UsageError('ME_UNKNOWN', 'git does not know your address', {
      hint: 'git config --global user.email YOU@EXAMPLE.ORG',
    })
  }
  if (!issuer) {
    throw new UsageError('ME_UNKNOWN', 'nothing says who vouches for you', {
      hint: 'git config --global signet.identityIssuer github, google or microsoft',
    })
  }
  return { identity: address, issuer }
}

/** What was asked: a command's name and its operands. */
export type Asked = readonly [verb: string, ...operands: readonly string[]]

/**
 * The head of a report.
 *
 * @param judged - by what objects are judged, and for which ref; undefined: nobody is named
 */
export function runOf(
  [verb, ...operands]: Asked,
  prover: Prover,
  context: Context,
  judged: { readonly policy: OpenPolicy; readonly ref: string } | JudgeSigner | undefined,
): Run {
  const byPolicy = typeof judged === 'object' ? judged : undefined
  const policy = byPolicy?.policy
  return {
    command: [verb, ...operands].join(' '),
    asked: askedText(verb, operands),
    ...(judged === undefined && { isNobodyNamed: true }),
    ...(prover.isOnline && { isOnline: true }),
    ...(byPolicy !== undefined && { ref: byPolicy.ref, policy: byPolicy.policy.source }),
    ...(policy?.anchor !== undefined && { anchor: policy.anchor }),
    trustRoots: prover.reportedRoots,
    warnings: [
      ...prover.warnings,
      ...(policy === undefined ? [] : policyWarnings(policy.session, { now: context.clock() })),
    ],
    now: context.clock() / 1000,
  }
}
