import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { decodeBase64, encodeBase64 } from '../../src/encoding/base64.ts'
import { SignetError } from '../../src/errors.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyBundle } from '../../src/verification/bundle.ts'
import { readShared, sharedFolder } from '../shared.ts'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
type Path = (string | number)[]

const CASES = 'conformance/bundle-verify'

/** Changes of one value, by name. */
const CHANGES: Readonly<Record<string, (value: Json) => Json | undefined>> = {
  removed: () => undefined,
  null: () => null,
  'a number': () => 7,
  'an object': () => ({}),
  'a list': () => [],
  empty: (value) => (typeof value === 'string' ? '' : value),
  'one bit': (value) => {
    const bytes = typeof value === 'string' ? decodeBase64(value.replace(/\n/g, '')) : undefined
    if (bytes === undefined || bytes.length === 0) return `${JSON.stringify(value)}x`
    const changed = Uint8Array.from(bytes)
    const middle = changed.length >> 1
    changed[middle] = (changed[middle] ?? 0) ^ 1
    return encodeBase64(changed)
  },
  'one more': (value) =>
    typeof value === 'string' && /^\d+$/.test(value) ? String(BigInt(value) + 1n) : value,
  doubled: (value) => (Array.isArray(value) ? [...value, ...value] : value),
}

function* pathsOf(value: Json, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    yield* pathsOf(inner, [...path, Array.isArray(value) ? Number(name) : name])
  }
}

function changedAt(root: Json, path: Path, change: (value: Json) => Json | undefined): string {
  const copy = structuredClone(root)
  const last = path.at(-1) ?? ''
  let holder = copy as Record<string | number, Json>
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string | number, Json>
  const value = change(holder[last] as Json)
  if (value !== undefined) holder[last] = value
  else if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else Reflect.deleteProperty(holder, last)
  return JSON.stringify(copy)
}

/** What may be changed without changing what is proven, and why. */
const HARMLESS: readonly RegExp[] = [
  // The digest is a hint: the artifact is hashed and the signature is over it.
  /messageSignature\.messageDigest (removed|null)$/,
  // A proof may leave out what its checkpoint says (Rekor v2).
  /^rekor2.*inclusionProof\.(rootHash|treeSize|logIndex) (removed|null|empty)$/,
  // Entries and timestamps twice prove what they prove once.
  /(tlogEntries|rfc3161Timestamps) doubled$/,
  // What a bundle with a promise has beside it (v0.1), or a timestamp beside a promise.
  /^happy-path-v0\.1.*inclusionProof(\.checkpoint(\.envelope)?)? (removed|null|empty|an object)$/,
  /timestampVerificationData(\.rfc3161Timestamps(\.0)?)? (removed|null|an object|a list)$/,
  // With a timestamp an entry of Rekor v1 need not promise; and 0 and [] are what is left out.
  /^intoto.*inclusionPromise(\.signedEntryTimestamp)? (removed|null|empty|an object)$/,
  /^intoto.*inclusionProof\.(logIndex|hashes) (removed|null)$/,
  // Rekor v2 has no integrated time: without a promise the number is nobody's word.
  /^rekor2.*integratedTime /,
  /dsseEnvelope\.signatures\.0\.keyid /,
]

describe.skipIf(sharedFolder === undefined)(
  'every change of a bundle (skipped: no shared data)',
  () => {
    it.each([
      ['happy-path-v0.1', undefined],
      ['happy-path-v0.2', undefined],
      ['happy-path-v0.3', undefined],
      ['rekor2-checkpoint-cosigned', undefined],
      ['rekor2-timestamp-with-embedded-cert', undefined],
      ['rekor2-dsse-happy-path', undefined],
      ['intoto-with-custom-trust-root', 'artifact'],
    ])('%s is refused, or the change is named as harmless', (name, artifact) => {
      const file = (path: string): Buffer => readShared(`${CASES}/${path}`)
      const bytes = artifact === undefined ? file('a.txt') : file(`${name}/${artifact}`)
      const isPublic = name.startsWith('happy')
      const rootPath = isPublic ? 'corpus/trusted_root.json' : `${CASES}/${name}/trusted_root.json`
      const root = parseTrustedRoot(readShared(rootPath).toString('utf8'))
      const isAccepted = (text: string): boolean => {
        try {
          const verification = verifyBundle(parseBundle(text), { bytes }, undefined, root)
          return runSync(verification).outcome === 'proven'
        } catch (error) {
          if (error instanceof SignetError) return false
          throw error
        }
      }
      const text = file(`${name}/bundle.sigstore.json`).toString('utf8')
      const bundle = JSON.parse(text) as Json
      expect(isAccepted(text)).toBe(true)
      let tried = 0
      const surprises: string[] = []
      for (const path of pathsOf(bundle)) {
        for (const [kind, change] of Object.entries(CHANGES)) {
          const changed = changedAt(bundle, path, change)
          if (changed === JSON.stringify(bundle)) continue
          tried += 1
          const label = `${name} ${path.join('.')} ${kind}`
          if (isAccepted(changed) && !HARMLESS.some((harmless) => harmless.test(label))) {
            surprises.push(label)
          }
        }
      }
      expect(surprises).toEqual([])
      expect(tried).toBeGreaterThan(100)
    })
  },
)
