import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { World } from '../policy-worked/world.ts'
import type { Signer } from '../policy-worked/world.ts'
import type { ProcessResult } from './run-program.ts'

// What git asks for every object it shows: the policy chain is kept, and decides nothing by that.
describe('git’s --verify with a kept policy chain', () => {
  let world: World
  let alice: Signer
  let mallory: Signer
  let anchor = ''
  let before = ''
  let mischief = ''
  const folder = (): string => world.path('.git/signet/policy')

  beforeAll(async () => {
    world = await World.create()
    alice = world.person('Alice', 'alice@example.org')
    mallory = world.person('Mallory', 'mallory@evil.example')
    before = await world.commit(mallory, 'old')
    anchor = await world.commit(alice, 'adopt', { '.signet/policy.toml': policy(['alice']) })
    await world.git('config', 'gpg.format', 'x509')
    await world.git('config', 'signet.anchor', anchor)
    await world.commit(alice, 'work')
    await world.as(alice, ['tag', '-s', '-m', 'one', 'v1', 'HEAD'])
    await world.as(mallory, ['tag', '-s', '-m', 'two', 'v2', 'HEAD'])
    await world.git('checkout', '-q', '-b', 'side')
    mischief = await world.commit(mallory, 'mischief')
    await world.git('checkout', '-q', 'main')
    writeCountingGit()
  })
  afterAll(() => world.close())
  beforeEach(() => {
    rmSync(folder(), { recursive: true, force: true })
  })

  /** Those people may do everything; only Alice is an admin. */
  function policy(people: readonly string[]): string {
    const table = (name: string): string => {
      const email = name === 'alice' ? 'alice@example.org' : 'mallory@evil.example'
      return `[people.${name}]\nemail = "${email}"\nissuer = "${world.stack.issuer}"\ntrust = "stack"\n`
    }
    const by = JSON.stringify(people)
    return `version = 1
admins = ["alice"]
${world.pinRoot('stack')}
${people.map(table).join('\n')}
[[protect]]
refs = ["refs/heads/main"]
by = ${by}

[[protect]]
refs = ["refs/tags/v*"]
by = ${by}
`
  }

  /** git prepends its own folder to the PATH of what it starts: this one counts. */
  function writeCountingGit(): void {
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    mkdirSync(world.path('../counting'))
    const script = `#!/bin/sh\necho "$*" >> '${world.path('../counted')}'\nexec '${real}' "$@"\n`
    writeFileSync(world.path('../counting/git'), script, { mode: 0o755 })
  }

  interface Told {
    readonly status: number | null
    readonly stderr: string
    readonly processes: number
  }

  async function verify(revision: string, ...config: string[]): Promise<Told> {
    const settings = config.flatMap((one) => ['-c', one])
    const command = revision.startsWith('v') ? 'verify-tag' : 'verify-commit'
    rmSync(world.path('../counted'), { force: true })
    const { status, stderr } = await world.rawGit(
      `--exec-path=${world.path('../counting')}`,
      ...settings,
      command,
      '--raw',
      revision,
    )
    const counted = readFileSync(world.path('../counted'), 'utf8').trim().split('\n')
    return { status, stderr, processes: counted.length }
  }

  const trust = async (revision: string, ...config: string[]): Promise<string> =>
    /TRUST_\w+/.exec((await verify(revision, ...config)).stderr)?.[0] ?? 'none'

  function keptFile(): string {
    const [name = '', ...more] = readdirSync(folder())
    expect(more).toEqual([])
    return join(folder(), name)
  }

  it.each([
    ['an accepted commit', (): string => 'HEAD', 'TRUST_FULLY', 2],
    ['a commit that a rule refuses', (): string => mischief, 'TRUST_NEVER', 9],
    ['a commit that the anchor has', (): string => before, 'TRUST_FULLY', 9],
    ['an accepted tag', (): string => 'v1', 'TRUST_FULLY', 2],
    ['a tag that a rule refuses', (): string => 'v2', 'TRUST_NEVER', 2],
  ] as const)(
    '%s: the second call says what the first said, from few processes',
    async (_, revision, wanted, most) => {
      const cold = await verify(revision())
      expect(existsSync(keptFile())).toBe(true)
      const warm = await verify(revision())
      expect(cold.stderr).toContain(wanted)
      expect({ status: warm.status, stderr: warm.stderr }).toEqual({
        status: cold.status,
        stderr: cold.stderr,
      })
      expect(warm.processes).toBeLessThanOrEqual(most)
      expect(warm.processes).toBeLessThanOrEqual(cold.processes)
    },
  )

  it('what is kept is the user’s alone, and nothing else is left behind', async () => {
    await verify('v1')
    expect(statSync(keptFile()).mode & 0o777).toBe(0o600)
  })

  it('a policy that lands later is found: the ref has moved', async () => {
    expect(await trust(mischief)).toBe('TRUST_NEVER')
    const old = await world.id()
    const files = { '.signet/policy.toml': policy(['alice', 'mallory']) }
    await world.commit(alice, 'let mallory in', files)
    expect(await trust(mischief)).toBe('TRUST_FULLY')
    expect(await trust(mischief)).toBe('TRUST_FULLY')
    await world.git('reset', '-q', '--hard', old)
    expect(await trust(mischief)).toBe('TRUST_NEVER')
  })

  it('the audit behind a tag goes on where it ended, and starts anew behind a landing', async () => {
    const start = await world.id()
    expect(await trust('v1')).toBe('TRUST_FULLY')
    const first = await world.commit(alice, 'more')
    await world.as(alice, ['tag', '-s', '-m', 'three', 'v3', 'HEAD'])
    expect(await trust('v3')).toBe('TRUST_FULLY')
    const bad = await world.commit(mallory, 'worse')
    await world.as(alice, ['tag', '-s', '-m', 'four', 'v4', 'HEAD'])
    for (let round = 0; round < 2; round++) {
      expect(await trust('v4'), bad).toBe('TRUST_NEVER')
      expect(await trust('v3'), first).toBe('TRUST_FULLY')
    }
    // Behind the step that failed nothing is on a verified tip, however the branch goes on.
    await world.commit(alice, 'better')
    await world.as(alice, ['tag', '-s', '-m', 'five', 'v5', 'HEAD'])
    expect(await trust('v5')).toBe('TRUST_NEVER')
    // A later landing may deny what was good.
    await world.git('reset', '-q', '--hard', first)
    expect(await trust('v3')).toBe('TRUST_FULLY')
    const revoked = `${policy(['alice'])}[[revoke]]\ncommit = "${first}"\nreason = "no"\n`
    await world.commit(alice, 'revoke', { '.signet/policy.toml': revoked })
    expect(await trust('v3')).toBe('TRUST_NEVER')
    rmSync(folder(), { recursive: true })
    expect(await trust('v3')).toBe('TRUST_NEVER')
    await world.git('reset', '-q', '--hard', start)
  })

  it('an audit that asked about other refs is not kept: they may move', async () => {
    const start = await world.id()
    const from = policy(['alice', 'mallory']).replace(
      /\[\[protect\]\][^]*/,
      ['main"]\nby = ["alice"]\nfrom = ["refs/heads/dev', 'dev"]\nby = ["alice", "mallory']
        .map((rule) => `[[protect]]\nrefs = ["refs/heads/${rule}"]\n`)
        .concat('[[protect]]\nrefs = ["refs/tags/v*"]\nby = ["alice"]\n')
        .join(''),
    )
    await world.commit(alice, 'let dev in', { '.signet/policy.toml': from })
    await world.git('checkout', '-q', '-b', 'dev')
    await world.commit(mallory, 'on dev')
    await world.git('checkout', '-q', 'main')
    await world.merge(alice, 'dev', 'merge dev')
    await world.as(alice, ['tag', '-s', '-m', 'six', 'v6', 'HEAD'])
    expect(await trust('v6')).toBe('TRUST_FULLY')
    expect(await trust('v6')).toBe('TRUST_FULLY')
    await world.git('branch', '-q', '-D', 'dev')
    expect(await trust('v6')).toBe('TRUST_NEVER')
    await world.git('reset', '-q', '--hard', start)
  })

  it('a policy file that is changed counts at once', async () => {
    const file = world.path('../floor.toml')
    mkdirSync(world.path('../trust'), { recursive: true })
    copyFileSync(world.stack.trustedRootPath, world.path('../trust/stack.json'))
    const config = ['signet.anchor=', `signet.policyFile=${file}`]
    writeFileSync(file, policy(['alice']))
    expect(await trust(mischief, ...config)).toBe('TRUST_NEVER')
    writeFileSync(file, policy(['alice', 'mallory']))
    expect(await trust(mischief, ...config)).toBe('TRUST_FULLY')
  })

  it('so does a floor: a landing that it no longer lets through is none', async () => {
    const start = await world.id()
    const file = world.path('../floor.toml')
    mkdirSync(world.path('../trust'), { recursive: true })
    copyFileSync(world.stack.trustedRootPath, world.path('../trust/stack.json'))
    const files = { '.signet/policy.toml': policy(['alice', 'mallory']) }
    await world.commit(alice, 'let mallory in', files)
    const config = [`signet.policyFile=${file}`]
    const floor = (admin: string): string =>
      policy(['alice', 'mallory'])
        .replace('admins = ["alice"]', `admins = ["${admin}"]`)
        .replace(/\[\[protect\]\][^]*/, '')
    writeFileSync(file, floor('alice'))
    expect(await trust(mischief, ...config)).toBe('TRUST_FULLY')
    writeFileSync(file, floor('mallory'))
    expect(await trust(mischief, ...config)).toBe('TRUST_NEVER')
    await world.git('reset', '-q', '--hard', start)
  })

  it('a kept file that is damaged, or not the user’s alone, is not read', async () => {
    const cold = await verify(mischief)
    const path = keptFile()
    const good = readFileSync(path)
    const flipped = (at: number): Buffer => {
      const copy = Buffer.from(good)
      copy[at] = (copy[at] ?? 0) ^ 1
      return copy
    }
    const poisons: [string, () => void][] = [
      ['empty', () => writeFileSync(path, '')],
      ['cut off', () => writeFileSync(path, good.subarray(0, good.length >> 1))],
      ['without its end', () => writeFileSync(path, good.subarray(0, -1))],
      ['longer', () => appendFileSync(path, 'x')],
      ['changed at its start', () => writeFileSync(path, flipped(8))],
      ['changed within', () => writeFileSync(path, flipped(good.length >> 1))],
      ['changed at its end', () => writeFileSync(path, flipped(good.length - 1))],
      ['writable by a group', () => chmodSync(path, 0o660)],
      ['writable by all', () => chmodSync(path, 0o602)],
      [
        'a link',
        () => {
          renameSync(path, `${path}-elsewhere`)
          execFileSync('ln', ['-s', `${path}-elsewhere`, path])
        },
      ],
      [
        'a folder',
        () => {
          rmSync(path)
          mkdirSync(path)
        },
      ],
    ]
    for (const [what, poison] of poisons) {
      rmSync(folder(), { recursive: true })
      mkdirSync(folder(), { mode: 0o700 })
      writeFileSync(path, good, { mode: 0o600 })
      poison()
      const told = await verify(mischief)
      expect({ ...told, what }).toEqual({ ...cold, what })
    }
  })

  it('a chain that was kept for another anchor, version or user is not believed', async () => {
    const start = await world.id()
    await verify(mischief)
    const mine = keptFile()
    const other = await world.commit(mallory, 'a start of her own', {
      '.signet/policy.toml': policy(['alice', 'mallory']),
    })
    rmSync(folder(), { recursive: true })
    expect(await trust(mischief, `signet.anchor=${other}`)).toBe('TRUST_FULLY')
    renameSync(keptFile(), mine)
    expect(await trust(mischief)).toBe('TRUST_NEVER')
    await world.git('reset', '-q', '--hard', start)
    // The key lies in the home of whoever wrote it.
    const key = world.path('../.local/share/git-signet/facts.key')
    rmSync(folder(), { recursive: true })
    const cold = await verify(mischief)
    rmSync(key)
    expect(await verify(mischief)).toEqual(cold)
  })

  it('a commit that is not here is undecided, whoever signed it', async () => {
    const start = await world.id()
    const gone = await world.commit(alice, 'gone')
    const commit = await world.git('cat-file', 'commit', gone)
    const [header = '', armor = ''] = /^gpgsig (.*(?:\n .*)*)\n/m.exec(commit) ?? []
    const [signature, payload] = [world.path('../signature'), world.path('../payload')]
    writeFileSync(signature, `${armor.replaceAll('\n ', '\n')}\n`)
    writeFileSync(payload, `${commit.replace(header, '')}\n`)
    const ask = (): Promise<ProcessResult> =>
      world.signet('--status-fd=1', '--verify', signature, payload)
    expect((await ask()).stdout).toContain('TRUST_FULLY')
    await world.git('config', 'signet.trustedRoot', world.stack.trustedRootPath)
    await world.git('reset', '-q', '--hard', start)
    rmSync(world.path(`.git/objects/${gone.slice(0, 2)}/${gone.slice(2)}`))
    const { stdout, stderr, status } = await ask()
    expect(stdout).toContain('TRUST_UNDEFINED')
    expect(stderr).toContain('the signed object is not here')
    expect(status).toBe(4)
    await world.git('config', '--unset', 'signet.trustedRoot')
  })

  it('many at once say the same and leave one file that is good', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, () => trustOf('HEAD')))
    expect(new Set(all)).toEqual(new Set(['TRUST_FULLY']))
    const warm = await verify('HEAD')
    expect(existsSync(keptFile())).toBe(true)
    expect(warm.processes).toBe(2)
  })

  async function trustOf(revision: string): Promise<string> {
    const { stderr } = await world.rawGit('verify-commit', '--raw', revision)
    return /TRUST_\w+/.exec(stderr)?.[0] ?? 'none'
  }

  it('a folder that cannot be written keeps nothing and refuses nothing', async () => {
    writeFileSync(folder(), 'in the way')
    expect(await trust('HEAD')).toBe('TRUST_FULLY')
    expect(await trust(mischief)).toBe('TRUST_NEVER')
    rmSync(folder())
  })
})
