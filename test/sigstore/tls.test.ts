import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requestOnce } from '../../src/sigstore/http.ts'

let folder: string
let ca: string
let origin: Server
let proxy: Server

const portOf = (server: Server): number => (server.address() as AddressInfo).port
const listen = (server: Server): Promise<void> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'git-signet-tls-'))
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2', '-subj', '/CN=rekor.example'],
      ...['-addext', 'subjectAltName=DNS:rekor.example,DNS:localhost'],
    ],
    { cwd: folder, stdio: 'pipe' },
  )
  ca = readFileSync(join(folder, 'cert.pem'), 'utf8')
  const key = readFileSync(join(folder, 'key.pem'), 'utf8')
  origin = createHttpsServer({ key, cert: ca }, (_request, response) => response.end('secure'))
  await listen(origin)
  proxy = createHttpServer().on('connect', (_request, socket) => {
    const upstream = connect(portOf(origin), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    for (const end of [socket, upstream]) end.on('error', () => undefined)
  })
  await listen(proxy)
})

afterAll(() => {
  for (const server of [origin, proxy]) server.close()
  rmSync(folder, { recursive: true })
})

const common = { method: 'GET', maxBytes: 1000, timeoutMs: 5000 } as const

test('a CA file is trusted besides the usual ones, directly and through a proxy', async () => {
  const direct = new URL(`https://localhost:${portOf(origin)}/`)
  const one = await requestOnce({ ...common, url: direct }, { env: {}, ca })
  expect(Buffer.from(one.body).toString()).toBe('secure')
  const env = { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` }
  const url = new URL('https://rekor.example/')
  const two = await requestOnce({ ...common, url }, { env, ca })
  expect(Buffer.from(two.body).toString()).toBe('secure')
})

test('a TLS certificate that nobody vouches for is refused, directly and through a proxy', async () => {
  const direct = new URL(`https://localhost:${portOf(origin)}/`)
  const refusal = { exit: 4, message: expect.stringContaining('signet.caFile') as string }
  const asking = requestOnce({ ...common, url: direct }, { env: {}, ca: undefined })
  await expect(asking).rejects.toMatchObject(refusal)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` }
  const through = requestOnce(
    { ...common, url: new URL('https://rekor.example/') },
    { env, ca: undefined },
  )
  await expect(through).rejects.toMatchObject(refusal)
})

test('a TLS certificate for another name is refused through a proxy', async () => {
  const env = { HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}` }
  const asking = requestOnce({ ...common, url: new URL('https://fulcio.example/') }, { env, ca })
  await expect(asking).rejects.toMatchObject({
    message: expect.stringContaining('for another name') as string,
  })
})
