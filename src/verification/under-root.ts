import { OID } from '../asn1/oid.ts'
import { singleValue } from '../cms/attributes.ts'
import type { Verification } from '../crypto/verify.ts'
import { MalformedError } from '../errors.ts'
import type { LogFacts, TrustedTime } from '../facts.ts'
import { parseTimestampToken } from '../rfc3161/token.ts'
import { verifyTimestampToken } from '../rfc3161/verify.ts'
import type { TrustedRoot } from '../sigstore/trusted-root.ts'
import { verifyLogEntry } from '../tlog/verify-entry.ts'
import type { LogEntryProof } from '../tlog/verify-entry.ts'
import type { Certificate } from '../x509/certificate.ts'
import { isValidAt } from '../x509/path.ts'
import { findChain, verifyScts, whyChainNotValid } from './certificate-chain.ts'
import type { CertificateChain, ChainResult } from './certificate-chain.ts'
import { embeddedEntry } from './log-evidence.ts'
import type { LogEvidence } from './log-evidence.ts'
import type { Findings } from './outcome.ts'
import type { SignatureForm } from './signature-form.ts'
import { whyNoSigner } from './signer.ts'
import { isoTime } from '../encoding/time.ts'

/** What one trust root proves about a signature that holds. */
export interface Proven {
  readonly times: TrustedTime[]
  readonly log: LogFacts[]
}

/** Entries a log was asked for; undefined where nobody asked. */
export type OnlineEvidence = readonly LogEvidence[] | undefined

/**
 * Judges the certificate, log entry and timestamp of a signature by one trust root alone: CA, logs and
 * authorities of several roots never mix. Results go into `findings`.
 */
export function* judgeUnderRoot(
  form: SignatureForm,
  chain: CertificateChain,
  root: TrustedRoot,
  online: OnlineEvidence,
  findings: Findings,
): Verification<Proven> {
  const times: TimeOf[] = []
  const log: LogFacts[] = []
  yield* judgeTimestamp(form, root, findings, times)
  const judged = yield* judgeLog(form, root, online, findings, times)
  if (judged?.proof.outcome === 'proven') {
    const { proof, index, tolerated } = judged
    const { kind, version } = proof.kindVersion
    log.push({ by: proof.log?.baseUrl ?? '', index: String(index), kind, version })
    findings.tolerated.push(...proof.tolerated, ...tolerated)
  }
  times.sort((one, other) => one.at - other.at)
  judgeTimes(form.certificate, chain, times, findings)
  const unfit = whyNoSigner(form.certificate)
  if (unfit === undefined) findings.passed('key-usage')
  else findings.failed('key-usage', 'CERTIFICATE_INVALID', unfit)
  const scts = yield* memorized(form.certificate, root).scts(chain)
  if (scts.result === 'passed') findings.passed('sct', scts.log.baseUrl)
  else if (scts.result === 'absent') findings.absent('sct')
  else findings.failed('sct', 'SCT_INVALID', scts.why)
  return { times: times.map(({ source, at, by }) => ({ source, at: isoTime(at * 1000), by })), log }
}

type TimeOf = Omit<TrustedTime, 'at'> & { at: number }

/** The one RFC 3161 token beside a signature, over its bytes. */
function* judgeTimestamp(
  { signedData: { signer } }: SignatureForm,
  root: TrustedRoot,
  findings: Findings,
  times: TimeOf[],
): Verification<void> {
  try {
    const value = singleValue(signer.unsignedAttributes, OID.timeStampToken, 'of the timestamp')
    if (value === undefined) {
      findings.absent('timestamp')
      return
    }
    const token = parseTimestampToken(value)
    const proof = yield* verifyTimestampToken(token, signer.signature, root.timestampAuthorities)
    if (proof.result !== 'passed') {
      findings.failed('timestamp', 'TIMESTAMP_INVALID', proof.why)
      return
    }
    findings.passed('timestamp')
    times.push({ source: 'rfc3161', at: proof.time, by: proof.authority.uri })
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    findings.failed('timestamp', 'TIMESTAMP_INVALID', error.message)
  }
}

interface JudgedEntry {
  readonly proof: LogEntryProof
  readonly index: bigint
  /** Of the evidence, beside what the proof tolerates. */
  readonly tolerated: readonly string[]
}

