/**
 * Parts of one good signature put into another, and every field of a log entry changed. Both donors are
 * proven by themselves; what is put together from them never is.
 */
import { describe, expect, it } from 'vitest'
import { DerReader } from '../../src/asn1/der.ts'
import { OID, encodeOid } from '../../src/asn1/oid.ts'
import { derOctetString, derSet } from '../../src/asn1/write.ts'
import { runSync } from '../../src/crypto/verify.ts'
import type { Facts } from '../../src/facts.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { makeLeaf } from '../forge/leaf.ts'
import { mutateProtobuf } from '../forge/mutate-protobuf.ts'
import { elementAt, pathsOf, transplant, withElement } from '../forge/mutate.ts'
import {
  PAYLOAD,
  TAG_PAYLOAD,
  armor,
  attribute,
  commitWith,
  makeCms,
  objectId,
} from '../forge/object.ts'
import type { SignatureOptions } from '../forge/object.ts'
import { T0, bytes, trustedRootJson } from '../forge/world.ts'
import { stranger, world } from './forgeries/forgery.ts'

const roots = [parseTrustedRoot(trustedRootJson(world), 'forge')]

function verify(cms: Uint8Array, payload: Uint8Array = PAYLOAD): Facts {
  const content = commitWith(armor(cms), payload)
  const id = objectId('commit', content)
  return runSync(
    verifyObject({ id, type: 'commit', format: 'sha1', bytes: content, idMatches: true }, roots),
  )
}

const OTHER = bytes(Buffer.from(PAYLOAD).toString('utf8').replace('forge\n', 'another\n'))
const leaf = makeLeaf(world)
const kinds: Record<string, SignatureOptions> = {
  'Rekor v1 with a timestamp': { token: {} },
  'Rekor v2 with a timestamp': { token: {}, log: { version: 'v2' } },
}

describe.each(Object.entries(kinds))('of %s', (_, options) => {
  const own = makeCms(world, PAYLOAD, { ...options, leaf })
  const donors = {
    'the same certificate': makeCms(world, OTHER, { ...options, leaf }),
    'another certificate of the same person': makeCms(world, OTHER, options),
    'the same payload, another time': makeCms(world, PAYLOAD, {
      ...options,
      signingTime: T0 + 60,
      leaf,
    }),
    'a stranger’s authorities': makeCms(stranger, OTHER, options),
  }

  it.each(Object.entries(donors))('no element of a signature by %s fits', (name, donor) => {
    const wrong: string[] = []
    let tried = 0
    for (const path of pathsOf(own)) {
      if (path.length === 0 && name.includes('the same payload')) continue
      let mixed: Uint8Array
      try {
        mixed = transplant(own, donor, path)
      } catch {
        // The donor has no element there: its tree is of another shape.
        continue
      }
      if (Buffer.compare(mixed, own) === 0 || Buffer.compare(mixed, donor) === 0) continue
      tried += 1
      if (verify(mixed).outcome === 'proven') wrong.push(path.join('.'))
    }
    expect(tried).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  })

  it('a commit’s signature does not fit a tag, nor a tag’s a commit (attack 36)', () => {
    const tagSignature = makeCms(world, TAG_PAYLOAD, options)
    expect(verify(tagSignature).codes).toEqual(['BAD_SIGNATURE'])
    const content = Buffer.concat([TAG_PAYLOAD, bytes(armor(own))])
    const facts = runSync(
      verifyObject(
        {
          id: objectId('tag', content),
          type: 'tag',
          format: 'sha1',
          bytes: content,
          idMatches: true,
        },
        roots,
      ),
    )
    expect(facts.codes).toEqual(['BAD_SIGNATURE'])
  })

  it('a signature does not fit another commit (attack 36)', () => {
    expect(verify(own, OTHER).codes).toEqual(['BAD_SIGNATURE'])
  })
})

/**
 * What leaves a whole signature: Rekor v2 has clients take the tree's root and size from the checkpoint
 * and the index from the entry; a v1 entry without its promise has no time of its own, so that the
 * timestamp beside it must be the only one claimed.
 */
const HARMLESS = { v1: /^5(\.1)? (removed|emptied)$/, v2: /^6\.[123] removed$|^6\.2 emptied$/ }

const REASON = /^(LOG_ENTRY_INVALID|NOT_LOGGED|NO_TRUSTED_TIME)$/
const ENTRY_PATHS = [
  [1, 0, 4, 0, 6, 0],
  [1, 0, 4, 0, 6, 1],
]

function entryPath(cms: Uint8Array): number[] {
  const path = ENTRY_PATHS.find((one) =>
    Buffer.from(elementAt(cms, one)).includes(Buffer.from(encodeOid(OID.rekorEntry))),
  )
  if (path === undefined) throw new Error('there is no log entry')
  return path
}

function entryOf(cms: Uint8Array): Uint8Array {
  return new DerReader(elementAt(cms, [...entryPath(cms), 1, 0])).octetString()
}

/** The same signature with other bytes as its log entry; attributes sorted anew, as DER wants them. */
function replaceEntry(cms: Uint8Array, entry: Uint8Array): Uint8Array {
  const path = entryPath(cms)
  const other = elementAt(cms, [1, 0, 4, 0, 6, 1 - (path.at(-1) ?? 0)])
  const set = derSet(other, attribute(OID.rekorEntry, derOctetString(entry)))
  return withElement(cms, [1, 0, 4, 0, 6], Buffer.concat([Uint8Array.of(0xa1), set.subarray(1)]))
}

describe.each(['v1', 'v2'] as const)('of a Rekor %s entry', (version) => {
  const base = makeCms(world, PAYLOAD, { leaf, token: {}, log: { version } })
  // The signature's own bytes are random: the entry must stay that of this one signature.
  const found = entryOf(base)
  const withEntry = (entry: Uint8Array): Facts => verify(replaceEntry(base, entry))

  it('the original is proven', () => {
    expect(withEntry(found).outcome).toBe('proven')
  })

  it('no change of any field is proven', () => {
    const wrong: string[] = []
    let tried = 0
    for (const { name, bytes: entry } of mutateProtobuf(found)) {
      if (Buffer.compare(entry, found) === 0) continue
      tried += 1
      const { outcome, codes, times } = withEntry(entry)
      const isWhole =
        HARMLESS[version].test(name) && times.every(({ source }) => source === 'rfc3161')
      if (outcome === 'proven' ? !isWhole : !REASON.test(codes.join())) {
        wrong.push(`${name}: ${outcome} ${codes.join(' ')}`)
      }
    }
    expect(wrong).toEqual([])
    expect(tried).toBeGreaterThan(80)
  })

  it('none of its beginnings is proven', () => {
    for (let cut = 0; cut < found.length; cut += 1) {
      expect(withEntry(found.subarray(0, cut)).codes, String(cut)).toEqual(['LOG_ENTRY_INVALID'])
    }
  })
})

it('an entry under another attribute is no entry', () => {
  const cms = makeCms(world, PAYLOAD, {
    unsignedAttrs: (all) => [attribute(`${OID.rekorEntry}.1`, derOctetString(all[0] ?? bytes('')))],
  })
  expect(verify(cms).codes).toEqual(['NOT_LOGGED'])
})
