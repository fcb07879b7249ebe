import { request as httpRequest } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { connect as netConnect } from 'node:net'
import type { Socket } from 'node:net'
import type { connect as TlsConnect } from 'node:tls'
import { displayUrl, parseServiceUrl } from './url.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a URL as curl and git decide it: HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY, unless
 * NO_PROXY names the host. Loopback is never sent to a proxy.
 *
 * HTTP_PROXY is read in lower case alone: a CGI program can be given the other by a request.
 *
 * @throws UsageError URL_INVALID
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  if (isLoopback(url.hostname) || isExcepted(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) {
    return undefined
  }
  const names =
    url.protocol === 'https:'
      ? ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']
      : ['http_proxy', 'all_proxy', 'ALL_PROXY']
  for (const name of names) {
    const value = env[name]
    if (value === undefined || value === '') continue
    return parseServiceUrl(value.includes('://') ? value : `http://${value}`, `proxy ${name}`)
  }
  return undefined
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

function isExcepted(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const [, name = '', entryPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
      if (entryPort !== undefined && entryPort !== port) return false
      const suffix = name.replace(/^\*?\./, '')
      return host === suffix || host.endsWith(`.${suffix}`)
    })
}

/** `Proxy-Authorization` for a proxy URL with user name and password. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {}
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

/**
 * A TLS connection to `target` through a proxy's CONNECT (RFC 9110 §9.3.6), checked against the
 * target's own name.
 */
export async function connectThroughProxy(
  proxy: URL,
  target: URL,
  ca: HttpsAgent['options']['ca'],
  signal: AbortSignal,
): Promise<Socket> {
  const { connect: tlsConnect } = await import('node:tls')
  const port = target.port === '' ? '443' : target.port
  const authority = `${target.hostname}:${port}`
  const tunnel = await new Promise<Socket>((resolve, reject) => {
    const request = httpRequest({
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxyAuthorization(proxy) },
      signal,
      createConnection: () => connectToProxy(proxy, ca, tlsConnect),
    })
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket)
      else {
        socket.destroy()
        const status = String(response.statusCode)
        reject(new Error(`the proxy ${displayUrl(proxy)} answered CONNECT with ${status}`))
      }
    })
    request.once('error', reject)
    request.end()
  })
  const hostname = target.hostname.replace(/^\[|\]$/g, '')
  return tlsConnect({
    socket: tunnel,
    ...(ca === undefined ? {} : { ca }),
    host: hostname,
    ...(/^[\d.]+$|:/.test(hostname) ? {} : { servername: hostname }),
  })
}

function connectToProxy(
  proxy: URL,
  ca: HttpsAgent['options']['ca'],
  tlsConnect: typeof TlsConnect,
): Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, '')
  return proxy.protocol === 'https:'
    ? tlsConnect({
        host,
        port: Number(proxy.port || 443),
        servername: host,
        ...(ca === undefined ? {} : { ca }),
      })
    : netConnect({ host, port: Number(proxy.port || 80) })
}
