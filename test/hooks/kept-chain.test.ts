import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VERSION } from '../../src/cli/version.ts'
import { loadTrustRoots } from '../../src/config/trust-root.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { PolicyCache } from '../../src/verification/policy-cache.ts'
import type { KeptChain, PolicyCacheOptions } from '../../src/verification/policy-cache.ts'
import { keyOwner, PackWriter } from '../attacks/large-history.ts'
import { Team } from './server.ts'
import type { Member, Server } from './server.ts'

let stack: LocalStack
let team: Team

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  team = await Team.create(stack)
})

afterAll(async () => {
  team.remove()
  await stack.close()
})

const MAIN_REF = 'refs/heads/main'
const MAIN = `HEAD:${MAIN_REF}`
const isRoot = process.getuid?.() === 0

/** A server governed from its tree by a policy that names alice, after two pushes. */
async function governed(
  name: string,
  ...flags: readonly string[]
): Promise<{ server: Server; alice: Member; mallory: Member; anchor: string }> {
  const server = await team.server(name)
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice']))
  await server.install('--anchor', anchor, ...flags)
  await alice.ok('push', '-q', 'origin', MAIN)
  await alice.commit('one')
  await alice.ok('push', '-q', 'origin', MAIN)
  const mallory = await team.member('mallory', server)
  return { server, alice, mallory, anchor }
}

const folderOf = (server: Server): string => join(server.path, 'signet', 'policy')

function fileOf(server: Server): string {
  const [name = '', ...more] = readdirSync(folderOf(server))
  expect(more).toEqual([])
  return join(folderOf(server), name)
}

/** The kept chain as the server's own user reads it. */
function cacheOf(
  server: Server,
  anchor: string,
  more: Partial<PolicyCacheOptions> = {},
): PolicyCache {
  return new PolicyCache({
    paths: {
      format: 'sha1',
      gitDir: server.path,
      commonDir: server.path,
      objects: '',
      shallow: '',
      bare: true,
    },
    anchor,
    policyBranch: MAIN_REF,
    floor: undefined,
    roots: loadTrustRoots({
      value: team.rootFile,
      source: { kind: 'flag', name: '--trusted-root' },
    }),
    version: VERSION,
    keyFile: join(team.home, '.local', 'share', 'git-signet', 'facts.key'),
    ...more,
  })
}

async function codes(member: Member, ...args: readonly string[]): Promise<string> {
  const push = await member.push('origin', ...(args.length === 0 ? [MAIN] : args))
  expect(push.status, push.stderr).toBe(1)
  return push.stderr
}

/** One commit of somebody's on top of the server's main; gone again afterwards. */
async function tryPush(member: Member, subject: string): Promise<{ status: number | null }> {
  await member.ok('fetch', '-q', 'origin')
  await member.ok('reset', '-q', '--hard', 'origin/main')
  await member.commit(subject)
  return member.push('origin', MAIN)
}

