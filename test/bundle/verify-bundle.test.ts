import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { parsePublicKey } from '../../src/crypto/keys.ts'
import { loadPrehashVerifier } from '../../src/crypto/prehash.ts'
import { sha256 } from '../../src/crypto/digest.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { encodeBase64 } from '../../src/encoding/base64.ts'
import { parsePemBundle } from '../../src/encoding/pem.ts'
import { SignetError } from '../../src/errors.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyBundle } from '../../src/verification/bundle.ts'
import { readShared, sharedFolder } from '../shared.ts'
import { base64 } from '../tlog/signed-objects.ts'

// Cases of sigstore-conformance by the name they have there, made here out of the others.

interface Entry {
  logIndex: string
  logId: { keyId: string }
  integratedTime?: string
  inclusionPromise?: { signedEntryTimestamp: string }
  inclusionProof: {
    logIndex: string
    rootHash: string
    treeSize: string
    hashes: string[]
    checkpoint: { envelope: string }
  }
  canonicalizedBody: string
}
interface BundleJson {
  mediaType: string
  verificationMaterial: {
    certificate?: { rawBytes: string }
    x509CertificateChain?: { certificates: { rawBytes: string }[] }
    tlogEntries: Entry[]
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] }
  }
  messageSignature?: { messageDigest?: { algorithm: string; digest: string }; signature: string }
  dsseEnvelope?: {
    payload: string
    payloadType: string
    signatures: { sig: string; keyid?: string }[]
  }
}
interface Window {
  start?: string
  end?: string
}
interface RootJson {
  tlogs: { logId: { keyId: string }; publicKey: { rawBytes: string; validFor: Window } }[]
  ctlogs: { logId: { keyId: string }; publicKey: { rawBytes: string; validFor: Window } }[]
  certificateAuthorities: { validFor: Window }[]
  timestampAuthorities?: {
    certChain: { certificates: { rawBytes: string }[] }
    validFor: Window
  }[]
}

const CASES = 'conformance/bundle-verify'
const V01 = 'happy-path-v0.1'
const V03 = 'happy-path-v0.3'
const V2 = 'rekor2-checkpoint-cosigned'
const INTOTO = 'intoto-with-custom-trust-root'

function readJson(path: string): unknown {
  return JSON.parse(readShared(path).toString('utf8'))
}
const bundleOf = (name: string): BundleJson =>
  readJson(`${CASES}/${name}/bundle.sigstore.json`) as BundleJson
const publicRoot = (): RootJson => readJson('corpus/trusted_root.json') as RootJson
const rootOf = (name: string): RootJson =>
  readJson(`${CASES}/${name}/trusted_root.json`) as RootJson
const entryOf = (bundle: BundleJson): Entry => {
  const [entry] = bundle.verificationMaterial.tlogEntries
  if (entry === undefined) throw new Error('no entry')
  return entry
}
const keyOf = (name: string): Uint8Array => {
  const pem = readShared(`${CASES}/${name}/key.pub`).toString('utf8')
  return parsePemBundle(pem, 'PUBLIC KEY')[0] ?? new Uint8Array()
}

/** Codes of the outcome and the checks that failed; both empty where it is accepted. */
async function refusal(
  bundle: BundleJson,
  root: RootJson,
  options: { artifact?: Uint8Array; key?: Uint8Array; form?: 'bytes' | 'digest' } = {},
): Promise<string[]> {
  const { artifact = readShared(`${CASES}/a.txt`), key } = options
  try {
    const facts = runSync(
      verifyBundle(
        parseBundle(JSON.stringify(bundle)),
        options.form === 'digest'
          ? { sha256: sha256(artifact), verifyPrehash: await loadPrehashVerifier() }
          : { bytes: artifact },
        key && parsePublicKey(key),
        parseTrustedRoot(JSON.stringify(root)),
      ),
    )
    const failed = facts.checks.filter(({ result }) => result === 'failed')
    return [...facts.codes, ...failed.map(({ name }) => name)]
  } catch (error) {
    if (error instanceof SignetError) return [String(error.code)]
    throw error
  }
}

function flip(text: string): string {
  const bytes = Uint8Array.from(base64(text))
  const index = bytes.length - 8
  bytes[index] = (bytes[index] ?? 0) ^ 0x01
  return encodeBase64(bytes)
}

