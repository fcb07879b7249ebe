import { sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { entryV1, entryV2, leafDer, newSigner, post, readEntryV1, sha256 } from './client.ts'
import type { Signer } from './client.ts'

const DATA = 'what is signed'

describe('@sigstore/verify accepts bundles made of the local stack’s answers', () => {
  let stack: LocalStack
  let signer: Signer

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true })
    for (let index = 0; index < 5; index += 1) {
      const other = await newSigner(stack, 'bob@example.com')
      await post(`${stack.url}/api/v1/log/entries`, entryV1(other, `other ${index}`))
      await post(`${stack.url}/api/v2/log/entries`, entryV2(other, `other ${index}`))
    }
    signer = await newSigner(stack)
  })

  afterAll(async () => {
    await stack.close()
  })

  function verify(
    bundle: unknown,
    thresholds: { tlogThreshold: number; tsaThreshold: number },
  ): void {
    const root = TrustedRoot.fromJSON(JSON.parse(readFileSync(stack.trustedRootPath, 'utf8')))
    const verifier = new Verifier(toTrustMaterial(root), { ctlogThreshold: 1, ...thresholds })
    verifier.verify(toSignedEntity(bundleFromJSON(bundle), Buffer.from(DATA)), {
      subjectAlternativeName: '^alice@example\\.com$',
      extensions: { issuer: stack.issuer },
    })
  }

  function bundleOf(signature: Buffer, entry: unknown, timestamps: readonly Buffer[]): unknown {
    return {
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: {
        certificate: { rawBytes: leafDer(signer).toString('base64') },
        tlogEntries: [entry],
        timestampVerificationData: {
          rfc3161Timestamps: timestamps.map((stamp) => ({
            signedTimestamp: stamp.toString('base64'),
          })),
        },
      },
      messageSignature: {
        messageDigest: { algorithm: 'SHA2_256', digest: sha256(DATA).toString('base64') },
        signature: signature.toString('base64'),
      },
    }
  }

  async function stamp(signature: Buffer): Promise<Buffer> {
    const response = await post(stack.tsaUrl, {
      artifactHash: sha256(signature).toString('base64'),
      hashAlgorithm: 'sha256',
      certificates: true,
    })
    return Buffer.from(await response.arrayBuffer())
  }

  test('of Rekor v1, with promise, proof and checkpoint', async () => {
    const proposed = entryV1(signer, DATA)
    const response = await post(`${stack.url}/api/v1/log/entries`, proposed)
    const { body, integratedTime, logID, logIndex, verification } = await readEntryV1(response)
    const { inclusionProof, signedEntryTimestamp } = verification
    const hex = (text: string): string => Buffer.from(text, 'hex').toString('base64')
    const signature = Buffer.from(proposed.spec.signature.content, 'base64')
    const bundle = bundleOf(
      signature,
      {
        logIndex: String(logIndex),
        logId: { keyId: hex(logID) },
        kindVersion: { kind: 'hashedrekord', version: '0.0.1' },
        integratedTime: String(integratedTime),
        inclusionPromise: { signedEntryTimestamp },
        inclusionProof: {
          logIndex: String(inclusionProof.logIndex),
          rootHash: hex(inclusionProof.rootHash),
          treeSize: String(inclusionProof.treeSize),
          hashes: inclusionProof.hashes.map(hex),
          checkpoint: { envelope: inclusionProof.checkpoint },
        },
        canonicalizedBody: body,
      },
      [await stamp(signature)],
    )
    verify(bundle, { tlogThreshold: 1, tsaThreshold: 1 })
  })

  test('of Rekor v2, with proof, checkpoint and timestamp', async () => {
    const signature = sign('sha256', Buffer.from(DATA), signer.privateKey)
    const response = await post(`${stack.url}/api/v2/log/entries`, entryV2(signer, DATA, signature))
    expect(response.status).toBe(201)
    const entry: unknown = await response.json()
    verify(bundleOf(signature, entry, [await stamp(signature)]), {
      tlogThreshold: 1,
      tsaThreshold: 1,
    })
  })

  test.each(['lie-proof', 'lie-checkpoint'])('but not one that says %s', async (fault) => {
    const signature = sign('sha256', Buffer.from(DATA), signer.privateKey)
    stack.fault('rekor-v2', fault)
    const response = await post(`${stack.url}/api/v2/log/entries`, entryV2(signer, DATA, signature))
    const entry: unknown = await response.json()
    const stamped = await stamp(signature)
    expect(() => {
      verify(bundleOf(signature, entry, [stamped]), { tlogThreshold: 1, tsaThreshold: 1 })
    }).toThrow()
  })
})
