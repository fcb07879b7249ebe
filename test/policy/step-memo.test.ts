import { describe, expect, test } from 'vitest'
import type { PolicyContext, StepOutcome } from '../../src/policy/context.ts'
import { StepMemo } from '../../src/policy/step-memo.ts'
import { evaluateStep } from '../../src/policy/steps.ts'
import { MAIN, MemoryWorld, ZERO, policyOf, rule } from './memory-world.ts'

const COMMITS = 5

async function manyRefs(): Promise<{ world: MemoryWorld; ids: string[] }> {
  const rules =
    rule('alice') + rule('alice', '', 'refs/heads/a/*') + rule('bob', '', 'refs/heads/b/*')
  const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rules))
  const ids: string[] = []
  let parent = world.anchor
  for (let count = 0; count < COMMITS; count++) {
    parent = world.commit({ parents: [parent], by: 'alice', files: { a: String(count) } })
    ids.push(parent)
  }
  return { world, ids }
}

/** The world's context, counting what is asked. */
async function counted(
  world: MemoryWorld,
  memo: StepMemo | undefined,
): Promise<{ context: PolicyContext; asked: { facts: number; walks: number } }> {
  const asked = { facts: 0, walks: 0 }
  const plain = await world.context()
  const context: PolicyContext = {
    ...plain,
    ...(memo !== undefined && { memo }),
    facts: (id, policy) => {
      asked.facts++
      return plain.facts(id, policy)
    },
    git: Object.assign(Object.create(plain.git) as typeof plain.git, {
      walk: (query: Parameters<typeof plain.git.walk>[0]) => {
        asked.walks++
        return plain.git.walk(query)
      },
    }),
  }
  return { context, asked }
}

async function judge(
  context: PolicyContext,
  refs: readonly string[],
  after: string,
): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = []
  for (const ref of refs) {
    outcomes.push(...(await evaluateStep(context, { ref, before: ZERO, after })))
  }
  return outcomes
}

/** Without what only stories tell. */
function verdicts(outcomes: readonly StepOutcome[]) {
  return outcomes.map(({ ref, verdict, codes, judgements }) => ({
    ref,
    verdict,
    codes,
    judgements: judgements.map(({ id, verdict: one, reasons, rules }) => ({
      id,
      one,
      reasons,
      rules,
    })),
  }))
}

describe('the steps of one push', () => {
  const refs = Array.from({ length: 200 }, (_, at) => `refs/heads/a/${String(at)}`)

  test('judge the same commits once, however many refs bring them', async () => {
    const { world, ids } = await manyRefs()
    const tip = ids.at(-1) ?? ''
    const known = await counted(world, new StepMemo())
    const again = await counted(world, undefined)
    const outcomes = await judge(known.context, refs, tip)
    const expected = await judge(again.context, refs, tip)
    expect(verdicts(outcomes)).toEqual(verdicts(expected))
    expect(outcomes.every(({ verdict }) => verdict === 'pass')).toBe(true)
    // Each step also asks who made its tip.
    expect(known.asked.facts).toBe(COMMITS + refs.length)
    expect(known.asked.walks).toBe(1)
    expect(again.asked.facts).toBe((COMMITS + 1) * refs.length)
  })

  test('judge commits of different tips once', async () => {
    const { world, ids } = await manyRefs()
    const { context, asked } = await counted(world, new StepMemo())
    for (const [at, id] of ids.entries()) await judge(context, [refs[at] ?? ''], id)
    expect(asked.facts).toBe(COMMITS + ids.length)
  })

  test('are judged by their own rules, and by what was there before', async () => {
    const { world, ids } = await manyRefs()
    const tip = ids.at(-1) ?? ''
    const { context } = await counted(world, new StepMemo())
    const [good, bad] = await judge(context, ['refs/heads/a/1', 'refs/heads/b/1'], tip)
    expect(good?.verdict).toBe('pass')
    expect(bad?.codes).toContain('NOT_ALLOWED_HERE')
    const [part] = await evaluateStep(context, {
      ref: 'refs/heads/a/2',
      before: ids[COMMITS - 2] ?? '',
      after: tip,
    })
    expect(part?.judgements.map(({ id }) => id)).toEqual([tip])
    expect(
      (await evaluateStep(context, { ref: MAIN, before: world.anchor, after: tip })).length,
    ).toBe(COMMITS)
  })

  test('hold a bounded number of answers', async () => {
    const memo = new StepMemo()
    let asked = 0
    const find = () => {
      asked++
      return Promise.resolve({ reasons: [], judgements: [], arrived: new Set<string>() })
    }
    for (const key of ['a', 'a', 'b', 'c', 'd', 'e', 'a']) await memo.arriving(key, find)
    expect(asked).toBe(6)
  })
})
