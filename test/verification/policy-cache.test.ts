import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChainCommits } from '../../src/policy/chain-commits.ts'
import type { PolicyChain } from '../../src/policy/chain.ts'
import type { Policy } from '../../src/policy/model.ts'
import { floorOf, PolicyCache } from '../../src/verification/policy-cache.ts'
import type { KeptChain, PolicyCacheOptions } from '../../src/verification/policy-cache.ts'
import { policyFilesInFolder } from '../../src/verification/policy-files.ts'
import { MAIN, read } from '../policy/memory-world.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/policy/', import.meta.url))
const policies = readdirSync(fixtures)
  .filter((name) => !name.endsWith('_fail') && name !== 'README.md')
  .map((name): [string, Policy] => [
    name,
    read(readFileSync(join(fixtures, name, 'policy.toml'), 'utf8')),
  ])

describe('PolicyCache', () => {
  let home = ''
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'git-signet-test-'))
  })
  afterAll(() => {
    rmSync(home, { recursive: true, force: true })
  })

  const cache = (more: Partial<PolicyCacheOptions> = {}): PolicyCache =>
    new PolicyCache({
      paths: {
        format: 'sha1',
        gitDir: home,
        commonDir: home,
        objects: '',
        shallow: '',
        bare: false,
      },
      anchor: 'a'.repeat(40),
      policyBranch: MAIN,
      floor: undefined,
      roots: [],
      version: '1.0.0',
      keyFile: join(home, 'facts.key'),
      ...more,
    })

  function kept(policy: Policy, more: Partial<PolicyChain> = {}): KeptChain {
    const commits = ['a', 'b', 'c'].map((digit) => digit.repeat(40))
    const [anchor = '', landed = '', tip = ''] = commits
    const failed = [
      { commit: tip, index: 2, reasons: [{ code: 'POLICY_INVALID', detail: 'x' } as const] },
    ]
    const first = { commit: anchor, index: 0, policy, at: undefined, signedBy: undefined }
    const second = { commit: landed, index: 1, policy, at: 1_700_000_000_000, signedBy: 'alice' }
    return {
      chain: {
        anchor,
        tip,
        commits: ChainCommits.of(commits),
        landings: [first, second],
        failed,
        uncertain: undefined,
        ...more,
      },
      files: new Map([
        [
          landed,
          {
            files: new Map([
              ['.signet/trust/a.json', new TextEncoder().encode('{}')],
              ['.signet/trust/b.json', undefined],
            ]),
            folders: new Map([['.signet/keys', ['one', 'two']]]),
          },
        ],
      ]),
      audited: { upTo: tip, verified: landed, landing: landed },
      absent: ['f'.repeat(40)],
    }
  }

  it.each(policies)('gives back what was written: %s', (_, policy) => {
    const given = kept(policy)
    cache().write(given)
    const found = cache().read()
    expect(found?.chain).toEqual(given.chain)
    expect(found?.audited).toEqual(given.audited)
    expect(found?.absent).toEqual(given.absent)
    const [files] = found?.files.values() ?? []
    expect(files?.folders).toEqual(new Map([['.signet/keys', ['one', 'two']]]))
    expect(Buffer.from(files?.files.get('.signet/trust/a.json') ?? []).toString()).toBe('{}')
    expect(files?.files.has('.signet/trust/b.json')).toBe(true)
  })

  const [[, policy] = ['', read('')]] = policies

  it.each<[string, Partial<PolicyCacheOptions>]>([
    ['anchor', { anchor: 'd'.repeat(40) }],
    ['policy branch', { policyBranch: 'refs/heads/other' }],
    ['floor', { floor: { name: 'floor.toml', id: '1' } }],
    ['version', { version: '1.0.1' }],
  ])('knows nothing of another %s', (_, more) => {
    cache().write(kept(policy))
    expect(cache().read()).toBeDefined()
    expect(cache(more).read()).toBeUndefined()
  })

  it('knows a floor by its digest and by its name', () => {
    const floor = { name: 'a', id: '1' }
    cache({ floor }).write(kept(policy))
    expect(cache({ floor }).read()).toBeDefined()
    expect(cache({ floor: { ...floor, id: '2' } }).read()).toBeUndefined()
    expect(cache({ floor: { ...floor, name: 'b' } }).read()).toBeUndefined()
  })

  it('knows a floor by what lies beside it and it pins, and by nothing else there', async () => {
    const folder = join(home, 'floor')
    for (const name of ['trust', 'keys']) mkdirSync(join(folder, name), { recursive: true })
    const fingerprint = 'A'.repeat(40)
    const text = `version = 1
admins = ["alice"]
people.alice = { pgp = ["${fingerprint}"], git = ["a@example.org"] }
protect = [{ refs = ["refs/heads/*"], by = ["alice"] }]
trust.local = { root = ".signet/trust/local.json", sha256 = "${'0'.repeat(64)}" }
`
    const floor = read(text)
    const idOf = async (one: Policy): Promise<string | undefined> =>
      (await floorOf({ policy: one, id: '1', files: policyFilesInFolder(folder) }))?.id
    const seen = [await idOf(floor)]
    for (const file of ['trust/local.json', 'keys/alice.asc', 'keys/bob.asc', 'keys/alice.asc']) {
      writeFileSync(join(folder, file), String(seen.length))
      seen.push(await idOf(floor))
    }
    expect(new Set(seen).size).toBe(5)
    writeFileSync(join(folder, 'trust', 'other.json'), '')
    expect(await idOf(floor)).toBe(seen.at(-1))
    const keyless = read(
      text.replace(/pgp = .*?, /, `email = "a@example.org", issuer = "github", `),
    )
    const before = await idOf(keyless)
    writeFileSync(join(folder, 'keys', 'carol.asc'), '')
    expect(await idOf(keyless)).toBe(before)
  })

  it('keeps no chain that could not be checked to its end, and none of another anchor', () => {
    const own = { anchor: 'e'.repeat(40) }
    const uncertain = { commit: 'b'.repeat(40), index: 1, reasons: [] }
    cache(own).write(kept(policy, { ...own, uncertain }))
    cache(own).write(kept(policy))
    expect(cache(own).read()).toBeUndefined()
    cache(own).write(kept(policy, own))
    expect(cache(own).read()).toBeDefined()
  })

  it('forgets the oldest of many', () => {
    const folder = join(home, 'signet', 'policy')
    for (let count = 0; count < 30; count++) {
      cache({ version: `2.${String(count)}` }).write(kept(policy))
      for (const name of readdirSync(folder)) {
        if (count === 0) utimesSync(join(folder, name), 1, 1)
      }
    }
    expect(readdirSync(folder).length).toBeLessThanOrEqual(16)
    expect(cache({ version: '2.29' }).read()).toBeDefined()
  })
})
