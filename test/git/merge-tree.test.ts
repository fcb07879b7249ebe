import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MergeScratch } from '../../src/git/merge-tree.ts'
import { repositoryPaths } from '../../src/git/refs.ts'
import { TestRepository } from './repository.ts'

let repository: TestRepository
beforeAll(() => {
  repository = new TestRepository()
})
afterAll(() => {
  repository.remove()
})

function pair(
  base: Readonly<Record<string, string>>,
  left: Readonly<Record<string, string>>,
  right: Readonly<Record<string, string>>,
): { first: string; second: string } {
  const root = repository.commit(repository.tree(base))
  return {
    first: repository.commit(repository.tree(left), [root]),
    second: repository.commit(repository.tree(right), [root]),
  }
}

async function merge(
  pairs: readonly { first: string; second: string }[],
  timeoutMs = 10_000,
): Promise<Awaited<ReturnType<MergeScratch['merge']>>> {
  const paths = await repositoryPaths(repository.place)
  const scratch = await MergeScratch.create(repository.place.env, paths, { timeoutMs })
  try {
    return await scratch.merge(pairs)
  } finally {
    scratch.remove()
    expect(existsSync(scratch.place.cwd)).toBe(false)
  }
}

test('attributes and drivers of the judged repository change no merge', async () => {
  repository.git(['config', 'merge.mine.driver', 'touch %A; true'])
  repository.git(['config', 'merge.default', 'mine'])
  mkdirSync(join(repository.folder, 'info'), { recursive: true })
  const attributes = { '.gitattributes': '* merge=union\nb merge=mine\n' }
  const one = pair(
    { ...attributes, a: '1\n', b: '1\n' },
    { ...attributes, a: '2\n', b: '2\n' },
    { ...attributes, a: '3\n', b: '3\n' },
  )
  const [result] = await merge([one])
  expect(result).toMatchObject({ kind: 'merged' })
  if (result?.kind !== 'merged') return
  expect(result.conflicts.map((path) => Buffer.from(path).toString())).toEqual(['a', 'b'])
})

test('one pair that git refuses does not end the others', async () => {
  const clean = pair({ a: '1' }, { a: '1', b: '2' }, { a: '1', c: '3' })
  const stranger = repository.commit(repository.tree({ z: '9' }), [], 'stranger')
  const absent = 'd'.repeat(40)
  const results = await merge([
    clean,
    { first: clean.first, second: stranger },
    clean,
    { first: absent, second: clean.first },
    clean,
  ])
  expect(results.map(({ kind }) => kind)).toEqual([
    'merged',
    'unrelated',
    'merged',
    'missing',
    'merged',
  ])
})

test('a merge that takes too long is told from those beside it', async () => {
  const lines = (from: number): string =>
    Array.from({ length: 20_000 }, (_, line) => `${String((line * 7919 + from) % 100)}\n`).join('')
  const slow = pair({ a: lines(0) }, { a: lines(1) }, { a: lines(2) })
  const results = await merge([slow], 1)
  expect(results.map(({ kind }) => kind)).toContainEqual(expect.stringMatching(/merged|time-limit/))
  const [first, second] = await merge([slow, pair({ a: '1' }, { a: '1' }, { a: '2' })])
  expect([first?.kind, second?.kind]).toEqual(['merged', 'merged'])
})

test('objects are found below folders with odd names', async () => {
  const one = pair({ a: '1' }, { a: '2' }, { a: '1', b: '2' })
  const odd = join(repository.folder, 'a "quoted" #\\ name')
  mkdirSync(odd)
  const moved = join(odd, 'repo.git')
  repository.git(['clone', '-q', '--mirror', '.', moved])
  for (const id of [one.first, one.second])
    repository.git(['push', '-q', moved, `${id}:refs/heads/${id}`])
  const place = { ...repository.place, cwd: moved }
  const scratch = await MergeScratch.create(place.env, await repositoryPaths(place))
  renameSync(join(repository.folder, 'objects'), join(repository.folder, 'hidden'))
  try {
    expect((await scratch.merge([one]))[0]).toMatchObject({ kind: 'merged', conflicts: [] })
  } finally {
    renameSync(join(repository.folder, 'hidden'), join(repository.folder, 'objects'))
    scratch.remove()
  }
})
