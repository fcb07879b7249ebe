import { readSetting } from '../config/settings.ts'
import type { SettingSources } from '../config/settings.ts'
import { loadTrustRoots } from '../config/trust-root.ts'
import { runSync } from '../crypto/verify.ts'
import { EXIT } from '../errors.ts'
import type { ExitCode } from '../errors.ts'
import type { GpgCall } from '../gpg/arguments.ts'
import { verifyStatusLines } from '../gpg/status.ts'
import type { VerifyStatus } from '../gpg/status.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { verifySignedPayload } from '../verification/signed-payload.ts'
import type { SignatureFacts } from '../verification/signed-payload.ts'
import { readConfiguration } from './gpg-configuration.ts'
import { readAll, tell, writeAll } from './gpg-io.ts'
import { judgeIdentity } from './gpg-identity.ts'
import type { IdentityVerdict } from './gpg-identity.ts'
import type * as PolicyPart from './gpg-policy.ts'
import { claimedSigner, verificationText } from './gpg-text.ts'

/**
 * git's `--verify FILE -`: status lines for git, words for people on standard error.
 *
 * @throws SignetError before anything was said; the caller tells git
 */
export function runVerify(
  call: GpgCall & { mode: 'verify' },
  policyPart: () => typeof PolicyPart,
): ExitCode | Promise<ExitCode> {
  const armor = readAll(call.signatureFile, 'the signature file')
  const payload = readAll(call.payloadFile ?? 0, 'what was signed')
  const sources = { env: process.env, gitConfig: readConfiguration() }
  if (hasPolicy(sources)) {
    return policyPart()
      .judgePayload(payload, signatureOf(armor), sources)
      .then(({ facts, verdict, roots }) => report(facts, verdict, roots, call.statusFd))
  }
  const roots = loadTrustRoots(readSetting('trustedRoot', sources))
  const verdictOn = judgeIdentity(
    readSetting('identity', sources),
    readSetting('identityIssuer', sources),
  )
  const signature = signatureOf(armor)
  const facts = runSync(verifySignedPayload({ payload, ...signature, roots }))
  const tellOf = (proven: SignatureFacts): ExitCode =>
    report(proven, verdictOn(proven.signer), roots, call.statusFd)
  return facts.codes.includes('NOT_LOGGED')
    ? policyPart().completeFacts(payload, signature, facts, roots).then(tellOf)
    : tellOf(facts)
}

/** A policy by path, or an anchor from which one stands in the tree. */
function hasPolicy(sources: SettingSources): boolean {
  return (['policyFile', 'anchor'] as const).some((name) => {
    const { value } = readSetting(name, sources)
    return value !== undefined && value !== ''
  })
}

/** gitsign's DER output is read too: armor is what begins like it. */
function signatureOf(bytes: Uint8Array): { armor: Uint8Array } | { cmsDer: Uint8Array } {
  return bytes[0] === 0x30 ? { cmsDer: bytes } : { armor: bytes }
}

function report(
  facts: SignatureFacts,
  verdict: IdentityVerdict,
  roots: TrustRoots,
  statusFd: number | undefined,
): ExitCode {
  const { status, exit } = conclude(facts, verdict)
  tell(verificationText(facts, verdict, roots))
  if (statusFd !== undefined) writeAll(statusFd, verifyStatusLines(status))
  return exit
}

/** The table at the end of facts.md. */
function conclude(
  facts: SignatureFacts,
  verdict: IdentityVerdict,
): { status: VerifyStatus; exit: ExitCode } {
  const fingerprint = facts.certificate?.sha256
  switch (facts.outcome) {
    case 'proven': {
      const [time] = facts.times
      const good = {
        kind: 'good',
        fingerprint: fingerprint ?? '0',
        signer: facts.signer?.value ?? '',
        time: time === undefined ? 0 : Math.floor(Date.parse(time.at) / 1000),
      } as const
      switch (verdict.kind) {
        case 'accepted':
          return { status: { ...good, trust: 'fully' }, exit: EXIT.ok }
        case 'refused':
          return { status: { ...good, trust: 'never' }, exit: EXIT.violation }
        case 'nobody-named':
          return { status: { ...good, trust: 'undefined' }, exit: EXIT.ok }
        case 'undecided':
          return { status: { ...good, trust: 'undefined' }, exit: EXIT.unchecked }
      }
    }
    case 'bad':
      return {
        status: { kind: 'bad', fingerprint, signer: claimedSigner(facts) },
        exit: EXIT.violation,
      }
    case 'untrusted':
      return { status: { kind: 'error', fingerprint }, exit: EXIT.violation }
    case 'incomplete':
    case 'unsigned':
      return { status: { kind: 'error', fingerprint }, exit: EXIT.unchecked }
  }
}
