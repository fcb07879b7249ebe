import { expect, test } from 'vitest'
import { Random } from '../git/generate-objects.ts'
import { MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'

const seed = Number(process.env['SIGNET_SEED'] ?? 11)
const PEOPLE = ['alice', 'bob', 'carol', 'dave'] as const
/** SIGNET_HISTORIES asks for more, and takes as long as it does. */
const asked = Number(process.env['SIGNET_HISTORIES'] ?? 0)
const HISTORIES = asked > 0 ? asked : 150
const BUDGET_MS = asked > 0 ? Infinity : 10_000

/** A policy by chance: who is listed, who has left, who is revoked, which rules. */
function randomPolicy(random: Random, ids: readonly string[]): string {
  const listed = PEOPLE.filter((name) => name === 'alice' || random.chance(0.75))
  const people = listed.map((name) =>
    name !== 'alice' && random.chance(0.15)
      ? `[people.${name}]\nemail = "${name}@example.org"\nissuer = "google"\nuntil = 2026-01-0${String(1 + random.below(9))}T00:00:00Z\n`
      : name,
  )
  const by = listed.filter((name) => name === 'alice' || random.chance(0.8))
  const mode = random.chance(0.15) ? 'commits = "mainline"' : ''
  const mergeBy = mode === '' ? `merge-by = [${listed.map((one) => `"${one}"`).join(', ')}]` : mode
  const paths = random.chance(0.5) ? rule('alice', 'paths = ["src/"]') : ''
  const revoke =
    random.chance(0.1) && listed.includes('dave')
      ? '[[revoke]]\nperson = "dave"\nreason = "stolen"\n'
      : ''
  const accept =
    random.chance(0.2) && ids.length > 0
      ? `[[accept]]\ncommit = "${oneOf(random, ids)}"\nreason = "looked at"\n`
      : ''
  const admins = random.chance(0.3) && listed.includes('bob') ? ['alice', 'bob'] : ['alice']
  return policyOf(people, `${rule(by.join(' '), mergeBy)}${paths}${revoke}${accept}`, { admins })
}

function oneOf(random: Random, ids: readonly string[]): string {
  return ids[random.below(ids.length)] ?? ''
}

function randomFiles(random: Random): Record<string, string> {
  const path = random.pick(['a', 'b', 'c', 'src/a', 'src/b'])
  return { [path]: String(random.below(1000)) }
}

test(
  `attack 65: pushing step by step and auditing agree commit by commit (seed ${String(seed)})`,
  async () => {
    const random = new Random(seed)
    const end = Date.now() + BUDGET_MS
    let histories = 0
    let refused = 0
    let later = 0
    for (; histories < HISTORIES && Date.now() < end; histories++) {
      const world = await MemoryWorld.of(randomPolicy(random, []))
      const ids = [world.anchor]
      const bySteps = new Map<string, string>()
      let isChangedLater = false
      for (let step = 0; step < 14; step++) {
        const tip = world.git.refs.get(MAIN) ?? ''
        let at = random.chance(0.8) ? tip : oneOf(random, ids)
        for (let more = 1 + random.below(3); more > 0; more--) {
          const by = random.chance(0.06) ? undefined : random.pick([...PEOPLE])
          const isLanding = random.chance(0.2)
          const story = {
            by: isLanding && random.chance(0.8) ? 'alice' : by,
            at: random.chance(0.02) ? null : undefined,
            ...(random.chance(0.9) && { files: randomFiles(random) }),
            ...(isLanding && { policy: randomPolicy(random, ids) }),
          }
          const { at: time, ...rest } = story
          const whole = { ...rest, ...(time === null && { at: null }) }
          const other = oneOf(random, ids)
          at = random.chance(0.35)
            ? world.merge(at, other, whole)
            : world.commit({ ...whole, parents: [at] })
          ids.push(at)
        }
        if (random.chance(0.3) && at !== tip) {
          const other = { by: random.pick([...PEOPLE]) }
          at = random.chance(0.5) ? world.merge(at, tip, other) : world.merge(tip, at, other)
          ids.push(at)
        }
        const result = await world.push(MAIN, at)
        if (result.exit !== 0) {
          refused++
          continue
        }
        for (const { judgements } of result.outcomes) {
          for (const { id, verdict, reasons } of judgements) {
            bySteps.set(id, `${verdict} ${reasons.map(({ code }) => code).join(' ')}`)
          }
        }
      }
      const audited = await world.audit()
      const byAudit = new Map<string, string>()
      for (const { judgements } of audited.outcomes) {
        for (const { id, verdict, reasons } of judgements) {
          const codes = reasons.map(({ code }) => code)
          byAudit.set(id, `${verdict} ${codes.join(' ')}`)
          // A later policy may deny what passed, or have lifted it when it came and no longer do so.
          const isLater = bySteps.get(id) === 'pass ' && verdict !== 'pass'
          if (isLater) {
            const isDenied = codes.every((code) => code === 'REVOKED' || code === 'AFTER_UNTIL')
            expect(isDenied || wasAcceptedOnce(world, ids, id)).toBe(true)
            byAudit.set(id, 'pass ')
            isChangedLater = true
          }
        }
      }
      if (isChangedLater) later++
      expect(Object.fromEntries(byAudit)).toEqual(Object.fromEntries(bySteps))
    }
    expect(histories).toBeGreaterThan(Math.min(20, HISTORIES - 1))
    expect(refused).toBeGreaterThan(10)
    expect(later).toBeLessThan(histories)
  },
  Math.max(30_000, asked * 500),
)

/** Whether any policy of the history ever accepted a commit by name. */
function wasAcceptedOnce(world: MemoryWorld, ids: readonly string[], id: string): boolean {
  return ids.some((commit) => {
    const text = world.git.filesOf(commit)['.signet/policy.toml'] ?? ''
    return text.includes(`commit = "${id}"`)
  })
}

test('20,000 commits are audited in time that grows with their number', async () => {
  const measure = async (count: number): Promise<number> => {
    const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rule('alice bob')))
    let tip = world.anchor
    for (let index = 0; index < count; index++) {
      const isLanding = index % 100 === 0
      tip = world.commit({
        parents: [tip],
        by: 'alice',
        files: { a: String(index) },
        ...(isLanding && {
          policy: policyOf(['alice', 'bob'], `${rule('alice bob')}# ${String(index)}\n`),
        }),
      })
    }
    const start = performance.now()
    const result = await world.audit(tip)
    expect(result.exit).toBe(0)
    expect(result.outcomes.length).toBe(count)
    return performance.now() - start
  }
  await measure(1000)
  const small = await measure(5000)
  const large = await measure(20_000)
  expect(large).toBeLessThan(Math.max(small, 200) * 8)
}, 60_000)
