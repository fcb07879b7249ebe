import { describe, expect, it } from 'vitest'
import { runAsync, runSync } from '../../src/crypto/verify.ts'
import type { Facts } from '../../src/facts.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import type { StoredObject } from '../../src/verification/object.ts'
import { TAG_PAYLOAD, armor, commitWith, makeCms, objectId, PAYLOAD } from '../forge/object.ts'
import { trustedRootJson } from '../forge/world.ts'
import { forgeries } from './forgeries/all.ts'
import { genuine } from './forgeries/genuine.ts'
import { world } from './forgeries/forgery.ts'
import type { Forgery } from './forgeries/forgery.ts'

/** The forged signature as a commit and as a tag, each under its own true id. */
function objects(forgery: Forgery): StoredObject[] {
  const signature = (payload: Uint8Array): string =>
    armor(makeCms(forgery.by ?? world, payload, forgery.cms))
  const commit = commitWith(signature(PAYLOAD))
  const tag = Buffer.concat([TAG_PAYLOAD, Buffer.from(signature(TAG_PAYLOAD))])
  return (
    [
      ['commit', commit],
      ['tag', tag],
    ] as const
  ).map(([type, bytes]) => ({
    id: objectId(type, bytes),
    type,
    format: 'sha1',
    bytes,
    idMatches: true,
  }))
}

const shown = (facts: Facts): object => ({
  outcome: facts.outcome,
  codes: facts.codes,
  failed: facts.checks
    .filter(({ result }) => result === 'failed')
    .map(({ name, detail }) => `${name}: ${detail ?? ''}`),
})

describe.each(['commit', 'tag'] as const)('a %s that is what it says is proven:', (type) => {
  it.each(genuine)('$name', async (forgery) => {
    const roots = [parseTrustedRoot(trustedRootJson(world, forgery.trust), 'forge')]
    const object = objects(forgery).find((one) => one.type === type)
    if (object === undefined) throw new Error('no object')
    const facts = runSync(verifyObject(object, roots))
    expect(shown(facts)).toEqual({ outcome: 'proven', codes: [], failed: [] })
    expect(facts.signer?.trust).toBe('forge')
    expect(await runAsync(verifyObject(object, roots))).toEqual(facts)
  })
})

describe('a forged signature is refused with the code and the check that name the reason:', () => {
  it.each(forgeries)('$name', (forgery) => {
    const json = trustedRootJson(forgery.trusted ?? world, forgery.trust)
    const roots = [parseTrustedRoot(json, 'forge')]
    for (const object of objects(forgery)) {
      const facts = runSync(verifyObject(object, roots))
      const check = facts.checks.find(({ name }) => name === forgery.failed)
      expect({ ...shown(facts), check: check?.result }).toEqual({
        ...shown(facts),
        outcome: forgery.outcome,
        codes: [forgery.code],
        check: forgery.outcome === 'incomplete' ? 'absent' : 'failed',
      })
    }
  })
})
