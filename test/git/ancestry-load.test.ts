import { afterAll, beforeAll, expect, test } from 'vitest'
import { Ancestry } from '../../src/git/ancestry.ts'
import { repositoryPaths } from '../../src/git/refs.ts'
import { TestRepository } from './repository.ts'

let repository: TestRepository
beforeAll(() => {
  repository = new TestRepository('sha1')
})
afterAll(() => {
  repository.remove()
})

test('what is loaded later does not take the place of what was loaded before', async () => {
  const stream: string[] = []
  for (let mark = 1; mark <= 60; mark++) {
    const from = mark === 1 ? '' : `from :${String(mark - 1)}\n`
    stream.push(`commit refs/heads/c${String(mark)}\nmark :${String(mark)}\n`)
    stream.push(
      `committer C <c@example.org> ${String(1700000000 + mark)} +0000\ndata 1\nm\n${from}`,
    )
  }
  repository.git(['fast-import', '--quiet'], stream.join(''))
  const idOf = (mark: number): string =>
    repository.git(['rev-parse', `refs/heads/c${String(mark)}`]).trim()
  const [first, middle, old, tip] = [idOf(1), idOf(30), idOf(40), idOf(60)]
  const env: Record<string, string | undefined> = { ...repository.place.env }
  const place = { ...repository.place, env }
  const nobody = (): Promise<undefined> => Promise.resolve(undefined)
  const missing = (): Promise<'missing'> => Promise.resolve('missing')
  const ancestry = new Ancestry(place, await repositoryPaths(place), new Set(), missing, nobody)
  await ancestry.load({ include: [middle], exclude: [] })
  await ancestry.load({ include: [tip], exclude: [] })
  await ancestry.load({ include: [old], exclude: [first] })
  // From here on there is no git.
  env['PATH'] = '/nowhere'
  const found: string[] = []
  for await (const { id } of ancestry.walk({ include: [tip], exclude: [middle] })) found.push(id)
  expect(found).toHaveLength(30)
  expect(await ancestry.isAncestor(first, tip)).toBe(true)
  expect(await ancestry.isAncestor(tip, first)).toBe(false)
})
