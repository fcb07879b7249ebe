import { digest, sha256 } from '../crypto/digest.ts'
import type { Verification } from '../crypto/verify.ts'
import { equalBytes, latin1 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { LIMITS } from '../encoding/limits.ts'
import { parsePem } from '../encoding/pem.ts'
import { MalformedError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { parseCertificate } from '../x509/certificate.ts'
import type { LeafCache } from './leaf-cache.ts'
import { onlineEvidence } from './log-evidence.ts'
import type { LoggedText } from './log-evidence.ts'
import type { OpenpgpKey } from './openpgp-packets.ts'
import { Findings, conclude, isBetter } from './outcome.ts'
import type { Conclusion } from './outcome.ts'
import { readSignatureForm, verifySigner } from './signature-form.ts'
import type { SignatureForm } from './signature-form.ts'
import { certificateFacts, signerFacts } from './signer.ts'
import { chainUnderRoot, judgeUnderRoot } from './under-root.ts'
import type { OnlineEvidence, Proven } from './under-root.ts'

export const SIGNED_MESSAGE = 'SIGNED MESSAGE'

export interface VerifyOptions {
  /** Shared by the verifications of one run. */
  readonly leaves?: LeafCache | undefined
  /** What a log answered for the signer's certificate; undefined: nobody asked. */
  readonly entries?: readonly TransparencyLogEntry[] | undefined
  /** Object ids that gitsign's online kind may have logged; only used with `entries`. */
  readonly loggedTexts?: readonly LoggedText[] | undefined
  /** OpenPGP keys that a policy pins; undefined: none was asked, and their signatures are UNSUPPORTED. */
  readonly openpgpKeys?: readonly OpenpgpKey[] | undefined
}

export interface SignedPayload {
  readonly payload: Uint8Array
  /** The signature as git hands it over: exactly one PEM block. */
  readonly armor?: Uint8Array
  /** Instead of `armor`: the CMS itself. */
  readonly cmsDer?: Uint8Array
  readonly roots: TrustRoots
  readonly options?: VerifyOptions
}

/** Facts about a signature, whatever holds it. */
export type SignatureFacts = Omit<Facts, 'schema' | 'object'>

/**
 * Verifies one X.509 signature over a payload: everything that bytes and trust roots can prove, and
 * nothing that depends on the clock, a network or a policy. Several roots: the one that proves most.
 * Never throws for anything in payload or signature.
 *
 * @returns `checks` from `armor` on
 * @see facts.md for every member
 */
export function* verifySignedPayload(input: SignedPayload): Verification<SignatureFacts> {
  const findings = new Findings()
  const payloadDigest = sha256(input.payload)
  const result = (form?: SignatureForm, judgement?: Judgement): SignatureFacts => {
    const { outcome, codes } = judgement?.conclusion ?? conclude(findings.codes)
    const found = judgement?.findings ?? findings
    // Written out: spreading objects costs more than all else here.
    return {
      signature: 'x509',
      outcome,
      codes,
      signer: form && judgement ? signerFacts(form.certificate, judgement.trust) : null,
      certificate: form === undefined ? null : certificateFacts(form.certificate),
      times: judgement?.proven.times ?? [],
      log: judgement?.proven.log ?? [],
      checks: found.list('armor'),
      tolerated: [...(form?.tolerated ?? []), ...found.tolerated],
      payload_sha256: encodeHex(payloadDigest),
    }
  }

  const form = readForm(input, findings)
  if (form === undefined) return result()
  const digested = form.digest === 'sha256' ? payloadDigest : digest(form.digest, input.payload)
  if (!equalBytes(form.messageDigest, digested)) {
    findings.failed('content-digest', 'BAD_SIGNATURE', 'it is a signature over something else')
    return result(form)
  }
  findings.passed('content-digest')
  if (form.scheme === undefined) {
    findings.notChecked('signature', 'UNSUPPORTED', 'its algorithm is not supported')
    return result(form)
  }
  if (!(yield* verifySigner(form, form.scheme))) {
    findings.failed('signature', 'BAD_SIGNATURE', 'the certificate’s key did not make it')
    return result(form)
  }
  findings.passed('signature')

  return result(form, yield* judge(form, input, findings))
}

interface Judgement {
  readonly findings: Findings
  readonly proven: Proven
  readonly conclusion: Conclusion
  readonly trust: string
}

function* judge(
  form: SignatureForm,
  input: SignedPayload,
  before: Findings,
): Verification<Judgement> {
  const { entries, loggedTexts = [] } = input.options ?? {}
  let online: OnlineEvidence
  let best: Judgement | undefined
  let why = 'no trust root was given'
  for (const root of input.roots) {
    const found = yield* chainUnderRoot(form.certificate, root)
    if (found.chain === undefined) {
      why = found.why
      continue
    }
    if (entries !== undefined) online ??= yield* onlineEvidence(form, entries, loggedTexts)
    const findings = before.copy()
    const proven = yield* judgeUnderRoot(form, found.chain, root, online, findings)
    let conclusion = conclude(findings.codes)
    if (conclusion.outcome === 'proven' && form.tolerated.length > 0) {
      // Everything holds, but nobody who signs with a Fulcio certificate writes this form.
      findings.failed('cms-form', 'MALFORMED', `not the one form: ${form.tolerated.join(', ')}`)
      conclusion = conclude(findings.codes)
    }
    const judgement = { findings, proven, conclusion, trust: root.name }
    if (best === undefined || isBetter(conclusion.outcome, best.conclusion.outcome))
      best = judgement
    if (conclusion.outcome === 'proven') break
  }
  if (best !== undefined) return best
  before.failed('chain', 'UNTRUSTED_CERTIFICATE', why)
  const conclusion = conclude(before.codes)
  return { findings: before, proven: { times: [], log: [] }, conclusion, trust: 'none' }
}

function readForm(input: SignedPayload, findings: Findings): SignatureForm | undefined {
  const { armor, cmsDer, options } = input
  const bytes = armor ?? cmsDer ?? new Uint8Array()
  if (bytes.length > LIMITS.signatureBytes) {
    findings.notChecked('armor', 'LIMIT', 'the signature is larger than is read')
    return undefined
  }
  let at: 'armor' | 'cms-form' = 'armor'
  try {
    const cms = armor === undefined ? bytes : parsePem(latin1(armor), SIGNED_MESSAGE)
    findings.passed('armor')
    at = 'cms-form'
    const form = readSignatureForm(cms, options?.leaves?.read ?? parseCertificate)
    findings.passed('cms-form', form.tolerated.length > 0 ? form.tolerated.join(', ') : undefined)
    return form
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    const { code, message } = error
    if (code.endsWith('_UNSUPPORTED')) findings.notChecked(at, 'UNSUPPORTED', message)
    else findings.failed(at, 'MALFORMED', message)
    return undefined
  }
}
