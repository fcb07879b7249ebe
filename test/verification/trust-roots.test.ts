import { describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import type { Facts } from '../../src/facts.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import type { TrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { verifySignedPayload } from '../../src/verification/signed-payload.ts'
import { PAYLOAD, armor, commitWith, makeCms, objectId } from '../forge/object.ts'
import type { SignatureOptions } from '../forge/object.ts'
import { DAY, T0, makeKey, makeWorld, trustedRootJson } from '../forge/world.ts'
import type { RootOptions, World } from '../forge/world.ts'

const world = makeWorld()
/** The same CA; other logs and another timestamp authority. */
const sibling = makeWorld({ root: world.root, intermediate: world.intermediate })
const stranger = makeWorld()

const root = (of: World, name: string, options?: RootOptions): TrustedRoot =>
  parseTrustedRoot(trustedRootJson(of, options), name)

function facts(roots: readonly TrustedRoot[], options: SignatureOptions = {}, by = world): Facts {
  const bytes = commitWith(armor(makeCms(by, PAYLOAD, options)))
  const id = objectId('commit', bytes)
  return runSync(
    verifyObject({ id, type: 'commit', format: 'sha1', bytes, idMatches: true }, roots),
  )
}

const said = ({ outcome, codes, signer }: Facts): unknown[] => [outcome, codes, signer?.trust]

describe('several trust roots', () => {
  it('the one that proves most counts, in any order', () => {
    const roots = [root(stranger, 'stranger'), root(sibling, 'sibling'), root(world, 'world')]
    for (const order of [roots, [...roots].reverse()]) {
      expect(said(facts(order))).toEqual(['proven', [], 'world'])
    }
  })

  it('CA of one and log of another prove nothing', () => {
    // The CA is in both; the log that holds the entry only in the stranger's file.
    const mixed = makeWorld({ rekor: world.rekor, tiles: world.tiles })
    const roots = [root({ ...sibling, ct: world.ct }, 'ca only'), root(mixed, 'log only')]
    expect(said(facts(roots))).toEqual(['bad', ['LOG_ENTRY_INVALID'], 'ca only'])
  })

  it('CA of one and timestamp authority of another prove nothing', () => {
    const noTsa = { ...world, tsaRoot: stranger.tsaRoot, tsa: stranger.tsa }
    const onlyTsa = makeWorld({ tsaRoot: world.tsaRoot, tsa: world.tsa })
    const v2: SignatureOptions = { log: { version: 'v2' }, token: {} }
    expect(said(facts([root(world, 'whole')], v2))).toEqual(['proven', [], 'whole'])
    expect(said(facts([root(noTsa, 'no tsa'), root(onlyTsa, 'tsa')], v2))).toEqual([
      'bad',
      ['TIMESTAMP_INVALID'],
      'no tsa',
    ])
  })

  it('CA of one and certificate log of another prove nothing', () => {
    const otherCt = { ...world, ct: makeKey('P-256') }
    const roots = [root(otherCt, 'other ct'), root({ ...stranger, ct: world.ct }, 'ct')]
    expect(said(facts(roots))).toEqual(['bad', ['SCT_INVALID'], 'other ct'])
  })

  it('none, and none that vouches: untrusted, by nobody', () => {
    expect(said(facts([]))).toEqual(['untrusted', ['UNTRUSTED_CERTIFICATE'], 'none'])
    expect(said(facts([root(stranger, 'stranger')]))).toEqual([
      'untrusted',
      ['UNTRUSTED_CERTIFICATE'],
      'none',
    ])
  })
})

describe('windows of a trust root', () => {
  it('an ended one still vouches for what was made in it; both ends are inside', () => {
    // The log's clock stands at T0 + 1 (forge/log.ts); the leaf's at T0.
    for (const [window, expected] of [
      [{ start: T0 - DAY, end: T0 + DAY }, 'proven'],
      [{ start: T0 + DAY, end: null }, 'untrusted'],
      [{ start: T0 - DAY, end: T0 - 1 }, 'untrusted'],
    ] as const) {
      expect(facts([root(world, 'world', { ca: window })]).outcome).toBe(expected)
    }
  })

  it('a part that cannot be used vouches for nothing, and its check is not dropped', () => {
    const json = JSON.parse(trustedRootJson(world)) as {
      ctlogs: { publicKey: { keyDetails: string } }[]
    }
    for (const log of json.ctlogs) log.publicKey.keyDetails = 'PKIX_NEXT_YEAR'
    const unusable = parseTrustedRoot(JSON.stringify(json), 'unusable')
    expect(said(facts([unusable]))).toEqual(['bad', ['SCT_INVALID'], 'unusable'])
    expect(said(facts([unusable], { leafOptions: { sct: null } }))).toEqual([
      'bad',
      ['SCT_INVALID'],
      'unusable',
    ])
  })

  it('without any certificate log there is nothing to check', () => {
    const json = JSON.parse(trustedRootJson(world)) as { ctlogs?: unknown }
    delete json.ctlogs
    const without = parseTrustedRoot(JSON.stringify(json), 'without')
    const found = facts([without], { leafOptions: { sct: null } })
    expect(said(found)).toEqual(['proven', [], 'without'])
    expect(found.checks.find(({ name }) => name === 'sct')?.result).toBe('absent')
  })
})

describe('verifySignedPayload()', () => {
  const roots = [root(world, 'world')]
  it('reads armor and DER alike, and says which checks there were', () => {
    const cmsDer = makeCms(world, PAYLOAD)
    const fromDer = runSync(verifySignedPayload({ payload: PAYLOAD, cmsDer, roots }))
    const fromArmor = runSync(
      verifySignedPayload({ payload: PAYLOAD, armor: Buffer.from(armor(cmsDer)), roots }),
    )
    expect(fromDer).toEqual(fromArmor)
    expect(fromDer.outcome).toBe('proven')
    expect(fromDer.checks[0]).toEqual({ name: 'armor', result: 'passed' })
    expect(fromDer.payload_sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is about these bytes and no others', () => {
    const cmsDer = makeCms(world, PAYLOAD)
    for (const payload of [
      PAYLOAD.subarray(1),
      Buffer.concat([PAYLOAD, Uint8Array.of(10)]),
      new Uint8Array(),
    ]) {
      const { outcome, codes, signer } = runSync(verifySignedPayload({ payload, cmsDer, roots }))
      expect([outcome, codes, signer]).toEqual(['bad', ['BAD_SIGNATURE'], null])
    }
  })

  it('above its limit a signature is not read', () => {
    const { outcome, codes } = runSync(
      verifySignedPayload({ payload: PAYLOAD, cmsDer: new Uint8Array((1 << 20) + 1), roots }),
    )
    expect([outcome, codes]).toEqual(['incomplete', ['LIMIT']])
  })
})
