import { runSync } from '../crypto/verify.ts'
import { RefusedError } from '../errors.ts'
import { buildTimestampRequest } from '../rfc3161/request.ts'
import { answersNonce, parseTimestampResponse } from '../rfc3161/response.ts'
import { parseTimestampToken } from '../rfc3161/token.ts'
import { verifyTimestampToken } from '../rfc3161/verify.ts'
import type { TimestampAuthority } from '../rfc3161/verify.ts'
import { readAnswer } from './answer.ts'
import { requestService } from './retry.ts'
import type { RetryOptions } from './retry.ts'
import { displayUrl } from './url.ts'

const SERVICE = 'the timestamp authority'
const MAX_BYTES = 64 << 10
const ATTEMPT_MS = 20_000

export interface TimestampRequest {
  /** The whole address that timestamps are asked at. */
  readonly url: URL
  /** What is stamped: for a signature its raw bytes. */
  readonly data: Uint8Array
  /** Random bytes. */
  readonly nonce: Uint8Array
  /** Whom the trust roots name. */
  readonly authorities: readonly TimestampAuthority[]
}

/**
 * Has data timestamped and checks the answer in full: granted, our nonce, our data, by a known
 * authority.
 *
 * @returns DER TimeStampToken
 * @throws RefusedError TIMESTAMP_REFUSED, SERVICE_REFUSED, SERVICE_ANSWER; UnavailableError
 * @see RFC 3161 §2.2, §3.4
 */
export async function requestTimestamp(
  { url, data, nonce, authorities }: TimestampRequest,
  options: RetryOptions,
): Promise<Uint8Array> {
  const response = await requestService(
    {
      service: SERVICE,
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/timestamp-query',
        accept: 'application/timestamp-reply',
      },
      body: buildTimestampRequest(data, nonce),
      maxBytes: MAX_BYTES,
      attemptMs: ATTEMPT_MS,
      expected: [200, 201],
    },
    options,
  )
  const where = `${SERVICE} (${displayUrl(url)})`
  const wrong = (why: string, hint?: string): RefusedError =>
    new RefusedError(
      'SERVICE_ANSWER',
      `${where} gave a wrong answer: ${why}`,
      hint === undefined ? {} : { hint },
    )
  if (response.headers['content-type']?.split(';')[0]?.trim() !== 'application/timestamp-reply') {
    throw wrong('it is not a timestamp reply')
  }
  const der = readAnswer(where, () => parseTimestampResponse(response.body))
  const token = readAnswer(where, () => parseTimestampToken(der))
  if (!answersNonce(token, nonce)) throw wrong('it does not answer this request (nonce)')
  const proof = runSync(verifyTimestampToken(token, data, authorities))
  if (proof.result !== 'passed') {
    const isUnknown = proof.result === 'unknown-authority'
    throw wrong(proof.why, isUnknown ? 'name its trusted root in signet.trustedRoot' : undefined)
  }
  return der
}
