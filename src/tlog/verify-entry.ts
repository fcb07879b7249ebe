import { encodeBase64 } from '../encoding/base64.ts'
import { encodeAscii, equalBytes } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import type { Verification } from '../crypto/verify.ts'
import { MalformedError } from '../errors.ts'
import type { Check } from '../facts.ts'
import { isInWindow } from '../x509/path.ts'
import { isRekorV1Origin, verifyCheckpoint, type Checkpoint } from './checkpoint.ts'
import type { EntryInclusionProof, KindVersion, TransparencyLogEntry } from './entry.ts'
import type { LogBody } from './hashedrekord.ts'
import { verifyByLog, type TransparencyLog } from './log.ts'
import { leafHash, rootFromInclusionProof } from './merkle.ts'

export interface LogEntryClaim {
  entry: TransparencyLogEntry
  /**
   * What the entry must hold, rebuilt by the caller from what was signed (`hashedrekordBodies`): never
   * taken from the entry itself unread. Several where the version is in doubt.
   */
  bodies: readonly LogBody[]
  /** Times proven by timestamps, in seconds: a log without a clock (v2) must have counted at one. */
  times?: readonly number[]
  /** A v0.1 bundle may have a promise and no proof; everything else needs the proof. */
  mayLackProof?: boolean
}

export interface LogEntryProof {
  /**
   * `unknown-log`: no trust root names the log, nothing was checked. `failed`: a check failed.
   * `proven`: the log holds the entry, or (`mayLackProof`) promised to.
   */
  outcome: 'proven' | 'failed' | 'unknown-log'
  /** `log-entry`, `log-inclusion`, `log-checkpoint`, `log-promise`, in this order. */
  checks: Check[]
  log: TransparencyLog | undefined
  /** What the log really holds: may differ from what the entry says, then `kind-version` is tolerated. */
  kindVersion: KindVersion
  /** Seconds since the epoch, only where the log's promise over it holds: a trusted time. */
  integratedTime: number | undefined
  tolerated: string[]
}

/**
 * Verifies that a known log holds an entry: its body, the Merkle proof to the root of a checkpoint that
 * the log signed, and the promise (signed entry timestamp) where there is one; each by a key that
 * counted at the time. Whether that time suits the certificate is for the caller. Never throws for
 * anything an entry holds.
 *
 * @see sigstore client specification §4; RFC 9162 §2.1.3
 */
export function* verifyLogEntry(
  claim: LogEntryClaim,
  logs: readonly TransparencyLog[],
): Verification<LogEntryProof> {
  const known = logs.filter((log) => equalBytes(log.logId, claim.entry.logId))
  let result: LogEntryProof | undefined
  // The same key can be listed twice with different windows: one that fits is enough.
  for (const log of known) {
    const attempt = yield* verifyAgainst(claim, log)
    if (attempt.outcome === 'proven') return attempt
    result ??= attempt
  }
  if (result !== undefined) return result
  const detail = `no trust root names the log ${encodeHex(claim.entry.logId.subarray(0, 32))}`
  return {
    outcome: 'unknown-log',
    checks: [
      { name: 'log-entry', result: 'not-checked', detail },
      { name: 'log-inclusion', result: 'not-checked' },
      { name: 'log-checkpoint', result: 'not-checked' },
      { name: 'log-promise', result: 'not-checked' },
    ],
    log: undefined,
    kindVersion: claim.entry.kindVersion,
    integratedTime: undefined,
    tolerated: [],
  }
}

function* verifyAgainst(claim: LogEntryClaim, log: TransparencyLog): Verification<LogEntryProof> {
  const { entry } = claim
  const bodies = possibleBodies(claim)
  const inclusion = yield* verifyInclusion(claim, bodies, log)
  const body = inclusion.body ?? bodies[0]
  const promise = yield* verifyPromise(entry, body, log)
  const checks: Check[] = [
    bodies.length > 0
      ? { name: 'log-entry', result: 'passed' }
      : { name: 'log-entry', result: 'failed', detail: bodyMismatch(claim) },
    inclusion.inclusion,
    inclusion.checkpoint,
    promise.check,
  ]
  const results = checks.map((check) => check.result)
  const isLogged = inclusion.body !== undefined || promise.integratedTime !== undefined
  const failed = results.includes('failed') || !isLogged
  const kindVersion = body?.kindVersion ?? entry.kindVersion
  const isRestamped = kindVersion.version !== entry.kindVersion.version
  return {
    outcome: failed ? 'failed' : 'proven',
    checks,
    log,
    kindVersion,
    integratedTime: promise.integratedTime,
    tolerated: isRestamped && !failed ? ['kind-version'] : [],
  }
}

/** A body that the entry carries must be one of those it may have. */
function possibleBodies({ entry, bodies }: LogEntryClaim): readonly LogBody[] {
  const given = entry.canonicalizedBody
  return given === undefined ? bodies : bodies.filter(({ bytes }) => equalBytes(bytes, given))
}

function bodyMismatch({ bodies }: LogEntryClaim): string {
  return bodies.length === 0
    ? 'its kind is not one that can be verified'
    : 'it is not about this signature'
}

