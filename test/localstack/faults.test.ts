import { X509Certificate, createHash } from 'node:crypto'
import { connect } from 'node:net'
import { request as httpRequest } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import {
  certificateRequest,
  entryV1,
  entryV2,
  newKey,
  newSigner,
  pemDer,
  post,
  readEntryV1,
  sha256,
} from './client.ts'
import type { Signer } from './client.ts'

let stack: LocalStack
let signer: Signer
let serial = 0
const fresh = (): string => `signed ${(serial += 1)}`

beforeAll(async () => {
  stack = await startLocalStack({ port: 0, test: true })
  signer = await newSigner(stack)
  for (let index = 0; index < 3; index += 1) {
    await post(`${stack.url}/api/v1/log/entries`, entryV1(signer, fresh()))
    await post(`${stack.url}/api/v2/log/entries`, entryV2(signer, fresh()))
  }
})

afterEach(() => {
  stack.clearFaults()
})

afterAll(async () => {
  await stack.close()
})

const logV1 = (data = fresh()): Promise<Response> =>
  post(`${stack.url}/api/v1/log/entries`, entryV1(signer, data))
const logV2 = (data = fresh()): Promise<Response> =>
  post(`${stack.url}/api/v2/log/entries`, entryV2(signer, data))
const treeSize = async (): Promise<number> =>
  ((await (await fetch(`${stack.url}/api/v1/log`)).json()) as { treeSize: number }).treeSize

