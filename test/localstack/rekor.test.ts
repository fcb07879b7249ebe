import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { leafHash, rootFromInclusionProof } from '../../src/tlog/merkle.ts'
import { hashesFromTiles, inclusionTilePaths, parseEntryBundle } from '../../src/tlog/tile.ts'
import { proveInclusion } from '../../src/tlog/prove.ts'
import { entryV1, entryV2, newSigner, post, readEntryV1, sha256 } from './client.ts'
import type { Signer } from './client.ts'

let stack: LocalStack
let signer: Signer
/** Over one full tile. */
const SIZE = 260

beforeAll(async () => {
  stack = await startLocalStack({ port: 0, test: true })
  signer = await newSigner(stack)
  await Promise.all(
    Array.from({ length: SIZE }, async (_, index) => {
      await post(`${stack.url}/api/v2/log/entries`, entryV2(signer, `entry ${index}`))
    }),
  )
})

afterAll(async () => {
  await stack.close()
})

describe('Rekor v2', () => {
  const get = (path: string): Promise<Response> => fetch(`${stack.url}/api/v2/${path}`)

  async function bytesOf(path: string): Promise<Uint8Array> {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    return new Uint8Array(await response.arrayBuffer())
  }

  test('inclusion of every entry can be proven from tiles and checkpoint alone', async () => {
    const [origin, size, root = ''] = (await (await get('checkpoint')).text()).split('\n')
    expect([origin, size]).toEqual(['localhost', String(SIZE)])
    const bundles = [await bytesOf('tile/entries/000'), await bytesOf('tile/entries/001.p/4')]
    const entries = bundles.flatMap(parseEntryBundle)
    expect(entries).toHaveLength(SIZE)
    for (const index of [0, 1, 255, 256, 259]) {
      const tiles = new Map<string, Uint8Array>()
      for (const path of inclusionTilePaths(index, SIZE)) tiles.set(path, await bytesOf(path))
      const hashAt = hashesFromTiles(SIZE, (path) => tiles.get(path) ?? new Uint8Array())
      const proven = rootFromInclusionProof({
        leafHash: leafHash(entries[index] ?? new Uint8Array()),
        leafIndex: BigInt(index),
        treeSize: BigInt(SIZE),
        hashes: proveInclusion(index, SIZE, hashAt),
      })
      expect(Buffer.from(proven).toString('base64')).toBe(root)
    }
  })

  test('tiles that do not exist are 404', async () => {
    for (const path of [
      'tile/0/001',
      'tile/0/001.p/5',
      'tile/0/002',
      'tile/9/000',
      'tile/0/1',
      'tile/0/000.p/0',
    ]) {
      expect((await get(path)).status).toBe(404)
    }
    expect((await get('tile/0/000.p/255')).status).toBe(200)
  })

  test('a request is refused for what it says, in its own words', async () => {
    const good = entryV2(signer, 'never logged')
    const record = good.hashedRekordRequestV002
    const refuse = async (body: unknown): Promise<string> => {
      const response = await post(`${stack.url}/api/v2/log/entries`, body)
      const { code, message } = (await response.json()) as { code: number; message: string }
      expect([response.status, code]).toEqual([400, 3])
      return message
    }
    const withRecord = (change: object): unknown => ({
      hashedRekordRequestV002: { ...record, ...change },
    })
    const withVerifier = (change: object): unknown =>
      withRecord({
        signature: {
          ...record.signature,
          verifier: { ...record.signature.verifier, ...change },
        },
      })
    expect(await refuse({ dsseRequestV002: {} })).toBe('invalid type, must be hashedrekord')
    expect(await refuse({})).toBe('invalid type, must be hashedrekord')
    expect(await refuse('{')).toBe('unexpected EOF')
    expect(await refuse(`{\n "a": 1}`)).toBe('proto: (line 2:2): unknown field "a"')
    expect(await refuse(withRecord({ more: 1 }))).toMatch(/unknown field "more"$/)
    expect(await refuse(withRecord({ digest: 'not base64' }))).toMatch(
      /^proto: \(line 1:38\): invalid value for bytes field digest: "not base64"$/,
    )
    for (const wrong of [
      withRecord({ digest: 'AAAA' }),
      withVerifier({ keyDetails: 'PKIX_ECDSA_P384_SHA_384' }),
      withVerifier({ keyDetails: 'PKIX_ED25519' }),
      withVerifier({ x509Certificate: { rawBytes: 'AAAA' } }),
    ]) {
      expect(await refuse(wrong)).toBe('invalid hashedrekord request')
    }
  })

  test.each([
    [
      'RSA',
      () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
      'PKIX_RSA_PKCS1V15_2048_SHA256',
      'sha256',
    ],
    [
      'P-384',
      () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      'PKIX_ECDSA_P384_SHA_384',
      'sha384',
    ],
    [
      'P-521',
      () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
      'PKIX_ECDSA_P521_SHA_512',
      'sha512',
    ],
  ] as const)('a bare %s key may sign', async (_name, generate, keyDetails, hash) => {
    const { privateKey, publicKey } = generate()
    const data = Buffer.from('by a key')
    const body = {
      hashedRekordRequestV002: {
        digest: createHash(hash).update(data).digest('base64'),
        signature: {
          content: sign(hash, data, privateKey).toString('base64'),
          verifier: {
            publicKey: {
              rawBytes: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
            },
            keyDetails,
          },
        },
      },
    }
    const response = await post(`${stack.url}/api/v2/log/entries`, body)
    expect(response.status).toBe(201)
    const { canonicalizedBody } = (await response.json()) as { canonicalizedBody: string }
    expect(Buffer.from(canonicalizedBody, 'base64').toString()).toContain(
      '"publicKey":{"rawBytes":',
    )
  })
})

