import { describe, expect, it } from 'vitest'
import { runAsync, runSync } from '../../src/crypto/verify.ts'
import type { Facts } from '../../src/facts.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { trustedRootJson } from '../forge/world.ts'
import { forgeries } from './forgeries/all.ts'
import { genuine } from './forgeries/genuine.ts'
import { world } from './forgeries/forgery.ts'
import { objects } from './forgeries/objects.ts'

const shown = (facts: Facts): object => ({
  outcome: facts.outcome,
  codes: facts.codes,
  failed: facts.checks
    .filter(({ result }) => result === 'failed')
    .map(({ name, detail }) => `${name}: ${detail ?? ''}`),
})

describe.each(['commit', 'tag'] as const)('a %s that is what it says is proven:', (type) => {
  it.each(genuine)('$name', async (forgery) => {
    const roots = [
      parseTrustedRoot(trustedRootJson(forgery.trusted ?? world, forgery.trust), 'forge'),
    ]
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
