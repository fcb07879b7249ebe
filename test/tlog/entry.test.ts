import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { bytesField, varintField } from '../../src/encoding/protobuf.ts'
import { decodeLogEntry, encodeLogEntry, type TransparencyLogEntry } from '../../src/tlog/entry.ts'
import { logEntryFromJson, logEntryToJson } from '../../src/tlog/entry-json.ts'
import { hashedrekordBodies, hashedrekordBodyV1 } from '../../src/tlog/hashedrekord.ts'
import { promisePayload } from '../../src/tlog/verify-entry.ts'
import { generateSigningKey, parsePublicKey } from '../../src/crypto/keys.ts'
import { readShared, sharedFolder } from '../shared.ts'
import { base64 } from './signed-objects.ts'

const ENTRY: TransparencyLogEntry = {
  logIndex: 2_345_438_208n,
  logId: new Uint8Array(32).fill(7),
  kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
  integratedTime: 1_795_226_518n,
  inclusionPromise: Uint8Array.of(0x30, 0),
  inclusionProof: {
    logIndex: 110n,
    rootHash: new Uint8Array(32).fill(1),
    treeSize: 111n,
    hashes: [new Uint8Array(32).fill(2), new Uint8Array(32).fill(3)],
    checkpoint: 'note\n',
  },
  canonicalizedBody: encodeUtf8('{}'),
}

describe('encodeLogEntry()', () => {
  it('writes fields in order and leaves defaults out, as Go does', () => {
    const { logId, kindVersion } = ENTRY
    const bare = { logIndex: 0n, logId, kindVersion, integratedTime: 0n }
    const id = `0a20${'07'.repeat(32)}`
    const kind = `0a0c${encodeHex(encodeUtf8('hashedrekord'))}1205${encodeHex(encodeUtf8('0.0.1'))}`
    expect(encodeHex(encodeLogEntry(bare))).toBe(`1222${id}1a15${kind}`)
  })

  it('is read back', () => {
    expect(decodeLogEntry(encodeLogEntry(ENTRY))).toEqual(ENTRY)
    expect(logEntryToJson(logEntryFromJson(logEntryToJson(ENTRY)))).toEqual(logEntryToJson(ENTRY))
  })
})

describe('decodeLogEntry()', () => {
  const good = encodeLogEntry(ENTRY)
  const proof = (...fields: Uint8Array[]): Uint8Array => bytesField(6, Buffer.concat(fields))

  it.each([
    ['a field twice', Buffer.concat([varintField(1, 1n), varintField(1, 1n)])],
    ['fields out of order', Buffer.concat([varintField(4, 1n), varintField(1, 1n)])],
    ['an unknown field', varintField(8, 1n)],
    ['a negative index', varintField(1, -1n)],
    ['a number with the wrong wire type', bytesField(1, 'x')],
    ['a message with the wrong wire type', varintField(2, 1n)],
    ['a kind that is not UTF-8', bytesField(3, bytesField(1, Uint8Array.of(0xff)))],
    ['an unknown field of the log id', bytesField(2, varintField(2, 1n))],
    ['a short hash', proof(bytesField(4, 'short'))],
    ['a long root hash', proof(bytesField(2, new Uint8Array(33)))],
    ['64 hashes', proof(...Array.from({ length: 64 }, () => bytesField(4, new Uint8Array(32))))],
    ['a checkpoint that is not UTF-8', proof(bytesField(5, bytesField(1, Uint8Array.of(0xff))))],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeLogEntry(bytes)).toThrow(
      expect.objectContaining({ code: 'LOG_ENTRY_MALFORMED' }),
    )
  })

  it('refuses an entry cut anywhere but between two fields', () => {
    const ends = new Set<number>()
    for (let length = 0; length < good.length; length += 1) {
      try {
        decodeLogEntry(good.subarray(0, length))
        ends.add(length)
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/MALFORMED/)
      }
    }
    expect(ends.size).toBe(7)
  })

  it('treats an empty promise as none', () => {
    const bytes = bytesField(5, new Uint8Array())
    expect(decodeLogEntry(bytes).inclusionPromise).toBeUndefined()
  })
})

