import { encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { encodePem } from '../encoding/pem.ts'
import { LIMITS } from '../encoding/limits.ts'
import { RefusedError } from '../errors.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { parseAnswer } from './answer.ts'
import { requestEntryV1 } from './rekor-v1.ts'
import { requestService } from './retry.ts'
import type { RetryOptions } from './retry.ts'
import { joinUrl } from './url.ts'

const ATTEMPT_MS = 30_000

/**
 * The entries that Rekor v1's search index has for a certificate, as many as are looked at. The index is
 * best effort: that it has none proves nothing. Verifies nothing.
 *
 * @throws RefusedError SERVICE_REFUSED, SERVICE_ANSWER; UnavailableError
 */
export async function searchEntriesV1(
  url: URL,
  certificate: Uint8Array,
  options: RetryOptions,
): Promise<TransparencyLogEntry[]> {
  const content = encodeBase64(encodeUtf8(encodePem('CERTIFICATE', certificate)))
  const response = await requestService(
    {
      service: 'Rekor',
      method: 'POST',
      url: joinUrl(url, 'api/v1/index/retrieve'),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ publicKey: { format: 'x509', content } }),
      maxBytes: 1 << 20,
      attemptMs: ATTEMPT_MS,
      expected: [200],
    },
    options,
  )
  const ids = parseAnswer(response, 'Rekor')
  if (!Array.isArray(ids)) throw wrongAnswer()
  const entries: TransparencyLogEntry[] = []
  for (const id of (ids as readonly unknown[]).slice(0, LIMITS.onlineEntries)) {
    if (typeof id !== 'string' || !/^(?:[0-9a-f]{64}|[0-9a-f]{80})$/.test(id)) throw wrongAnswer()
    entries.push(await requestEntryV1(url, id, options))
  }
  return entries
}

function wrongAnswer(): RefusedError {
  const why = 'the index does not list entries'
  return new RefusedError('SERVICE_ANSWER', `Rekor gave a wrong answer: ${why}`)
}
