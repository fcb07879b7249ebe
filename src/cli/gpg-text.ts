import { escapeText } from '../encoding/escape.ts'
import type { SignatureFacts } from '../verification/signed-payload.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { IdentityVerdict } from './gpg-identity.ts'

/**
 * What `git verify-commit` and `git log --show-signature` show of a signature: who, when, in which log,
 * by which trust root, and what is missing.
 */
export function verificationText(
  facts: SignatureFacts,
  verdict: IdentityVerdict,
  roots: TrustRoots,
): string {
  const lines = [headline(facts, verdict)]
  const [time] = facts.times
  const [log] = facts.log
  if (time !== undefined) {
    const where = log === undefined ? '' : `, entry ${log.index} of ${escapeText(log.by)}`
    lines.push(`signed ${time.at}${where}`)
  }
  const vouching = roots.find(({ name }) => name === facts.signer?.trust)
  if (vouching?.isLocal === true) {
    lines.push('by the LOCAL test stack: it proves nothing to anybody else')
  }
  if (facts.outcome === 'proven') lines.push(...identityLines(verdict))
  else lines.push(...failureLines(facts))
  return lines.map((line) => `git-signet: ${line}\n`).join('')
}

/** The first name in the certificate, whatever vouches for it. */
export function claimedSigner({ signer, certificate }: SignatureFacts): string | undefined {
  return signer?.value ?? certificate?.san[0]?.replace(/^[a-z]+:/, '')
}

function headline(facts: SignatureFacts, verdict: IdentityVerdict): string {
  const { signer } = facts
  const who =
    signer === null
      ? escapeText(claimedSigner(facts) ?? 'an unknown signer')
      : `${escapeText(signer.value)} (${escapeText(signer.issuer)})`
  switch (facts.outcome) {
    case 'proven':
      return verdict.kind === 'refused'
        ? `valid signature by ${who}, who may not sign here`
        : `good signature by ${who}`
    case 'bad':
      return `BAD signature, claiming to be by ${who}`
    case 'untrusted':
      return `signature by somebody no trust root vouches for, calling themselves ${who}`
    case 'incomplete':
      return `cannot check the signature by ${who}`
    case 'unsigned':
      return 'no signature'
  }
}

function identityLines(verdict: IdentityVerdict): string[] {
  switch (verdict.kind) {
    case 'accepted':
      return []
    case 'refused':
      return verdict.why === undefined
        ? [`signet.identity allows ${escapeText(verdict.wanted)} alone`]
        : [`the policy refuses it: ${escapeText(verdict.why, 400)}`]
    case 'nobody-named':
      return [
        'signer not checked: nobody said who may sign (signet.identity, signet.identityIssuer)',
      ]
    case 'undecided':
      return [`signer not checked: ${escapeText(verdict.why, 400)}`]
  }
}

function failureLines({ codes, checks }: SignatureFacts): string[] {
  const details = checks
    .filter(({ result, detail }) => result !== 'passed' && detail !== undefined)
    .map(({ name, detail }) => `${name}: ${escapeText(detail ?? '')}`)
  return [`${codes.join(', ')}${details.length === 0 ? '' : ` - ${details.join('; ')}`}`]
}
