import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { UnavailableError } from '../errors.ts'
import { isTransportFault } from './fault-injection.ts'
import type { Fault, FaultBoard } from './fault-injection.ts'
import { GRPC, grpcError, openapiError } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'

/** Fulcio's own limit; nothing that the stack reads comes near it. */
const MAX_BODY_BYTES = 4 << 20

export interface Listener {
  readonly port: number
  close(): Promise<void>
}

export interface ListenerOptions {
  /** 0 for any free one. */
  readonly port: number
  readonly routes: readonly Route[]
  readonly faults: FaultBoard
  /** One line for each request, without query (it holds codes) and without body. */
  readonly log: (line: string) => void
}

/**
 * Serves `routes` on 127.0.0.1 and, where there is one, ::1: "localhost" may mean either.
 *
 * Requests that name another host are refused, so that a web page that makes its own name
 * resolve to this machine cannot talk to the stack.
 *
 * @throws UnavailableError STACK_PORT when the port is taken
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  for (let attempt = 0; ; attempt += 1) {
    const first = await bind(options, '127.0.0.1', options.port)
    const { port } = first
    try {
      const second = await bind(options, '::1', port)
      return combine(port, [first.server, second.server])
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return combine(port, [first.server])
      await closeServer(first.server)
      // A free port on one family may be taken on the other: try another, unless one was asked for.
      if (options.port !== 0 || attempt >= 20) throw portTaken(port, error)
    }
  }
}

async function bind(
  options: ListenerOptions,
  host: string,
  port: number,
): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log(`error ${request.method ?? ''} ${String((error as Error).stack ?? error)}`)
      if (response.headersSent) response.destroy()
      else send(response, openapiError(500, 'internal error'))
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' && host === '127.0.0.1' ? portTaken(port, error) : error)
    })
    server.listen({ port, host, ipv6Only: host === '::1' }, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return { server, port: address.port }
}

function portTaken(port: number, cause: unknown): UnavailableError {
  return new UnavailableError(
    'STACK_PORT',
    `cannot start the local stack: port ${port} is used by another program`,
    {
      cause,
      hint: 'end that program, or choose a port for a new stack: git-signet stack up --port N --dir D',
    },
  )
}

function combine(port: number, servers: readonly Server[]): Listener {
  return {
    port,
    async close() {
      await Promise.all(servers.map(closeServer))
    },
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
    server.closeAllConnections()
  })
}

async function answer(
  options: ListenerOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refusal = refuseForeign(incoming)
  if (refusal !== undefined) {
    incoming.resume()
    send(response, refusal)
    return
  }
  const url = new URL(incoming.url ?? '/', 'http://localhost')
  const method = incoming.method ?? 'GET'
  const path = url.pathname
  const body = await readBody(incoming)
  if (body === undefined) {
    send(response, openapiError(413, 'request body too large', { connection: 'close' }))
    return
  }
  const found = findRoute(options.routes, method, path)
  if (!('route' in found)) {
    options.log(`${found.status} ${method} ${path}`)
    send(response, found, method === 'HEAD')
    return
  }
  const fault = options.faults.take(found.route.service, { method, path })
  if (fault !== undefined && isTransportFault(fault.mode)) {
    options.log(`fault ${fault.mode} ${method} ${path}`)
    if (await failTransport(fault, incoming, response)) return
  }
  const request: StackRequest = {
    method,
    path,
    query: url.searchParams,
    headers: incoming.headers,
    body,
    fault: fault === undefined || isTransportFault(fault.mode) ? undefined : fault.mode,
  }
  const reply = await found.route.handle(request, found.parameters)
  options.log(
    `${reply.status} ${method} ${path}${fault === undefined ? '' : ` fault ${fault.mode}`}`,
  )
  if (reply.isCut === true) response.destroy()
  else if (fault?.mode === 'cut-body') cutBody(response, reply)
  else send(response, reply, method === 'HEAD')
}

function refuseForeign(incoming: IncomingMessage): StackReply | undefined {
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '')
  if (!['localhost', '127.0.0.1', '[::1]'].includes(host)) {
    return openapiError(403, 'the local stack answers to localhost only')
  }
  const { origin } = incoming.headers
  if (origin !== undefined && incoming.method !== 'GET') {
    // A form on the stack's own pages names the stack; a page from elsewhere names itself.
    if (origin !== `http://${incoming.headers.host ?? ''}`) {
      return openapiError(403, 'the local stack takes no forms from other sites')
    }
  }
  return undefined
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; parameters: readonly string[] } | StackReply {
  let other: Route | undefined
  const wanted = method === 'HEAD' ? 'GET' : method
  for (const route of routes) {
    const match =
      typeof route.path === 'string' ? (route.path === path ? [] : null) : route.path.exec(path)
    if (match === null) continue
    if (route.method === wanted) return { route, parameters: match.slice(1) }
    other = route
  }
  if (/^\/api\/v2\/|^\/api\/v1\/(signingCert|rootCert)$/.test(path)) {
    return other === undefined
      ? grpcError(404, GRPC.notFound, 'Not Found')
      : grpcError(501, GRPC.unimplemented, 'Method Not Allowed')
  }
  return other === undefined
    ? openapiError(404, `path ${path} was not found`)
    : openapiError(405, `method ${method} is not allowed, but [${other.method}] are`, {
        allow: other.method,
      })
}

/** @returns whether the request has been dealt with */
async function failTransport(
  fault: Fault,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  switch (fault.mode) {
    case 'timeout':
      // Silence until the client gives up.
      await new Promise((resolve) => response.once('close', resolve))
      return true
    case 'cut':
      incoming.socket.resetAndDestroy()
      return true
    case 'slow':
      await delay(fault.delayMs ?? 2000)
      return false
    case 'cut-body':
      return false
    case '429': {
      const seconds = fault.retryAfterSeconds ?? 1
      send(response, {
        status: 429,
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          ...(seconds < 0 ? {} : { 'retry-after': String(seconds) }),
        },
        body: 'Too Many Requests\n',
      })
      return true
    }
    default:
      // What load balancers in front of the real services say.
      send(response, {
        status: Number(fault.mode),
        headers: { 'content-type': 'text/html' },
        body: `<html><head><title>${fault.mode}</title></head><body><h1>${fault.mode}</h1></body></html>\n`,
      })
      return true
  }
}

/** Always with Content-Length: gitsign's TSA client allocates by it and panics without. */
function send(response: ServerResponse, reply: StackReply, isHead = false): void {
  const body = Buffer.from(reply.body ?? '')
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(body.length) })
  response.end(isHead ? undefined : body)
}

function cutBody(response: ServerResponse, reply: StackReply): void {
  const body = Buffer.from(reply.body ?? '')
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(body.length) })
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => {
    response.destroy()
  })
}
