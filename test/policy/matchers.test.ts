/** Refs and paths as patterns meet them: attacks 30 (hostile lengths), 54 and 76 (twins). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldPath, isPolicyDirectoryTwin } from '../../src/policy/fold.ts'
import {
  coversPath,
  matchesRef,
  parsePathPatterns,
  parseRefPatterns,
  touchesPath,
} from '../../src/policy/patterns.ts'
import { Problems } from '../../src/policy/problem.ts'
import { MAX_WILDCARDS, matchesWildcard, parseWildcard } from '../../src/policy/wildcard.ts'

const problems = new Problems(() => 1)

function matches(pattern: string, text: string): boolean {
  const parsed = parseWildcard(pattern)
  if (parsed === undefined) throw new Error(`no pattern: ${pattern}`)
  return matchesWildcard(parsed, text)
}

const touches = (pattern: string, path: string): boolean =>
  touchesPath(parsePathPatterns([pattern], [], problems), path)
const covers = (pattern: string, path: string): boolean =>
  coversPath(parsePathPatterns([pattern], [], problems), path)

describe('matchesWildcard()', () => {
  it.each([
    ['refs/heads/main', 'refs/heads/main', true],
    ['refs/heads/main', 'refs/heads/main2', false],
    ['refs/heads/main', 'xrefs/heads/main', false],
    ['refs/heads/main', 'refs/heads/Main', false],
    ['refs/heads/*', 'refs/heads/a', true],
    ['refs/heads/*', 'refs/heads/', true],
    ['refs/heads/*', 'refs/heads/a/b', false],
    ['refs/heads/**', 'refs/heads/a/b', true],
    ['refs/heads/**', 'refs/heads', false],
    ['refs/tags/v*', 'refs/tags/v1.0', true],
    ['refs/tags/v*', 'refs/tags/v1/0', false],
    ['refs/tags/v*.*', 'refs/tags/v1', false],
    ['**/*.sh', 'a/b/c.sh', true],
    ['**/*.sh', 'c.sh', false],
    ['**.sh', 'c.sh', true],
    ['*.sh', 'a/c.sh', false],
    ['a**b*c', 'a/x/b/y/c', false],
    ['a**b*c', 'a/x/b/b-y-c', true],
    ['a*b**c', 'axbycbzc', true],
    ['', '', true],
    ['*', '', true],
    ['a.b', 'axb', false],
    ['a+', 'aa', false],
    ['(a|b)', 'a', false],
    ['\\*', 'x', false],
  ])('%j on %j is %j', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('agrees with a regular expression on every short text', () => {
    const letters = fc.constantFrom('a', 'b', '/', '.')
    const pattern = fc
      .array(fc.constantFrom('a', 'b', '/', '.', '*', '**'), { maxLength: 8 })
      .map((parts) => parts.join(''))
      .filter((text) => !text.includes('***'))
    fc.assert(
      fc.property(pattern, fc.array(letters, { maxLength: 12 }), (source, text) => {
        const expression = source
          .split(/(\*\*|\*)/)
          .map((part) =>
            part === '**' ? '[^]*' : part === '*' ? '[^/]*' : part.replace(/[.]/g, '\\.'),
          )
          .join('')
        const word = text.join('')
        expect(matches(source, word)).toBe(new RegExp(`^${expression}$`).test(word))
      }),
      { numRuns: 3000 },
    )
  })

  it('takes time that grows with a megabyte of text, whatever both hold (attack 30)', () => {
    const long = 1 << 20
    for (const [pattern, text] of [
      ['*a*a*a*a*a*a*a*a*b', 'a'.repeat(long)],
      ['**a**a**a**a**a**a**a**b', 'a'.repeat(long)],
      [`${'*a'.repeat(MAX_WILDCARDS)}b`, 'a'.repeat(long)],
      [`${'**a'.repeat(MAX_WILDCARDS)}b`, 'a'.repeat(long)],
      [`${'**/*/'.repeat(MAX_WILDCARDS / 2)}b`, 'a/'.repeat(long / 2)],
      [`**${'a'.repeat(500)}**b`, 'a'.repeat(long)],
      [`**${'ab'.repeat(250)}c**`, 'ab'.repeat(long / 2)],
      ['refs/heads/*', `refs/heads/${'x'.repeat(long)}/`],
    ] as const) {
      const start = performance.now()
      expect(matches(pattern, text)).toBe(false)
      expect(performance.now() - start, pattern.slice(0, 30)).toBeLessThan(5_000)
    }
  })
})

