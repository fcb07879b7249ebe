import { expect, test } from 'vitest'
import type { MergePair, Merged } from '../../src/git/merge-process.ts'
import type { MergeScratch } from '../../src/git/merge-tree.ts'
import { MergeQueue } from '../../src/git/merges.ts'
import { unanswered } from '../../src/git/tree-diff.ts'

/** A scratch repository that says the first commit's id is the tree. */
function recorder(): { batches: MergePair[][]; scratch: MergeScratch } {
  const batches: MergePair[][] = []
  const scratch: Pick<MergeScratch, 'merge' | 'remove'> = {
    merge(pairs) {
      batches.push([...pairs])
      return Promise.resolve(
        pairs.map(({ first }): Merged => ({ kind: 'merged', tree: first, conflicts: [] })),
      )
    },
    remove: () => undefined,
  }
  return { batches, scratch: scratch as MergeScratch }
}

const soon = () => new Promise<void>((resolve) => setImmediate(resolve))

test('merge() asks together for what is asked at one time, and for nothing twice', async () => {
  const { batches, scratch } = recorder()
  const queue = new MergeQueue(
    () => scratch,
    async ({ first }) => {
      for (let turn = 0; turn < Number(first); turn += 1) await Promise.resolve()
      return undefined
    },
  )
  const asked = ['9', '1', '5', '9'].map((first) => queue.merge(first, 'x'))
  expect(await Promise.all(asked)).toMatchObject(['9', '1', '5', '9'].map((tree) => ({ tree })))
  expect(batches.map((batch) => batch.map(({ first }) => first))).toEqual([['1', '5', '9']])
})

test('merge() lets nobody wait for a pair that git is not asked for', async () => {
  const { batches, scratch } = recorder()
  const queue = new MergeQueue(
    () => scratch,
    async ({ first }) => {
      await soon()
      if (first === 'good') return undefined
      await soon()
      if (first === 'known') return unanswered('SHALLOW', 'cut off')
      throw new Error('broken')
    },
  )
  for (const other of ['known', 'broken']) {
    const good = queue.merge('good', other)
    const [result] = await Promise.allSettled([queue.merge(other, 'x')])
    expect(result.status).toBe(other === 'known' ? 'fulfilled' : 'rejected')
    expect(await good).toMatchObject({ tree: 'good' })
  }
  expect(batches).toHaveLength(2)
})

test('merge() does not wait for the last of many', async () => {
  const { batches, scratch } = recorder()
  let release = (): void => undefined
  const never = new Promise<void>((resolve) => {
    release = resolve
  })
  const queue = new MergeQueue(
    () => scratch,
    async ({ first }) => {
      if (first === 'last') await never
      return undefined
    },
  )
  const last = queue.merge('last', 'x')
  const many = Array.from({ length: 100 }, (_, index) => queue.merge(String(index), 'x'))
  await Promise.all(many.slice(0, 32))
  expect(batches[0]).toHaveLength(32)
  release()
  await Promise.all([...many, last])
  expect(batches.flat()).toHaveLength(101)
})