function edited<T>(value: T, edit: (copy: T) => void): T {
  const copy = structuredClone(value)
  edit(copy)
  return copy
}

const editEntry = (name: string, edit: (entry: Entry) => void): BundleJson =>
  edited(bundleOf(name), (bundle) => {
    edit(entryOf(bundle))
  })

const editNote = (name: string, edit: (note: string) => string): BundleJson =>
  editEntry(name, (entry) => {
    const { checkpoint } = entry.inclusionProof
    checkpoint.envelope = edit(checkpoint.envelope)
  })

describe.skipIf(sharedFolder === undefined)('verifyBundle() (skipped: no shared data)', () => {
  describe.each(['bytes', 'digest'] as const)('over %s', (form) => {
    const judge: typeof refusal = (bundle, root, options) =>
      refusal(bundle, root, { ...options, form })

    it('bundle-from-wrong-instance_fail', async () => {
      const codes = await judge(bundleOf(V2), publicRoot())
      expect(codes).toContain('UNTRUSTED_CERTIFICATE')
      expect(await judge(bundleOf(V03), rootOf(V2))).toContain('UNTRUSTED_CERTIFICATE')
    })

    it.each(['-1', '-0', '01', '+1', '9223372036854775808', '1e3', ''])(
      'bundle-negative-log-index_fail: %j',
      async (index) => {
        const negative = editEntry(V03, (entry) => void (entry.logIndex = index))
        expect(await judge(negative, publicRoot())).toEqual(['LOG_ENTRY_MALFORMED'])
        const inProof = editEntry(V03, ({ inclusionProof }) => {
          inclusionProof.logIndex = index
        })
        expect(await judge(inProof, publicRoot())).toEqual(['LOG_ENTRY_MALFORMED'])
      },
    )

    it('happy-path-v0.3-new-mediaType', async () => {
      const bundle = edited(bundleOf(V03), (copy) => {
        copy.mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
      })
      expect(await judge(bundle, publicRoot())).toEqual([])
    })

    it.each([
      'application/vnd.dev.sigstore.bundle+json;version=0.4',
      'application/vnd.dev.sigstore.bundle.v0.4+json',
      'application/vnd.dev.sigstore.bundle.v0.2+json',
      'application/json',
      '',
      'constructor',
    ])('bundle-unknown-version_fail: %j', async (mediaType) => {
      const bundle = { ...bundleOf(V03), mediaType }
      expect(await judge(bundle, publicRoot())).toEqual(['BUNDLE_MALFORMED'])
    })

    it.each([V01, V03])('set-invalid-signature_fail: %s', async (name) => {
      const bundle = editEntry(name, ({ inclusionPromise }) => {
        if (inclusionPromise === undefined) throw new Error('no promise')
        inclusionPromise.signedEntryTimestamp = flip(inclusionPromise.signedEntryTimestamp)
      })
      expect(await judge(bundle, publicRoot())).toEqual(
        ['LOG_ENTRY_INVALID', 'NO_TRUSTED_TIME', 'log-promise'].filter(
          (code) => code !== 'NO_TRUSTED_TIME',
        ),
      )
    })

    it('a promise over another time', async () => {
      const bundle = editEntry(V03, (entry) => void (entry.integratedTime = '1710869187'))
      expect(await judge(bundle, publicRoot())).toEqual(['LOG_ENTRY_INVALID', 'log-promise'])
    })

    it('invalid-ct-key_fail: another key, another id, no key at all', async () => {
      const key = publicRoot().tlogs[0]?.publicKey.rawBytes ?? ''
      const other = edited(publicRoot(), ({ ctlogs }) => {
        for (const log of ctlogs) log.publicKey.rawBytes = key
      })
      expect(await judge(bundleOf(V03), other)).toEqual(['SCT_INVALID', 'sct'])
      const garbage = edited(publicRoot(), ({ ctlogs }) => {
        for (const log of ctlogs) log.publicKey.rawBytes = 'AAAA'
      })
      expect(await judge(bundleOf(V03), garbage)).toEqual(['SCT_INVALID', 'sct'])
      const stranger = edited(publicRoot(), ({ ctlogs }) => {
        for (const log of ctlogs) log.logId.keyId = flip(log.logId.keyId)
      })
      expect(await judge(bundleOf(V03), stranger)).toEqual(['SCT_INVALID', 'sct'])
    })

    it('message-digest-mismatch_fail', async () => {
      const bundle = edited(bundleOf(V03), ({ messageSignature }) => {
        const digest = messageSignature?.messageDigest
        if (digest === undefined) throw new Error('no digest')
        digest.digest = flip(digest.digest)
      })
      expect(await judge(bundle, publicRoot())).toEqual(['BAD_SIGNATURE', 'content-digest'])
    })

    it('a message without digest is judged by its signature', async () => {
      const bundle = edited(bundleOf(V03), ({ messageSignature }) => {
        delete messageSignature?.messageDigest
      })
      expect(await judge(bundle, publicRoot())).toEqual([])
      const artifact = new Uint8Array(3)
      expect(await judge(bundle, publicRoot(), { artifact })).toContain('signature')
    })

    it('incorrect-public-key_fail: the log by another key', async () => {
      const root = edited(publicRoot(), ({ tlogs, ctlogs }) => {
        const [log] = tlogs
        if (log) log.publicKey.rawBytes = ctlogs[1]?.publicKey.rawBytes ?? ''
      })
      const codes = await judge(bundleOf(V03), root)
      expect(codes).toContain('LOG_ENTRY_INVALID')
      expect(codes).toContain('log-checkpoint')
    })

    it('wrong-hashedrekord-cert-and-sig_fail: an entry over the same artifact by another', async () => {
      const bundle = edited(bundleOf(V03), ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries = bundleOf(V01).verificationMaterial.tlogEntries
      })
      expect(await judge(bundle, publicRoot())).toEqual(['LOG_ENTRY_INVALID', 'log-entry'])
    })

    it('an entry of the same signature by another certificate', async () => {
      const bundle = edited(bundleOf(V01), (copy) => {
        const other = bundleOf(V03).verificationMaterial.certificate
        copy.verificationMaterial.x509CertificateChain = { certificates: other ? [other] : [] }
      })
      const codes = await judge(bundle, publicRoot())
      expect(codes).toContain('signature')
      expect(codes).toContain('log-entry')
    })

    it('two entries, one of a log that no root names', async () => {
      const bundle = edited(bundleOf(V03), ({ verificationMaterial }) => {
        const [entry] = verificationMaterial.tlogEntries
        if (entry === undefined) return
        const stranger = structuredClone(entry)
        stranger.logId.keyId = flip(stranger.logId.keyId)
        verificationMaterial.tlogEntries = [stranger, entry, stranger]
      })
      expect(await judge(bundle, publicRoot())).toEqual([])
      const alone = edited(bundle, ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries.splice(1)
      })
      expect(await judge(alone, publicRoot())).toEqual(['NOT_LOGGED'])
      const none = edited(bundle, ({ verificationMaterial }) => {
        verificationMaterial.tlogEntries = []
      })
      expect(await judge(none, publicRoot())).toEqual(['NOT_LOGGED'])
    })

    it('v0.1 with a promise alone, and with a proof that has no checkpoint', async () => {
      const bare = editEntry(V01, (entry) => {
        delete (entry as Partial<Entry>).inclusionProof
      })
      expect(await judge(bare, publicRoot())).toEqual([])
      const early = editEntry(V01, ({ inclusionProof }) => {
        delete (inclusionProof as Partial<Entry['inclusionProof']>).checkpoint
      })
      expect(await judge(early, publicRoot())).toEqual([])
      const neither = editEntry(V01, (entry) => {
        delete entry.inclusionPromise
      })
      expect(await judge(neither, publicRoot())).toEqual(['BUNDLE_MALFORMED'])
      const later = { ...bare, mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2' }
      expect(await judge(later, publicRoot())).toEqual(['BUNDLE_MALFORMED'])
    })

    it('v0.3 with a chain', async () => {
      const bundle = {
        ...bundleOf(V01),
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      }
      expect(await judge(bundle, publicRoot())).toEqual(['BUNDLE_MALFORMED'])
    })

    describe('dsse', () => {
      const artifact = (): Uint8Array => readShared(`${CASES}/${INTOTO}/artifact`)

      it('dsse-invalid-sig_fail, rekor2-dsse-invalid-sig_fail', async () => {
        for (const [name, options] of [
          [INTOTO, { artifact: artifact() }],
          ['rekor2-dsse-happy-path', {}],
        ] as const) {
          expect(await judge(bundleOf(name), rootOf(name), options)).toEqual([])
          const bundle = edited(bundleOf(name), ({ dsseEnvelope }) => {
            const [signature] = dsseEnvelope?.signatures ?? []
            if (signature) signature.sig = flip(signature.sig)
          })
          const codes = await judge(bundle, rootOf(name), options)
          expect(codes).toContain('BAD_SIGNATURE')
          expect(codes).toContain('signature')
        }
      })

      it('another payload, another artifact, another payload type, two signatures', async () => {
        const options = { artifact: artifact() }
        const root = rootOf(INTOTO)
        const change = (edit: (envelope: NonNullable<BundleJson['dsseEnvelope']>) => void) =>
          judge(
            edited(bundleOf(INTOTO), ({ dsseEnvelope }) => {
              if (dsseEnvelope) edit(dsseEnvelope)
            }),
            root,
            options,
          )
        expect(
          await change((envelope) => {
            const payload = Buffer.from(envelope.payload, 'base64').toString('utf8')
            envelope.payload = Buffer.from(payload.replace('main', 'evil')).toString('base64')
          }),
        ).toContain('signature')
        expect(await change((envelope) => void (envelope.payloadType = 'text/plain'))).toContain(
          'MALFORMED',
        )
        expect(
          await change((envelope) => {
            envelope.signatures.push(...envelope.signatures)
          }),
        ).toEqual(['BUNDLE_MALFORMED'])
        expect(await change((envelope) => void (envelope.signatures = []))).toEqual([
          'BUNDLE_MALFORMED',
        ])
        expect(await judge(bundleOf(INTOTO), root)).toContain('content-digest')
      })
    })

    describe('managed key', () => {
      const HAPPY = 'managed-key-and-trusted-root'
      const LOGGED = 'managed-key-wrong-key_fail'

      it('managed-key-happy-path', async () => {
        expect(await judge(bundleOf(LOGGED), publicRoot(), { key: keyOf(HAPPY) })).toEqual([])
      })

      it('a wrong key, none, or one beside a certificate', async () => {
        const key = base64(publicRoot().tlogs[0]?.publicKey.rawBytes ?? '')
        const codes = await judge(bundleOf(LOGGED), publicRoot(), { key })
        expect(codes).toContain('signature')
        expect(codes).toContain('log-entry')
        expect(await judge(bundleOf(LOGGED), publicRoot())).toContain('MALFORMED')
        const beside = await judge(bundleOf(V03), publicRoot(), { key: keyOf(HAPPY) })
        expect(beside).toContain('MALFORMED')
      })
    })

    describe('rekor2', () => {
      const root = rootOfLater(V2)
      const lines = (name: string): string[] =>
        entryOf(bundleOf(name)).inclusionProof.checkpoint.envelope.split('\n')
      const witnessed = (): string[] => lines(V2).filter((line) => line.startsWith('— witness'))

      it('rekor2-happy-path: without any cosignature', async () => {
        const bundle = editNote(V2, (note) => note.replace(/— witness.*\n/, ''))
        expect(await judge(bundle, root())).toEqual([])
      })

      it('rekor2-checkpoint-multiple-cosigs, -two-sigs-cosigned', async () => {
        const more = witnessed().join('\n').replace('witness.example', 'other.example')
        const many = editNote(V2, (note) => `${note}${more}\n${witnessed().join('\n')}\n`)
        expect(await judge(many, root())).toEqual([])
        const two = editNote('rekor2-checkpoint-two-sigs-from-origin', (note) => {
          return `${note}${more}\n`
        })
        expect(await judge(two, root())).toEqual([])
      })

      it('rekor2-checkpoint-missing-origin_fail, an empty one, another', async () => {
        for (const edit of [
          (note: string) => note.slice(note.indexOf('\n') + 1),
          (note: string) => note.slice(note.indexOf('\n')),
          (note: string) => `x${note}`,
          (note: string) => note.replace('736', '0736'),
          (note: string) => note.replace('\n\n', '\nextension\n\n'),
          (note: string) => note.replace('\n\n', '\n'),
          (note: string) => note.slice(0, -1),
          (note: string) => `${note}\n`,
          (note: string) => note.replaceAll('— ', '- '),
          (note: string) => note.replaceAll('\n', '\r\n'),
        ]) {
          const codes = await judge(editNote(V2, edit), root())
          expect(codes).toEqual(['LOG_ENTRY_INVALID', 'log-checkpoint'])
        }
      })

      it('a second signature by the log itself that does not hold', async () => {
        const bundle = editNote(V2, (note) => {
          const own = note.split('\n').find((line) => line.startsWith('— log')) ?? ''
          const [dash = '', name = '', signature = ''] = own.split(' ')
          return `${note}${dash} ${name} ${flip(signature)}\n`
        })
        expect(await judge(bundle, root())).toContain('log-checkpoint')
      })

      it('what the checkpoint says may be left out of the proof, not contradict it', async () => {
        const proof = (change: object): BundleJson =>
          editEntry(V2, ({ inclusionProof }) => void Object.assign(inclusionProof, change))
        const empty = { rootHash: '', treeSize: '0', logIndex: '0' }
        expect(await judge(proof(empty), root())).toEqual([])
        for (const change of [
          { logIndex: '734' },
          { treeSize: '737' },
          { rootHash: flip('A'.repeat(43) + '=') },
        ]) {
          expect(await judge(proof(change), root())).toContain('log-inclusion')
        }
      })

      it('trust-root-tlog-validity-end-inclusive, and both ends of every window', async () => {
        const time = '2025-06-12T12:02:20Z'
        const second = (by: number): string =>
          new Date(Date.parse(time) + by * 1000).toISOString().replace('.000', '')
        const within = async (part: 'tlogs' | 'timestampAuthorities', window: Window) =>
          judge(
            bundleOf(V2),
            edited(root(), (copy) => {
              for (const log of part === 'tlogs' ? copy.tlogs : []) log.publicKey.validFor = window
              for (const tsa of part === 'tlogs' ? [] : (copy.timestampAuthorities ?? [])) {
                tsa.validFor = window
              }
            }),
          )
        for (const part of ['tlogs', 'timestampAuthorities'] as const) {
          const refused = part === 'tlogs' ? 'LOG_ENTRY_INVALID' : 'TIMESTAMP_INVALID'
          expect(await within(part, { start: time, end: time })).toEqual([])
          expect(await within(part, { start: time })).toEqual([])
          expect(await within(part, { start: second(1) })).toContain(refused)
          expect(await within(part, { start: second(-9), end: second(-1) })).toContain(refused)
          expect(await within(part, {})).not.toEqual([])
        }
      })

      it('rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail', async () => {
        const name = 'rekor2-timestamp-with-embedded-cert'
        const stranger = edited(rootOf(name), (copy) => {
          copy.timestampAuthorities = publicRoot().timestampAuthorities ?? []
        })
        expect(await judge(bundleOf(name), stranger)).toEqual(['NO_TRUSTED_TIME'])
        const none = edited(stranger, (copy) => {
          delete copy.timestampAuthorities
        })
        expect(await judge(bundleOf(name), none)).toEqual(['NO_TRUSTED_TIME'])
      })

      it('a broken timestamp beside a good one', async () => {
        const bundle = edited(bundleOf(V2), ({ verificationMaterial }) => {
          const data = verificationMaterial.timestampVerificationData
          const [good] = data?.rfc3161Timestamps ?? []
          if (good === undefined) throw new Error('no timestamp')
          const bad = { signedTimestamp: flip(good.signedTimestamp.replace(/\n/g, '')) }
          data?.rfc3161Timestamps.push(bad)
        })
        expect(await judge(bundle, root())).toContain('TIMESTAMP_INVALID')
      })
    })

    it('an Ed25519, P-384 or RSA root part that cannot be read leaves the others alone', async () => {
      const root = edited(publicRoot(), ({ tlogs }) => {
        const keyId = tlogs[0]?.logId.keyId ?? ''
        tlogs.unshift({ logId: { keyId }, publicKey: { rawBytes: 'AAAA', validFor: {} } })
      })
      expect(await judge(bundleOf(V03), root)).toEqual([])
    })
  })
})

function rootOfLater(name: string): () => RootJson {
  return () => rootOf(name)
}

describe('parseBundle()', () => {
  it.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['a duplicate member', '{"mediaType":"a","mediaType":"b"}'],
    ['an unknown member', '{"mediaType":"x","more":1}'],
    ['no content', '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}'],
    ['deep nesting', '['.repeat(20_000)],
  ])('refuses %s', (_, json) => {
    expect(() => parseBundle(json)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(BUNDLE|JSON)_MALFORMED$/) }),
    )
  })
})
