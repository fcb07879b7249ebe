import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { requestOnce } from '../../src/sigstore/http.ts'
import { proxyFor } from '../../src/sigstore/proxy.ts'
import { startServer } from './test-server.ts'

const proxy = 'http://proxy.example:3128'

describe('proxyFor()', () => {
  test.each([
    ['https://rekor.example/', { HTTPS_PROXY: proxy }, true],
    ['https://rekor.example/', { https_proxy: proxy }, true],
    ['https://rekor.example/', { ALL_PROXY: proxy }, true],
    ['https://rekor.example/', { http_proxy: proxy }, false],
    ['http://rekor.example/', { http_proxy: proxy }, true],
    ['http://rekor.example/', { HTTP_PROXY: proxy }, false],
    ['https://rekor.example/', {}, false],
    ['https://rekor.example/', { HTTPS_PROXY: '' }, false],
    ['https://localhost:8443/', { HTTPS_PROXY: proxy }, false],
    ['https://127.0.0.2/', { HTTPS_PROXY: proxy }, false],
    ['https://[::1]/', { HTTPS_PROXY: proxy }, false],
    ['https://rekor.example/', { HTTPS_PROXY: proxy, NO_PROXY: 'example' }, false],
    ['https://rekor.example/', { HTTPS_PROXY: proxy, NO_PROXY: '.rekor.example' }, false],
    ['https://rekor.example/', { HTTPS_PROXY: proxy, no_proxy: 'a, *' }, false],
    ['https://rekor.example/', { HTTPS_PROXY: proxy, NO_PROXY: 'kor.example' }, true],
    ['https://rekor.example/', { HTTPS_PROXY: proxy, NO_PROXY: 'rekor.example:8443' }, true],
    ['https://rekor.example:8443/', { HTTPS_PROXY: proxy, NO_PROXY: 'rekor.example:8443' }, false],
  ])('%s with %j: %s', (url, env, isProxied) => {
    expect(proxyFor(new URL(url), env) !== undefined).toBe(isProxied)
  })

  test('refuses what is no proxy', () => {
    expect(() => proxyFor(new URL('https://a.example'), { HTTPS_PROXY: 'socks5://x' })).toThrow(
      expect.objectContaining({ code: 'URL_INVALID', exit: 2 }),
    )
  })
})

describe('requestOnce()', () => {
  const common = { method: 'GET', maxBytes: 1000, timeoutMs: 2000 } as const

  test('asks a proxy for the whole address, with the password of its URL', async () => {
    const server = await startServer(() => ({ status: 200, body: 'proxied' }))
    const given = new URL(server.url)
    given.username = 'me'
    given.password = 'pass word'
    const env = { http_proxy: given.href }
    const url = new URL('http://rekor.example/api?x=1')
    const response = await requestOnce({ ...common, url }, { env, ca: undefined })
    await server.close()
    expect(Buffer.from(response.body).toString()).toBe('proxied')
    expect(server.received[0]).toMatchObject({ url: 'http://rekor.example/api?x=1' })
    expect(server.received[0]?.headers).toMatchObject({
      host: 'rekor.example',
      'proxy-authorization': `Basic ${Buffer.from('me:pass word').toString('base64')}`,
    })
  })

  test('reaches https services through CONNECT, and says what the proxy says', async () => {
    const asked: string[] = []
    const refusing = createServer()
    refusing.on('connect', (request, socket) => {
      asked.push(request.url ?? '')
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    })
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve))
    const { port } = refusing.address() as AddressInfo
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}` }
    const asking = requestOnce(
      { ...common, url: new URL('https://rekor.example/') },
      { env, ca: undefined },
    )
    await expect(asking).rejects.toMatchObject({
      exit: 4,
      message: expect.stringContaining('answered CONNECT with 407'),
    })
    expect(asked).toEqual(['rekor.example:443'])
    refusing.close()
  })

  test('gives up in time', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const asking = requestOnce(
      { ...common, timeoutMs: 200, url: new URL(`http://127.0.0.1:${port}/path?secret=1`) },
      { env: {}, ca: undefined },
    )
    await expect(asking).rejects.toMatchObject({ reason: 'ETIMEDOUT' })
    await asking.catch((error: unknown) => {
      expect(String(error)).not.toContain('secret')
    })
    silent.closeAllConnections()
    silent.close()
  })
})
