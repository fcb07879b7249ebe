import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { UnavailableError, UsageError } from '../errors.ts'
import { callbackPage } from './callback-page.ts'

export interface CallbackListener {
  /** `redirect_uri` of the login. */
  readonly redirectUrl: string
  /** The URL that the browser was sent back to, with its parameters. @throws UnavailableError */
  answer(timeoutMs: number): Promise<URL>
  close(): void
}

const PATH = '/auth/callback'

/**
 * Listens on loopback for the browser to come back. Anything but the one expected request (its `state`
 * tells) is turned away and changes nothing: every page on this machine could send one.
 *
 * @param fixedUrl - a loopback URL that was registered with the issuer
 * @throws UsageError REDIRECT_URL
 */
export async function listenForCallback(
  fixedUrl: string | undefined,
  state: string,
  closeAfterSeconds: number | undefined,
): Promise<CallbackListener> {
  const fixed = fixedUrl === undefined ? undefined : parseRedirectUrl(fixedUrl)
  let base = fixed ?? new URL(`http://localhost${PATH}`)
  let resolveAnswer: (url: URL) => void = () => undefined
  const answered = new Promise<URL>((resolve) => {
    resolveAnswer = resolve
  })
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const url = URL.canParse(request.url ?? '', base.href)
      ? new URL(request.url ?? '', base)
      : undefined
    if (request.method !== 'GET' || url?.pathname !== base.pathname) {
      response.writeHead(404).end()
      return
    }
    if (url.searchParams.get('state') !== state) {
      sendPage(response, 400, { kind: 'stale' })
      return
    }
    const isError = url.searchParams.has('error')
    sendPage(response, 200, isError ? { kind: 'failed' } : { kind: 'done', closeAfterSeconds })
    const answer = new URL(base)
    answer.search = url.search
    resolveAnswer(answer)
  }
  const servers = await listen(onRequest, Number(base.port))
  const port = (servers[0]?.address() as AddressInfo).port
  base = new URL(base)
  base.port = String(port)
  return {
    redirectUrl: fixedUrl ?? base.href,
    async answer(timeoutMs) {
      let timer: NodeJS.Timeout | undefined
      const timeout = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          const seconds = String(Math.round(timeoutMs / 1000))
          reject(
            new UnavailableError('LOGIN_TIMEOUT', `cannot log in: no answer within ${seconds} s`),
          )
        }, timeoutMs)
      })
      try {
        return await Promise.race([answered, timeout])
      } finally {
        clearTimeout(timer)
      }
    },
    close() {
      for (const server of servers) {
        server.close()
        // The page that was just sent goes out first.
        setImmediate(() => {
          server.closeIdleConnections()
        })
      }
    },
  }
}

/** `localhost` is 127.0.0.1 or ::1, as the browser likes: both, where the machine has both. */
async function listen(
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  wantedPort: number,
): Promise<Server[]> {
  const start = (host: string, port: number): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer({ keepAlive: false }, onRequest)
      server.once('error', reject)
      server.listen(port, host, () => {
        resolve(server)
      })
    })
  let first: Server
  try {
    first = await start('127.0.0.1', wantedPort)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new UsageError(
      'REDIRECT_URL',
      `cannot wait for the browser on port ${String(wantedPort)}: ${code}`,
    )
  }
  try {
    return [first, await start('::1', (first.address() as AddressInfo).port)]
  } catch {
    // No IPv6 here, or the port is taken there: browsers fall back to 127.0.0.1.
    return [first]
  }
}

function parseRedirectUrl(text: string): URL {
  const url = new URL(text)
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol !== 'http:' || !isLoopback) {
    throw new UsageError(
      'REDIRECT_URL',
      'cannot use signet.redirectURL: the browser must be sent back to http://localhost',
      { hint: 'git config --unset signet.redirectURL' },
    )
  }
  return url
}

function sendPage(
  response: ServerResponse,
  status: number,
  page: Parameters<typeof callbackPage>[0],
): void {
  const { html, policy } = callbackPage(page)
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(html)
}
