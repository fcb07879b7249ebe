import { describe, expect, it } from 'vitest'
import { ChainCommits } from '../../src/policy/chain-commits.ts'
import type { PolicyChain } from '../../src/policy/chain.ts'
import type { GitAnswers } from '../../src/policy/git-answers.ts'
import { KeptPolicy } from '../../src/verification/kept-policy.ts'
import type { KeptChain } from '../../src/verification/policy-cache.ts'
import { read } from '../policy/memory-world.ts'

const id = (number: number): string => number.toString(16).padStart(40, '0')
const policy = read(`version = 1
admins = ["alice"]
people.alice = { email = "a@example.org", issuer = "github" }
protect = [{ refs = ["refs/heads/*"], by = ["alice"] }]
`)

/** A chain of so many commits, with policies landed at these. */
function chainOf(length: number, ...landed: readonly number[]): PolicyChain {
  const landing = (index: number) => {
    return { commit: id(index), index, policy, at: undefined, signedBy: undefined }
  }
  return {
    anchor: id(0),
    tip: id(length - 1),
    commits: ChainCommits.of(Array.from({ length }, (_, at) => id(at))),
    landings: [landing(0), ...landed.map(landing)],
    failed: [],
    uncertain: undefined,
  }
}

/** A cache in memory, and a repository that has all but these commits. */
function world(...gone: readonly string[]) {
  let kept: KeptChain | undefined
  let writes = 0
  const absent = new Set(gone)
  const commit = (asked: string) =>
    Promise.resolve(
      absent.has(asked) ? { unanswered: 'MISSING_OBJECT', detail: '' } : { id: asked },
    )
  const git = { commit } as unknown as GitAnswers
  const session = () =>
    new KeptPolicy({
      read: () => kept,
      write: (chain) => {
        writes++
        kept = chain
      },
    })
  return { absent, git, session, writes: () => writes }
}

describe('KeptPolicy', () => {
  it('gives no chain that was judged without a commit that has come since', async () => {
    const { absent, git, session } = world('revoked')
    const first = session()
    expect(await first.chain(git)).toBeUndefined()
    await first.noting(git).commit('revoked')
    await first.noting(git).commit('here')
    first.leave(chainOf(3))
    expect(await session().chain(git)).toBeDefined()
    absent.delete('revoked')
    const then = session()
    expect(await then.chain(git)).toBeUndefined()
    expect(then.isNews(chainOf(3))).toBe(true)
    then.leave(chainOf(3))
    expect(await session().chain(git)).toBeDefined()
  })

  it('goes on noting what an earlier session did not find', async () => {
    const { absent, git, session } = world('revoked')
    const first = session()
    await first.chain(git)
    await first.noting(git).commit('revoked')
    first.leave(chainOf(3))
    const second = session()
    await second.chain(git)
    second.leave(chainOf(20))
    absent.delete('revoked')
    expect(await session().chain(git)).toBeUndefined()
  })

  it.each<[string, PolicyChain, boolean, number?]>([
    ['the same chain', chainOf(20, 5), false],
    ['an earlier part of it', chainOf(10, 5), false],
    ['a commit more', chainOf(21, 5), true],
    ['two commits more of 10,000', chainOf(10_002, 5), false, 10_000],
    ['three commits more of 10,000', chainOf(10_003, 5), true, 10_000],
    ['a landing more', chainOf(10_001, 5, 20), true, 10_000],
    [
      'another chain',
      { ...chainOf(20, 5), commits: ChainCommits.of([id(0), 'x']), tip: 'x' },
      true,
    ],
  ])('writes what the next session gains by: %s', async (_, chain, isNews, length = 20) => {
    const { git, session } = world()
    session().leave(chainOf(length, 5))
    const second = session()
    await second.chain(git)
    expect(second.isNews(chain)).toBe(isNews)
  })
})

describe('ChainCommits', () => {
  it('is a list whose parts share it, whatever is asked how often', () => {
    const whole = ChainCommits.of(['a', 'b', 'c', 'd'])
    const part = whole.upTo(1)
    const more = whole.with(['e'])
    const other = part.with(['x', 'y'])
    for (let round = 0; round < 12; round++) {
      expect([...whole]).toEqual(['a', 'b', 'c', 'd'])
      expect([...part]).toEqual(['a', 'b'])
      expect([...more]).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect([...other]).toEqual(['a', 'b', 'x', 'y'])
      expect(whole.indexOf('e')).toBe(-1)
      expect(more.indexOf('e')).toBe(4)
      expect(part.indexOf('c')).toBe(-1)
      expect(part.at(2)).toBeUndefined()
      expect(other.indexOf('x')).toBe(2)
      expect(whole.indexOf('x')).toBe(-1)
      expect(whole.upTo(9).length).toBe(4)
    }
    expect([...more.with(['f'])].at(-1)).toBe('f')
    expect(more.indexOf('f')).toBe(-1)
  })
})
