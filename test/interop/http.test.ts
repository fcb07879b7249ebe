import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { entryV1, entryV2, newSigner, pemDer, post } from '../localstack/client.ts'
import { readShared, sharedPath } from '../shared.ts'

// Every recorded exchange with a real service is had again with the local stack: the same request
// must get an answer of the same form. Rekor and the TSA look only at what is in the request, so the
// recorded ones can be sent as they are; Fulcio's proof of possession holds for a token of ours.

interface Exchange {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Record<string, string>
    readonly body: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers: Record<string, string>
    readonly body: unknown
  }
}

const folder = sharedPath('interop/http')
const names =
  folder === undefined ? [] : readdirSync(folder).map((name) => name.replace('.json', ''))
/** Others ask for what this one has logged. */
const FIRST = ['rekor-v1-post', 'rekor-v2-post']
const ordered = [
  ...FIRST.filter((name) => names.includes(name)),
  ...names.filter((name) => !FIRST.includes(name)),
]
const RECORDED_TREE = '668f2c4c77d41d0a'
/** Entries before the recorded one, so that there is something to prove. */
const FILLERS = 5

function readExchange(name: string): Exchange {
  return JSON.parse(readShared(`interop/http/${name}.json`).toString('utf8')) as Exchange
}

describe.skipIf(folder === undefined)('the local stack answers like the real services', () => {
  let stack: LocalStack
  let treePrefix = ''

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true })
    const mallory = await newSigner(stack, 'mallory@evil.example')
    for (let index = 0; index < FILLERS; index += 1) {
      await post(`${stack.url}/api/v1/log/entries`, entryV1(mallory, `filler ${index}`))
      await post(`${stack.url}/api/v2/log/entries`, entryV2(mallory, `filler ${index}`))
    }
    const info = (await (await fetch(`${stack.url}/api/v1/log`)).json()) as { treeID: string }
    treePrefix = BigInt(info.treeID).toString(16).padStart(16, '0')
  })

  afterAll(async () => {
    await stack.close()
  })

  /** The recorded request with what names the other instance replaced. */
  async function send(name: string, { request }: Exchange): Promise<Response> {
    const token = name.includes('bad-token')
      ? 'no.such.token'
      : await stack.token('alice@example.org')
    const ours = (text: string): string =>
      text
        .replaceAll('<id token>', token)
        .replaceAll(RECORDED_TREE, treePrefix)
        .replace('logIndex=110', `logIndex=${FILLERS}`)
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([header, value]) => [header, ours(value)]),
    )
    const { body, method } = request
    return fetch(`${stack.url}${ours(request.path)}`, {
      method,
      headers,
      ...(body === null ? {} : { body: encodeBody(body, ours) }),
    })
  }

  test.each(ordered)('%s', async (name) => {
    const exchange = readExchange(name)
    const { response } = exchange
    const answer = await send(name, exchange)
    expect(answer.status).toBe(response.status)
    expect(readHeaders((header) => answer.headers.get(header))).toEqual(
      readHeaders((header) => response.headers[header] ?? null),
    )
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(answer.headers.get('content-length')).toBe(String(bytes.length))
    const recorded = response.body
    if (isBytes(recorded)) {
      const wanted = Buffer.from(recorded.base64, 'base64')
      if (response.status === 200) expect(text(derShape(bytes))).toBe(text(derShape(wanted)))
      else expect(bytes.toString('utf8')).toBe(wanted.toString('utf8'))
    } else if (typeof recorded === 'string') {
      expect(textShape(bytes.toString('utf8'))).toEqual(textShape(recorded))
    } else {
      const value: unknown = JSON.parse(bytes.toString('utf8'))
      expect(shapeOf(value)).toEqual(shapeOf(recorded))
      expect(exactParts(value)).toEqual(exactParts(recorded))
    }
  })
})

/** Headers that clients read, or that a proxy between would. */
function readHeaders(get: (header: string) => string | null): Record<string, string | null> {
  const wanted = [
    'content-type',
    'vary',
    'cache-control',
    'pragma',
    'expires',
    'etag',
    'location',
    'x-log-index',
  ]
  return Object.fromEntries(
    wanted.map((header) => [
      header,
      get(header)
        ?.replaceAll(/[0-9a-f]{80}/g, '<id>')
        .replace(/^\d+$/, '<index>') ?? null,
    ]),
  )
}

function encodeBody(body: unknown, ours: (text: string) => string): string | Buffer {
  if (isBytes(body)) return Buffer.from(body.base64, 'base64')
  return ours(typeof body === 'string' ? body : JSON.stringify(body))
}

function isBytes(body: unknown): body is { base64: string } {
  return typeof body === 'object' && body !== null && 'base64' in body
}

/** Members and types; ids as member names made equal, one element standing for a list. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .map(([member, inner]): [string, unknown] => [
          member.replace(/^[0-9a-f]{80}$/, '<id>'),
          shapeOf(inner),
        ])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }
  if (typeof value === 'string') return textShape(value)
  return value === null ? null : typeof value
}

/** What of a text must be the same: the lines of a checkpoint, the certificates of a chain. */
function textShape(text: string): unknown {
  if (text.includes('-----BEGIN CERTIFICATE-----')) {
    const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    return {
      between: text.split(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/),
      certificates: blocks.map((block) => derShape(pemDer(block))),
    }
  }
  if (text.includes('\n— ')) return text.split('\n').map((line) => line.split(' ').length)
  return 'string'
}

const EXACT = [
  'code',
  'message',
  'details',
  'kind',
  'version',
  'inclusionPromise',
  'canonicalizedBody',
  'body',
]

/** Values that must be the same to the byte: error words, and the bodies that the logs make. */
function exactParts(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(exactParts)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([member, inner]) =>
    EXACT.includes(member)
      ? [[member, typeof inner === 'string' ? words(inner) : inner]]
      : exactParts(inner),
  )
}

const text = (shape: unknown): string => JSON.stringify(shape)

/** protojson puts a no-break space after "proto:", or not, by how it was built. */
const words = (message: string): string =>
  message.replace(/[0-9a-f]{80}|index \d+$/g, '<id>').replace('proto:\u00a0', 'proto: ')

/** Tags and object identifiers of a DER value, without lengths and contents. */
function derShape(der: Buffer): unknown[] {
  const shape: unknown[] = []
  for (let at = 0; at < der.length;) {
    const tag = der[at] ?? 0
    const first = der[at + 1] ?? 0
    const octets = first < 0x80 ? 0 : first & 0x7f
    const length = octets === 0 ? first : der.readUIntBE(at + 2, octets)
    const content = der.subarray(at + 2 + octets, at + 2 + octets + length)
    if ((tag & 0x20) !== 0) shape.push([tag, derShape(content)])
    else shape.push(tag === 6 ? content.toString('hex') : tag)
    at += 2 + octets + length
  }
  return shape
}
