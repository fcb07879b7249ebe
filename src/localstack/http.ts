import type { IncomingHttpHeaders } from 'node:http'
import type { JsonValue } from '../encoding/json.ts'

/** What faults and routes are addressed to. */
export type ServiceName = 'oidc' | 'ci' | 'fulcio' | 'ct' | 'rekor' | 'rekor-v2' | 'tsa' | 'stack'

export interface StackRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
  /** Test only: how this answer is to be wrong (`fault-injection.ts`). */
  readonly fault: string | undefined
}

export interface StackReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Test only: the work is done, then the connection is cut instead of answered. */
  readonly isCut?: boolean
}

export interface Route {
  readonly service: ServiceName
  readonly method: 'GET' | 'POST'
  /** An exact path, or a pattern whose groups become `parameters`. */
  readonly path: string | RegExp
  handle(request: StackRequest, parameters: readonly string[]): StackReply | Promise<StackReply>
}

/** Go services behind a CORS handler say this on every answer. */
const VARY = { vary: 'Origin' } as const

/** What Rekor v1 and the TSA send with everything that must not be cached. */
export const NO_STORE = {
  'cache-control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
  expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
  pragma: 'no-cache',
  'x-accel-expires': '0',
} as const

export function jsonReply(
  status: number,
  value: JsonValue,
  headers: Readonly<Record<string, string>> = {},
): StackReply {
  return {
    status,
    headers: { 'content-type': 'application/json', ...VARY, ...headers },
    body: JSON.stringify(value),
  }
}

export function bytesReply(
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): StackReply {
  return { status, headers: { 'content-type': contentType, ...VARY, ...headers }, body }
}

/** The gRPC codes that Fulcio and Rekor v2 answer with. */
export const GRPC = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  unimplemented: 12,
  internal: 13,
} as const

/** The error body of grpc-gateway: Fulcio, Rekor v2. */
export function grpcError(
  status: number,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): StackReply {
  return jsonReply(status, { code, message, details: [] }, headers)
}

/** The error body of go-openapi: Rekor v1, the TSA. */
export function openapiError(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
  code = status,
): StackReply {
  return jsonReply(status, { code, message }, headers)
}

/** Form fields of a POST; the first of each name. */
export function parseForm(request: StackRequest): URLSearchParams {
  return new URLSearchParams(Buffer.from(request.body).toString('utf8'))
}