describe('the policy chain that a hook keeps', () => {
  test('a push after 200 landings reads none of them again, and starts few git processes', async () => {
    const server = await team.server('landings')
    const pack = new PackWriter()
    const owner = keyOwner('alice')
    const ids: string[] = []
    const trees: string[] = []
    for (let landed = 0; landed <= 200; landed++) {
      const policy = `version = 1
# ${String(landed)}
admins = ["alice"]
people.alice = { git = ["${owner.address}"], ssh = ["${owner.line}"] }
protect = [{ refs = ["refs/heads/*"], by = ["alice"] }]
`
      const folder = pack.folder({ 'policy.toml': pack.blob(policy) })
      for (const text of ['a', 'b']) {
        const tree = pack.folder({ '.signet': folder, file: pack.blob(text) }).id
        trees.push(tree)
        ids.push(pack.commit({ by: owner, parents: ids.slice(-1), tree }))
      }
    }
    await pack.store(server.path)
    const [anchor = ''] = ids
    await server.git('update-ref', MAIN_REF, ids.at(-5) ?? '')
    await server.install('--anchor', anchor)
    const bin = join(team.home, 'counting')
    mkdirSync(bin)
    const [started, asked] = [join(team.home, 'started'), join(team.home, 'asked')]
    const real = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim()
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\necho "$*" >>'${started}'\ntee -a '${asked}' | '${real}' "$@"\n`,
      { mode: 0o755 },
    )
    const push = async (at: number): Promise<{ processes: number; old: number }> => {
      for (const file of [started, asked]) rmSync(file, { force: true })
      const [before = '', after = ''] = ids.slice(at, at + 2)
      const { status, stderr } = spawnSync(server.hookFile, {
        cwd: server.path,
        env: { ...team.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
        input: `${before} ${after} ${MAIN_REF}\n`,
        encoding: 'utf8',
      })
      expect(status, stderr).toBe(0)
      await server.git('update-ref', MAIN_REF, after)
      const questions = readFileSync(asked, 'utf8')
      const old = [...ids.slice(1, at - 4), ...trees.slice(1, at - 4)]
      return {
        processes: readFileSync(started, 'utf8').trim().split('\n').length,
        old: old.filter((id) => questions.includes(id)).length,
      }
    }
    const first = await push(ids.length - 5)
    expect(first.old).toBeGreaterThan(200)
    for (const at of [4, 3]) {
      const { processes, old } = await push(ids.length - at)
      expect(old).toBe(0)
      expect(processes).toBeLessThanOrEqual(3)
    }
    expect(cacheOf(server, anchor).read()?.chain.landings.length).toBe(200)
  })

  test('is the user’s alone, ends where the ref stood before the push, and holds nothing of a refused one', async () => {
    const { server, alice, anchor } = await governed('alone')
    expect(statSync(fileOf(server)).mode & 0o777).toBe(0o600)
    expect(statSync(folderOf(server)).mode & 0o777).toBe(0o700)
    expect(cacheOf(server, anchor).read()?.chain.tip).toBe(anchor)
    const before = await server.ref(MAIN_REF)
    const landing = await alice.commitPolicy(team.policy(['alice', 'mallory']), 'land')
    const unsigned = await alice.commit('unsigned', { unsigned: true })
    expect(await codes(alice)).toContain('UNSIGNED')
    expect(await server.ref(MAIN_REF)).toBe(before)
    const kept = cacheOf(server, anchor).read()
    expect([anchor, before]).toContain(kept?.chain.tip)
    expect(kept?.chain.landings).toHaveLength(1)
    const bytes = readFileSync(fileOf(server))
    for (const id of [landing, unsigned]) expect(bytes.includes(Buffer.from(id, 'hex'))).toBe(false)
  })

  test('a landing of a push that was refused counts for nobody afterwards', async () => {
    const { server, alice, mallory } = await governed('dropped')
    await alice.commitPolicy(team.policy(['alice', 'mallory']), 'land')
    await alice.commit('unsigned', { unsigned: true })
    expect(await codes(alice)).toContain('UNSIGNED')
    await mallory.commit('mischief')
    expect(await codes(mallory)).toContain('UNKNOWN_SIGNER')
    expect((await tryPush(alice, 'work')).status).toBe(0)
    expect(await server.ref(MAIN_REF)).toBe(await alice.ok('rev-parse', 'HEAD'))
  })

  test('what the newest policy denies is denied in the very next push, whatever was kept before', async () => {
    const { alice, mallory } = await governed('denied')
    await alice.commitPolicy(team.policy(['alice', 'mallory']), 'let mallory in')
    await alice.ok('push', '-q', 'origin', MAIN)
    expect((await tryPush(mallory, 'welcome')).status).toBe(0)
    await alice.ok('fetch', '-q', 'origin')
    await alice.ok('reset', '-q', '--hard', 'origin/main')
    const revoked = '\n[[revoke]]\nperson = "mallory"\nreason = "laptop stolen"\n'
    await alice.commitPolicy(team.policy(['alice', 'mallory'], revoked), 'revoke mallory')
    await alice.ok('push', '-q', 'origin', MAIN)
    await mallory.ok('fetch', '-q', 'origin')
    await mallory.ok('reset', '-q', '--hard', 'origin/main')
    await mallory.commit('again')
    expect(await codes(mallory)).toContain('REVOKED')
    expect(await codes(mallory, 'HEAD:refs/heads/other')).toContain('REVOKED')
    expect((await tryPush(alice, 'work')).status).toBe(0)
  })

  test('a policy branch that was moved back is under the policy that stood there', async () => {
    const { server, alice, mallory } = await governed('back')
    const before = (await server.ref(MAIN_REF)) ?? ''
    await alice.commitPolicy(team.policy(['alice', 'mallory']), 'let mallory in')
    await alice.ok('push', '-q', 'origin', MAIN)
    expect((await tryPush(mallory, 'welcome')).status).toBe(0)
    for (const subject of ['work', 'more']) expect((await tryPush(alice, subject)).status).toBe(0)
    await server.git('update-ref', MAIN_REF, before)
    await server.signet('hook', 'forget', MAIN_REF)
    await server.git('reflog', 'expire', '--expire=now', '--all')
    await server.git('gc', '-q', '--prune=now')
    await mallory.ok('fetch', '-q', 'origin')
    await mallory.ok('reset', '-q', '--hard', before)
    await mallory.commit('still here')
    expect(await codes(mallory)).toContain('UNKNOWN_SIGNER')
    await alice.ok('fetch', '-q', 'origin')
    await alice.ok('reset', '-q', '--hard', before)
    await alice.commit('another way')
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
    expect((await tryPush(alice, 'and on')).status).toBe(0)
  })

  /** A chain whose first policy lets mallory do everything. */
  function poisoned(server: Server, anchor: string): KeptChain {
    const kept = cacheOf(server, anchor).read()
    if (kept === undefined) throw new Error('nothing is kept')
    const text = Buffer.from(team.policy(['alice', 'mallory']))
    const policy = parsePolicy(text, `${anchor}:.signet/policy.toml`, { policyBranch: MAIN_REF })
    const [first] = kept.chain.landings
    return { ...kept, chain: { ...kept.chain, landings: [{ ...first, policy }] } }
  }

  test('a file made under another key is not believed; one under the user’s own key would be', async () => {
    const { server, mallory, anchor } = await governed('forged')
    await mallory.commit('mischief')
    const forged = poisoned(server, anchor)
    cacheOf(server, anchor, { keyFile: join(team.home, 'other.key') }).write(forged)
    expect(await codes(mallory)).toContain('UNKNOWN_SIGNER')
    cacheOf(server, anchor, { version: '0.0.1' }).write(forged)
    expect(await codes(mallory)).toContain('UNKNOWN_SIGNER')
    cacheOf(server, anchor).write(forged)
    expect((await mallory.push('origin', MAIN)).status).toBe(0)
  })

  test.each<[string, (file: string) => void]>([
    [
      'has a bit flipped',
      (file) => {
        flip(file, 40)
      },
    ],
    [
      'has its MAC flipped',
      (file) => {
        flip(file, statSync(file).size - 1)
      },
    ],
    [
      'is cut',
      (file) => {
        truncateSync(file, statSync(file).size - 1)
      },
    ],
    [
      'is empty',
      (file) => {
        truncateSync(file)
      },
    ],
    [
      'has something behind it',
      (file) => {
        appendFileSync(file, 'x')
      },
    ],
    [
      'is a link',
      (file) => {
        renameSync(file, `${file}-`)
        symlinkSync(`${file}-`, file)
      },
    ],
    [
      'is a folder',
      (file) => {
        rmSync(file)
        mkdirSync(file)
      },
    ],
    [
      'is a pipe',
      (file) => {
        rmSync(file)
        spawnSync('mkfifo', ['-m', '600', file])
      },
    ],
    [
      'others may write',
      (file) => {
        chmodSync(file, 0o666)
      },
    ],
    ...(isRoot
      ? [
          [
            'is another user’s',
            (file: string) => {
              chownSync(file, 12345, 12345)
            },
          ] as [string, (file: string) => void],
        ]
      : []),
  ])(
    'a file that %s is ignored: the chain is walked, and the verdict is the same',
    async (what, harm) => {
      const { server, alice, mallory, anchor } = await governed(what.replaceAll(/\W+/g, '-'))
      // Believed, it would let mallory in.
      cacheOf(server, anchor).write(poisoned(server, anchor))
      harm(fileOf(server))
      await mallory.commit('mischief')
      expect(await codes(mallory)).toContain('UNKNOWN_SIGNER')
      expect((await tryPush(alice, 'work')).status).toBe(0)
    },
  )

  test('a place that cannot be written refuses nothing', async () => {
    const { server, alice, mallory } = await governed('unwritable')
    rmSync(folderOf(server), { recursive: true })
    writeFileSync(folderOf(server), '')
    await mallory.commit('mischief')
    expect(await codes(mallory)).toContain('UNKNOWN_SIGNER')
    expect((await tryPush(alice, 'two')).status).toBe(0)
    expect(statSync(folderOf(server)).isFile()).toBe(true)
  })

  test('hooks named update and pre-push keep one too', async () => {
    const server = await team.server('others')
    const alice = await team.member('alice', server)
    const anchor = await alice.commitPolicy(team.policy(['alice']))
    const installed = await server.signet('hook', 'install', 'update', '--anchor', anchor)
    expect(installed.status, installed.stderr).toBe(0)
    await alice.signet('hook', 'install', 'pre-push', '--anchor', anchor)
    await alice.ok('push', '-q', 'origin', MAIN)
    await alice.commit('one')
    await alice.ok('push', '-q', 'origin', MAIN)
    expect(fileOf(server)).not.toBe('')
    expect(existsSync(join(team.home, alice.folder, '.git', 'signet', 'policy'))).toBe(true)
    await alice.commit('unsigned', { unsigned: true })
    expect(await codes(alice)).toContain('UNSIGNED')
    expect(await codes(alice, '--no-verify', MAIN)).toContain('UNSIGNED')
  })
})

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}
