import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findBrokenRules } from '../scripts/check-layers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Metafile {
  inputs: Record<string, unknown>
  outputs: Record<
    string,
    { bytes: number; inputs: Record<string, unknown>; imports: { path: string }[] }
  >
}

const metafile = JSON.parse(readFileSync(`${root}dist/metafile-cjs.json`, 'utf8')) as Metafile

function outputNamed(name: string) {
  const found = Object.entries(metafile.outputs).find(([path]) => path.endsWith(`/${name}`))
  if (!found) throw new Error(`no ${name} in the metafile`)
  return found[1]
}

describe('the layers of src', () => {
  it('hold', () => {
    const run = () => execFileSync(process.execPath, ['scripts/check-layers.mjs'], { cwd: root })
    expect(run).not.toThrow()
  })

  it.each([
    ['an import from a higher level', 'asn1/a.ts', "import '../git/b.ts'", /may not import git/],
    [
      'an import from the right within level 2',
      'x509/a.ts',
      "import '../cms/b.ts'",
      /not to its left/,
    ],
    ['an import across another level', 'agent/a.ts', "import '../report/b.ts'", /same level/],
    ['localstack in verification', 'verification/a.ts', "import '../localstack/b.ts'", /not know/],
    ['verification in localstack', 'localstack/a.ts', "import '../verification/b.ts'", /not know/],
    ['a process outside git', 'cli/a.ts', "import 'node:child_process'", /only src\/git/],
    ['cryptography outside crypto', 'x509/a.ts', "import 'node:crypto'", /only src\/crypto/],
    ['a file read by a pure folder', 'tlog/a.ts', "import 'node:fs/promises'", /is pure/],
    ['a builtin without its prefix', 'cli/a.ts', "import 'path'", /write node:path/],
    ['a folder without a level', 'helpers/a.ts', '', /has no level/],
  ])('refuse %s', (_title, from, text, expected) => {
    const others = ['git/b.ts', 'cms/b.ts', 'report/b.ts', 'localstack/b.ts', 'verification/b.ts']
    const files = new Map([[from, text], ...others.map((path) => [path, ''] as const)])
    expect(findBrokenRules(files).join('\n')).toMatch(expected)
  })

  it('refuse a cycle', () => {
    const files = new Map([
      ['cli/a.ts', "import { b } from './b.ts'"],
      ['cli/b.ts', "import { a } from './a.ts'"],
    ])
    expect(findBrokenRules(files)).toEqual(['cycle: cli/a.ts → cli/b.ts → cli/a.ts'])
  })

  it('take no import for a cycle that is erased or waits', () => {
    const files = new Map([
      ['cli/a.ts', "import type { B } from './b.ts'\nconst later = () => import('./b.ts')"],
      ['cli/b.ts', "import { a } from './a.ts'"],
    ])
    expect(findBrokenRules(files)).toEqual([])
  })
})

describe('the program that git starts', () => {
  it('is a bundle of at most 80 KB', () => {
    expect(outputNamed('gpg.cjs').bytes).toBeLessThanOrEqual(80 * 1024)
  })

  it('holds nothing that is heavy to load', () => {
    const packages = Object.keys(outputNamed('gpg.cjs').inputs)
      .flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.slice(1) ?? [])
      .filter((name, index, all) => all.indexOf(name) === index)
    const forbidden =
      /^(?:pkijs|asn1js|@peculiar\/.*|simple-git|tuf-js|@tufjs\/.*|@sigstore\/.*|openid-client|oauth4webapi|citty|commander|smol-toml|open|re2js|jose)$/
    expect(packages.filter((name) => forbidden.test(name))).toEqual([])
  })

  it('loads only what node itself brings', () => {
    const { imports } = outputNamed('gpg.cjs')
    const outside = imports
      .map(({ path }) => path)
      .filter((path) => !builtinModules.includes(path.replace(/^node:/, '')))
    expect(outside.filter((path) => !/^\.\/gpg-(sign|policy)\.cjs$/.test(path))).toEqual([])
  })
})
