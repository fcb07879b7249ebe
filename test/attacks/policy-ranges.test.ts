import { describe, expect, test } from 'vitest'
import { MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'

const two = policyOf(['alice', 'bob'], rule('alice bob'))
const withMallory = policyOf(['alice', 'bob', 'mallory'], rule('alice bob mallory'))

describe('verify of ranges and single commits on the policy branch', () => {
  test('attacks 1, 2, 5: a policy that did not land fails its commit in every range that has it', async () => {
    const push = async (world: MemoryWorld, landing: string): Promise<void> => {
      const tip = world.commit({ parents: [landing], by: 'bob', files: { later: '1' } })
      world.force(MAIN, tip)
      for (const range of [
        await world.range(MAIN, tip, [world.anchor]),
        await world.range(MAIN, landing, [world.anchor]),
      ]) {
        expect(range.exit).toBe(1)
        expect(range.of(landing).codes).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
        expect(range.of(landing).strength).toBeUndefined()
      }
      // On a ref that lands no policy it is a commit like any other.
      expect((await world.range('refs/heads/topic', landing, [world.anchor])).exit).toBe(0)
    }
    const straight = await MemoryWorld.of(two)
    await push(
      straight,
      straight.commit({ parents: [straight.anchor], by: 'bob', policy: withMallory }),
    )
    const merged = await MemoryWorld.of(two)
    const side = merged.commit({ parents: [merged.anchor], by: 'alice', policy: withMallory })
    await push(merged, merged.merge(merged.anchor, side, { by: 'bob' }))
    const evil = await MemoryWorld.of(two)
    const work = evil.commit({ parents: [evil.anchor], by: 'alice', files: { a: '1' } })
    await push(evil, evil.merge(evil.anchor, work, { by: 'bob', policy: withMallory }))
  })

  test('a change of the policy that is still on its side branch is judged as nothing else', async () => {
    const world = await MemoryWorld.of(two)
    const draft = world.commit({ parents: [world.anchor], by: 'bob', policy: withMallory })
    expect((await world.range(MAIN, draft, [world.anchor])).exit).toBe(0)
  })
})

test('all that is wrong with a landing is told: who made it, and what it says', async () => {
  const world = await MemoryWorld.of(two)
  const land = async (by: string, policy: string): Promise<readonly string[]> => {
    const landing = world.commit({ parents: [world.anchor], by, policy })
    return (await world.push(MAIN, landing)).of(landing).codes
  }
  const nobody = `${two}\n[[revoke]]\nperson = "alice"\nreason = "gone"\n`
  expect(await land('bob', 'version = 2\n')).toEqual(['POLICY_CHANGE_NOT_ADMIN', 'POLICY_INVALID'])
  expect(await land('bob', nobody)).toEqual(['POLICY_CHANGE_NOT_ADMIN', 'POLICY_LOCKOUT'])
  expect(await land('alice', nobody)).toEqual(['POLICY_LOCKOUT'])
  expect(await land('bob', withMallory)).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
})
