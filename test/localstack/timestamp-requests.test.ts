import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DerReader } from '../../src/asn1/der.ts'
import { OID } from '../../src/asn1/oid.ts'
import {
  derBoolean,
  derExplicit,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
} from '../../src/asn1/write.ts'
import { digest } from '../../src/crypto/digest.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { parseTimestampResponse } from '../../src/rfc3161/response.ts'
import { digestOf, parseTimestampToken } from '../../src/rfc3161/token.ts'
import { verifyTimestampToken } from '../../src/rfc3161/verify.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { readAlgorithm } from '../../src/x509/algorithm.ts'

// What timestamp-authority 2.1.2 answered to the same requests.

const DATA = Buffer.from('a signature')
const QUERY = 'application/timestamp-query'
const JSON_TYPE = 'application/json'
const SHA224 = '2.16.840.1.101.3.4.2.4'

interface Asked {
  hash?: string
  imprint?: Uint8Array
  policy?: string
  certificate?: boolean
  extensions?: boolean
}

function query({ hash = OID.sha256, imprint, policy, certificate, extensions }: Asked): Uint8Array {
  return derSequence(
    derInteger(1),
    derSequence(
      derSequence(derOid(hash), derNull()),
      derOctetString(imprint ?? digest('sha256', DATA)),
    ),
    ...(policy === undefined ? [] : [derOid(policy)]),
    derInteger(7),
    ...(certificate === true ? [derBoolean(true)] : []),
    ...(extensions === true
      ? [derExplicit(0, derSequence(derOid('1.2.3.4'), derOctetString(derNull())))]
      : []),
  )
}

const json = (change: object): string =>
  JSON.stringify({
    artifactHash: Buffer.from(digest('sha256', DATA)).toString('base64'),
    hashAlgorithm: 'sha256',
    ...change,
  })

describe('the timestamp authority of the local stack', () => {
  let stack: LocalStack
  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true })
  })
  afterAll(async () => {
    await stack.close()
  })

  const ask = (type: string | undefined, body: Uint8Array | string): Promise<Response> =>
    fetch(stack.tsaUrl, {
      method: 'POST',
      body: Buffer.from(body),
      headers: type === undefined ? {} : { 'content-type': type },
    })

  const WEAK = 'Weak hash algorithm in timestamp request'
  const LENGTH = 'Message digest has incorrect length for specified algorithm'
  const POLICY = 'unaccepted policy: requested TSA policy is not supported by the TSA'
  const FAILED = 'Error generating timestamp response'

  it.each<[string, string, Uint8Array | string, string]>([
    ['SHA-1', QUERY, query({ hash: OID.sha1, imprint: Buffer.alloc(20) }), WEAK],
    ['SHA-1 in JSON', JSON_TYPE, json({ hashAlgorithm: 'SHA1' }), WEAK],
    ['SHA-224', QUERY, query({ hash: SHA224, imprint: Buffer.alloc(28) }), FAILED],
    ['MD5 in JSON', JSON_TYPE, json({ hashAlgorithm: 'md5' }), FAILED],
    ['a digest that is short', QUERY, query({ imprint: Buffer.alloc(31) }), LENGTH],
    ['no digest in JSON', JSON_TYPE, json({ artifactHash: undefined }), LENGTH],
    ['another policy', QUERY, query({ policy: '1.2.3.4' }), POLICY],
    ['another policy in JSON', JSON_TYPE, json({ tsaPolicyOID: '1.2.3.4' }), POLICY],
    [
      'a policy that is none',
      JSON_TYPE,
      json({ tsaPolicyOID: '1.x' }),
      'OID should be comprised of at most 128 components',
    ],
    [
      'extensions',
      QUERY,
      query({ extensions: true }),
      'unaccepted extension: requested extensions are not supported by the TSA',
    ],
    ['bytes behind', QUERY, Buffer.concat([query({}), Uint8Array.of(0)]), FAILED],
    ['a nonce that is text', JSON_TYPE, json({ nonce: '7' }), FAILED],
    ['base64 that is none', JSON_TYPE, json({ artifactHash: '!!' }), FAILED],
    ['what is no JSON', JSON_TYPE, '{', FAILED],
    ['a type with parameters', `${JSON_TYPE}; charset=utf-8`, json({}), FAILED],
  ])('refuses %s as the real one does', async (_, type, body, message) => {
    const answer = await ask(type, body)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      400,
      'application/timestamp-reply',
    ])
    expect(await answer.json()).toEqual({ code: 400, message })
  })

  it('wants a body, and says what it takes a request without a type for', async () => {
    const empty = await ask(QUERY, '')
    expect(empty.status).toBe(422)
    expect(await empty.json()).toEqual({ code: 602, message: 'request in body is required' })
    const untyped = await ask(undefined, query({}))
    expect(untyped.status).toBe(415)
    expect(JSON.stringify(await untyped.json())).toContain('octet-stream')
  })

  it.each(['sha256', 'sha384', 'sha512'] as const)(
    'stamps %s, and names its certificate by it',
    async (name) => {
      const { timestampAuthorities } = parseTrustedRoot(readFileSync(stack.trustedRootPath, 'utf8'))
      for (const certificate of [true, false]) {
        const imprint = digest(name, DATA)
        const answer = await ask(
          QUERY,
          query({ hash: OID[name], imprint, certificate, policy: OID.timestampPolicy }),
        )
        const token = parseTimestampToken(
          parseTimestampResponse(new Uint8Array(await answer.arrayBuffer())),
        )
        expect(runSync(verifyTimestampToken(token, DATA, timestampAuthorities)).result).toBe(
          'passed',
        )
        expect(token.signedData.certificates).toHaveLength(certificate ? 1 : 0)
        const { signer } = token.signedData
        const value = signer.signedAttributes.find(({ type }) => type === OID.signingCertificateV2)
        const id = new DerReader(value?.values[0] ?? new Uint8Array())
          .sequence()
          .sequence()
          .sequence()
        const named = id.peek() === 0x30 ? digestOf(readAlgorithm(id)) : 'sha256'
        expect(named).toBe(name)
      }
    },
  )
})
