import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/oid.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { MalformedError } from '../../src/errors.ts'
import { PUBLIC_GOOD_ORIGIN } from '../../src/sigstore/public-good-origin.ts'
import { publicGoodRoot } from '../../src/sigstore/public-good.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyIssuers } from '../../src/x509/path.ts'
import { describeShared } from '../corpus/truth.ts'
import { T0, makeWorld, trustedRootJson } from '../forge/world.ts'
import { readShared } from '../shared.ts'

const world = makeWorld()
const json = trustedRootJson(world)

/** The text with one member changed; undefined takes it out. */
function changed(path: readonly (string | number)[], value: unknown): string {
  const root: unknown = JSON.parse(json)
  let place = root as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) place = place[step] as typeof place
  place[path.at(-1) ?? ''] = value
  return JSON.stringify(root)
}

const codeOf = (text: string): string => {
  try {
    parseTrustedRoot(text)
    return 'accepted'
  } catch (error) {
    if (error instanceof MalformedError) return error.code
    throw error
  }
}

describe('parseTrustedRoot()', () => {
  it('reads authorities, logs and their windows', () => {
    const root = parseTrustedRoot(json, 'forge')
    expect(root).toMatchObject({ name: 'forge', isLocal: false, unusable: [] })
    expect(root.digest).toBe(createHash('sha256').update(json).digest('hex'))
    expect(root.certificateAuthorities[0]?.certificates).toHaveLength(2)
    expect(root.tlogs.map(({ publicKey, hash }) => [publicKey.type, hash])).toEqual([
      ['ec', 'sha256'],
      ['ed25519', 'none'],
    ])
    expect(root.ctlogs[0]?.validUntil).toBeUndefined()
    expect(root.timestampAuthorities[0]?.uri).toBe('https://tsa.forge.test/api/v1/timestamp')
  })

  it('keeps fractions of a second, since windows end at 59.999', () => {
    const text = changed(['ctlogs', 0, 'publicKey', 'validFor', 'end'], '2022-10-31T23:59:59.999Z')
    expect(parseTrustedRoot(text).ctlogs[0]?.validUntil).toBe(
      Date.UTC(2022, 9, 31, 23, 59, 59, 999) / 1000,
    )
  })

  it('takes names as the .proto file has them, null as absent, and leaves unknown members alone', () => {
    const snake = json.replaceAll(/"([a-z]+[A-Z]\w*)":/g, (_, name: string) => {
      return `"${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}":`
    })
    expect(snake).toContain('"valid_for"')
    const root = parseTrustedRoot(
      snake.replace('{', '{"added_later":{"skip":true},"ctlogs_off":true,'),
    )
    expect(root.unusable).toEqual([])
    expect(root.ctlogs).toHaveLength(1)
    expect(parseTrustedRoot(changed(['ctlogs'], null)).ctlogs).toEqual([])
  })

  it.each<[string, readonly (string | number)[], unknown, string]>([
    ['a window without a start', ['tlogs', 0, 'publicKey', 'validFor'], {}, 'tlogs[0]'],
    ['no window', ['ctlogs', 0, 'publicKey', 'validFor'], undefined, 'ctlogs[0]'],
    [
      'no window of a CA',
      ['certificateAuthorities', 0, 'validFor'],
      undefined,
      'certificateAuthorities[0]',
    ],
    [
      'a window that is no time',
      ['tlogs', 0, 'publicKey', 'validFor', 'start'],
      'yesterday',
      'tlogs[0]',
    ],
    [
      'an unknown kind of key',
      ['tlogs', 1, 'publicKey', 'keyDetails'],
      'PKIX_ML_DSA_65',
      'tlogs[1]',
    ],
    [
      'a kind that is not the key’s',
      ['tlogs', 1, 'publicKey', 'keyDetails'],
      'PKIX_ECDSA_P256_SHA_256',
      'tlogs[1]',
    ],
    ['a name every object has', ['tlogs', 1, 'publicKey', 'keyDetails'], 'constructor', 'tlogs[1]'],
    ['another digest', ['tlogs', 0, 'hashAlgorithm'], 'SHA2_512', 'tlogs[0]'],
    ['an id that is too short', ['tlogs', 0, 'logId', 'keyId'], 'AAAA', 'tlogs[0]'],
    [
      'a chain of nothing',
      ['certificateAuthorities', 0, 'certChain', 'certificates'],
      [],
      'certificateAuthorities[0]',
    ],
    [
      'a certificate that is none',
      ['timestampAuthorities', 0, 'certChain', 'certificates', 0, 'rawBytes'],
      'AAAA',
      'timestampAuthorities[0]',
    ],
    ['something else than an object', ['tlogs', 0], 7, 'tlogs[0]'],
  ])('a part with %s is unusable and named; the others count', (_, path, value, named) => {
    const root = parseTrustedRoot(changed(path, value))
    expect(root.unusable).toHaveLength(1)
    expect(root.unusable[0]?.startsWith(`${named}: `)).toBe(true)
    const parts =
      root.tlogs.length +
      root.ctlogs.length +
      root.certificateAuthorities.length +
      root.timestampAuthorities.length
    expect(parts).toBe(4)
  })

  it.each([
    ['text that is no JSON', 'nothing', 'JSON_MALFORMED'],
    ['a member that is there twice', json.replace('{', '{"tlogs":[],'), 'JSON_MALFORMED'],
    ['a list', '[]', 'TRUSTED_ROOT_MALFORMED'],
    ['another media type', json.replace('version=0.1', 'version=9'), 'TRUSTED_ROOT_MALFORMED'],
    ['no media type', changed(['mediaType'], undefined), 'TRUSTED_ROOT_MALFORMED'],
    ['logs that are no list', changed(['tlogs'], {}), 'TRUSTED_ROOT_MALFORMED'],
    ['more text than is read', `${json}${' '.repeat(5 << 20)}`, 'JSON_MALFORMED'],
  ])('refuses %s', (_, text, code) => {
    expect(codeOf(text)).toBe(code)
  })

  it('an empty root is read and vouches for nothing', () => {
    const root = parseTrustedRoot(
      '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
    )
    expect(root).toMatchObject({ name: 'custom', tlogs: [], certificateAuthorities: [] })
  })

  it('both spellings of the first and the later media type are read', () => {
    const later = json.replace('+json;version=0.1', '.v0.2+json')
    expect(parseTrustedRoot(later).tlogs).toHaveLength(2)
    expect(T0).toBeGreaterThan(0)
  })
})