describe('logEntryFromJson()', () => {
  const good = logEntryToJson(ENTRY)

  it('reads names as in the .proto file, numbers and nulls', () => {
    const entry = logEntryFromJson({
      log_index: 5,
      log_id: { key_id: 'AQ==' },
      kind_version: { kind: 'hashedrekord', version: '0.0.2' },
      integrated_time: '0',
      inclusion_promise: null,
      inclusion_proof: { log_index: '5', tree_size: 6, hashes: [], checkpoint: null },
    })
    expect(entry).toMatchObject({ logIndex: 5n, integratedTime: 0n, inclusionPromise: undefined })
    expect(entry.inclusionProof).toMatchObject({ treeSize: 6n, checkpoint: '' })
  })

  it.each([
    ['no log id', { logId: null }],
    ['a negative index', { logIndex: '-1' }],
    ['a fraction', { logIndex: 1.5 }],
    ['an index above 2^53 as a number', { logIndex: 2 ** 53 }],
    ['an index of 2^63', { logIndex: '9223372036854775808' }],
    ['an unknown member', { more: 1 }],
    ['a member under both names', { log_index: '1' }],
    ['a proof that is a list', { inclusionProof: [] }],
    ['hashes that are no list', { inclusionProof: { hashes: 'x' } }],
    ['a short hash', { inclusionProof: { hashes: ['AAAA'] } }],
    ['64 hashes', { inclusionProof: { hashes: Array.from({ length: 64 }, () => 'AAAA') } }],
    ['base64 for URLs', { canonicalizedBody: '_-_-' }],
    ['a body that is no text', { canonicalizedBody: 5 }],
  ])('refuses %s', (_, change) => {
    expect(() => logEntryFromJson({ ...good, ...change })).toThrow(
      expect.objectContaining({ code: 'LOG_ENTRY_MALFORMED' }),
    )
  })
})

describe('hashedrekordBodies()', () => {
  const publicKey = parsePublicKey(generateSigningKey().spki)
  const content = {
    algorithm: 'sha256',
    digest: new Uint8Array(32),
    signature: Uint8Array.of(1),
    verifier: { der: publicKey.spki, isCertificate: false, publicKey },
  } as const
  const versions = (change: Partial<TransparencyLogEntry>): string[] =>
    hashedrekordBodies({ ...ENTRY, ...change }, content).map(
      ({ kindVersion }) => kindVersion.version,
    )

  it('tries 0.0.2 for 0.0.1 only where nothing comes from v1', () => {
    const v1 = { kind: 'hashedrekord', version: '0.0.1' }
    expect(versions({})).toEqual(['0.0.1'])
    expect(versions({ kindVersion: v1, inclusionPromise: undefined })).toEqual(['0.0.1'])
    expect(versions({ kindVersion: v1, integratedTime: 0n })).toEqual(['0.0.1'])
    expect(versions({ kindVersion: v1, inclusionPromise: undefined, integratedTime: 0n })).toEqual([
      '0.0.1',
      '0.0.2',
    ])
    expect(versions({ kindVersion: { kind: 'hashedrekord', version: '0.0.2' } })).toEqual(['0.0.2'])
    expect(versions({ kindVersion: { kind: 'hashedrekord', version: '0.0.3' } })).toEqual([])
    expect(versions({ kindVersion: { kind: 'dsse', version: '0.0.1' } })).toEqual([])
  })
})

describe.skipIf(sharedFolder === undefined)('recorded answers (skipped: no shared data)', () => {
  const exchange = (name: string) => {
    const text = readShared(`interop/http/${name}.json`).toString('utf8')
    return JSON.parse(text) as { request: { body: never }; response: { body: never } }
  }

  it('rekor-v2-post: the entry is read, and its body is what we rebuild', () => {
    const { request, response } = exchange('rekor-v2-post')
    const entry = logEntryFromJson(response.body)
    expect(entry.integratedTime).toBe(0n)
    const { digest, signature } = (request.body as V2Request).hashedRekordRequestV002
    const der = base64(signature.verifier.x509Certificate.rawBytes)
    const [body] = hashedrekordBodies(entry, {
      algorithm: 'sha256',
      digest: base64(digest),
      signature: base64(signature.content),
      verifier: { der, isCertificate: true, publicKey: parsePublicKey(generateSigningKey().spki) },
    })
    expect(Buffer.from(body?.bytes ?? [])).toEqual(Buffer.from(entry.canonicalizedBody ?? []))
  })

  it('rekor-v1-post: the body, and the payload of the promise', () => {
    const { request, response } = exchange('rekor-v1-post')
    const [answer] = Object.values<V1Answer>(response.body)
    const spec = (request.body as V1Request).spec
    const pem = Buffer.from(spec.signature.publicKey.content, 'base64').toString('utf8')
    const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64')
    const body = hashedrekordBodyV1({
      algorithm: 'sha256',
      digest: Buffer.from(spec.data.hash.value, 'hex'),
      signature: base64(spec.signature.content),
      verifier: { der, isCertificate: true, publicKey: parsePublicKey(generateSigningKey().spki) },
    })
    expect(Buffer.from(body).toString('base64')).toBe(answer?.body)
    const payload = promisePayload(
      { integratedTime: 5n, logId: Uint8Array.of(0xab), logIndex: 2n ** 60n },
      body,
    )
    expect(Buffer.from(payload).toString('utf8')).toBe(
      `{"body":"${answer?.body ?? ''}","integratedTime":5,"logID":"ab","logIndex":1152921504606846976}`,
    )
  })
})

interface V1Answer {
  body: string
}
interface V1Request {
  spec: {
    data: { hash: { value: string } }
    signature: { content: string; publicKey: { content: string } }
  }
}
interface V2Request {
  hashedRekordRequestV002: {
    digest: string
    signature: { content: string; verifier: { x509Certificate: { rawBytes: string } } }
  }
}
