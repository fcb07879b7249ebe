import { readFileSync } from 'node:fs'
import { sign } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { preAuthEncoding } from '../../src/bundle/dsse.ts'
import { loadPrehashVerifier } from '../../src/crypto/prehash.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import { startLocalStack, type LocalStack } from '../../src/localstack/stack.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyBundle, type BundleFacts } from '../../src/verification/bundle.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import {
  entryV1,
  entryV2,
  leafDer,
  newSigner,
  post,
  readEntryV1,
  sha256,
  type Signer,
} from '../localstack/client.ts'

const DATA = 'an artifact'
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'

describe('bundles of a stack whose clock is ours', () => {
  let now = Date.now()
  let stack: LocalStack
  let signer: Signer
  let notBefore: number
  let notAfter: number

  beforeAll(async () => {
    now = Math.floor(now / 1000) * 1000
    stack = await startLocalStack({ port: 0, test: true, clock: () => now })
    signer = await newSigner(stack)
    ;({ notBefore, notAfter } = parseCertificate(leafDer(signer)))
  })

  afterAll(async () => {
    await stack.close()
  })

  async function at<T>(seconds: number, act: () => Promise<T>): Promise<T> {
    const before = now
    now = seconds * 1000
    try {
      return await act()
    } finally {
      now = before
    }
  }

  async function stamp(signature: Uint8Array): Promise<{ signedTimestamp: string }> {
    const response = await post(stack.tsaUrl, {
      artifactHash: sha256(signature).toString('base64'),
      hashAlgorithm: 'sha256',
      certificates: true,
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { signedTimestamp: bytes.toString('base64') }
  }

  async function logV1(proposed: ReturnType<typeof entryV1>): Promise<unknown> {
    const answer = await readEntryV1(await post(`${stack.url}/api/v1/log/entries`, proposed))
    const proof = answer.verification.inclusionProof
    const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
    return {
      logIndex: String(answer.logIndex),
      logId: { keyId: base64(answer.logID) },
      kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
      integratedTime: String(answer.integratedTime),
      inclusionPromise: { signedEntryTimestamp: answer.verification.signedEntryTimestamp },
      inclusionProof: {
        logIndex: String(proof.logIndex),
        rootHash: base64(proof.rootHash),
        treeSize: String(proof.treeSize),
        hashes: proof.hashes.map(base64),
        checkpoint: { envelope: proof.checkpoint },
      },
      canonicalizedBody: answer.body,
    }
  }

  async function logV2(data: string, signature: Uint8Array): Promise<unknown> {
    const response = await post(`${stack.url}/api/v2/log/entries`, entryV2(signer, data, signature))
    return response.json()
  }

  function material(entries: unknown[], timestamps: unknown[], content: object): string {
    return JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        certificate: { rawBytes: leafDer(signer).toString('base64') },
        tlogEntries: entries,
        timestampVerificationData: { rfc3161Timestamps: timestamps },
      },
      ...content,
    })
  }

  const message = (signature: Uint8Array): object => ({
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: sha256(DATA).toString('base64') },
      signature: Buffer.from(signature).toString('base64'),
    },
  })

  function judge(bundle: string, artifact = DATA): BundleFacts {
    const root = parseTrustedRoot(readFileSync(stack.trustedRootPath, 'utf8'))
    const bytes = encodeUtf8(artifact)
    return runSync(verifyBundle(parseBundle(bundle), { bytes }, undefined, root))
  }

  const newSignature = (data: string): Uint8Array =>
    sign('sha256', Buffer.from(data), signer.privateKey)

  it('a message in Rekor v2 with a timestamp: by path and digest; never for another root', async () => {
    const signature = newSignature(DATA)
    const entries = [await logV2(DATA, signature)]
    const bundle = material(entries, [await stamp(signature)], message(signature))
    expect(judge(bundle)).toMatchObject({ outcome: 'proven', times: [now / 1000] })
    expect(judge(bundle).signer).toMatchObject({ value: 'alice@example.com', trust: 'local' })
    const root = parseTrustedRoot(readFileSync(stack.trustedRootPath, 'utf8'))
    const digest = { sha256: sha256(DATA), verifyPrehash: await loadPrehashVerifier() }
    const byDigest = runSync(verifyBundle(parseBundle(bundle), digest, undefined, root))
    expect(byDigest.outcome).toBe('proven')
    const bare = material(entries, [], message(signature))
    expect(judge(bare).codes).toEqual(['NO_TRUSTED_TIME'])
  })

  it.each([
    ['at the first second', () => notBefore, []],
    ['one second too early', () => notBefore - 1, ['OUTSIDE_CERTIFICATE_VALIDITY']],
    ['at the last second', () => notAfter, []],
    ['one second too late', () => notAfter + 1, ['OUTSIDE_CERTIFICATE_VALIDITY']],
  ])('a timestamp %s of the certificate', async (_, time, codes) => {
    const signature = newSignature(DATA)
    const entry = await logV2(DATA, signature)
    const timestamp = await at(time(), () => stamp(signature))
    expect(judge(material([entry], [timestamp], message(signature))).codes).toEqual(codes)
    // A good one beside it does not make up for it.
    const both = [await stamp(signature), timestamp]
    expect(judge(material([entry], both, message(signature))).codes).toEqual(codes)
  })

  it.each([
    ['at the first second', () => notBefore, []],
    ['one second too early', () => notBefore - 1, ['OUTSIDE_CERTIFICATE_VALIDITY']],
    ['at the last second', () => notAfter, []],
    ['one second too late', () => notAfter + 1, ['OUTSIDE_CERTIFICATE_VALIDITY']],
  ])('an entry of Rekor v1 %s of the certificate', async (_, time, codes) => {
    const proposed = entryV1(signer, DATA)
    const entry = await at(time(), () => logV1(proposed))
    const signature = Buffer.from(proposed.spec.signature.content, 'base64')
    const facts = judge(material([entry], [], message(signature)))
    expect(facts.codes).toEqual(codes)
    expect(facts.times).toEqual([time()])
  })

  it('entries in both logs; one over another signature by the same key', async () => {
    const proposed = entryV1(signer, DATA)
    const signature = Buffer.from(proposed.spec.signature.content, 'base64')
    const entries = [await logV1(proposed), await logV2(DATA, signature)]
    expect(judge(material(entries, [], message(signature))).codes).toEqual([])
    const other = await logV2(DATA, newSignature(DATA))
    const mixed = judge(material([...entries, other], [], message(signature)))
    expect(mixed.codes).toEqual(['LOG_ENTRY_INVALID'])
  })

  it('an in-toto statement, logged by its pre-authentication encoding', async () => {
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'other', digest: { sha256: '0'.repeat(64) } },
        { name: 'it', digest: { sha1: '00', sha256: sha256(DATA).toString('hex') } },
      ],
      predicateType: 'https://example.org/p',
      predicate: {},
    }
    const payload = encodeUtf8(JSON.stringify(statement))
    const signed = preAuthEncoding({
      payloadType: PAYLOAD_TYPE,
      payload,
      signature: new Uint8Array(),
    })
    const data = Buffer.from(signed).toString('utf8')
    const signature = newSignature(data)
    const envelope = (change: object): object => ({
      dsseEnvelope: {
        payload: Buffer.from(payload).toString('base64'),
        payloadType: PAYLOAD_TYPE,
        signatures: [{ sig: Buffer.from(signature).toString('base64'), keyid: '' }],
        ...change,
      },
    })
    const entries = [await logV2(data, signature)]
    const timestamps = [await stamp(signature)]
    expect(judge(material(entries, timestamps, envelope({}))).codes).toEqual([])
    expect(judge(material(entries, timestamps, envelope({})), 'another').codes).toContain(
      'BAD_SIGNATURE',
    )
    const forged = Buffer.from(JSON.stringify({ ...statement, predicate: { evil: true } }))
    const other = envelope({ payload: forged.toString('base64') })
    expect(judge(material(entries, timestamps, other)).codes).toEqual([
      'BAD_SIGNATURE',
      'LOG_ENTRY_INVALID',
    ])
  })
})
