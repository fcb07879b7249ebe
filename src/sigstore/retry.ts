import { RefusedError, UnavailableError } from '../errors.ts'
import { escapeText } from '../encoding/escape.ts'
import { ConnectionError, requestOnce } from './http.ts'
import type { HttpOptions, HttpRequest, HttpResponse } from './http.ts'
import { displayUrl } from './url.ts'

/** The time that is left for everything, as a point in time that all requests share. */
export interface Deadline {
  /** Milliseconds left; 0 or less when it is over. */
  remainingMs(): number
}

export function deadlineIn(budgetMs: number, clock: () => number = Date.now): Deadline {
  const end = clock() + budgetMs
  return { remainingMs: () => end - clock() }
}

export interface RetryOptions extends HttpOptions {
  readonly deadline: Deadline
  /** Told before each wait that lasts longer than a moment; for people. */
  readonly onWait?: (why: string, waitMs: number) => void
}

export interface ServiceRequest extends Omit<HttpRequest, 'timeoutMs'> {
  /** As people know it: `Fulcio`, `Rekor`, `the timestamp authority`. */
  readonly service: string
  /** Longest wait for one attempt. */
  readonly attemptMs: number
  /** Statuses that the caller understands; every other one is an error. */
  readonly expected: readonly number[]
  /** Further statuses that are worth another try, such as 404 just after a conflict. */
  readonly retryStatuses?: readonly number[]
  /** Taken out of anything the service says before it is shown. */
  readonly secrets?: readonly string[]
}

const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 10_000
/** Nothing there at all seldom changes within a minute; a person waits for the answer. */
const NOBODY_THERE_MS = 8_000
const NOBODY_THERE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
])
const CUT = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_HTTP_INVALID_HEADER_VALUE', ''])

/**
 * Asks a service until it answers with an expected status or the time is over: exponential back-off
 * with full jitter, `Retry-After` honoured. Tried again: cut and silent connections, 408, 425, 429,
 * 5xx. Never another 4xx.
 *
 * @throws RefusedError SERVICE_REFUSED another status
 * @throws UnavailableError SERVICE_UNREACHABLE, SERVICE_FAILING
 */
export async function requestService(
  request: ServiceRequest,
  options: RetryOptions,
): Promise<HttpResponse> {
  const { deadline } = options
  const startedWith = deadline.remainingMs()
  let lastFailure: UnavailableError | undefined
  for (let attempt = 0; ; attempt += 1) {
    const remainingMs = deadline.remainingMs()
    if (remainingMs <= 0) throw outOfTime(request, lastFailure)
    let retryAfterMs: number | undefined
    try {
      const timeoutMs = Math.min(request.attemptMs, remainingMs)
      const response = await requestOnce({ ...request, timeoutMs }, options)
      if (request.expected.includes(response.status)) return response
      lastFailure = checkRetriable(request, response)
      retryAfterMs = parseRetryAfter(response.headers['retry-after'])
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      const isNobodyThere = NOBODY_THERE.has(error.reason)
      const spentMs = startedWith - deadline.remainingMs()
      if (!isNobodyThere && !CUT.has(error.reason)) throw named(request, error)
      if (isNobodyThere && spentMs > NOBODY_THERE_MS) throw named(request, error)
      lastFailure = named(request, error)
    }
    const backOffMs = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
    const waitMs = retryAfterMs ?? backOffMs / 2 + (Math.random() * backOffMs) / 2
    if (waitMs >= deadline.remainingMs()) throw outOfTime(request, lastFailure)
    options.onWait?.(lastFailure.message, waitMs)
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

/** @returns the failure to remember when another try makes sense */
function checkRetriable(request: ServiceRequest, response: HttpResponse): UnavailableError {
  const { status } = response
  const isRetriable =
    status === 408 ||
    status === 425 ||
    status === 429 ||
    status >= 500 ||
    (request.retryStatuses?.includes(status) ?? false)
  const said = describeAnswer(request, response)
  const what = `${request.service} (${displayUrl(request.url)}) answered ${String(status)}${said}`
  if (!isRetriable) throw new RefusedError('SERVICE_REFUSED', what)
  return new UnavailableError('SERVICE_FAILING', what)
}

function named(request: ServiceRequest, error: ConnectionError): UnavailableError {
  return new UnavailableError('SERVICE_UNREACHABLE', `${request.service}: ${error.message}`, {
    cause: error,
  })
}

function outOfTime(request: ServiceRequest, last: UnavailableError | undefined): UnavailableError {
  if (last === undefined) {
    const where = `${request.service} (${displayUrl(request.url)})`
    return new UnavailableError('OUT_OF_TIME', `${where} was not asked: the time is over`)
  }
  return new UnavailableError(last.code, `${last.message}; the time is over`, { cause: last })
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3); undefined when absent or unreadable. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : Math.max(0, time - Date.now())
}

/** The message of an error in the shape that Fulcio, Rekor and the TSA share, fit to be shown. */
function describeAnswer({ secrets = [] }: ServiceRequest, response: HttpResponse): string {
  const { body, headers } = response
  if (body.length === 0 || body.length > 64 << 10) return ''
  let text = Buffer.from(body).toString('utf8')
  for (const secret of secrets) text = text.replaceAll(secret, '<token>')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'message' in value) {
      return `: ${escapeText(String(value.message), 300)}`
    }
  } catch {
    // A SyntaxError: not JSON, but a load balancer's page or a line of text.
  }
  const isText = headers['content-type']?.startsWith('text/plain') ?? false
  return isText ? `: ${escapeText(text.trim(), 300)}` : ''
}
