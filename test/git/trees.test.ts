import { describe, expect, test } from 'vitest'
import { isDotGit, parseTree } from '../../src/git/trees.ts'
import { MalformedError } from '../../src/errors.ts'

const blob = Buffer.alloc(20, 1)

function tree(...entries: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(entries.flatMap(([mode, name]) => [Buffer.from(`${mode} ${name}\0`), blob]))
}

describe('parseTree()', () => {
  test('reads entries in stored order with canonical modes', () => {
    const parsed = parseTree(
      tree(['100644', 'a'], ['100755', 'b'], ['40000', 'c'], ['160000', 'd'], ['120000', 'e']),
      'sha1',
    )
    expect(parsed.findings).toEqual([])
    expect(
      parsed.entries.map(({ mode, name }) => `${mode} ${Buffer.from(name).toString()}`),
    ).toEqual(['100644 a', '100755 b', '040000 c', '160000 d', '120000 e'])
    expect(parsed.entries[0]?.id).toBe(blob.toString('hex'))
  })

  test('reads 100664 as 100644 and says so', () => {
    const parsed = parseTree(tree(['100664', 'a']), 'sha1')
    expect(parsed).toMatchObject({ findings: [], tolerated: ['mode 100664'] })
    expect(parsed.entries[0]?.mode).toBe('100644')
  })

  test('sorts folders as if their names ended in a slash', () => {
    expect(parseTree(tree(['100644', 'a.b'], ['40000', 'a']), 'sha1').findings).toEqual([])
    expect(parseTree(tree(['40000', 'a'], ['100644', 'a.b']), 'sha1').findings).toEqual([
      'entries are not sorted',
    ])
  })

  test.each([
    ['a name twice', tree(['100644', 'a'], ['100644', 'a'])],
    ['a file and a folder of one name', tree(['100644', 'a'], ['100644', 'a-'], ['40000', 'a'])],
    ['entries out of order', tree(['100644', 'b'], ['100644', 'a'])],
    ['an empty name', tree(['100644', ''])],
    ['a dot', tree(['40000', '.'])],
    ['two dots', tree(['40000', '..'])],
    ['.git', tree(['40000', '.git'])],
    ['a slash', tree(['100644', 'a/b'])],
    ['an unknown mode', tree(['100600', 'a'])],
    ['a zero-padded mode', tree(['040000', 'a'])],
  ])('finds %s', (_, bytes) => {
    expect(parseTree(bytes, 'sha1').findings.length).toBeGreaterThan(0)
  })

  test.each([
    ['a cut id', tree(['100644', 'a']).subarray(0, -1)],
    ['no NUL', Buffer.from('100644 a')],
    ['no space', Buffer.from('100644')],
    ['an id of the other hash', Buffer.concat([tree(['100644', 'a']), blob])],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseTree(bytes, 'sha1')).toThrow(MalformedError)
  })
})

describe('isDotGit()', () => {
  test.each([
    '.git',
    '.GIT',
    '.Git',
    '.git.',
    '.git ',
    '.git . .',
    'git~1',
    'GIT~1',
    '.git::$INDEX_ALLOCATION',
    '.g\u200cit',
    '\ufeff.git',
    '.gi\u206ft',
    'a\\.git',
    '.git\\config',
    '.git:x',
  ])('takes %j for .git', (name) => {
    expect(isDotGit(name)).toBe(true)
  })

  test.each([
    '.gitignore',
    '.gitmodules',
    'git',
    'a.git',
    '.git-x',
    'git~2',
    '.g',
    'git~1x',
    '. git',
  ])('takes %j for what it is', (name) => {
    expect(isDotGit(name)).toBe(false)
  })
})
