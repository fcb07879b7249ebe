import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseGitBoolean, readGitConfig } from '../../src/git/config.ts'
import { TestRepository } from './repository.ts'

let repository: TestRepository
beforeAll(() => {
  repository = new TestRepository()
})
afterAll(() => {
  repository.remove()
})

test('readGitConfig() reads values, keys without a value, and several values of one key', async () => {
  writeFileSync(
    join(repository.folder, 'config'),
    '[Signet]\n\tIssuer = one\n\tissuer = "two\\nlines"\n\tsilent\n[url "https://Case/"]\n\tinsteadOf = x\n',
    { flag: 'a' },
  )
  const config = await readGitConfig(repository.place)
  expect(config.get('signet.issuer')).toBe('two\nlines')
  expect(config.all('SIGNET.ISSUER')).toEqual(['one', 'two\nlines'])
  expect(config.get('signet.silent')).toBeNull()
  expect(config.get('signet.none')).toBeUndefined()
  expect(config.get('url.https://Case/.insteadof')).toBe('x')
  expect(config.get('url.https://case/.insteadof')).toBeUndefined()
  expect(config.boolean('signet.silent')).toBe(true)
  expect(config.boolean('signet.none')).toBeUndefined()
  expect(() => config.boolean('signet.issuer')).toThrow(/is no boolean/)
})

test('parseGitBoolean() agrees with git on every spelling', () => {
  const spellings = [
    'true',
    'True',
    'YES',
    'on',
    '1',
    '2',
    '-1',
    '0x10',
    '1k',
    '+3',
    ' 7',
    'false',
    'no',
    'OFF',
    '',
    '0',
    '0x0',
    '0k',
    '-0',
    'maybe',
    'y',
    'n',
    'truee',
    '1.5',
    '1 k',
    '0b1',
    '1t',
  ]
  for (const spelling of spellings) {
    let answer: boolean | undefined
    try {
      answer = repository.git(['-c', `x.y=${spelling}`, 'config', '--type=bool', 'x.y']) === 'true'
    } catch {
      // git's word for "not a boolean" is exit 128.
      answer = undefined
    }
    expect([spelling, parseGitBoolean(spelling)]).toEqual([spelling, answer])
  }
  expect(parseGitBoolean(null)).toBe(true)
})
