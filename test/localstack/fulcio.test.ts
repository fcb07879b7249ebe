import {
  X509Certificate,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  webcrypto,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import 'reflect-metadata'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { certificateRequest, leafDer, newKey, newSigner, pemDer, post } from './client.ts'

describe('Fulcio', () => {
  let stack: LocalStack
  const now = Date.parse('2026-11-21T12:00:00.500Z')

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true, clock: () => now })
  })

  afterAll(async () => {
    await stack.close()
  })

  const v2 = (body: unknown): Promise<Response> => post(`${stack.url}/api/v2/signingCert`, body)

  async function message(response: Response): Promise<string> {
    const { code, message: text } = (await response.json()) as { code: number; message: string }
    expect([response.status, code]).toEqual([400, 3])
    return text
  }

  test('a certificate begins 30 seconds before it was asked for and lives 10 minutes from then', async () => {
    const { validFrom, validTo } = new X509Certificate(leafDer(await newSigner(stack)))
    expect(new Date(validFrom).toISOString()).toBe('2026-11-21T11:59:30.000Z')
    expect(new Date(validTo).toISOString()).toBe('2026-11-21T12:10:00.000Z')
  })

  test('a certificate names its subject and issuer once, and its serial is positive and 20 octets', async () => {
    const certificate = new X509Certificate(leafDer(await newSigner(stack, 'bob@example.com')))
    expect(certificate.subject).toBeUndefined()
    expect(certificate.subjectAltName).toBe('email:bob@example.com')
    expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{39}$/)
    expect(certificate.issuer).toMatch(/^O=git-signet LOCAL\nCN=fulcio intermediate .* LOCAL$/)
  })

  test('the signed certificate timestamp is by the CT log, over the certificate without it', async () => {
    const signer = await newSigner(stack)
    const sth = (await (await fetch(`${stack.url}/ct/ct/v1/get-sth`)).json()) as {
      tree_size: number
    }
    const last = sth.tree_size - 1
    const { entries } = (await (
      await fetch(`${stack.url}/ct/ct/v1/get-entries?start=${last}&end=${last}`)
    ).json()) as { entries: { leaf_input: string; extra_data: string }[] }
    const leaf = Buffer.from(entries[0]?.leaf_input ?? '', 'base64')
    // version, type, timestamp, entry type: then the issuer's key hash and the TBSCertificate.
    expect(leaf.subarray(0, 2)).toEqual(Buffer.from([0, 0]))
    expect(leaf.readBigUInt64BE(2)).toBe(BigInt(now))
    const issuer = new X509Certificate(signer.chain[1] ?? '')
    const issuerSpki = issuer.publicKey.export({ type: 'spki', format: 'der' })
    expect(leaf.subarray(12, 44)).toEqual(createHash('sha256').update(issuerSpki).digest())
    const logKey = pemDer(readFileSync(`${stack.directory}/ctfe.pub`, 'utf8'))
    const der = leafDer(signer)
    const logId = createHash('sha256').update(logKey).digest()
    // version, log id, timestamp, no extensions, algorithms, signature (RFC 6962 §3.2).
    const sct = der.subarray(der.indexOf(logId) - 1)
    expect(sct[0]).toBe(0)
    expect(sct.readBigUInt64BE(33)).toBe(BigInt(now))
    const signature = sct.subarray(47, 47 + sct.readUInt16BE(45))
    const signed = Buffer.concat([Buffer.from([0, 0]), leaf.subarray(2)])
    const key = createPublicKey({ key: logKey, format: 'der', type: 'spki' })
    expect(verify('sha256', signed, key, signature)).toBe(true)
    expect(leaf.includes(Buffer.from('alice@example.com'))).toBe(true)
    expect(leaf.includes(logId)).toBe(false)
  })

  test('proof of possession may be over the e-mail address or over the subject', async () => {
    const token = await stack.token('alice@example.com', { sub: 'user-17' })
    const key = newKey()
    expect((await v2(certificateRequest(token, key, 'alice@example.com'))).status).toBe(200)
    expect((await v2(certificateRequest(token, key, 'user-17'))).status).toBe(200)
    expect(await message(await v2(certificateRequest(token, key, 'bob@example.com')))).toBe(
      'The signature supplied in the request could not be verified',
    )
  })

  test('a token counts only when it is ours, for Fulcio, in time and of a verified address', async () => {
    const stranger = await startLocalStack({ port: 0, test: true, clock: () => now })
    const tokens = [
      await stranger.token('alice@example.com'),
      await stranger.token('alice@example.com', { iss: stack.issuer }),
      await stack.token('alice@example.com', { aud: 'somebody' }),
      await stack.token('alice@example.com', { exp: now / 1000 - 1 }),
      await stack.token('alice@example.com', { email_verified: false }),
      await stack.token('alice@example.com', { email: 'no address' }),
      `${await stack.token('alice@example.com')}x`,
      'x'.repeat(5000),
    ]
    await stranger.close()
    for (const token of tokens) {
      expect(
        await message(await v2(certificateRequest(token, newKey(), 'alice@example.com'))),
      ).toBe('There was an error processing the identity token')
    }
  })

  test('a workflow gets its claims in the extensions', async () => {
    const token = await stack.ciToken({ environment: 'release', repository: 'octo-org/tool' })
    const key = newKey()
    const response = await v2(
      certificateRequest(token, key, 'repo:octo-org/tool:environment:release'),
    )
    const { signedCertificateEmbeddedSct } = (await response.json()) as {
      signedCertificateEmbeddedSct: { chain: { certificates: string[] } }
    }
    const der = pemDer(signedCertificateEmbeddedSct.chain.certificates[0] ?? '')
    expect(new X509Certificate(der).subjectAltName).toBe(
      'URI:https://github.com/octo-org/tool/.github/workflows/release.yml@refs/heads/main',
    )
    const extension = (arc: number, value: string, isRaw = false): boolean =>
      der.includes(
        Buffer.concat([
          Buffer.from([0x06, 0x0a, 0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1, arc]),
          Buffer.from(isRaw ? [4, value.length] : [4, value.length + 2, 12, value.length]),
          Buffer.from(value),
        ]),
      )
    expect(extension(1, `${stack.url}/ci/github`, true)).toBe(true)
    expect(extension(2, 'push', true)).toBe(true)
    expect(extension(5, 'octo-org/tool', true)).toBe(true)
    expect(extension(8, `${stack.url}/ci/github`)).toBe(true)
    expect(extension(12, 'https://github.com/octo-org/tool')).toBe(true)
    expect(extension(14, 'refs/heads/main')).toBe(true)
    expect(extension(20, 'push')).toBe(true)
    expect(extension(21, 'https://github.com/octo-org/tool/actions/runs/4242/attempts/1')).toBe(
      true,
    )
    expect(extension(23, 'release')).toBe(true)
    expect(extension(24, 'repo:octo-org/tool:environment:release')).toBe(true)
  })

  test('a signing request proves possession by its own signature', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const request = await Pkcs10CertificateRequestGenerator.create({
      keys,
      name: 'CN=ignored',
      signingAlgorithm: algorithm,
    })
    const ask = (pem: string, token: string): Promise<Response> =>
      v2({
        credentials: { oidcIdentityToken: token },
        certificateSigningRequest: Buffer.from(pem).toString('base64'),
      })
    const token = await stack.token('alice@example.com')
    expect((await ask(request.toString('pem'), token)).status).toBe(200)
    expect(await message(await ask('no request', token))).toBe(
      'The certificate signing request could not be parsed',
    )
  })

  test('keys that are weak or cannot be read are refused', async () => {
    const token = await stack.token('alice@example.com')
    const ask = async (content: string): Promise<string> =>
      message(
        await v2({
          credentials: { oidcIdentityToken: token },
          publicKeyRequest: { publicKey: { content }, proofOfPossession: 'AAAA' },
        }),
      )
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    expect(await ask(weak.export({ type: 'spki', format: 'pem' }).toString())).toBe(
      'The public key supplied in the request is insecure',
    )
    expect(await ask('garbage')).toBe('The public key supplied in the request could not be parsed')
  })

  test.each([
    ['P-384', 'sha384'],
    ['P-521', 'sha512'],
  ])('a %s key proves itself with %s', async (namedCurve, hash) => {
    const key = generateKeyPairSync('ec', { namedCurve })
    const response = await v2({
      credentials: { oidcIdentityToken: await stack.token('alice@example.com') },
      publicKeyRequest: {
        publicKey: { content: key.publicKey.export({ type: 'spki', format: 'pem' }) },
        proofOfPossession: sign(hash, Buffer.from('alice@example.com'), key.privateKey).toString(
          'base64',
        ),
      },
    })
    expect(response.status).toBe(200)
  })

  test('fields may be spelt in snake_case, and what is not JSON is refused', async () => {
    const key = newKey()
    const { publicKeyRequest } = certificateRequest('', key, 'alice@example.com')
    const response = await v2({
      credentials: { oidc_identity_token: await stack.token('alice@example.com') },
      public_key_request: {
        public_key: publicKeyRequest.publicKey,
        proof_of_possession: publicKeyRequest.proofOfPossession,
      },
    })
    expect(response.status).toBe(200)
    expect(await message(await v2('{'))).toBe('unexpected EOF')
  })
})
