import { request as requestHttp } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { UnavailableError } from '../errors.ts'
import { connectThroughProxy, proxyAuthorization, proxyFor } from './proxy.ts'
import type { Environment } from './proxy.ts'
import { displayUrl } from './url.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** An answer with more is refused. */
  readonly maxBytes: number
  /** For this one attempt, from connecting to the last byte. */
  readonly timeoutMs: number
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** How services are reached; decided once, handed to every client. */
export interface HttpOptions {
  /** For the proxy variables. */
  readonly env: Environment
  /** PEM certificates that are trusted besides the usual ones (`signet.caFile`). */
  readonly ca: string | undefined
}

/** Nobody answered: the code tells a retry what kind of failure it was. */
export class ConnectionError extends UnavailableError {
  /** Node's code, such as ECONNREFUSED; ETIMEDOUT when the time was over. */
  readonly reason: string

  constructor(url: URL, reason: string, why: string, cause?: unknown) {
    super('SERVICE_UNREACHABLE', `cannot reach ${displayUrl(url)}: ${why}`, { cause })
    this.reason = reason
  }
}

const USER_AGENT = 'git-signet'

/**
 * One exchange, without retries and without following redirects: no service here redirects, and a
 * token must not follow one.
 *
 * @throws ConnectionError nobody answered, in time or at all, or with too much
 * @throws UsageError URL_INVALID for a proxy
 */
export async function requestOnce(
  { method, url, headers = {}, body, maxBytes, timeoutMs }: HttpRequest,
  { env, ca }: HttpOptions,
): Promise<HttpResponse> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const isTls = url.protocol === 'https:'
  const proxy = proxyFor(url, env)
  const authorities = isTls && ca !== undefined ? await withUsualAuthorities(ca) : undefined
  const allHeaders = {
    'user-agent': USER_AGENT,
    connection: 'close',
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }
  const options: RequestOptions & { ca?: string[] } = {
    method,
    signal: timeout,
    headers: allHeaders,
    ...(authorities === undefined ? {} : { ca: authorities }),
  }
  try {
    if (proxy !== undefined && isTls) {
      const socket = await connectThroughProxy(proxy, url, authorities, timeout)
      // Only without an agent is a connection of one's own taken.
      options.createConnection = () => socket
    } else options.agent = false
    if (proxy !== undefined && !isTls) {
      options.headers = { ...allHeaders, host: url.host, ...proxyAuthorization(proxy) }
      const request = requestHttp(proxy, { ...options, path: url.href })
      return await exchange(request, body, maxBytes)
    }
    // Loaded where it is used: TLS costs every start 5 ms.
    const { request } = isTls ? await import('node:https') : { request: requestHttp }
    return await exchange(request(url, options), body, maxBytes)
  } catch (error) {
    if (timeout.aborted) {
      const seconds = Math.max(1, Math.round(timeoutMs / 1000))
      throw new ConnectionError(url, 'ETIMEDOUT', `no answer within ${seconds} s`, error)
    }
    throw toConnectionError(url, error)
  }
}

function exchange(
  request: ReturnType<typeof requestHttp>,
  body: Uint8Array | string | undefined,
  maxBytes: number,
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('response', (response) => {
      readBody(response, maxBytes).then(
        (bytes) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes })
        },
        (error: unknown) => {
          request.destroy()
          reject(error instanceof Error ? error : new Error(String(error)))
        },
      )
    })
    request.end(body)
  })
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) {
      throw Object.assign(new Error('too long'), { code: 'EMSGSIZE' })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'its name is unknown',
  EAI_AGAIN: 'its name cannot be looked up now',
  ENETUNREACH: 'no network',
  EHOSTUNREACH: 'no way there',
  EMSGSIZE: 'its answer is too long',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is self-signed (see signet.caFile)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its TLS certificate comes from an unknown CA (see signet.caFile)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its TLS certificate comes from an unknown CA (see signet.caFile)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its TLS certificate comes from an unknown CA (see signet.caFile)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
}

function toConnectionError(url: URL, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  // With several addresses tried, Node's error holds one per address; their codes agree in practice.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? String(first.code) : ''
  return new ConnectionError(url, code, EXPLANATIONS[code] ?? describe(error), error)
}

function describe(error: Error): string {
  return error.message.replace(/\s+/g, ' ').slice(0, 200)
}

async function withUsualAuthorities(ca: string): Promise<string[]> {
  const { rootCertificates } = await import('node:tls')
  return [...rootCertificates, ca]
}
