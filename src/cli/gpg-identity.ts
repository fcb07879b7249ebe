import type { Setting } from '../config/settings.ts'
import { UsageError } from '../errors.ts'
import type { Signer } from '../facts.ts'
import { resolveIssuer } from '../policy/issuers.ts'
import { isNamed } from '../verification/signer-match.ts'

/** What the settings say about a signer; without a policy file they name one identity. */
export type IdentityVerdict =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'refused'
      readonly wanted: string
      /** By a policy: why. */
      readonly why?: string
    }
  | { readonly kind: 'nobody-named' }
  /** Half of an identity is named: a name means nothing without who vouches for it. */
  | { readonly kind: 'undecided'; readonly why: string }

/**
 * Compares a proven signer with `signet.identity` and `signet.identityIssuer`, exactly.
 *
 * @throws UsageError SETTING_INVALID an issuer that is neither URL nor alias
 */
export function judgeIdentity(
  identity: Setting<string | undefined>,
  issuer: Setting<string | undefined>,
): (signer: Signer | null) => IdentityVerdict {
  if (identity.value === undefined && issuer.value === undefined) {
    return () => ({ kind: 'nobody-named' })
  }
  if (identity.value === undefined || issuer.value === undefined) {
    const [set, missing] =
      identity.value === undefined
        ? [issuer.source.name, 'signet.identity']
        : [identity.source.name, 'signet.identityIssuer']
    return () => ({ kind: 'undecided', why: `${set} is set, but ${missing} is not` })
  }
  const wanted = identity.value
  const wantedIssuer = resolveIssuer(issuer.value)
  if (wantedIssuer === undefined) {
    const what = `cannot use ${issuer.source.name}: it is neither a URL nor a known name`
    throw new UsageError('SETTING_INVALID', what)
  }
  return (signer) =>
    signer !== null && isNamed(signer, wanted) && signer.issuer === wantedIssuer
      ? { kind: 'accepted' }
      : { kind: 'refused', wanted: `${wanted} (${wantedIssuer})` }
}
