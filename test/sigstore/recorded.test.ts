import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import { parsePublicKey } from '../../src/crypto/keys.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { parsePemBundle } from '../../src/encoding/pem.ts'
import { requestCertificate } from '../../src/sigstore/fulcio.ts'
import { createEntryV1 } from '../../src/sigstore/rekor-v1.ts'
import type { EntryRequest } from '../../src/sigstore/rekor-v1.ts'
import { createEntryV2 } from '../../src/sigstore/rekor-v2.ts'
import { deadlineIn } from '../../src/sigstore/retry.ts'
import type { RetryOptions } from '../../src/sigstore/retry.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { hashedrekordBodyV1, hashedrekordBodyV2 } from '../../src/tlog/hashedrekord.ts'
import { verifyLogEntry } from '../../src/tlog/verify-entry.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { sharedPath } from '../shared.ts'
import { startServer } from './test-server.ts'
import type { Answer, Received } from './test-server.ts'

/** Our clients against what real services said: requests must be theirs, answers must be understood. */

interface Exchange {
  request: { method: string; path: string; headers: Record<string, string>; body: unknown }
  response: { status: number; headers: Record<string, string>; body: unknown }
}

const folder = sharedPath('interop/http')

function exchange(name: string): Exchange {
  return JSON.parse(readFileSync(`${folder ?? ''}/${name}.json`, 'utf8')) as Exchange
}

function answerOf({ response }: Exchange): Answer {
  const { status, body } = response
  const headers = { ...response.headers }
  Reflect.deleteProperty(headers, 'transfer-encoding')
  Reflect.deleteProperty(headers, 'content-length')
  return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }
}

let server: Awaited<ReturnType<typeof startServer>>
afterEach(() => server.close())

const options: () => RetryOptions = () => ({
  env: {},
  ca: undefined,
  deadline: deadlineIn(5000),
})

const sent = ({ body }: Received): unknown => JSON.parse(body.toString('utf8'))

