import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { concatBytes, encodeUtf8 } from '../../src/encoding/bytes.ts'
import type { Entry, Policy } from '../../src/policy/model.ts'
import { MAX_POLICY_BYTES, parsePolicy, readPolicy } from '../../src/policy/parse.ts'
import { showProblem } from '../../src/policy/problem.ts'

const folder = fileURLToPath(new URL('../../fixtures/policy/', import.meta.url))
const cases = readdirSync(folder).filter((name) => name !== 'README.md')
const use = { policyBranch: 'refs/heads/main' } as const

interface Expected {
  readonly problems: readonly { code: string; line: number; key: string; says?: string }[]
  readonly model: Readonly<Record<string, unknown>>
}

function load(name: string): { bytes: Buffer; expected: Expected } {
  return {
    bytes: readFileSync(`${folder}${name}/policy.toml`),
    expected: JSON.parse(readFileSync(`${folder}${name}/expected.json`, 'utf8')) as Expected,
  }
}

/** The parts of a model that expectations name. */
function shown(policy: Policy): Record<string, unknown> {
  const entries = [...policy.entries.values()]
  const of = <T>(read: (entry: Entry) => T): Record<string, T> =>
    Object.fromEntries(entries.map((entry) => [entry.name, read(entry)]))
  const texts = (patterns: readonly { text: string }[] | undefined): string[] | undefined =>
    patterns?.map(({ text }) => text)
  return {
    admins: policy.admins,
    otherRefs: policy.otherRefs,
    expires: policy.expires === undefined ? undefined : new Date(policy.expires).toISOString(),
    entries: entries.map(({ kind, name }) => `${kind} ${name}`),
    identities: of((entry) => ('identities' in entry ? entry.identities : undefined)),
    keys: of((entry) => ('keys' in entry ? entry.keys : undefined)),
    addresses: of((entry) => ('addresses' in entry ? entry.addresses : undefined)),
    rules: policy.rules.map((rule) => ({
      ...rule,
      refs: texts(rule.refs),
      paths: texts(rule.paths),
      exceptPaths: texts(rule.exceptPaths),
      from: texts(rule.from),
      on: texts(rule.on),
      by: [...rule.by],
      mergeBy: [...rule.mergeBy],
    })),
    accept: policy.accept,
    revoke: policy.revoke,
    trust: [...policy.trust.values()],
  }
}

describe('readPolicy() finds every mistake, on its line', () => {
  it.each(cases.filter((name) => name.endsWith('_fail')))('%s', (name) => {
    const { bytes, expected } = load(name)
    const { policy, problems } = readPolicy(bytes, 'policy.toml', use)
    expect(policy).toBeUndefined()
    const byPlace = (a: { line: number; key: string }, b: { line: number; key: string }): number =>
      a.line - b.line || (a.key < b.key ? -1 : 1)
    const found = problems.map(({ code, line, key }) => ({ code, line, key })).sort(byPlace)
    const wanted = expected.problems.map(({ code, line, key }) => ({ code, line, key }))
    expect(found).toEqual(wanted.sort(byPlace))
    for (const { line, key, says } of expected.problems) {
      const problem = problems.find((one) => one.line === line && one.key === key)
      if (says !== undefined) expect(problem?.message).toContain(says)
    }
  })
})

describe('parsePolicy() reads', () => {
  it.each(cases.filter((name) => !name.endsWith('_fail')))('%s', (name) => {
    const { bytes, expected } = load(name)
    expect(shown(parsePolicy(bytes, 'policy.toml', use))).toMatchObject(expected.model)
  })
})

const minimal = readFileSync(`${folder}minimal/policy.toml`)
const problemsOf = (bytes: Uint8Array): string[] =>
  readPolicy(bytes, 'policy.toml', use).problems.map((problem) =>
    showProblem('.signet/policy.toml', problem),
  )