/** The embedded entry; without one, the first good one of those the log was asked for. */
function* judgeLog(
  form: SignatureForm,
  root: TrustedRoot,
  online: OnlineEvidence,
  findings: Findings,
  times: TimeOf[],
): Verification<JudgedEntry | undefined> {
  let candidates: readonly LogEvidence[]
  try {
    const embedded = embeddedEntry(form)
    candidates = embedded === undefined ? (online ?? []) : [embedded]
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    findings.failed('log-entry', 'LOG_ENTRY_INVALID', error.message)
    return undefined
  }
  let best: JudgedEntry | undefined
  for (const { entry, bodies, tolerated } of candidates) {
    const proof = yield* verifyLogEntry(
      { entry, bodies, times: times.map(({ at }) => at) },
      root.tlogs,
    )
    if (best === undefined || proof.outcome === 'proven') {
      best = { proof, index: entry.logIndex, tolerated }
    }
    if (proof.outcome === 'proven') break
  }
  if (best === undefined) {
    const why = online === undefined ? 'no log entry is embedded' : 'the log has no entry for it'
    findings.absent('log-entry', 'NOT_LOGGED', why)
    for (const name of ['log-inclusion', 'log-checkpoint', 'log-promise'] as const) {
      findings.absent(name)
    }
    return undefined
  }
  const { outcome, checks, integratedTime, log } = best.proof
  for (const check of checks) findings.check(check)
  if (outcome === 'unknown-log') {
    const detail = checks.find(({ name }) => name === 'log-entry')?.detail
    findings.failed('log-entry', 'LOG_ENTRY_INVALID', detail ?? 'its log is not known')
  } else if (outcome === 'failed') findings.codes.add('LOG_ENTRY_INVALID')
  else if (integratedTime !== undefined) {
    times.push({ source: 'rekor-v1', at: integratedTime, by: log?.baseUrl ?? '' })
  }
  return best
}

/** Every trusted time must suit the certificate and its chain; without one the chain is judged alone. */
function judgeTimes(
  certificate: Certificate,
  chain: CertificateChain,
  times: readonly TimeOf[],
  findings: Findings,
): void {
  const judgedAt = times.length > 0 ? times.map(({ at }) => at) : [certificate.notBefore]
  const why = judgedAt
    .map((at) => whyChainNotValid(chain, at))
    .find((reason) => reason !== undefined)
  if (why !== undefined) findings.failed('chain', 'UNTRUSTED_CERTIFICATE', why)
  else if (times.length > 0) findings.passed('chain')
  else findings.passed('chain', 'judged at notBefore: there is no trusted time')

  const outside = times.find(({ at }) => !isValidAt(certificate, at))
  if (outside !== undefined) {
    findings.failed(
      'trusted-time',
      'OUTSIDE_CERTIFICATE_VALIDITY',
      `${isoTime(outside.at * 1000)} (${outside.source}) is outside the validity of the certificate`,
    )
  } else if (times.length > 0) findings.passed('trusted-time')
  else findings.absent('trusted-time', 'NO_TRUSTED_TIME')
}

/** What depends on certificate and root alone, kept as long as both: many commits share a certificate. */
class Memory {
  readonly root: TrustedRoot
  readonly #leaf: Certificate
  #chain: ChainResult | undefined
  #scts: SctOf | undefined

  constructor(leaf: Certificate, root: TrustedRoot) {
    this.#leaf = leaf
    this.root = root
  }

  *chain(): Verification<ChainResult> {
    this.#chain ??= yield* findChain(this.#leaf, this.root)
    return this.#chain
  }

  *scts(chain: CertificateChain): Verification<SctOf> {
    this.#scts ??= yield* verifyScts(this.#leaf, chain, this.root)
    return this.#scts
  }
}

type SctOf = ReturnType<typeof verifyScts> extends Verification<infer R> ? R : never

/** Of each leaf one for every root it was judged by; few. */
const memories = new WeakMap<Certificate, Memory[]>()

function memorized(leaf: Certificate, root: TrustedRoot): Memory {
  let ofLeaf = memories.get(leaf)
  if (ofLeaf === undefined) memories.set(leaf, (ofLeaf = []))
  let memory = ofLeaf.find((one) => one.root === root)
  if (memory === undefined) ofLeaf.push((memory = new Memory(leaf, root)))
  return memory
}

/** `findChain`, done once for a certificate and a root. */
export function* chainUnderRoot(leaf: Certificate, root: TrustedRoot): Verification<ChainResult> {
  return yield* memorized(leaf, root).chain()
}
