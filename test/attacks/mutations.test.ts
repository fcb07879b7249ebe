/**
 * Every part of a signature changed in every way that `../forge/mutate` knows: removed, doubled,
 * re-tagged, re-encoded, cut, flipped. The object's id is made anew each time, or its check would hide
 * all others. None may be proven, and each must be refused for a reason that fits the place.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import { encodePem, parsePem } from '../../src/encoding/pem.ts'
import type { Facts, ReasonCode } from '../../src/facts.ts'
import { splitObject } from '../../src/git/split.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import type { TrustRoots } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { mutateDer } from '../forge/mutate.ts'
import type { Mutation } from '../forge/mutate.ts'
import { PAYLOAD, commitWith, makeCms, objectId } from '../forge/object.ts'
import { trustedRootJson } from '../forge/world.ts'
import { readShared, readSharedLines, readTarGz, sharedFolder } from '../shared.ts'
import { world } from './forgeries/forgery.ts'

interface Sample {
  readonly name: string
  readonly payload: Uint8Array
  readonly cms: Uint8Array
  readonly roots: TrustRoots
  /** A timestamp beside a v1 entry, which would do without. */
  readonly hasSpareTimestamp: boolean
}

const forgeRoots = [parseTrustedRoot(trustedRootJson(world), 'forge')]
const sample = (name: string, options: Parameters<typeof makeCms>[2]): Sample => ({
  name,
  payload: PAYLOAD,
  cms: makeCms(world, PAYLOAD, options),
  roots: forgeRoots,
  hasSpareTimestamp: name === 'v1 and timestamp',
})

function fromObject(name: string, bytes: Uint8Array, root: string): Sample {
  const { payload, signature = new Uint8Array() } = splitObject('commit', bytes, 'sha1')
  const cms = parsePem(Buffer.from(signature).toString('latin1'), 'SIGNED MESSAGE')
  const json = readShared(root).toString('utf8')
  return {
    name,
    payload,
    cms,
    roots: [parseTrustedRoot(json, 'shared')],
    hasSpareTimestamp: name.endsWith('rekor-v1'),
  }
}

interface Listed {
  oid: string
  type: string
  expect: string
  case?: string
  made_with?: { gitsign: string; log: string; tsa: boolean }
}

/** One real signature of each kind: Rekor v1, with a timestamp, Rekor v2 with one. */
function realSamples(): Sample[] {
  if (sharedFolder === undefined) return []
  const objects = readTarGz(readShared('interop/objects.tar.gz'))
  const listed = readSharedLines<Listed>('interop/index.jsonl').filter(
    ({ type, expect: expected }) => type === 'commit' && expected === 'PASS',
  )
  const kinds = [
    { log: 'rekor-v1', tsa: true },
    { log: 'rekor-v2', tsa: true },
  ]
  const made = kinds.map(({ log, tsa }) => {
    const found = listed.find(({ made_with }) => made_with?.log === log && made_with.tsa === tsa)
    const bytes = objects.get(`commit/${found?.oid ?? ''}`)
    if (bytes === undefined) throw new Error(`the shared data has no commit by ${log}`)
    return fromObject(`a real one, ${log}`, bytes, 'interop/trusted_root.json')
  })
  const real = readSharedLines<Listed>('corpus/dev/index.jsonl').find(
    ({ type, expect: expected }) => type === 'commit' && expected === 'PASS',
  )
  const bytes = readTarGz(readShared('corpus/dev/objects.tar.gz')).get(`commit/${real?.oid ?? ''}`)
  if (bytes === undefined) throw new Error('the corpus has no proven commit')
  return [...made, fromObject('a public one', bytes, 'corpus/trusted_root.json')]
}

const samples: Sample[] = [
  sample('v1', {}),
  sample('v1 and timestamp', { token: {} }),
  sample('v2 and timestamp', { token: {}, log: { version: 'v2' } }),
  ...realSamples(),
]

function facts(bytes: Uint8Array, roots: TrustRoots): Facts {
  return runSync(
    verifyObject(
      { id: objectId('commit', bytes), type: 'commit', format: 'sha1', bytes, idMatches: true },
      roots,
    ),
  )
}

const commit = ({ payload }: Sample, cms: Uint8Array): Uint8Array =>
  commitWith(encodePem('SIGNED MESSAGE', cms), payload)

