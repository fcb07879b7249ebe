import { spawn } from 'node:child_process'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Server as NetServer } from 'node:net'

export interface Listening {
  /** Of the folder that is served; a repository's name follows. */
  readonly url: string
  readonly close: () => Promise<void>
}

export interface HttpListening extends Listening {
  /** Bodies of what was sent to receive-pack, the newest last. */
  readonly pushes: readonly Buffer[]
}

type Environment = Readonly<Record<string, string>>

/** `git daemon` on a port of its own: one process a connection, as inetd starts it. */
export async function startDaemon(root: string, env: Environment): Promise<Listening> {
  const server = createServer((socket) => {
    const args = [
      'daemon',
      '--inetd',
      '--export-all',
      '--enable=receive-pack',
      `--base-path=${root}`,
    ]
    const daemon = spawn('git', [...args, root], { env, stdio: ['pipe', 'pipe', 'ignore'] })
    socket.pipe(daemon.stdin)
    daemon.stdout.pipe(socket)
    daemon.stdin.on('error', () => undefined)
    socket.on('error', () => daemon.kill())
  })
  return { url: `git://127.0.0.1:${String(await listen(server))}`, close: () => closed(server) }
}

/** `git http-backend` behind a small web server, for somebody who has logged in. */
export async function startHttp(root: string, env: Environment): Promise<HttpListening> {
  const pushes: Buffer[] = []
  const server = createHttpServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts)
      if (request.url?.endsWith('/git-receive-pack') === true) pushes.push(body)
      answer(request, response, body, { ...env, GIT_PROJECT_ROOT: root })
    })
  })
  const port = await listen(server)
  const close = () => {
    server.closeAllConnections()
    return closed(server)
  }
  return { url: `http://127.0.0.1:${String(port)}`, pushes, close }
}

/** RFC 3875, as far as git needs it. */
function answer(
  { method = 'GET', url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  env: Environment,
): void {
  const [path = '', query = ''] = url.split('?')
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...env,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'somebody',
      REMOTE_ADDR: '127.0.0.1',
      REQUEST_METHOD: method,
      PATH_INFO: decodeURIComponent(path),
      QUERY_STRING: query,
      CONTENT_TYPE: headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const parts: Buffer[] = []
  backend.stdout.on('data', (part: Buffer) => parts.push(part))
  backend.stdin.on('error', () => undefined)
  backend.stdin.end(body)
  backend.on('close', () => {
    const output = Buffer.concat(parts)
    const end = output.indexOf('\r\n\r\n')
    let status = 200
    for (const line of output.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/)
      if (name === 'Status') status = Number(value.slice(0, 3))
      else if (name !== '') response.setHeader(name, value)
    }
    response.statusCode = end === -1 ? 500 : status
    response.end(output.subarray(end + 4))
  })
}

function listen(server: NetServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port)
    })
  })
}

function closed(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve()
    })
  })
}
