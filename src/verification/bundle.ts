import type { Bundle } from '../bundle/bundle.ts'
import { preAuthEncoding } from '../bundle/dsse.ts'
import { whyNotLogged, type LoggedContent } from '../bundle/logged-body.ts'
import { isSubject, parseSubjects } from '../bundle/statement.ts'
import { digest as digestBytes } from '../crypto/digest.ts'
import type { PublicKey } from '../crypto/keys.ts'
import type { PrehashVerifier } from '../crypto/prehash.ts'
import type { Verification } from '../crypto/verify.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import type { Check, Outcome, ReasonCode, Signer } from '../facts.ts'
import { parseTimestampResponse } from '../rfc3161/response.ts'
import { parseTimestampToken } from '../rfc3161/token.ts'
import { verifyTimestampToken } from '../rfc3161/verify.ts'
import type { TrustedRoot } from '../sigstore/trusted-root.ts'
import type { LoggedDigest, LogVerifier } from '../tlog/hashedrekord.ts'
import { signatureHash } from '../tlog/log.ts'
import { verifyLogEntry } from '../tlog/verify-entry.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { isValidAt } from '../x509/path.ts'
import { findChain, verifyScts, whyChainNotValid } from './certificate-chain.ts'
import { conclude, Findings } from './outcome.ts'
import { signerFacts, whyNoSigner } from './signer.ts'
import { isoTime } from '../encoding/time.ts'

/** What a bundle is said to be about. */
export type Artifact =
  | { readonly bytes: Uint8Array }
  | { readonly sha256: Uint8Array; readonly verifyPrehash: PrehashVerifier }

export interface BundleFacts {
  readonly outcome: Outcome
  /** Empty exactly when the outcome is `proven`. */
  readonly codes: ReasonCode[]
  /** Who the certificate names; null for a bare key and wherever the chain does not hold. */
  readonly signer: Signer | null
  /** Seconds since the epoch, proven by logs and authorities; the earliest first. */
  readonly times: number[]
  readonly checks: Check[]
}

/**
 * Verifies a Sigstore bundle over an artifact by one trust root: signature, certificate, its timestamps,
 * log entries, trusted time. Who signed is for the caller to compare. Never throws for anything a
 * bundle holds.
 *
 * @param key - the signer's, known from elsewhere, for a bundle without certificate; with one in the
 * bundle it must be absent
 * @see sigstore client specification, "Verification"
 */