interface Inclusion {
  inclusion: Check
  checkpoint: Check
  /** The body that the proof is about; undefined unless the log is proven to hold it. */
  body: LogBody | undefined
}

function* verifyInclusion(
  claim: LogEntryClaim,
  bodies: readonly LogBody[],
  log: TransparencyLog,
): Verification<Inclusion> {
  const proof = claim.entry.inclusionProof
  if (proof === undefined) {
    const result = claim.mayLackProof === true ? 'absent' : 'failed'
    return {
      inclusion: { name: 'log-inclusion', result, detail: 'the entry has no inclusion proof' },
      checkpoint: { name: 'log-checkpoint', result },
      body: undefined,
    }
  }
  let head: Checkpoint
  try {
    head = yield* verifyCheckpoint(proof.checkpoint, log)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return {
      inclusion: { name: 'log-inclusion', result: 'not-checked' },
      checkpoint: { name: 'log-checkpoint', result: 'failed', detail: error.message },
      body: undefined,
    }
  }
  const window = checkWindow(claim, log)
  const { body, why } = findBody(claim.entry, proof, head, bodies)
  const isProven = body !== undefined && window.result === 'passed'
  return {
    inclusion:
      why === undefined
        ? { name: 'log-inclusion', result: body === undefined ? 'not-checked' : 'passed' }
        : { name: 'log-inclusion', result: 'failed', detail: why },
    checkpoint: window,
    body: isProven ? body : undefined,
  }
}

/** A v1 log's time is its promise, judged with that; v2 has none but the timestamps beside it. */
function checkWindow({ entry, times = [] }: LogEntryClaim, log: TransparencyLog): Check {
  const judged = entry.inclusionPromise === undefined ? times : []
  if (judged.length === 0 || judged.some((time) => isInWindow(log, time))) {
    return { name: 'log-checkpoint', result: 'passed' }
  }
  const detail = "the trusted time is outside the validity of the log's key"
  return { name: 'log-checkpoint', result: 'failed', detail }
}

function findBody(
  entry: TransparencyLogEntry,
  proof: EntryInclusionProof,
  head: Checkpoint,
  bodies: readonly LogBody[],
): { body?: LogBody; why?: string } {
  const isV1 = isRekorV1Origin(head.origin)
  // Rekor v2 lets clients leave out what the checkpoint says; stated, it must be the same.
  const statesRoot = isV1 || proof.rootHash.length > 0
  if (statesRoot && !equalBytes(proof.rootHash, head.rootHash)) {
    return { why: "the proof's root hash is not the checkpoint's" }
  }
  const statesSize = isV1 || proof.treeSize !== 0n
  if (statesSize && proof.treeSize !== head.treeSize) {
    return { why: "the proof's tree size is not the checkpoint's" }
  }
  if (!isV1 && proof.logIndex !== 0n && proof.logIndex !== entry.logIndex) {
    return { why: "the proof's index is not the entry's" }
  }
  const leafIndex = isV1 ? proof.logIndex : entry.logIndex
  for (const body of bodies) {
    let root: Uint8Array
    try {
      root = rootFromInclusionProof({
        leafHash: leafHash(body.bytes),
        leafIndex,
        treeSize: head.treeSize,
        hashes: proof.hashes,
      })
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      return { why: error.message }
    }
    if (equalBytes(root, head.rootHash)) return { body }
  }
  return bodies.length === 0 ? {} : { why: 'the proof does not lead to the root' }
}

interface PromiseResult {
  check: Check
  integratedTime: number | undefined
}

function* verifyPromise(
  entry: TransparencyLogEntry,
  body: LogBody | undefined,
  log: TransparencyLog,
): Verification<PromiseResult> {
  const signature = entry.inclusionPromise
  const not = (result: Check['result'], detail?: string): PromiseResult => ({
    check: { name: 'log-promise', result, ...(detail !== undefined && { detail }) },
    integratedTime: undefined,
  })
  if (signature === undefined) return not('absent')
  if (body === undefined) return not('not-checked')
  const data = promisePayload(entry, body.bytes)
  if (!(yield* verifyByLog(log, data, signature, true)))
    return not('failed', "the log's signature over its promise does not hold")
  const integratedTime = Number(entry.integratedTime)
  if (!Number.isSafeInteger(integratedTime) || !isInWindow(log, integratedTime)) {
    return not('failed', "the integrated time is outside the validity of the log's key")
  }
  return { check: { name: 'log-promise', result: 'passed' }, integratedTime }
}

/** RFC 8785 form of the four members that a signed entry timestamp is over; the index is global. */
export function promisePayload(
  entry: Pick<TransparencyLogEntry, 'integratedTime' | 'logId' | 'logIndex'>,
  body: Uint8Array,
): Uint8Array {
  return encodeAscii(
    `{"body":"${encodeBase64(body)}","integratedTime":${String(entry.integratedTime)},` +
      `"logID":"${encodeHex(entry.logId)}","logIndex":${String(entry.logIndex)}}`,
  )
}