describe('Rekor v1', () => {
  const url = (path: string): string => `${stack.url}/api/v1/${path}`

  test('finds an entry by certificate, subject, hash, and by all of them', async () => {
    const carol = await newSigner(stack, 'Carol@example.com')
    const { id } = await readEntryV1(await post(url('log/entries'), entryV1(carol, 'by carol')))
    const { id: second } = await readEntryV1(
      await post(url('log/entries'), entryV1(carol, 'again')),
    )
    const search = async (query: unknown): Promise<unknown> =>
      (await post(url('index/retrieve'), query)).json()
    const pem = (text: string): unknown => ({
      publicKey: { format: 'x509', content: Buffer.from(text).toString('base64') },
    })
    const hash = `sha256:${sha256('by carol').toString('hex')}`
    expect(await search({ email: 'carol@EXAMPLE.com' })).toEqual([id, second])
    expect(await search({ hash })).toEqual([id])
    expect(await search({ hash: sha256('by carol').toString('hex') })).toEqual([id])
    // However the PEM is written.
    const certificate = carol.chain[0] ?? ''
    expect(await search(pem(`${certificate}\n`))).toEqual([id, second])
    expect(await search(pem(certificate.replaceAll('\n', '\r\n')))).toEqual([id, second])
    expect(await search({ email: 'carol@example.com', hash, operator: 'and' })).toEqual([id])
    expect(await search({ email: 'nobody@example.com' })).toEqual([])
    expect(await search({})).toEqual([])
  })

  test('gives entries by index, id and proposal, ten at a time', async () => {
    const proposed = entryV1(signer, 'to retrieve')
    const { id, logIndex } = await readEntryV1(await post(url('log/entries'), proposed))
    const retrieve = async (query: unknown): Promise<string[][]> =>
      ((await (await post(url('log/entries/retrieve'), query)).json()) as object[]).map((entry) =>
        Object.keys(entry),
      )
    expect(await retrieve({ entryUUIDs: [id] })).toEqual([[id]])
    expect(await retrieve({ entryUUIDs: [id.slice(16)] })).toEqual([[id]])
    expect(await retrieve({ logIndexes: [logIndex] })).toEqual([[id]])
    expect(await retrieve({ entries: [proposed] })).toEqual([[id]])
    expect(await retrieve({ entryUUIDs: ['0'.repeat(64)], logIndexes: [10_000] })).toEqual([])
    const many = await post(url('log/entries/retrieve'), { logIndexes: Array(11).fill(0) })
    expect(many.status).toBe(422)
  })

  test('does not know an id of another tree', async () => {
    const { id } = await readEntryV1(await post(url('log/entries'), entryV1(signer, 'an id')))
    expect((await fetch(url(`log/entries/${id}`))).status).toBe(200)
    expect((await fetch(url(`log/entries/${id.toUpperCase()}`))).status).toBe(200)
    expect((await fetch(url(`log/entries/0${id.slice(1)}`))).status).toBe(404)
  })

  test('refuses what is no hashedrekord that holds', async () => {
    const good = entryV1(signer, 'refused')
    const refuse = async (body: unknown): Promise<string> => {
      const response = await post(url('log/entries'), body)
      expect(response.status).toBe(400)
      return ((await response.json()) as { message: string }).message
    }
    const { spec } = good
    for (const wrong of [
      { ...good, kind: 'intoto' },
      { ...good, apiVersion: '9.9.9' },
      { ...good, spec: {} },
      { ...good, spec: { ...spec, data: { hash: { algorithm: 'md5', value: '00' } } } },
      { ...good, spec: { ...spec, signature: { ...spec.signature, content: '' } } },
      {
        ...good,
        spec: { ...spec, signature: { ...spec.signature, publicKey: { content: 'AAAA' } } },
      },
    ]) {
      expect(await refuse(wrong)).toMatch(/^error processing entry: /)
    }
  })

  test.each<[string, unknown, number, number, string]>([
    ['log/entries', '', 422, 602, 'proposedEntry in body is required'],
    ['log/entries', '{', 500, 500, 'unexpected EOF'],
    ['log/entries', { kind: 'nope' }, 422, 422, 'invalid kind value: "nope"'],
    ['index/retrieve', '', 422, 602, 'query in body is required'],
    ['index/retrieve', '{', 400, 400, 'parsing query body from "" failed, because unexpected EOF'],
    [
      'index/retrieve',
      { publicKey: { content: 'AAAA' } },
      422,
      602,
      'publicKey.format in body is required',
    ],
    [
      'index/retrieve',
      { publicKey: { format: 'x', content: 'AAAA' } },
      422,
      606,
      'publicKey.format in body should be one of [pgp x509 minisign ssh tuf]',
    ],
    [
      'index/retrieve',
      { publicKey: { format: 'x509', content: 'AAAA' } },
      400,
      400,
      'public key provided could not be parsed',
    ],
    ['index/retrieve', { operator: 'x' }, 422, 606, 'operator in body should be one of [and or]'],
    [
      'log/entries/retrieve',
      { entryUUIDs: Array<string>(11).fill('0'.repeat(64)) },
      422,
      611,
      'entryUUIDs in body should have at most 10 items',
    ],
    [
      'log/entries/retrieve',
      { entryUUIDs: Array<string>(6).fill('0'.repeat(64)), logIndexes: [0, 1, 2, 3, 4] },
      422,
      422,
      'more than max allowed 10 entries in request',
    ],
    [
      'log/entries/retrieve',
      { entryUUIDs: ['zz'] },
      422,
      605,
      "entryUUIDs.0 in body should match '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$'",
    ],
  ])('%s refuses %j by its schema', async (path, body, status, code, message) => {
    const response = await post(url(path), body)
    expect([response.status, await response.json()]).toEqual([status, { code, message }])
  })

  test.each([
    ['log/entries', 422, 602, 'logIndex in query is required'],
    ['log/entries?logIndex=x', 422, 601, 'logIndex in query must be of type int64: "x"'],
    ['log/entries?logIndex=-1', 422, 609, 'logIndex in query should be greater than or equal to 0'],
    ['log/proof', 422, 602, 'lastSize in query is required'],
    ['log/proof?lastSize=0', 422, 609, 'lastSize in query should be greater than or equal to 1'],
    ['log/proof?firstSize=2&lastSize=1', 400, 400, 'firstSize(2) must be less than lastSize(1)'],
  ])('GET %s is refused by its schema', async (path, status, code, message) => {
    const response = await fetch(url(path))
    expect([response.status, await response.json()]).toEqual([status, { code, message }])
  })

  test('says which sizes a consistency proof can be between', async () => {
    const statusOf = async (query: string): Promise<number> =>
      (await fetch(url(`log/proof?${query}`))).status
    expect(await statusOf('lastSize=1')).toBe(200)
    expect(await statusOf('firstSize=2&lastSize=1')).toBe(400)
    expect(await statusOf('lastSize=100000')).toBe(400)
    expect(await statusOf('')).toBe(422)
    expect(await statusOf('firstSize=0&lastSize=1')).toBe(422)
  })
})
