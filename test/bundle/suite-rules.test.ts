import { describe, expect, it } from 'vitest'
import { derNull } from '../../src/asn1/write.ts'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { preAuthEncoding } from '../../src/bundle/dsse.ts'
import { parsePublicKey } from '../../src/crypto/keys.ts'
import { runSync } from '../../src/crypto/verify.ts'
import type { JsonValue } from '../../src/encoding/json.ts'
import { encodePem } from '../../src/encoding/pem.ts'
import { encodeTimestampResponse } from '../../src/rfc3161/response.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { logEntryToJson } from '../../src/tlog/entry-json.ts'
import { decodeLogEntry } from '../../src/tlog/entry.ts'
import { verifyBundle } from '../../src/verification/bundle.ts'
import { makeLeaf } from '../forge/leaf.ts'
import { makeEntry } from '../forge/log.ts'
import { makeToken } from '../forge/token.ts'
import {
  DAY,
  T0,
  base64,
  bytes,
  makeAuthority,
  makeKey,
  makeWorld,
  sha256,
  signWith,
  trustedRootJson,
} from '../forge/world.ts'

// Rules of sigstore-conformance that its shared cases do not show, by the names the suite gives them.

const world = makeWorld()
const leaf = makeLeaf(world)
const ARTIFACT = bytes('an artifact\n')
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const STATEMENT = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'it', digest: { sha256: Buffer.from(sha256(ARTIFACT)).toString('hex') } }],
  predicateType: 'https://example.org/p',
  predicate: {},
}
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')

interface Signed {
  readonly data: Uint8Array
  readonly signature: Uint8Array
}
const signed = (data: Uint8Array, key = leaf.key): Signed => ({
  data,
  signature: signWith(key, data),
})

/** An envelope over a statement, and what its signature is over. */
function envelope(statement: object, key = leaf.key): Signed & { readonly content: object } {
  const payload = bytes(JSON.stringify(statement))
  const data = preAuthEncoding({
    payloadType: PAYLOAD_TYPE,
    payload,
    signature: new Uint8Array(),
  })
  const { signature } = signed(data, key)
  const content = {
    dsseEnvelope: {
      payload: base64(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: base64(signature) }],
    },
  }
  return { data, signature, content }
}

const message = ({ data, signature }: Signed): object => ({
  messageSignature: {
    messageDigest: { algorithm: 'SHA2_256', digest: base64(sha256(data)) },
    signature: base64(signature),
  },
})

/** An entry in a log of the world; `body` where it is no hashedrekord over what was signed. */
function entry(
  over: Signed,
  version: 'v1' | 'v2',
  body?: { readonly json: JsonValue; readonly kind: string; readonly version: string },
): object {
  const made = makeEntry(
    world,
    { signedAttrs: over.data, signature: over.signature, certificate: leaf.certificate },
    {
      version,
      canonicalBody: true,
      ...(body && {
        body: bytes(JSON.stringify(body.json)),
        kind: body.kind,
        kindVersion: body.version,
      }),
    },
  )
  return logEntryToJson(decodeLogEntry(made))
}

const stamp = ({ signature }: Signed, genTime = T0 + 3): object => ({
  signedTimestamp: base64(encodeTimestampResponse(makeToken(world, signature, { genTime }))),
})

function bundle(content: object, entries: object[], stamps: object[] = [], key?: object): string {
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      ...(key ?? { certificate: { rawBytes: base64(leaf.certificate) } }),
      tlogEntries: entries,
      timestampVerificationData: { rfc3161Timestamps: stamps },
    },
    ...content,
  })
}

function judge(json: string, root = trustedRootJson(world), spki?: Uint8Array): string[] {
  const key = spki && parsePublicKey(spki)
  const { codes, checks } = runSync(
    verifyBundle(parseBundle(json), { bytes: ARTIFACT }, key, parseTrustedRoot(root)),
  )
  return [...codes, ...checks.flatMap(({ name, result }) => (result === 'failed' ? [name] : []))]
}

interface RootJson {
  certificateAuthorities: object[]
  timestampAuthorities: object[]
}
function editRoot(edit: (root: RootJson) => void, options = {}): string {
  const root = JSON.parse(trustedRootJson(world, options)) as RootJson
  edit(root)
  return JSON.stringify(root)
}

describe('dsse-with-hashedrekord', () => {
  const made = envelope(STATEMENT)
  const entries = [entry(made, 'v1')]

  it('-happy-path: an entry of Rekor v1 over the pre-authentication encoding', () => {
    expect(judge(bundle(made.content, entries))).toEqual([])
  })

  it('-invalid-sig_fail, -mismatch-sig_fail: the entry of another signature over the same', () => {
    const again = envelope(STATEMENT)
    expect(judge(bundle(again.content, entries))).toEqual(['LOG_ENTRY_INVALID', 'log-entry'])
    const stranger = envelope(STATEMENT, makeKey('P-256'))
    expect(judge(bundle(stranger.content, [entry(stranger, 'v1')]))).toContain('signature')
  })

  it('-mismatch-envelope_fail: an entry over another envelope, or over the payload alone', () => {
    const other = envelope({ ...STATEMENT, predicate: { more: true } })
    expect(judge(bundle(other.content, entries))).toEqual(['LOG_ENTRY_INVALID', 'log-entry'])
    const payload = { data: bytes(JSON.stringify(STATEMENT)), signature: made.signature }
    expect(judge(bundle(made.content, [entry(payload, 'v1')]))).toContain('log-entry')
  })
})