describe('parseRefPatterns()', () => {
  it('refuses patterns so long that matching them would cost', () => {
    const found = new Problems(() => 1)
    expect(parseRefPatterns([`refs/heads/${'*a'.repeat(1000)}`], [], found)).toEqual([])
    expect(found.found).toHaveLength(1)
    expect(parsePathPatterns(['x'.repeat(1025)], [], found)).toEqual([])
    expect(parsePathPatterns(['*a'.repeat(MAX_WILDCARDS)], [], found)).toHaveLength(1)
    expect(parsePathPatterns(['*a'.repeat(MAX_WILDCARDS + 1)], [], found)).toEqual([])
    expect(found.found).toHaveLength(3)
  })

  it('compares refs as they are', () => {
    const patterns = parseRefPatterns(['refs/heads/main'], [], problems)
    expect(matchesRef(patterns, 'refs/heads/main')).toBe(true)
    for (const other of ['refs/heads/Main', 'refs/heads/main ', 'refs/heads/maın', 'main']) {
      expect(matchesRef(patterns, other)).toBe(false)
    }
  })
})

describe('touchesPath()', () => {
  it.each([
    ['src/', 'src/a', true],
    ['src/', 'src/a/b', true],
    ['src/', 'src', true],
    ['src/', 'srcs/a', false],
    ['src/', 'lib/src/a', false],
    ['src', 'src', true],
    ['src', 'src/a', false],
    ['src/*', 'src/a/b', false],
    ['src/**', 'src/a/b', true],
    ['**/*.sh', 'a/b.sh', true],
    ['Makefile', 'Makefile', true],
    ['.github/workflows/release.yml', '.github/workflows/release.yml', true],
  ])('%j reaches %j: %j', (pattern, path, expected) => {
    expect(touches(pattern, path)).toBe(expected)
  })

  it.each([
    ['another case', 'src/', 'SRC/a'],
    ['a name in capitals in the pattern', 'Makefile', 'makefile'],
    ['a decomposed letter', 'r\u00e9sum\u00e9/', 're\u0301sume\u0301/x'],
    ['a composed letter', 're\u0301sume\u0301/', 'r\u00e9sum\u00e9/x'],
    ['a character HFS+ ignores', '.github/', '.git\u200chub/x'],
    ['the same before an accent', 'caf\u00e9', 'cafe\u200d\u0301'],
    ['a byte order mark', 'src/', '\ufeffsrc/x'],
    ['a dot at the end of a name', 'src/', 'src./x'],
    ['spaces and dots at the end', 'Makefile', 'Makefile. . '],
    ['sharp s', 'stra\u00dfe/', 'STRASSE/x'],
    ['capital sharp s', 'strasse/', 'STRA\u1e9eE/x'],
    ['final sigma', '\u03bf\u03b4\u03bf\u03c2', '\u039f\u0394\u039f\u03a3'],
    ['Kelvin', 'k/', '\u212a/x'],
    ['long s', 'src/', '\u017frc/x'],
    ['a ligature', 'office', 'o\ufb03ce'],
    ['capital i with a dot', 'i\u0307x', '\u0130x'],
  ])('reaches a twin: %s', (_, pattern, path) => {
    expect(touches(pattern, path)).toBe(true)
    expect(covers(pattern, path), 'a permission is for the path as written').toBe(false)
  })

  it('reaches bytes that are no UTF-8 as they are', () => {
    expect(touches('src/', 'src/\udcff')).toBe(true)
    expect(touches('src/', '\udcffsrc/x')).toBe(false)
  })

  it('is not slowed down by a megabyte of path (attack 30)', () => {
    const start = performance.now()
    for (const path of ['é'.repeat(1 << 19), '. '.repeat(1 << 19), 'a/'.repeat(1 << 19)]) {
      expect(touches('src/', path)).toBe(false)
    }
    expect(performance.now() - start).toBeLessThan(5_000)
  })
})

describe('foldPath()', () => {
  it('folds every letter and its other cases to one', () => {
    for (let point = 0; point <= 0x1ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue
      const letter = String.fromCodePoint(point)
      const folded = foldPath(`x${letter}x`)
      for (const other of [letter.toLowerCase(), letter.toUpperCase(), letter.normalize('NFD')]) {
        if (foldPath(`x${other}x`) !== folded) throw new Error(`U+${point.toString(16)}`)
      }
    }
  })

  it('is its own fixed point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const folded = foldPath(text)
        expect(foldPath(folded)).toBe(folded)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('isPolicyDirectoryTwin()', () => {
  it.each([
    '.Signet',
    '.SIGNET',
    '.signet.',
    '.signet ',
    '.sig\u200cnet',
    '.\u017fignet',
    '.s\u0130gnet'.replace('\u0130', 'I'),
  ])('knows %j', (name) => {
    expect(isPolicyDirectoryTwin(name)).toBe(true)
  })

  it.each(['.signet', 'signet', '.signets', '.s.ignet'])('lets %j alone', (name) => {
    expect(isPolicyDirectoryTwin(name)).toBe(false)
  })
})