export function* verifyBundle(
  bundle: Bundle,
  artifact: Artifact,
  key: PublicKey | undefined,
  root: TrustedRoot,
): Verification<BundleFacts> {
  const findings = new Findings()
  const times: number[] = []
  let signer: Signer | null = null
  try {
    const certificate = readCertificate(bundle, key)
    const content = loggedContent(bundle, artifact, certificate, key)
    yield* judgeSignature(bundle, artifact, content, findings)
    yield* judgeTimestamps(bundle, content, root, findings, times)
    yield* judgeEntries(bundle, content, root, findings, times)
    times.sort((one, other) => one - other)
    if (certificate !== undefined) {
      yield* judgeCertificate(certificate, times, root, findings)
      if (findings.result('chain') === 'passed') signer = signerFacts(certificate, root.name)
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    findings.failed('object-form', 'MALFORMED', error.message)
  }
  return { ...conclude(findings.codes), signer, times, checks: findings.list('object-form') }
}

function readCertificate(bundle: Bundle, key: PublicKey | undefined): Certificate | undefined {
  const chain = (bundle.certificates ?? []).map(parseCertificate)
  const [leaf] = chain
  if ((leaf === undefined) === (key === undefined)) {
    throw malformed(
      key === undefined ? 'it needs a key that is not given' : 'it brings its own certificate',
    )
  }
  for (const [at, certificate] of chain.slice(1).entries()) {
    // sigstore_bundle.proto: a chain must not hold a root, lest somebody trusts it.
    if (equalBytes(certificate.issuer, certificate.subject)) {
      throw malformed('its chain holds a root certificate')
    }
    if (!equalBytes(chain[at]?.issuer ?? new Uint8Array(), certificate.subject)) {
      throw malformed('its chain is not in the order of issuing')
    }
  }
  return leaf
}

function loggedContent(
  { content }: Bundle,
  artifact: Artifact,
  certificate: Certificate | undefined,
  key: PublicKey | undefined,
): LoggedContent & { signed: Uint8Array | undefined } {
  const verifier = verifierOf(certificate, key)
  if (content.kind === 'message') {
    return {
      verifier,
      signature: content.message.signature,
      signed: 'bytes' in artifact ? artifact.bytes : undefined,
      digestOf: (algorithm) => artifactDigest(artifact, algorithm),
      envelope: undefined,
    }
  }
  const { envelope } = content
  const signed = preAuthEncoding(envelope)
  return {
    verifier,
    signature: envelope.signature,
    signed,
    digestOf: (algorithm) => digestBytes(algorithm, signed),
    envelope,
  }
}

function verifierOf(certificate: Certificate | undefined, key: PublicKey | undefined): LogVerifier {
  if (certificate !== undefined) {
    return { der: certificate.der, isCertificate: true, publicKey: certificate.publicKey }
  }
  if (key === undefined) throw malformed('it has no key')
  return { der: key.spki, isCertificate: false, publicKey: key }
}

function artifactDigest(artifact: Artifact, algorithm: LoggedDigest): Uint8Array | undefined {
  if ('bytes' in artifact) return digestBytes(algorithm, artifact.bytes)
  return algorithm === 'sha256' ? artifact.sha256 : undefined
}

/** The artifact is what was signed (or a subject of it), and the signature over that holds. */
function* judgeSignature(
  { content }: Bundle,
  artifact: Artifact,
  logged: LoggedContent & { signed: Uint8Array | undefined },
  findings: Findings,
): Verification<void> {
  const digestOf = (algorithm: LoggedDigest): Uint8Array | undefined =>
    artifactDigest(artifact, algorithm)
  const { publicKey } = logged.verifier
  let hashes: LoggedDigest[]
  if (content.kind === 'message') {
    const stated = content.message.digest
    const actual = stated && digestOf(stated.algorithm)
    if (stated !== undefined && (actual === undefined || !equalBytes(actual, stated.value))) {
      findings.failed('content-digest', 'BAD_SIGNATURE', 'its digest is not that of the artifact')
      return
    }
    hashes = stated === undefined ? [defaultHash(publicKey)] : [stated.algorithm]
  } else {
    if (!isSubject(parseSubjects(content.envelope), digestOf)) {
      findings.failed('content-digest', 'BAD_SIGNATURE', 'the artifact is none of its subjects')
      return
    }
    // An envelope does not name its digest; some sign SHA-256 whatever the curve.
    hashes = [...new Set([defaultHash(publicKey), 'sha256' as const])]
  }
  findings.passed('content-digest')
  for (const hash of hashes) {
    if (yield* signatureHolds(artifact, logged, hash)) {
      findings.passed('signature')
      return
    }
  }
  findings.failed('signature', 'BAD_SIGNATURE', 'the signature does not hold')
}

function* signatureHolds(
  artifact: Artifact,
  { verifier: { publicKey }, signature, signed, digestOf }: ReturnType<typeof loggedContent>,
  hash: LoggedDigest,
): Verification<boolean> {
  if (signed !== undefined) {
    const scheme = publicKey.type === 'ed25519' ? 'none' : hash
    return yield { key: publicKey, hash: scheme, data: signed, signature }
  }
  const digest = digestOf(hash)
  return (
    'verifyPrehash' in artifact &&
    digest !== undefined &&
    artifact.verifyPrehash({ key: publicKey, hash, digest, signature })
  )
}

function defaultHash(key: PublicKey): LoggedDigest {
  const hash = signatureHash(key)
  return hash === 'sha384' || hash === 'sha512' ? hash : 'sha256'
}

/** Every timestamp by a known authority must hold; those of others prove nothing. */
function* judgeTimestamps(
  bundle: Bundle,
  { signature }: LoggedContent,
  root: TrustedRoot,
  findings: Findings,
  times: number[],
): Verification<void> {
  if (bundle.timestamps.length === 0) findings.absent('timestamp')
  for (const response of bundle.timestamps) {
    const token = parseTimestampToken(parseTimestampResponse(response))
    const proof = yield* verifyTimestampToken(token, signature, root.timestampAuthorities)
    if (proof.result === 'failed') {
      findings.failed('timestamp', 'TIMESTAMP_INVALID', proof.why)
      return
    }
    if (proof.result === 'passed') {
      findings.passed('timestamp')
      times.push(proof.time)
    } else if (findings.result('timestamp') === undefined) {
      findings.notChecked('timestamp', undefined, proof.why)
    }
  }
}

/** At least one entry of a known log must hold, and none of a known log may fail. */
function* judgeEntries(
  bundle: Bundle,
  content: LoggedContent,
  root: TrustedRoot,
  findings: Findings,
  times: number[],
): Verification<void> {
  const stamped = [...times]
  let isLogged = false
  for (const entry of bundle.entries) {
    const bytes = entry.canonicalizedBody ?? new Uint8Array()
    const why = whyNotLogged(bytes, entry.kindVersion, content)
    if (why !== undefined) {
      findings.failed('log-entry', 'LOG_ENTRY_INVALID', why)
      return
    }
    const proof = yield* verifyLogEntry(
      {
        entry,
        bodies: [{ kindVersion: entry.kindVersion, bytes }],
        times: stamped,
        mayLackProof: bundle.version === '0.1',
      },
      root.tlogs,
    )
    if (proof.outcome === 'unknown-log' && isLogged) continue
    for (const check of proof.checks) findings.check(check)
    if (proof.outcome === 'failed') {
      findings.codes.add('LOG_ENTRY_INVALID')
      return
    }
    if (proof.outcome === 'proven') isLogged = true
    if (proof.integratedTime !== undefined) times.push(proof.integratedTime)
  }
  if (!isLogged) findings.codes.add('NOT_LOGGED')
}

/** Path and validity at every trusted time, use, and certificate timestamp of the leaf. */
function* judgeCertificate(
  leaf: Certificate,
  times: readonly number[],
  root: TrustedRoot,
  findings: Findings,
): Verification<void> {
  if (times.length === 0) findings.absent('trusted-time', 'NO_TRUSTED_TIME')
  const found = yield* findChain(leaf, root)
  if (found.chain === undefined) {
    findings.failed('chain', 'UNTRUSTED_CERTIFICATE', found.why)
    return
  }
  const { chain } = found
  const invalid = times.map((at) => whyChainNotValid(chain, at)).find((why) => why !== undefined)
  if (invalid === undefined) findings.passed('chain')
  else findings.failed('chain', 'UNTRUSTED_CERTIFICATE', invalid)
  const outside = times.find((at) => !isValidAt(leaf, at))
  if (outside !== undefined) {
    const detail = `${isoTime(outside * 1000)} is outside the validity of the certificate`
    findings.failed('trusted-time', 'OUTSIDE_CERTIFICATE_VALIDITY', detail)
  } else if (times.length > 0) findings.passed('trusted-time')
  const unfit = whyNoSigner(leaf)
  if (unfit === undefined) findings.passed('key-usage')
  else findings.failed('key-usage', 'CERTIFICATE_INVALID', unfit)
  const scts = yield* verifyScts(leaf, chain, root)
  if (scts.result === 'passed') findings.passed('sct', scts.log.baseUrl)
  else if (scts.result === 'failed') findings.failed('sct', 'SCT_INVALID', scts.why)
  else findings.absent('sct')
}

function malformed(why: string): MalformedError {
  return new MalformedError('BUNDLE_MALFORMED', `cannot verify bundle: ${why}`)
}