describe('dsse-statement', () => {
  it.each([
    ['-missing-type_fail', { ...STATEMENT, _type: undefined }],
    ['-unknown-type_fail', { ...STATEMENT, _type: 'https://in-toto.io/Statement/v2' }],
    ['without a subject', { ...STATEMENT, subject: [] }],
    ['whose subject has no digest', { ...STATEMENT, subject: [{ name: 'it' }] }],
    ['that is a list', [STATEMENT]],
  ])('%s', (_, statement) => {
    const made = envelope(statement)
    const codes = judge(bundle(made.content, [entry(made, 'v2')], [stamp(made)]))
    expect(codes).toEqual(['MALFORMED', 'object-form'])
  })

  it('of version 0.1 and 1', () => {
    for (const version of ['v0.1', 'v1']) {
      const made = envelope({ ...STATEMENT, _type: `https://in-toto.io/Statement/${version}` })
      expect(judge(bundle(made.content, [entry(made, 'v2')], [stamp(made)]))).toEqual([])
    }
  })
})

describe('intoto-canonical-log-entry', () => {
  const made = envelope(STATEMENT, leaf.key)
  const body = (payload: Uint8Array, sig = made.signature): JsonValue => ({
    apiVersion: '0.0.2',
    kind: 'intoto',
    spec: {
      content: {
        envelope: {
          payloadType: PAYLOAD_TYPE,
          signatures: [
            {
              publicKey: base64(bytes(encodePem('PUBLIC KEY', leaf.key.spki))),
              sig: base64(bytes(base64(sig))),
            },
          ],
        },
        hash: { algorithm: 'sha256', value: '0'.repeat(64) },
        payloadHash: { algorithm: 'sha256', value: hex(sha256(payload)) },
      },
    },
  })
  const judgeKey = (json: JsonValue): string[] => {
    const logged = entry(made, 'v1', { json, kind: 'intoto', version: '0.0.2' })
    const key = { publicKey: { hint: 'any' } }
    return judge(bundle(made.content, [logged], [], key), undefined, leaf.key.spki)
  }

  it('by a managed key, with the digest of the payload in its place', () => {
    expect(judgeKey(body(bytes(JSON.stringify(STATEMENT))))).toEqual([])
    expect(judgeKey(body(bytes('{}')))).toContain('log-entry')
    expect(judgeKey(body(bytes(JSON.stringify(STATEMENT)), sha256(derNull())))).toContain(
      'log-entry',
    )
  })
})

describe('timestamps', () => {
  const over = signed(ARTIFACT)
  const entries = [entry(over, 'v2')]

  it('rekor2-multiple-timestamps-one-outside-cert-validity_fail, whichever comes first', () => {
    const inside = stamp(over)
    const outside = stamp(over, T0 + 601)
    expect(judge(bundle(message(over), entries, [inside]))).toEqual([])
    expect(judge(bundle(message(over), entries, [inside, inside]))).toEqual([])
    for (const stamps of [
      [inside, outside],
      [outside, inside],
    ]) {
      expect(judge(bundle(message(over), entries, stamps))).toEqual([
        'OUTSIDE_CERTIFICATE_VALIDITY',
        'trusted-time',
      ])
    }
  })

  it('rekor2-timestamp-wrong-tsa-validity-borrow_fail: windows are not lent', () => {
    const json = bundle(message(over), entries, [stamp(over)])
    const ended = { tsa: { start: T0 - 100 * DAY, end: T0 - DAY } }
    expect(judge(json, trustedRootJson(world, ended))).toContain('TIMESTAMP_INVALID')
    const validFor = { start: '2025-01-01T00:00:00Z' }
    const borrowed = [
      { uri: 'https://x.test', certChain: { certificates: [] }, validFor },
      {
        uri: 'https://x.test',
        certChain: { certificates: [{ rawBytes: base64(makeWorld().tsaRoot.certificate) }] },
        validFor,
      },
    ]
    for (const lender of borrowed) {
      const root = editRoot(({ timestampAuthorities }) => timestampAuthorities.push(lender), ended)
      expect(judge(json, root)).toContain('TIMESTAMP_INVALID')
    }
    // Where the same authority is listed again with its own window, that one counts.
    const again = editRoot(({ timestampAuthorities }) => {
      timestampAuthorities.push({ ...timestampAuthorities[0], validFor })
    }, ended)
    expect(judge(json, again)).toEqual([])
  })
})

describe('trusted roots', () => {
  it('sct-duplicate-intermediate-name: the issuer is who signed, not who is called so', () => {
    const over = signed(ARTIFACT)
    const json = bundle(message(over), [entry(over, 'v1')])
    const decoys = [
      makeAuthority('forge intermediate', world.root),
      makeAuthority('forge intermediate', undefined),
    ].map(({ certificate }) => ({
      uri: 'https://fulcio.forge.test',
      certChain: { certificates: [{ rawBytes: base64(certificate) }] },
      validFor: { start: '2025-01-01T00:00:00Z' },
    }))
    for (const decoy of decoys) {
      const first = editRoot((root) => root.certificateAuthorities.unshift(decoy))
      expect(judge(json, first)).toEqual([])
      const alone = editRoot((root) => (root.certificateAuthorities = [decoy]))
      expect(judge(json, alone)).toContain('UNTRUSTED_CERTIFICATE')
    }
  })

  it('cve-2022-36056-swapped-tlog-entry_fail: the entry of another signing of the same file', () => {
    const other = makeLeaf(world)
    const theirs = signed(ARTIFACT, other.key)
    const entryOfOther = makeEntry(
      world,
      { signedAttrs: ARTIFACT, signature: theirs.signature, certificate: other.certificate },
      { canonicalBody: true },
    )
    const swapped = [logEntryToJson(decodeLogEntry(entryOfOther))]
    expect(judge(bundle(message(signed(ARTIFACT)), swapped))).toEqual([
      'LOG_ENTRY_INVALID',
      'log-entry',
    ])
  })
})
