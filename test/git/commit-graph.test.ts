import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CommitGraph } from '../../src/git/commit-graph.ts'

const ids = new Map<number, string>()

function id(number: number): string {
  const known = ids.get(number) ?? createHash('sha1').update(String(number)).digest('hex')
  ids.set(number, known)
  return known
}

/** Numbers that look random and are the same each time. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % below
  }
}

/** A history of so many commits; some of their parents were never added. */
function history(size: number, roll: (below: number) => number): Map<string, string[]> {
  const parents = new Map<string, string[]>()
  for (let number = 0; number < size; number++) {
    const own = new Set<string>()
    for (let more = roll(8) === 0 ? 2 : 1; more > 0 && number > 0; more--) {
      own.add(id(number - 1 - roll(Math.min(number, 5))))
    }
    if (roll(40) === 0) own.add(id(1_000_000 + roll(3)))
    parents.set(id(number), [...own])
  }
  return parents
}

function reachable(parents: ReadonlyMap<string, string[]>, from: readonly string[]): Set<string> {
  const seen = new Set(from)
  for (const one of seen) for (const parent of parents.get(one) ?? []) seen.add(parent)
  return seen
}

describe('CommitGraph', () => {
  it('answers as often as it is asked what a plain search answers', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const roll = dice(seed)
      const size = 700
      const parents = history(size, roll)
      const graph = new CommitGraph(20)
      for (const [one, its] of parents) graph.add({ id: one, parents: its })
      const old = [id(size - 1), id(size - 40), id(3)]
      for (let question = 0; question < 150; question++) {
        const include = [id(roll(size))]
        const exclude = question % 3 === 0 ? [id(roll(size))] : old.slice(0, 1 + roll(3))
        const out = reachable(parents, exclude)
        const wanted = [...reachable(parents, include)].filter((one) => !out.has(one))
        const inside = wanted.filter((one) => parents.has(one)).sort()
        const found = [...graph.walk(include, exclude)].filter((one) => one.parents !== undefined)
        expect(found.map((one) => one.id).sort()).toEqual(inside)
        for (const one of [...old, id(0), id(roll(size))]) {
          const [start = ''] = include
          expect(graph.isAncestor(one, start)).toBe(reachable(parents, [start]).has(one))
        }
      }
    }
  })

  it('knows what is added after it was asked', () => {
    const graph = new CommitGraph(20)
    for (let number = 0; number < 1000; number++) {
      graph.add({ id: id(number), parents: number === 0 ? [] : [id(number - 1)] })
    }
    for (let round = 0; round < 5; round++) {
      expect([...graph.walk([id(2)], [id(999)])]).toEqual([])
      expect(graph.isAncestor(id(0), id(999))).toBe(true)
    }
    graph.add({ id: id(1000), parents: [id(2)] })
    expect([...graph.walk([id(1000)], [id(999)])].map((one) => one.id)).toEqual([id(1000)])
    expect(graph.isAncestor(id(0), id(1000))).toBe(true)
  })

  it('many branches beside a long one take no longer each than the first', () => {
    const graph = new CommitGraph(20)
    const size = 20_000
    for (let number = 0; number < size; number++) {
      graph.add({ id: id(number), parents: number === 0 ? [] : [id(number - 1)] })
    }
    const branches = 2000
    for (let number = 0; number < branches; number++) {
      graph.add({ id: id(size + number), parents: [id(number)] })
    }
    const start = process.cpuUsage()
    for (let number = 0; number < branches; number++) {
      const own = id(size + number)
      expect([...graph.walk([own], [id(size - 1), id(0)])]).toHaveLength(1)
      expect(graph.isAncestor(id(0), own)).toBe(true)
    }
    // One by one they take a minute and more.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(5)
  })
})