describe('publicGoodRoot()', () => {
  it('is the TUF target byte for byte, and says how old it is', () => {
    const path = new URL('../../src/sigstore/public-good.json', import.meta.url)
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex')
    expect(digest).toBe(PUBLIC_GOOD_ORIGIN.sha256)
    const root = publicGoodRoot()
    expect(root).toMatchObject({ name: 'public', isLocal: false, digest, unusable: [] })
    expect(root.asOf).toBe(PUBLIC_GOOD_ORIGIN.asOf)
    expect(publicGoodRoot()).toBe(root)
  })

  it('takes nothing for checked that does not hold', () => {
    const path = new URL('../../src/sigstore/public-good.json', import.meta.url)
    const unassuming = parseTrustedRoot(readFileSync(path, 'utf8'), 'public')
    expect(unassuming.unusable).toEqual([])
    const chains = unassuming.certificateAuthorities.map(({ certificates }) => certificates)
    expect(chains.flatMap((chain) => chain.slice(1)).length).toBeGreaterThan(0)
    for (const chain of chains) {
      expect(runSync(verifyIssuers(chain, OID.codeSigning))).toBeUndefined()
    }
  })
})

describeShared('trusted roots of the test data', () => {
  it.each([
    'corpus/trusted_root.json',
    'corpus/trusted_root.staging.json',
    'interop/trusted_root.json',
  ])('%s is usable as a whole', (name) => {
    const root = parseTrustedRoot(readShared(name).toString())
    expect(root.unusable).toEqual([])
    expect(root.tlogs.length).toBeGreaterThan(0)
  })
})
