import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RepositoryAnswers } from '../../src/git/answers.ts'
import { splitObject } from '../../src/git/split.ts'
import { carryOutResign, moveRef, planResign, withParents } from '../../src/signing/resign.ts'
import { TestRepository } from '../git/repository.ts'

const armor = '-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n'
const own = 'a@example.org'
const signNothing = (): Promise<string> => Promise.resolve(armor)
const silent = (): void => undefined

describe('resign', () => {
  let repository: TestRepository
  let answers: RepositoryAnswers
  let tree: string

  beforeAll(async () => {
    repository = new TestRepository()
    tree = repository.tree({ a: '1' })
    answers = await RepositoryAnswers.open(repository.place)
  })
  afterAll(async () => {
    await answers.close()
    repository.remove()
  })

  function raw(id: string): Buffer {
    return Buffer.from(repository.git(['cat-file', 'commit', id]) + '\n', 'latin1')
  }

  function write(content: string): string {
    return repository.git(['hash-object', '-t', 'commit', '-w', '--stdin'], Buffer.from(content))
  }

  function commitText(parents: readonly string[], more = '', body = 'm\n', email = own): string {
    const ident = `A U Thor <${email}> 1700000000 +0000`
    const lines = parents.map((id) => `parent ${id}\n`).join('')
    return `tree ${tree}\n${lines}author ${ident}\ncommitter ${ident}\n${more}\n${body}`
  }

  test('keeps every byte but parents and the new signature, merges and odd headers included', async () => {
    const base = write(commitText([], `gpgsig ${armor.trim().replaceAll('\n', '\n ')}\n`))
    const left = write(commitText([base], 'encoding ISO-8859-1\n', 'left\r\nno end'))
    const right = write(commitText([base], 'change-id zz\n', 'right\n'))
    const mergetag = `mergetag object ${right}\n type commit\n tag v\n tagger x <x> 1 +0000\n \n m\n`
    const tip = write(commitText([left, right], mergetag, `parent ${left}\n\nauthor x\n`))
    const plan = await planResign(answers, { include: [tip], exclude: [] }, own)
    expect(plan.rewrites.map(({ id }) => id).sort()).toEqual([left, right, tip].sort())
    expect(plan.kept).toBe(1)
    const ids = await carryOutResign(answers, plan, signNothing, silent)
    for (const { id, parents, split } of plan.rewrites) {
      const written = splitObject('commit', raw(ids.get(id) ?? ''), 'sha1')
      expect(Buffer.from(written.signature ?? '').toString()).toBe(armor)
      expect(written.headers.at(-1)?.name).toBe('gpgsig')
      const renumbered = parents.map((parent) => ids.get(parent) ?? parent)
      const back = renumbered.reduce(
        (text, parent, index) => text.replace(`parent ${parent}`, `parent ${parents[index] ?? ''}`),
        Buffer.from(written.payload).toString('latin1'),
      )
      // `git cat-file` ends in what the object ends in; the test's reader adds one LF.
      expect(back.replace(/\n$/, '')).toBe(
        Buffer.from(split.payload).toString('latin1').replace(/\n$/, ''),
      )
    }
    const merge = raw(ids.get(tip) ?? '').toString()
    expect(merge).toContain(`parent ${ids.get(left) ?? ''}\nparent ${ids.get(right) ?? ''}\n`)
    expect(merge).toContain(`\nparent ${left}\n\nauthor x`)
    expect(merge).toContain(`mergetag object ${right}`)
  })

  test('signs a signed commit again only where a commit below it changes', async () => {
    const header = `gpgsig ${armor.trim().replaceAll('\n', '\n ')}\n`
    const signed = write(commitText([], header, 'signed\n'))
    const plain = write(commitText([signed], '', 'plain\n'))
    const above = write(commitText([plain], header, 'above\n'))
    const plan = await planResign(answers, { include: [above], exclude: [] }, own)
    expect(plan.rewrites.map(({ id, why }) => [id, why])).toEqual([
      [plain, 'unsigned'],
      [above, 'moved'],
    ])
    expect(plan.kept).toBe(1)
  })

  test('refuses commits of other people, and malformed ones', async () => {
    const theirs = write(commitText([], '', 'm\n', 'b@example.org'))
    const mine = write(commitText([theirs]))
    const range = { include: [mine], exclude: [] }
    await expect(planResign(answers, range, own)).rejects.toMatchObject({ code: 'RESIGN_FOREIGN' })
    const only = await planResign(answers, { include: [mine], exclude: [theirs] }, own)
    expect(only.rewrites.map(({ id }) => id)).toEqual([mine])
    const odd = commitText([], 'gpgsigx y\n')
    const oddId = repository.git(
      ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'],
      odd,
    )
    await expect(planResign(answers, { include: [oddId], exclude: [] }, own)).rejects.toMatchObject(
      { code: 'OBJECT_FORM' },
    )
  })

  test('moves a ref only from where it was, with a reflog entry', async () => {
    const first = write(commitText([], '', 'first\n'))
    const second = write(commitText([], '', 'second\n'))
    repository.git(['update-ref', 'refs/heads/topic', first])
    await expect(moveRef(answers, 'refs/heads/topic', second, first)).rejects.toMatchObject({
      code: 'GIT_FAILED',
    })
    await moveRef(answers, 'refs/heads/topic', first, second)
    expect(repository.id('topic')).toBe(second)
    const log = readFileSync(join(repository.folder, 'logs/refs/heads/topic'), 'utf8')
    expect(log).toContain(`${first} ${second}`)
    expect(log).toContain('git-signet resign')
  })

  test('leaves the refs where they are when one signature fails', async () => {
    const a = write(commitText([], '', 'a\n'))
    const b = write(commitText([a], '', 'b\n'))
    const plan = await planResign(answers, { include: [b], exclude: [] }, own)
    let asked = 0
    const sign = (): Promise<string> =>
      ++asked === 2 ? Promise.reject(new Error('no more')) : Promise.resolve(armor)
    await expect(carryOutResign(answers, plan, sign, silent)).rejects.toThrow('no more')
    expect(asked).toBe(2)
  })
})

test('withParents() renumbers headers, not what looks like one in the message', () => {
  const text = 'tree t\nparent 11\nparent 11\nauthor a\ncommitter c\n\nparent 11\nauthor x\n'
  const split = splitObject('commit', Buffer.from(text), 'sha1')
  expect(Buffer.from(withParents(split, ['22', '33'])).toString()).toBe(
    'tree t\nparent 22\nparent 33\nauthor a\ncommitter c\n\nparent 11\nauthor x\n',
  )
})