describe('faults of the way between', () => {
  test.each(['500', '502', '503'])(
    '%s is what a load balancer says, as often as asked',
    async (mode) => {
      stack.fault('rekor', mode, 2)
      for (const response of [await logV1(), await logV1()]) {
        expect(response.status).toBe(Number(mode))
        expect(response.headers.get('content-type')).toBe('text/html')
      }
      expect((await logV1()).status).toBe(201)
    },
  )

  test('429 says how long to wait, or not', async () => {
    stack.fault('tsa', '429', 1, { retryAfterSeconds: 7 })
    const response = await post(stack.tsaUrl, {})
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    stack.fault('tsa', '429', 1, { retryAfterSeconds: -1 })
    expect((await post(stack.tsaUrl, {})).headers.get('retry-after')).toBeNull()
  })

  test('timeout is silence', async () => {
    stack.fault('fulcio', 'timeout')
    const asked = fetch(`${stack.url}/api/v2/trustBundle`, { signal: AbortSignal.timeout(150) })
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test.each(['cut', 'cut-body'])('%s breaks the connection', async (mode) => {
    stack.fault('fulcio', mode)
    const asked = fetch(`${stack.url}/api/v2/trustBundle`).then((response) => response.text())
    await expect(asked).rejects.toThrow()
  })

  test('slow is late, and right', async () => {
    stack.fault('rekor', 'slow', 1, { delayMs: 200 })
    const began = performance.now()
    expect((await logV1()).status).toBe(201)
    expect(performance.now() - began).toBeGreaterThan(190)
  })

  test('a fault can wait for a method or a path', async () => {
    stack.fault('rekor', '502', 1, { method: 'POST' })
    stack.fault('rekor', '503', 1, { path: '/api/v1/log/publicKey' })
    expect((await fetch(`${stack.url}/api/v1/log`)).status).toBe(200)
    expect((await logV1()).status).toBe(502)
    expect((await fetch(`${stack.url}/api/v1/log/publicKey`)).status).toBe(503)
  })

  test('the route arms and clears them, and names those it knows', async () => {
    const arm = (fault: unknown): Promise<Response> => post(`${stack.url}/_fault`, fault)
    expect((await arm({ service: 'rekor', mode: '502', count: 1 })).status).toBe(200)
    expect((await logV1()).status).toBe(502)
    await arm({ service: 'rekor', mode: '502', count: 5 })
    await arm({ clear: true })
    expect((await logV1()).status).toBe(201)
    const refused = await arm({ service: 'rekor', mode: 'explode' })
    expect(refused.status).toBe(400)
    expect(((await refused.json()) as { message: string }).message).toContain('lost-answer')
    expect((await arm({ service: 'nobody', mode: '502' })).status).toBe(400)
    expect((await arm('{')).status).toBe(400)
  })
})

describe('faults of Rekor', () => {
  test('409 and lost-answer log the entry all the same', async () => {
    const data = fresh()
    stack.fault('rekor', '409')
    const response = await logV1(data)
    expect(response.status).toBe(409)
    const location = response.headers.get('location') ?? ''
    const entry = await readEntryV1(await fetch(`${stack.url}${location}`))
    expect(location.endsWith(entry.id)).toBe(true)

    const lost = fresh()
    const before = await treeSize()
    stack.fault('rekor', 'lost-answer')
    await expect(logV1(lost)).rejects.toThrow()
    expect(await treeSize()).toBe(before + 1)
    stack.fault('rekor-v2', 'lost-answer')
    await expect(logV2(lost)).rejects.toThrow()
  })

  test('404-after-409 hides the entry for a while', async () => {
    stack.fault('rekor', '404-after-409', 2)
    const response = await logV1()
    expect(response.status).toBe(409)
    const url = `${stack.url}${response.headers.get('location') ?? ''}`
    const statuses = [await fetch(url), await fetch(url), await fetch(url)].map(
      ({ status }) => status,
    )
    expect(statuses).toEqual([404, 404, 200])
  })

  test('405 says that the log is frozen', async () => {
    stack.fault('rekor-v2', '405')
    const response = await logV2()
    expect(response.status).toBe(405)
    expect(await response.text()).toBe('This log has been frozen, please switch to the latest log.')
  })

  test('lies differ from the truth in what they name', async () => {
    const ask = async (fault?: string) => {
      const data = fresh()
      if (fault !== undefined) stack.fault('rekor', fault)
      const entry = await readEntryV1(await logV1(data))
      return { data, entry }
    }
    const digestOf = (body: string): string =>
      (
        JSON.parse(Buffer.from(body, 'base64').toString()) as {
          spec: { data: { hash: { value: string } } }
        }
      ).spec.data.hash.value
    const truth = await ask()
    expect(digestOf(truth.entry.body)).toBe(sha256(truth.data).toString('hex'))
    const other = await ask('lie-entry')
    expect(digestOf(other.entry.body)).not.toBe(sha256(other.data).toString('hex'))
    const { entry: late } = await ask('lie-time')
    expect(late.integratedTime - truth.entry.integratedTime).toBeGreaterThan(80_000)
    const { entry: index } = await ask('lie-index')
    expect(index.logIndex).toBe(index.verification.inclusionProof.logIndex + 1)
    const { entry: id } = await ask('lie-id')
    expect(id.id.endsWith('0'.repeat(64))).toBe(true)
    const { entry: proof } = await ask('lie-proof')
    expect(proof.verification.inclusionProof.hashes[0]).toBe('0'.repeat(64))
  })
})

describe('faults of Fulcio and the timestamp authority', () => {
  async function issue(fault: string) {
    const key = newKey()
    stack.fault('fulcio', fault)
    const response = await post(
      `${stack.url}/api/v1/signingCert`,
      {
        publicKey: {
          content: key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
          algorithm: 'ecdsa',
        },
        signedEmailAddress: certificateRequest('', key, 'alice@example.com').publicKeyRequest
          .proofOfPossession,
      },
      { authorization: `Bearer ${await stack.token('alice@example.com')}` },
    )
    expect(response.status).toBe(201)
    const pems = (await response.text()).split(/(?<=-----END CERTIFICATE-----)\n/)
    return { key, pems, leaf: new X509Certificate(pemDer(pems[0] ?? '')) }
  }

  test('lies of Fulcio', async () => {
    const wrongKey = await issue('lie-key')
    expect(wrongKey.leaf.publicKey.equals(wrongKey.key.publicKey)).toBe(false)
    expect((await issue('lie-identity')).leaf.subjectAltName).toBe('email:stranger@example.com')
    expect(new Date((await issue('lie-expired')).leaf.validTo).getTime()).toBeLessThan(Date.now())
    expect((await issue('lie-no-chain')).pems).toHaveLength(1)
    const sct = Buffer.from('060a2b06010401d679020402', 'hex')
    expect((await issue('lie-no-sct')).leaf.raw.includes(sct)).toBe(false)
    expect((await issue('lie-sct')).leaf.raw.includes(sct)).toBe(true)
    const untrusted = await issue('lie-chain')
    const intermediate = new X509Certificate(pemDer(untrusted.pems[1] ?? ''))
    expect(untrusted.leaf.verify(intermediate.publicKey)).toBe(false)
    expect((await issue('lie-sct')).leaf.verify(intermediate.publicKey)).toBe(true)
  })

  test('a CT log that is down is an internal error', async () => {
    stack.fault('fulcio', 'ct-down')
    const key = newKey()
    const token = await stack.token('alice@example.com')
    const response = await post(
      `${stack.url}/api/v2/signingCert`,
      certificateRequest(token, key, 'alice@example.com'),
    )
    expect([response.status, await response.json()]).toEqual([
      500,
      { code: 13, message: 'Error entering certificate in CTL', details: [] },
    ])
  })

  test('lies of the timestamp authority', async () => {
    const digest = createHash('sha256').update('x').digest()
    const stamp = async (fault?: string): Promise<Buffer> => {
      if (fault !== undefined) stack.fault('tsa', fault)
      const response = await post(stack.tsaUrl, {
        artifactHash: digest.toString('base64'),
        hashAlgorithm: 'sha256',
        certificates: true,
      })
      return Buffer.from(await response.arrayBuffer())
    }
    expect((await stamp()).includes(digest)).toBe(true)
    expect((await stamp('lie-imprint')).includes(digest)).toBe(false)
    expect((await stamp('lie-rejection')).subarray(0, 5).toString('hex')).toBe('3005300302')
    expect((await stamp('lie-garbage')).toString()).toBe('garbage')
    expect((await stamp('lie-chain')).includes('stranger')).toBe(true)
  })
})

describe('the listener', () => {
  const ask = (headers: Record<string, string>, method = 'GET'): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(stack.url)
      const asked = httpRequest({ host: '127.0.0.1', port, path: '/healthz', method, headers })
      asked.once('response', (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.once('error', reject).end()
    })

  test('answers to its own names only, and takes no forms from other sites', async () => {
    const { port } = new URL(stack.url)
    expect(await ask({ host: `localhost:${port}` })).toBe(200)
    expect(await ask({ host: `127.0.0.1:${port}` })).toBe(200)
    expect(await ask({ host: `evil.example:${port}` })).toBe(403)
    expect(await ask({ host: `localhost:${port}`, origin: 'https://evil.example' }, 'POST')).toBe(
      403,
    )
  })

  test('says what it does not know in the words of the service', async () => {
    const get = async (path: string, method = 'GET'): Promise<[number, unknown]> => {
      const response = await fetch(`${stack.url}${path}`, { method })
      return [response.status, await response.json()]
    }
    expect(await get('/api/v2/nothing')).toEqual([
      404,
      { code: 5, message: 'Not Found', details: [] },
    ])
    expect(await get('/api/v2/signingCert')).toEqual([
      501,
      { code: 12, message: 'Method Not Allowed', details: [] },
    ])
    expect(await get('/api/v1/nothing')).toEqual([
      404,
      { code: 404, message: 'path /api/v1/nothing was not found' },
    ])
    expect((await get('/api/v1/log', 'POST'))[0]).toBe(405)
  })

  test('refuses a body that no client has reason to send', async () => {
    const sent = post(`${stack.url}/api/v1/log/entries`, 'x'.repeat(5 << 20))
    await expect(sent.then(({ status }) => status)).resolves.toBe(413)
  })

  test('answers on 127.0.0.1 and, where there is one, on ::1', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const reached = await new Promise<boolean | undefined>((resolve) => {
        const socket = connect({ host, port: Number(new URL(stack.url).port) })
        socket.once('connect', () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', (error: NodeJS.ErrnoException) => {
          resolve(
            error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT' ? undefined : false,
          )
        })
      })
      expect(reached).not.toBe(false)
    }
  })
})
