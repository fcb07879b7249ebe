import { runSync } from '../crypto/verify.ts'
import { encodeBase64 } from '../encoding/base64.ts'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { MalformedError, RefusedError, UnavailableError } from '../errors.ts'
import { verifyCheckpoint } from '../tlog/checkpoint.ts'
import type { Checkpoint } from '../tlog/checkpoint.ts'
import { logEntryFromJson } from '../tlog/entry-json.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { HASH_LENGTH } from '../tlog/merkle.ts'
import type { TransparencyLog } from '../tlog/log.ts'
import { proveInclusion } from '../tlog/prove.ts'
import { hashesFromTiles, inclusionTilePaths } from '../tlog/tile.ts'
import { parseAnswer, readAnswer } from './answer.ts'
import type { HttpResponse } from './http.ts'
import type { EntryRequest } from './rekor-v1.ts'
import { requestService } from './retry.ts'
import type { RetryOptions, ServiceRequest } from './retry.ts'
import { displayUrl, joinUrl } from './url.ts'

const SERVICE = 'Rekor v2'
const MAX_BYTES = 1 << 20
/** The answer waits for a published checkpoint: seconds, in bad hours tens of them. */
const WRITE_ATTEMPT_MS = 60_000
const READ_ATTEMPT_MS = 20_000
const POLL_MS = 1000

/**
 * Logs a hashedrekord 0.0.2. For an entry that is there already the proof is made from the log's tiles.
 * Verifies nothing about the answer: see `verifyLogEntry`.
 *
 * @param logs - the logs that the trust roots name, for reading a checkpoint
 * @throws RefusedError LOG_FROZEN: the log takes no more entries; SERVICE_REFUSED, SERVICE_ANSWER;
 *   UnavailableError
 */
export async function createEntryV2(
  request: EntryRequest,
  logs: readonly TransparencyLog[],
  options: RetryOptions,
): Promise<TransparencyLogEntry> {
  const response = await requestService(
    {
      service: SERVICE,
      method: 'POST',
      url: joinUrl(request.url, 'api/v2/log/entries'),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({
        hashedRekordRequestV002: {
          digest: encodeBase64(request.digest),
          signature: {
            content: encodeBase64(request.signature),
            verifier: {
              x509Certificate: { rawBytes: encodeBase64(request.certificate) },
              keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            },
          },
        },
      }),
      maxBytes: MAX_BYTES,
      attemptMs: WRITE_ATTEMPT_MS,
      expected: [200, 201, 405, 409],
    },
    options,
  )
  switch (response.status) {
    case 405:
      throw new RefusedError(
        'LOG_FROZEN',
        `${SERVICE} (${displayUrl(request.url)}) takes no more entries: the log is frozen`,
        { hint: 'use a current signing configuration (signet.signingConfig)' },
      )
    case 409:
      return proveFromTiles(request.url, conflictingIndex(request.url, response), logs, options)
    default: {
      const answer = parseAnswer(response, SERVICE)
      return readAnswer(SERVICE, () => logEntryFromJson(answer))
    }
  }
}

function conflictingIndex(url: URL, { headers }: HttpResponse): number {
  const value = headers['x-log-index']
  if (typeof value !== 'string' || !/^(?:0|[1-9]\d{0,14})$/.test(value)) {
    throw wrongAnswer(url, 'a conflict without the index of the entry')
  }
  return Number(value)
}

/** The entry at `index` with a proof to the log's present checkpoint. */
async function proveFromTiles(
  url: URL,
  index: number,
  logs: readonly TransparencyLog[],
  options: RetryOptions,
): Promise<TransparencyLogEntry> {
  const { note, log, head } = await requestHead(url, index, logs, options)
  const treeSize = Number(head.treeSize)
  const tiles = new Map<string, Uint8Array>()
  for (const path of inclusionTilePaths(index, treeSize)) {
    tiles.set(path, await requestTile(url, path, options))
  }
  const hashAt = hashesFromTiles(treeSize, (path) => tiles.get(path) ?? new Uint8Array())
  const hashes = readAnswer(SERVICE, () => proveInclusion(index, treeSize, hashAt))
  return {
    logIndex: BigInt(index),
    logId: log.logId,
    kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
    integratedTime: 0n,
    inclusionProof: {
      logIndex: BigInt(index),
      rootHash: head.rootHash,
      treeSize: head.treeSize,
      hashes,
      checkpoint: note,
    },
  }
}

/** Waits for a checkpoint that covers `index`: the entry is accepted before one is published. */
async function requestHead(
  url: URL,
  index: number,
  logs: readonly TransparencyLog[],
  options: RetryOptions,
): Promise<{ note: string; log: TransparencyLog; head: Checkpoint }> {
  for (;;) {
    const response = await requestService(readRequest(url, 'api/v2/checkpoint'), options)
    const note = decodeUtf8(response.body) ?? ''
    const opened = openCheckpoint(note, logs)
    if (opened === undefined) throw wrongAnswer(url, 'a checkpoint that no trusted log has signed')
    if (opened.head.treeSize > BigInt(index)) return { note, ...opened }
    if (options.deadline.remainingMs() < POLL_MS) {
      throw new UnavailableError(
        'SERVICE_FAILING',
        `${SERVICE} (${displayUrl(url)}) has not yet published the entry; the time is over`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function openCheckpoint(
  note: string,
  logs: readonly TransparencyLog[],
): { log: TransparencyLog; head: Checkpoint } | undefined {
  for (const log of logs) {
    try {
      return { log, head: runSync(verifyCheckpoint(note, log)) }
    } catch (error) {
      // By another log, or none: the next one is tried.
      if (!(error instanceof MalformedError)) throw error
    }
  }
  return undefined
}

/** A partial tile may be gone once the full one is there, which begins with it. */
async function requestTile(url: URL, path: string, options: RetryOptions): Promise<Uint8Array> {
  const tile = readRequest(url, `api/v2/${path}`)
  const [fullPath = path, width] = path.split('.p/')
  if (width === undefined) return (await requestService(tile, options)).body
  const partial = await requestService({ ...tile, expected: [200, 404] }, options)
  if (partial.status === 200) return partial.body
  const full = await requestService(readRequest(url, `api/v2/${fullPath}`), options)
  return full.body.subarray(0, Number(width) * HASH_LENGTH)
}

function readRequest(url: URL, path: string): ServiceRequest {
  return {
    service: SERVICE,
    method: 'GET',
    url: joinUrl(url, path),
    maxBytes: MAX_BYTES,
    attemptMs: READ_ATTEMPT_MS,
    expected: [200],
  }
}

function wrongAnswer(url: URL, why: string): RefusedError {
  const where = `${SERVICE} (${displayUrl(url)})`
  return new RefusedError('SERVICE_ANSWER', `${where} gave a wrong answer: ${why}`)
}
