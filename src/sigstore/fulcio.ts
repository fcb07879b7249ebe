import { encodeBase64 } from '../encoding/base64.ts'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { isJsonObject } from '../encoding/json.ts'
import { encodePem, parsePemBundle } from '../encoding/pem.ts'
import { MalformedError, RefusedError } from '../errors.ts'
import type { HttpResponse } from './http.ts'
import { parseAnswer } from './answer.ts'
import { requestService } from './retry.ts'
import type { RetryOptions, ServiceRequest } from './retry.ts'
import { displayUrl, joinUrl } from './url.ts'

export interface CertificateRequest {
  /** Fulcio's base URL. */
  readonly url: URL
  readonly idToken: string
  /** The public key to certify: DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** Signature by that key over the token's principal (its e-mail address, else its subject). */
  readonly proofOfPossession: Uint8Array
}

const SERVICE = 'Fulcio'
const MAX_BYTES = 256 << 10
const ATTEMPT_MS = 20_000
/** What a server says to a path that it does not serve. */
const NOT_SERVED = [404, 405, 501]

/**
 * Asks for a signing certificate, by API version 2, or 1 where only that is served. Checks only the
 * form of the answer: nobody has looked at the certificates yet.
 *
 * @returns DER certificates, the leaf first
 * @throws RefusedError SERVICE_REFUSED, SERVICE_ANSWER; UnavailableError
 */
export async function requestCertificate(
  request: CertificateRequest,
  options: RetryOptions,
): Promise<Uint8Array[]> {
  const v2 = await requestService(v2Request(request), options)
  if (!NOT_SERVED.includes(v2.status)) return chainOf(request.url, v2ChainText(v2))
  const v1 = await requestService(v1Request(request), options)
  return chainOf(request.url, decodeUtf8(v1.body))
}

function v2Request(request: CertificateRequest): ServiceRequest {
  return {
    service: SERVICE,
    method: 'POST',
    url: joinUrl(request.url, 'api/v2/signingCert'),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({
      credentials: { oidcIdentityToken: request.idToken },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: encodePem('PUBLIC KEY', request.spki) },
        proofOfPossession: encodeBase64(request.proofOfPossession),
      },
    }),
    maxBytes: MAX_BYTES,
    attemptMs: ATTEMPT_MS,
    expected: [200, 201, ...NOT_SERVED],
    secrets: [request.idToken],
  }
}

function v1Request(request: CertificateRequest): ServiceRequest {
  return {
    service: SERVICE,
    method: 'POST',
    url: joinUrl(request.url, 'api/v1/signingCert'),
    headers: {
      'content-type': 'application/json',
      accept: 'application/pem-certificate-chain',
      authorization: `Bearer ${request.idToken}`,
    },
    body: JSON.stringify({
      publicKey: { content: encodeBase64(request.spki), algorithm: 'ecdsa' },
      signedEmailAddress: encodeBase64(request.proofOfPossession),
    }),
    maxBytes: MAX_BYTES,
    attemptMs: ATTEMPT_MS,
    expected: [200, 201],
    secrets: [request.idToken],
  }
}

/** The chain of either answer form; a detached timestamp is of no use to a git signature. */
function v2ChainText(response: HttpResponse): string | undefined {
  const answer = parseAnswer(response, SERVICE)
  const certificate = isJsonObject(answer)
    ? (answer['signedCertificateEmbeddedSct'] ?? answer['signedCertificateDetachedSct'])
    : undefined
  const chain = isJsonObject(certificate) ? certificate['chain'] : undefined
  const list = isJsonObject(chain) ? chain['certificates'] : undefined
  if (!Array.isArray(list) || !list.every((pem) => typeof pem === 'string')) return undefined
  return list.map((pem) => `${pem}\n`).join('')
}

function chainOf(url: URL, text: string | undefined): Uint8Array[] {
  try {
    if (text !== undefined) return parsePemBundle(text, 'CERTIFICATE')
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  const where = `${SERVICE} (${displayUrl(url)})`
  throw new RefusedError('SERVICE_ANSWER', `${where} gave a wrong answer: no certificates`)
}
