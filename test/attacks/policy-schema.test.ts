import { describe, expect, test } from 'vitest'
import { FORGE_KEY, MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'

const good = policyOf(['alice', 'bob'], rule('alice bob'))
const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n`

/** At the anchor it is no policy (3); landed by an admin it is refused (1), and the old one stays. */
async function isRefused(policy: string): Promise<void> {
  const anchored = new MemoryWorld()
  anchored.anchor = anchored.commit({ by: 'alice', policy })
  expect((await anchored.push(MAIN, anchored.anchor)).exit).toBe(3)
  const world = await MemoryWorld.of(good)
  const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
  const result = await world.push(MAIN, landing)
  expect(result.exit).toBe(1)
  expect(result.of(landing).codes).toEqual(['POLICY_INVALID'])
}

describe('policies that say what none may say', () => {
  test.each(['mode = "warn"', 'enabled = false', 'enforce = false', 'audit = true'])(
    'attack 12: a key that would switch enforcement off: %s',
    async (top) => {
      await isRefused(policyOf(['alice', 'bob'], rule('alice bob'), { top }))
      await isRefused(policyOf(['alice', 'bob'], rule('alice bob', top)))
    },
  )

  test.each([
    ['issuer alone', 'issuer = "google"'],
    ['subject alone', 'email = "carol@example.org"'],
    ['an empty subject', 'email = ""\nissuer = "google"'],
    ['any subject', 'email = "*"\nissuer = "google"'],
    ['an account alone', 'account = "1"\nissuer = "google"'],
  ])('attack 27: an entry that would match too many: %s', async (_, text) => {
    await isRefused(policyOf(['alice', 'bob', `[people.carol]\n${text}\n`], rule('alice bob')))
  })

  test.each(['github-actions[bot]', '41898282+github-actions[bot]@users.noreply.github.com'])(
    'attack 70: a bot that the workflow of any fork can be: %s',
    async (author) => {
      const bot = `[bots.ci]\nforge = "github"\nauthor = "${author}"\npaths = ["doc/"]\n`
      await isRefused(policyOf(['alice', 'bob'], `${forge}${bot}${rule('alice bob ci')}`))
    },
  )

  test.each([
    ['rewrite', rule('alice bob', 'rewrite = true')],
    ['delete', rule('alice bob', 'delete = true')],
    [
      'rewrite by a pattern',
      `${rule('alice bob')}${rule('alice', 'rewrite = true', 'refs/heads/**')}`,
    ],
    [
      'merge-by with mainline (49)',
      `${forge}${rule('alice bob', 'commits = "mainline"\nmerge-by = ["github"]')}`,
    ],
    [
      'a bot with forge and no paths',
      `${forge}[bots.dep]\nforge = "github"\nauthor = "d@example.org"\n${rule('alice bob dep')}`,
    ],
  ])('attack 77: %s', async (_, rest) => {
    await isRefused(policyOf(['alice', 'bob'], rest))
  })
})
