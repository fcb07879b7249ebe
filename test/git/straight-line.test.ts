import { describe, expect, test } from 'vitest'
import { straightLine } from '../../src/git/straight-line.ts'

/** d - c - b - a (root), and m, which merges c and s. */
const parents = new Map<string, readonly string[]>([
  ['a', []],
  ['b', ['a']],
  ['c', ['b']],
  ['d', ['c']],
  ['s', ['b']],
  ['m', ['c', 's']],
  ['cut', ['absent']],
])
const parentsOf = (id: string) => Promise.resolve(parents.get(id))
const never = (one: string, other: string): boolean => one === `not ${other}`

async function walk(
  include: readonly string[],
  exclude: readonly string[],
  { firstParent = false, isBelow = never } = {},
) {
  const line = await straightLine({ include, exclude, firstParent }, parentsOf, isBelow)
  return line && { ids: line.commits.map(({ id }) => id), end: line.end }
}

describe('straightLine()', () => {
  test('answers a line down to an excluded commit or a root', async () => {
    expect(await walk(['d'], ['b'])).toEqual({ ids: ['d', 'c'], end: 'b' })
    expect(await walk(['d'], ['d'])).toEqual({ ids: [], end: 'd' })
    expect(await walk(['b'], [])).toEqual({ ids: ['b', 'a'], end: undefined })
  })

  test('says nothing about merges, unless only first parents are followed', async () => {
    expect(await walk(['m'], ['b'])).toBeUndefined()
    expect(await walk(['m'], ['b'], { firstParent: true })).toEqual({ ids: ['m', 'c'], end: 'b' })
  })

  test('says nothing where another excluded commit may reach the line', async () => {
    // s also excludes b, and something unknown might exclude c.
    expect(await walk(['d'], ['b', 'elsewhere'])).toBeUndefined()
    const isBelow = (one: string, other: string) => one === 'a' && other === 'b'
    expect(await walk(['d'], ['b', 'a'], { isBelow })).toEqual({ ids: ['d', 'c'], end: 'b' })
    expect(await walk(['d'], ['b', 's'], { isBelow })).toBeUndefined()
  })

  test('says nothing where a commit is not here: an absent one excludes nothing', async () => {
    expect(await walk(['cut'], ['absent'])).toBeUndefined()
    expect(await walk(['cut'], [])).toBeUndefined()
    expect(await walk(['absent'], [])).toBeUndefined()
  })

  test('says nothing about several tips and long lines', async () => {
    expect(await walk(['d', 's'], ['b'])).toBeUndefined()
    const long = (id: string) => Promise.resolve([`${id}x`])
    expect(await straightLine({ include: ['t'], exclude: ['u'] }, long, never)).toBeUndefined()
  })
})
