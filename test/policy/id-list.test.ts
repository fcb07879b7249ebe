import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { IdList } from '../../src/policy/id-list.ts'

test.each(['sha1', 'sha256'])('IdList gives back what it was given, in order (%s)', (format) => {
  const list = new IdList()
  const ids = Array.from({ length: 10_000 }, (_, index) =>
    createHash(format).update(String(index)).digest('hex'),
  )
  expect(list.at(0)).toBeUndefined()
  for (const id of ids) list.push(id)
  expect(list.length).toBe(10_000)
  expect(ids.map((_, index) => list.at(index))).toEqual(ids)
  expect([list.at(-1), list.at(10_000)]).toEqual([undefined, undefined])
})