describe.skipIf(folder === undefined)('recorded exchanges (needs ../shared)', () => {
  const roots = () =>
    parseTrustedRoot(readFileSync(sharedPath('interop/trusted_root.json') ?? '', 'utf8'))

  function entryRequest(url: URL): EntryRequest {
    const body = exchange('rekor-v2-post').request.body as {
      hashedRekordRequestV002: {
        digest: string
        signature: { content: string; verifier: { x509Certificate: { rawBytes: string } } }
      }
    }
    const { digest, signature } = body.hashedRekordRequestV002
    const bytes = (text: string): Uint8Array => Buffer.from(text, 'base64')
    return {
      url,
      digest: bytes(digest),
      signature: bytes(signature.content),
      certificate: bytes(signature.verifier.x509Certificate.rawBytes),
    }
  }

  function content(request: EntryRequest) {
    const { publicKey } = parseCertificate(request.certificate)
    return {
      algorithm: 'sha256',
      digest: request.digest,
      signature: request.signature,
      verifier: { der: request.certificate, isCertificate: true, publicKey },
    } as const
  }

  test('Fulcio v2: the request is as real clients send it, the chain is read', async () => {
    const recorded = exchange('fulcio-v2-signingCert')
    const body = recorded.request.body as {
      publicKeyRequest: { publicKey: { content: string }; proofOfPossession: string }
    }
    server = await startServer(() => answerOf(recorded))
    const { publicKey, proofOfPossession } = body.publicKeyRequest
    const [spki = new Uint8Array()] = parsePemBundle(publicKey.content, 'PUBLIC KEY')
    const chain = await requestCertificate(
      {
        url: server.url,
        idToken: '<id token>',
        spki,
        proofOfPossession: Buffer.from(proofOfPossession, 'base64'),
      },
      options(),
    )
    expect(server.received.map(sent)).toEqual([recorded.request.body])
    expect(chain).toHaveLength(3)
    const leaf = parseCertificate(chain[0] ?? new Uint8Array())
    expect(encodeHex(leaf.publicKey.spki)).toBe(encodeHex(parsePublicKey(spki).spki))
  })

  test('Fulcio v1, where only that is served', async () => {
    const recorded = exchange('fulcio-v1-signingCert')
    const body = recorded.request.body as {
      publicKey: { content: string }
      signedEmailAddress: string
    }
    server = await startServer(({ url }) =>
      url === recorded.request.path ? answerOf(recorded) : { status: 404 },
    )
    const chain = await requestCertificate(
      {
        url: server.url,
        idToken: '<id token>',
        spki: Buffer.from(body.publicKey.content, 'base64'),
        proofOfPossession: Buffer.from(body.signedEmailAddress, 'base64'),
      },
      options(),
    )
    expect(server.received.map(({ url }) => url)).toEqual([
      '/api/v2/signingCert',
      '/api/v1/signingCert',
    ])
    const [, last] = server.received
    expect(last && sent(last)).toEqual(body)
    expect(last?.headers.authorization).toBe('Bearer <id token>')
    expect(chain).toHaveLength(3)
  })

  test('Rekor v1: the request is the real one, the entry proves itself', async () => {
    const recorded = exchange('rekor-v1-post')
    server = await startServer(() => answerOf(recorded))
    const request = entryRequest(server.url)
    const entry = await createEntryV1(request, options())
    expect(server.received.map(sent)).toEqual([recorded.request.body])
    const bodies = [{ kindVersion: entry.kindVersion, bytes: hashedrekordBodyV1(content(request)) }]
    const proof = runSync(verifyLogEntry({ entry, bodies }, roots().tlogs))
    expect(proof).toMatchObject({ outcome: 'proven', integratedTime: 1_795_226_518 })
  })

  test('Rekor v1: an entry that is there already is fetched, be it late', async () => {
    const conflict = exchange('rekor-v1-post-again-409')
    const found = exchange('rekor-v1-get')
    server = await startServer(({ method }, count) =>
      method === 'POST' ? answerOf(conflict) : count < 3 ? { status: 404 } : answerOf(found),
    )
    const entry = await createEntryV1(entryRequest(server.url), options())
    expect(entry.logIndex).toBe(110n)
    expect(server.received.map(({ url }) => url).slice(1)).toEqual([
      conflict.response.headers['location'],
      conflict.response.headers['location'],
    ])
  })

  test('Rekor v2: the request is the real one, the entry proves itself', async () => {
    const recorded = exchange('rekor-v2-post')
    server = await startServer(() => answerOf(recorded))
    const request = entryRequest(server.url)
    const entry = await createEntryV2(request, roots().tlogs, options())
    expect(server.received.map(sent)).toEqual([recorded.request.body])
    const bodies = [{ kindVersion: entry.kindVersion, bytes: hashedrekordBodyV2(content(request)) }]
    expect(runSync(verifyLogEntry({ entry, bodies }, roots().tlogs)).outcome).toBe('proven')
  })

  test('Rekor v2: an entry that is there already is proven from the tiles', async () => {
    const conflict = exchange('rekor-v2-post-again')
    const tiles = sharedPath('interop/tiles') ?? ''
    server = await startServer(({ method, url }) => {
      if (method === 'POST') return answerOf(conflict)
      try {
        return { status: 200, body: readFileSync(`${tiles}${url.replace('/api/v2', '')}`) }
      } catch {
        // No such tile.
        return { status: 404 }
      }
    })
    const request = entryRequest(server.url)
    const entry = await createEntryV2(request, roots().tlogs, options())
    expect(entry.logIndex).toBe(24n)
    const bodies = [{ kindVersion: entry.kindVersion, bytes: hashedrekordBodyV2(content(request)) }]
    expect(runSync(verifyLogEntry({ entry, bodies }, roots().tlogs)).outcome).toBe('proven')
  })

  test.each(['fulcio-v2-bad-token', 'fulcio-v2-bad-proof', 'fulcio-v2-no-token'])(
    'what Fulcio says is passed on: %s',
    async (name) => {
      const recorded = exchange(name)
      server = await startServer(() => answerOf(recorded))
      const empty = new Uint8Array()
      const asking = requestCertificate(
        { url: server.url, idToken: 'a.long.token', spki: empty, proofOfPossession: empty },
        options(),
      )
      const { message } = recorded.response.body as { message: string }
      await expect(asking).rejects.toMatchObject({
        code: 'SERVICE_REFUSED',
        message: expect.stringContaining(message) as string,
      })
      expect(server.received).toHaveLength(1)
    },
  )
})
