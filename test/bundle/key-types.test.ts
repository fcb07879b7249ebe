import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { digest, sha256 } from '../../src/crypto/digest.ts'
import { parsePublicKey } from '../../src/crypto/keys.ts'
import { loadPrehashVerifier } from '../../src/crypto/prehash.ts'
import { runAsync, runSync } from '../../src/crypto/verify.ts'
import { encodeBase64 } from '../../src/encoding/base64.ts'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import type { TrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { encodeCheckpoint } from '../../src/tlog/checkpoint.ts'
import { logEntryToJson } from '../../src/tlog/entry-json.ts'
import type { TransparencyLogEntry } from '../../src/tlog/entry.ts'
import { hashedrekordBodyV1, hashedrekordBodyV2 } from '../../src/tlog/hashedrekord.ts'
import { signatureHash, type TransparencyLog } from '../../src/tlog/log.ts'
import { leafHash } from '../../src/tlog/merkle.ts'
import { encodeNote, noteKeyId } from '../../src/tlog/note.ts'
import { MerkleTree } from '../../src/tlog/tree.ts'
import { promisePayload } from '../../src/tlog/verify-entry.ts'
import { verifyBundle } from '../../src/verification/bundle.ts'

interface KeyPair {
  publicKey: KeyObject
  privateKey: KeyObject
}

const KINDS: Readonly<Record<string, () => KeyPair>> = {
  'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  'RSA 2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: () => generateKeyPairSync('ed25519'),
}
const ARTIFACT = encodeUtf8('an artifact')
const TIME = 1_795_000_000
const ALGORITHMS = { sha256: 'SHA2_256', sha384: 'SHA2_384', sha512: 'SHA2_512' } as const

function keyOf({ publicKey }: KeyPair) {
  return parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
}

/** A log of our own with one entry among others, as v1 (promise) or v2 (checkpoint only). */
class TestLog {
  readonly #pair: KeyPair
  readonly #isV1: boolean
  readonly #hash: string | undefined
  readonly log: TransparencyLog

  /** @param hash - what it signs with, instead of the digest that belongs to its key */
  constructor(pair: KeyPair, isV1: boolean, hash?: string) {
    this.#pair = pair
    this.#isV1 = isV1
    this.#hash = hash
    const publicKey = keyOf(pair)
    this.log = {
      baseUrl: 'https://log.test',
      // Rekor v1 names every kind of key by its SPKI.
      logId: isV1 ? publicKey.spkiDigest : noteKeyId(publicKey, 'log.test'),
      publicKey,
      validFrom: TIME,
      validUntil: TIME,
    }
  }

  #sign(data: Uint8Array): Uint8Array {
    const hash = this.#hash ?? signatureHash(this.log.publicKey)
    return sign(hash === 'none' ? null : hash, data, this.#pair.privateKey)
  }

  entry(body: Uint8Array): TransparencyLogEntry {
    const tree = new MerkleTree()
    for (let index = 0; index < 5; index += 1) tree.append(leafHash(Uint8Array.of(index)))
    const index = tree.append(leafHash(body))
    const head = {
      origin: this.#isV1 ? 'log.test - 7' : 'log.test',
      treeSize: BigInt(tree.size),
      rootHash: tree.root(),
      extensions: [],
    }
    const text = encodeCheckpoint(head)
    const keyHint = this.log.logId.subarray(0, 4)
    const signature = this.#sign(encodeUtf8(text))
    const entry: TransparencyLogEntry = {
      logIndex: this.#isV1 ? 1000n : BigInt(index),
      logId: this.log.logId,
      kindVersion: { kind: 'hashedrekord', version: this.#isV1 ? '0.0.1' : '0.0.2' },
      integratedTime: this.#isV1 ? BigInt(TIME) : 0n,
      inclusionProof: {
        logIndex: BigInt(index),
        rootHash: head.rootHash,
        treeSize: head.treeSize,
        hashes: tree.inclusionProof(index),
        checkpoint: encodeNote({ text, signatures: [{ name: 'log.test', keyHint, signature }] }),
      },
      canonicalizedBody: body,
    }
    if (!this.#isV1) return entry
    return { ...entry, inclusionPromise: this.#sign(promisePayload(entry, body)) }
  }
}

function rootWith(log: TransparencyLog): TrustedRoot {
  return {
    name: 'test',
    isLocal: false,
    digest: '',
    certificateAuthorities: [],
    ctlogs: [],
    tlogs: [log],
    timestampAuthorities: [],
    unusable: [],
  }
}

function makeBundle(pair: KeyPair, log: TestLog, hash: keyof typeof ALGORITHMS, isV1: boolean) {
  const publicKey = keyOf(pair)
  const scheme = publicKey.type === 'ed25519' ? null : hash
  const signature = sign(scheme, ARTIFACT, pair.privateKey)
  const content = {
    algorithm: hash,
    digest: digest(hash, ARTIFACT),
    signature,
    verifier: { der: publicKey.spki, isCertificate: false, publicKey },
  }
  const body = isV1 ? hashedrekordBodyV1(content) : hashedrekordBodyV2(content)
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      publicKey: { hint: 'any' },
      tlogEntries: [logEntryToJson(log.entry(body))],
    },
    messageSignature: {
      messageDigest: { algorithm: ALGORITHMS[hash], digest: encodeBase64(content.digest) },
      signature: encodeBase64(signature),
    },
  })
}

describe.each(Object.keys(KINDS))('a bundle signed with a %s key', (signerKind) => {
  const signer = (KINDS[signerKind] as () => KeyPair)()

  it.each(Object.keys(KINDS))('in logs v1 and v2 with a %s key', async (logKind) => {
    const verifyPrehash = await loadPrehashVerifier()
    for (const isV1 of [true, false]) {
      const log = new TestLog((KINDS[logKind] as () => KeyPair)(), isV1)
      const own = signatureHash(keyOf(signer))
      const hashes = new Set(['sha256', own === 'none' ? 'sha512' : own] as const)
      for (const hash of hashes) {
        const bundle = parseBundle(makeBundle(signer, log, hash as 'sha256', isV1))
        const key = keyOf(signer)
        const root = rootWith(log.log)
        const facts = runSync(verifyBundle(bundle, { bytes: ARTIFACT }, key, root))
        expect(facts.codes).toEqual([])
        expect(facts.times).toEqual(isV1 ? [TIME] : [])
        const again = await runAsync(verifyBundle(bundle, { bytes: ARTIFACT }, key, root))
        expect(again).toEqual(facts)
        const other = runSync(verifyBundle(bundle, { bytes: Uint8Array.of(1) }, key, root))
        expect(other.codes).toContain('BAD_SIGNATURE')
        // Ed25519 signs no digest, and of a SHA-384 or SHA-512 digest nobody has the preimage.
        const byDigest = { sha256: sha256(ARTIFACT), verifyPrehash }
        const prehashed = runSync(verifyBundle(bundle, byDigest, key, root))
        const canBe = hash === 'sha256' && signerKind !== 'Ed25519'
        expect(prehashed.codes.length === 0).toBe(canBe)
      }
    }
  })
})

it.each([
  ['P-384', 'sha384', 'sha256', 'sha512'],
  ['P-521', 'sha512', 'sha256', 'sha384'],
] as const)(
  'a Rekor v1 with a %s key signs %s or, as it really does, %s',
  (kind, own, real, other) => {
    const signer = (KINDS['P-256'] as () => KeyPair)()
    const pair = (KINDS[kind] as () => KeyPair)()
    const codesOf = (isV1: boolean, hash: string): string[] => {
      const log = new TestLog(pair, isV1, hash)
      const bundle = parseBundle(makeBundle(signer, log, 'sha256', isV1))
      const artifact = { bytes: ARTIFACT }
      return runSync(verifyBundle(bundle, artifact, keyOf(signer), rootWith(log.log))).codes
    }
    expect([codesOf(true, own), codesOf(true, real), codesOf(false, own)]).toEqual([[], [], []])
    expect(codesOf(true, other)).toEqual(['LOG_ENTRY_INVALID'])
    expect(codesOf(false, real)).toEqual(['LOG_ENTRY_INVALID'])
  },
)

describe('loadPrehashVerifier()', () => {
  it.each(Object.keys(KINDS))('refuses a changed digest, signature or key of %s', async (kind) => {
    const verify = await loadPrehashVerifier()
    const pair = (KINDS[kind] as () => KeyPair)()
    const stranger = (KINDS[kind] as () => KeyPair)()
    for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
      const isEd25519 = kind === 'Ed25519'
      const signature = sign(isEd25519 ? null : hash, ARTIFACT, pair.privateKey)
      const good = { key: keyOf(pair), hash, digest: digest(hash, ARTIFACT), signature }
      expect(verify(good)).toBe(!isEd25519)
      expect(verify({ ...good, digest: digest(hash, Uint8Array.of(1)) })).toBe(false)
      expect(verify({ ...good, key: keyOf(stranger) })).toBe(false)
      for (const bad of [
        new Uint8Array(),
        signature.subarray(1),
        Buffer.concat([signature, Buffer.of(0)]),
      ]) {
        expect(verify({ ...good, signature: bad })).toBe(false)
      }
      const flipped = Uint8Array.from(signature)
      flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
      expect(verify({ ...good, signature: flipped })).toBe(false)
    }
  })
})
