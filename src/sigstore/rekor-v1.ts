import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { decodeHex, encodeHex } from '../encoding/hex.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { encodePem } from '../encoding/pem.ts'
import { MalformedError, RefusedError } from '../errors.ts'
import { MAX_PROOF_HASHES } from '../tlog/entry.ts'
import type { EntryInclusionProof, TransparencyLogEntry } from '../tlog/entry.ts'
import { parseAnswer, readAnswer } from './answer.ts'
import type { HttpResponse } from './http.ts'
import { requestService } from './retry.ts'
import type { RetryOptions } from './retry.ts'
import { displayUrl, joinUrl } from './url.ts'

/** What is logged: a signature over a SHA-256 digest by the key of a certificate. */
export interface EntryRequest {
  /** The log's base URL. */
  readonly url: URL
  /** SHA-256 of what was signed. */
  readonly digest: Uint8Array
  readonly signature: Uint8Array
  /** DER. */
  readonly certificate: Uint8Array
}

const SERVICE = 'Rekor'
const MAX_BYTES = 1 << 20
const ATTEMPT_MS = 30_000
const ENTRIES = 'api/v1/log/entries'

/**
 * Logs a hashedrekord 0.0.1. An entry that is there already (an earlier try that got through) is
 * fetched; it can take a while until it can be. Verifies nothing: see `verifyLogEntry`.
 *
 * @throws RefusedError SERVICE_REFUSED, SERVICE_ANSWER; UnavailableError
 */
export async function createEntryV1(
  request: EntryRequest,
  options: RetryOptions,
): Promise<TransparencyLogEntry> {
  const response = await requestService(
    {
      service: SERVICE,
      method: 'POST',
      url: joinUrl(request.url, ENTRIES),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({
        apiVersion: '0.0.1',
        kind: 'hashedrekord',
        spec: {
          data: { hash: { algorithm: 'sha256', value: encodeHex(request.digest) } },
          signature: {
            content: encodeBase64(request.signature),
            publicKey: {
              content: encodeBase64(encodeUtf8(encodePem('CERTIFICATE', request.certificate))),
            },
          },
        },
      }),
      maxBytes: MAX_BYTES,
      attemptMs: ATTEMPT_MS,
      expected: [201, 409],
    },
    options,
  )
  if (response.status === 201) return parseEntryV1(parseAnswer(response, SERVICE))
  return requestEntryV1(request.url, conflictingEntryId(request.url, response), options, [404])
}

/** Fetches one entry by its ID (80 or 64 hex digits). Verifies nothing. */
export async function requestEntryV1(
  url: URL,
  entryId: string,
  options: RetryOptions,
  retryStatuses: readonly number[] = [],
): Promise<TransparencyLogEntry> {
  const response = await requestService(
    {
      service: SERVICE,
      method: 'GET',
      url: joinUrl(url, `${ENTRIES}/${entryId}`),
      headers: { accept: 'application/json' },
      maxBytes: MAX_BYTES,
      attemptMs: ATTEMPT_MS,
      expected: [200],
      retryStatuses,
    },
    options,
  )
  return parseEntryV1(parseAnswer(response, SERVICE))
}

/** Only the ID is taken from `Location`: where to ask is ours to say. */
function conflictingEntryId(url: URL, { headers }: HttpResponse): string {
  const entryId = /(?:^|\/)([0-9a-f]{80}|[0-9a-f]{64})$/.exec(headers.location ?? '')?.[1]
  if (entryId === undefined) {
    throw new RefusedError(
      'SERVICE_ANSWER',
      `${SERVICE} (${displayUrl(url)}) gave a wrong answer: a conflict without the entry's place`,
    )
  }
  return entryId
}

/**
 * Reads Rekor v1's answer about one entry, `{"<entry ID>": {…}}`, whose indices and times are plain
 * numbers. Proves nothing.
 *
 * @throws RefusedError SERVICE_ANSWER
 */
export function parseEntryV1(answer: JsonValue): TransparencyLogEntry {
  return readAnswer(SERVICE, () => {
    const entries = isJsonObject(answer) ? Object.values(answer) : []
    const [entry] = entries
    if (entries.length !== 1 || !isJsonObject(entry)) throw malformed('it is not one entry')
    const verification = entry['verification']
    if (!isJsonObject(verification)) throw malformed('there is no verification')
    const body = base64(entry, 'body')
    const promise = verification['signedEntryTimestamp']
    const proof = verification['inclusionProof']
    return {
      logIndex: integer(entry, 'logIndex'),
      logId: hash(entry['logID']),
      kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
      integratedTime: integer(entry, 'integratedTime'),
      inclusionPromise:
        promise === undefined ? undefined : base64(verification, 'signedEntryTimestamp'),
      inclusionProof: isJsonObject(proof) ? parseProof(proof) : undefined,
      canonicalizedBody: body,
    }
  })
}

function parseProof(proof: JsonObject): EntryInclusionProof {
  const hashes = proof['hashes']
  const checkpoint = proof['checkpoint']
  if (!Array.isArray(hashes) || hashes.length > MAX_PROOF_HASHES) {
    throw malformed('the proof has no list of hashes')
  }
  if (typeof checkpoint !== 'string') throw malformed('the proof has no checkpoint')
  return {
    logIndex: integer(proof, 'logIndex'),
    rootHash: hash(proof['rootHash']),
    treeSize: integer(proof, 'treeSize'),
    hashes: (hashes as readonly JsonValue[]).map(hash),
    checkpoint,
  }
}

function integer(object: JsonObject, name: string): bigint {
  const value = object[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw malformed(`${name} is not a number`)
  }
  return BigInt(value)
}

function base64(object: JsonObject, name: string): Uint8Array {
  const value = object[name]
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined) throw malformed(`${name} is not base64`)
  return bytes
}

function hash(value: JsonValue | undefined): Uint8Array {
  const bytes = typeof value === 'string' ? decodeHex(value) : undefined
  if (bytes?.length !== 32) throw malformed('a hash is not 32 bytes of hex')
  return bytes
}

function malformed(why: string): MalformedError {
  return new MalformedError('LOG_ENTRY_MALFORMED', `cannot read log entry: ${why}`)
}