describe('the bytes of a policy (attack 9)', () => {
  it('have no byte order mark', () => {
    expect(problemsOf(concatBytes(Uint8Array.of(0xef, 0xbb, 0xbf), minimal))).toEqual([
      '.signet/policy.toml:1: begins with a byte order mark',
    ])
  })

  it('are UTF-8', () => {
    expect(problemsOf(concatBytes(minimal, Uint8Array.of(0x23, 0xff, 0x0a)))).toEqual([
      '.signet/policy.toml:1: is not UTF-8',
    ])
    expect(problemsOf(Buffer.from(minimal.toString(), 'utf16le'))).toHaveLength(1)
  })

  it('have no NUL, whose line is named', () => {
    expect(problemsOf(encodeUtf8('version = 1\n# \0\n'))).toEqual([
      '.signet/policy.toml:2: has a NUL byte',
    ])
  })

  it('are at most 256 KiB', () => {
    const fill = (bytes: number): Uint8Array =>
      concatBytes(minimal, encodeUtf8(`#${'x'.repeat(bytes - minimal.length - 1)}`))
    expect(problemsOf(fill(MAX_POLICY_BYTES))).toEqual([])
    expect(problemsOf(fill(MAX_POLICY_BYTES + 1))).toEqual([
      '.signet/policy.toml:1: larger than 256 KiB',
    ])
    expect(problemsOf(fill(1 << 20))).toHaveLength(1)
  })

  it('are read in time that grows with them, however hostile', () => {
    const hostile = [
      'a.'.repeat(120_000) + 'b = 1\n',
      `[${'a.'.repeat(120_000)}b]\n`,
      'x = "\\\\'.repeat(1) + '\\\\'.repeat(100_000),
      `version = ${'['.repeat(200_000)}`,
      Array.from({ length: 20_000 }, (_, n) => `k${String(n)} = 1\n`).join(''),
      Array.from({ length: 12_000 }, (_, n) => `[people.p${String(n)}]\n`).join(''),
      `admins = [${'"x",'.repeat(60_000)}]\n`,
      `[teams]\n${Array.from({ length: 9_000 }, (_, n) => `t${String(n)} = ["t1", "t2"]\n`).join('')}`,
    ]
    for (const text of hostile) {
      const start = performance.now()
      expect(readPolicy(encodeUtf8(text), 'p', use).policy).toBeUndefined()
      expect(performance.now() - start, text.slice(0, 20)).toBeLessThan(5_000)
    }
  })
})

describe('a floor', () => {
  it('may be without rules', () => {
    const text = minimal.toString().replace(/\[\[protect\]\][^]*/, '')
    const floor = { ...use, use: 'floor' } as const
    expect(readPolicy(encodeUtf8(text), 'floor.toml', floor).problems).toEqual([])
    expect(readPolicy(encodeUtf8(text), 'floor.toml', use).problems).toHaveLength(1)
  })
})

describe('another policy branch', () => {
  it('is the one that must be ruled', () => {
    const other = { policyBranch: 'refs/heads/trunk' }
    expect(readPolicy(minimal, 'policy.toml', other).problems).toMatchObject([
      { code: 'MISSING_KEY', message: expect.stringContaining('"refs/heads/trunk"') as string },
    ])
  })
})

describe('PolicyFileError', () => {
  it('shows the first mistake, how many more there are, and what to type', () => {
    const { bytes } = load('switches_fail')
    expect(() => parsePolicy(bytes, '.signet/policy.toml', use)).toThrow(
      expect.objectContaining({
        code: 'POLICY_INVALID',
        exit: 3,
        message: expect.stringMatching(
          /^\.signet\/policy\.toml:3: mode: unknown key.* \(and 2 more\)$/,
        ) as string,
        hint: expect.stringContaining('git signet policy check') as string,
      }) as Error,
    )
  })

  it('escapes what the file holds', () => {
    const text = minimal.toString().replace('[people.alice]', '[people."a\\u202Eb"]')
    for (const line of problemsOf(encodeUtf8(text))) expect(line).not.toMatch(/\u202e/)
  })
})