/** By the place in ContentInfo: which reasons fit a change there (RFC 5652 §5.1, §5.3). */
const REASONS: readonly [path: string, codes: readonly ReasonCode[]][] = [
  ['1.0.3', ['MALFORMED', 'BAD_SIGNATURE', 'UNTRUSTED_CERTIFICATE', 'UNSUPPORTED']],
  // Another digest may be a good one that nobody checks here.
  ['1.0.4.0.2', ['MALFORMED', 'UNSUPPORTED']],
  // Unsorted attributes are read as they are, then sorted: the log holds the digest of neither.
  ['1.0.4.0.3', ['MALFORMED', 'BAD_SIGNATURE', 'LOG_ENTRY_INVALID']],
  ['1.0.4.0.4', ['MALFORMED', 'UNSUPPORTED']],
  ['1.0.4.0.5', ['MALFORMED', 'BAD_SIGNATURE']],
  [
    '1.0.4.0.6',
    ['MALFORMED', 'LOG_ENTRY_INVALID', 'TIMESTAMP_INVALID', 'NOT_LOGGED', 'NO_TRUSTED_TIME'],
  ],
  ['', ['MALFORMED']],
]

/**
 * What no signature covers and no check can miss, because it says nothing: a digest may be named with
 * NULL parameters or without any (RFC 5754 §2), and a timestamp need not bring the certificate that the
 * trust root pins (some authorities then write an empty list).
 */
function isHarmless({ path, name }: Mutation): boolean {
  const token = /^1\.0\.4\.0\.6\.\d\.1\.0\.1\.0\.(.*)$/.exec(path.join('.'))?.[1] ?? ''
  if (/^(1\.0|4\.0\.2)\.1$/.test(token)) return name.endsWith('removed')
  if (/^(1\.0|4\.0\.2)$/.test(token)) return name.endsWith('NULL appended inside')
  return /^3(\.0)?$/.test(token) && /(removed|3 emptied)$/.test(name)
}

/**
 * Beside a v1 entry a timestamp may be left out, and an unsigned attribute that nobody knows is
 * ignored, as gitsign does: then a weaker signature is left, which must not claim the timestamp.
 */
function isWithoutTimestamp(sample: Sample, { checks, times }: Facts): boolean {
  return (
    sample.hasSpareTimestamp &&
    checks.some(({ name, result }) => name === 'timestamp' && result === 'absent') &&
    times.every(({ source }) => source === 'rekor-v1')
  )
}

const reasonsFor = (path: string): readonly ReasonCode[] =>
  REASONS.find(([place]) => place === '' || path === place || path.startsWith(`${place}.`))?.[1] ??
  []

describe.each(samples)('of $name', (one) => {
  it('the original is proven', () => {
    expect(facts(commit(one, one.cms), one.roots)).toMatchObject({ outcome: 'proven', codes: [] })
  })

  it('no change of any element is proven, and each is refused for a reason of its place', () => {
    let count = 0
    const wrong: string[] = []
    for (const mutation of mutateDer(one.cms)) {
      if (Buffer.compare(mutation.bytes, one.cms) === 0) continue
      count += 1
      const found = facts(commit(one, mutation.bytes), one.roots)
      const { outcome, codes } = found
      const reasons = reasonsFor(mutation.path.join('.'))
      if (outcome === 'proven' && (isHarmless(mutation) || isWithoutTimestamp(one, found))) continue
      if (outcome === 'proven' || !codes.every((code) => reasons.includes(code))) {
        wrong.push(`${mutation.name}: ${outcome} ${codes.join(' ')}`)
      }
    }
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(1000)
  })

  it('none of its beginnings is proven', () => {
    for (let length = 0; length < one.cms.length; length += 1) {
      const { codes } = facts(commit(one, one.cms.subarray(0, length)), one.roots)
      expect(codes, `cut at ${String(length)}`).toEqual(['MALFORMED'])
    }
  })

  it('no flipped bit of the whole object is proven', () => {
    const bytes = commit(one, one.cms)
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const flipped = Uint8Array.from(bytes)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const found = facts(flipped, one.roots)
        if (!isWithoutTimestamp(one, found)) expect(found.outcome).not.toBe('proven')
      }),
      { numRuns: 600 },
    )
  })

  it('no flipped bit of the signature’s DER is proven', () => {
    fc.assert(
      fc.property(fc.nat(one.cms.length * 8 - 1), (bit) => {
        const flipped = Uint8Array.from(one.cms)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const found = facts(commit(one, flipped), one.roots)
        if (!isWithoutTimestamp(one, found)) expect(found.outcome).not.toBe('proven')
      }),
      { numRuns: 600 },
    )
  })
})
