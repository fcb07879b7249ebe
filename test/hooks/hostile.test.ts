import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import type { Member, Server } from './server.ts'
import { Team, ZERO } from './server.ts'
import { programPath } from '../cli/run-program.ts'

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

async function guarded(
  name: string,
  more = '',
  format = 'sha1',
): Promise<{ server: Server; alice: Member; policy: string }> {
  const server = await team.server(name, format)
  const alice = await team.member('alice', server)
  const policy = server.policyFile(team.policy(['alice', 'bob'], more))
  await server.install('--policy', policy)
  return { server, alice, policy }
}

const MAIN = 'HEAD:refs/heads/main'

describe('attack 57: hook run with hostile environment', () => {
  test('variables, configuration and push options of others have no effect', async () => {
    const { server, alice } = await guarded('environment')
    await alice.commit('good')
    await alice.ok('push', '-q', 'origin', MAIN)
    const bad = await alice.commit('bad', { unsigned: true })
    for (const [key, value] of [
      ['core.fsmonitor', 'touch pwned'],
      ['diff.external', 'touch pwned'],
      ['filter.x.smudge', 'touch pwned'],
      ['merge.x.driver', 'touch pwned'],
      ['core.attributesFile', '/dev/null'],
      ['core.useReplaceRefs', 'true'],
    ] as const) {
      await server.git('config', key, value)
    }
    mkdirSync(join(server.path, 'info'), { recursive: true })
    writeFileSync(join(server.path, 'info', 'grafts'), `${bad}\n`)
    const good = await server.ref('refs/heads/main')
    Object.assign(team.env, {
      GIT_REPLACE_REF_BASE: 'refs/replace/',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'signet.hook.format',
      GIT_CONFIG_VALUE_0: 'no such format',
      SIGNET_POLICY_FILE: '/dev/null',
      NODE_OPTIONS: '',
    })
    try {
      const push = await alice.push('origin', MAIN)
      expect(push.status).toBe(1)
      expect(push.stderr).toContain('it has no signature')
    } finally {
      for (const name of [
        'GIT_REPLACE_REF_BASE',
        'GIT_CONFIG_COUNT',
        'GIT_CONFIG_KEY_0',
        'GIT_CONFIG_VALUE_0',
        'SIGNET_POLICY_FILE',
        'NODE_OPTIONS',
      ]) {
        Reflect.deleteProperty(team.env, name)
      }
    }
    expect(readdirSync(server.path)).not.toContain('pwned')
    expect(await server.ref('refs/heads/main')).toBe(good)
  })
})

describe('attack 60: kill the verifier mid-way, and other failures', () => {
  test('an unreadable policy, a missing trust root, a journal of somebody else', async () => {
    const { server, alice, policy } = await guarded('broken')
    await alice.commit('good')
    await alice.ok('push', '-q', 'origin', MAIN)
    await alice.commit('better')
    const text = readFileSync(policy, 'utf8')
    const refused = async (): Promise<string> => {
      const push = await alice.push('origin', MAIN)
      expect(push.status).toBe(1)
      expect(push.stderr).toContain('could not check this push')
      return push.stderr.replaceAll(/\s*\nremote: /g, ' ')
    }
    rmSync(policy)
    expect(await refused()).toContain('cannot read the policy')
    writeFileSync(policy, 'version = 1\n')
    expect(await refused()).toContain('policy.toml')
    writeFileSync(policy, text)
    const hook = join(server.path, 'hooks', 'pre-receive')
    const script = readFileSync(hook, 'utf8')
    writeFileSync(hook, script.replaceAll(team.rootFile, '/nowhere/root.json'))
    expect(await refused()).toContain('there is no such file (root.json)')
    writeFileSync(hook, script)
    const journal = join(server.path, 'signet', 'journal.jsonl')
    chmodSync(journal, 0o666)
    expect(await refused()).toContain('others may have written it')
    chmodSync(journal, 0o600)
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
  })

  test('poisoned cache entries and remembered tips are not believed', async () => {
    const { server, alice } = await guarded('poisoned')
    // Fewer are verified without a cache.
    const many = async (name: string): Promise<void> => {
      for (let count = 0; count < 8; count++) await alice.commit(`${name} ${String(count)}`)
    }
    await many('good')
    await alice.ok('push', '-q', 'origin', MAIN)
    const facts = join(server.path, 'signet', 'facts')
    for (const folder of readdirSync(facts)) {
      for (const file of readdirSync(join(facts, folder))) {
        writeFileSync(join(facts, folder, file), 'poison')
      }
    }
    writeFileSync(join(server.path, 'signet', 'tips.json'), '{"version":1,"file":', { mode: 0o600 })
    await many('fine')
    await alice.commit('bad', { unsigned: true })
    expect((await alice.push('origin', MAIN)).status).toBe(1)
    await alice.ok('reset', '-q', '--hard', 'HEAD~1')
    await alice.commit('better')
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
  })

  test('input that is cut, empty, or no ref update', async () => {
    const { server, alice } = await guarded('input')
    const id = await alice.commit('good')
    const hook = join(server.path, 'hooks', 'pre-receive')
    for (const input of [
      '',
      `${ZERO} ${id} refs/heads/main`,
      'nonsense\n',
      `${ZERO} ${id} main\n`,
    ]) {
      const { status, stderr } = await team.run(hook, [], { cwd: server.folder, input })
      expect(status, input).not.toBe(0)
      expect(stderr).toContain('could not check this push')
    }
  })
})

describe('kinds of pushes', () => {
  test('attack 55: shallow push with receive.shallowUpdate, missing parents', async () => {
    const { server, alice } = await guarded('shallow')
    await server.git('config', 'receive.shallowUpdate', 'true')
    await alice.commit('one')
    await alice.commit('two', { unsigned: true })
    await alice.commit('three')
    await team.git('clone', '-q', '--depth', '1', `file://${join(team.home, alice.folder)}`, 'thin')
    const url = server.path
    const push = await team.git('-C', 'thin', 'push', url, 'HEAD:refs/heads/main')
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('could not check')
    expect(push.stderr).toContain('SHALLOW')
    expect(push.stderr).toContain('git fetch --unshallow')
  })

  test('SHA-256 repositories', async () => {
    const { server, alice } = await guarded('sha256', '', 'sha256')
    await alice.commit('good')
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
    await alice.commit('bad', { unsigned: true })
    expect((await alice.push('origin', MAIN)).status).toBe(1)
    expect((await server.ref('refs/heads/main'))?.length).toBe(64)
  })

  test('attack 58: policy branch pushed concurrently, each is judged at its before', async () => {
    const { server, alice } = await guarded('crowd')
    await alice.commit('base')
    await alice.ok('push', '-q', 'origin', MAIN)
    const bob = await team.member('bob', server)
    await bob.commit('from bob')
    await alice.commit('from alice')
    const pushes = await Promise.all([
      alice.push('origin', MAIN),
      bob.push('origin', MAIN),
      alice.push('origin', 'HEAD:refs/heads/a'),
      bob.push('origin', 'HEAD:refs/heads/b'),
    ])
    const [first, second, third, fourth] = pushes.map(({ status }) => status)
    expect([first, second].sort()).toEqual([0, 1])
    expect([third, fourth]).toEqual([0, 0])
    expect(server.journal().every(({ verdict }) => verdict === 'pass')).toBe(true)
    const loser = first === 0 ? bob : alice
    await loser.ok('pull', '-q', '--rebase', 'origin', 'main')
    await loser.ok('commit', '-S', '--amend', '--no-edit', '-q')
    const again = await loser.push('origin', MAIN)
    expect(again.status, again.stderr).toBe(0)
  })

  test('atomic pushes', async () => {
    const { server, alice } = await guarded('atomic')
    await alice.commit('good')
    await alice.ok('branch', 'side')
    await alice.commit('bad', { unsigned: true })
    const push = await alice.push('--atomic', 'origin', MAIN, 'side')
    expect(push.status).toBe(1)
    expect(await server.ref('refs/heads/side')).toBeUndefined()
  })
})

describe('attack 59: push certificate', () => {
  const more = '[[protect]]\nrefs = ["refs/heads/signed"]\nby = ["alice"]\npush-cert = true\n'
  const SIGNED = 'HEAD:refs/heads/signed'

  test('missing, unsolicited, of another repository, by somebody else; and a good one', async () => {
    const { server, alice } = await guarded('certificate', more)
    await alice.commit('good')
    const refused = async (member: Member, ...args: readonly string[]): Promise<void> => {
      const push = await member.push(...args)
      expect(push.status).toBe(1)
      expect(push.stderr).toContain('PUSH_CERT')
    }
    await refused(alice, 'origin', SIGNED)
    await server.git('config', 'receive.certNonceSeed', 'seed')
    await refused(alice, 'origin', SIGNED)
    const bob = await team.member('bob', server)
    await bob.ok('pull', '-q', join(team.home, alice.folder), 'main')
    await refused(bob, '--signed', 'origin', SIGNED)
    const good = await alice.push('--signed', 'origin', SIGNED)
    expect(good.status, good.stderr).toBe(0)
    expect(server.journal().at(-1)).toMatchObject({
      ref: 'refs/heads/signed',
      certificate: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    })
    await server.git('config', 'signet.hook.pushee', 'ssh://another/one.git')
    await alice.commit('more')
    await refused(alice, '--signed', 'origin', SIGNED)
  })
})

describe('attack 64: hook in audit mode with violations', () => {
  test('lets everything through, and says so', async () => {
    const { server, alice, policy } = await guarded('report')
    await server.install('--policy', policy, '--audit')
    expect((await server.signet('hook', 'status')).stdout).toContain('AUDIT ONLY')
    const log = join(team.home, 'pushes.jsonl')
    await server.git('config', 'signet.hook.auditFile', log)
    await alice.commit('bad', { unsigned: true })
    const push = await alice.push('origin', MAIN)
    expect(push.status).toBe(0)
    expect(push.stderr).toContain('AUDIT ONLY, NOTHING IS REFUSED')
    expect(push.stderr).toContain('UNSIGNED')
    rmSync(policy)
    await alice.commit('worse', { unsigned: true })
    const broken = await alice.push('origin', MAIN)
    expect(broken.status).toBe(0)
    expect(broken.stderr).toContain('AUDIT ONLY, NOTHING IS REFUSED')
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      mode: 'audit',
      refused: false,
      exit: 1,
      codes: { UNSIGNED: 1 },
    })
    expect(server.journal()).toMatchObject([{ source: 'report', verdict: 'fail' }])
  })
})

describe('rollback', () => {
  test('a branch that was moved back past the hook is noticed', async () => {
    const { server, alice } = await guarded('rollback')
    const one = await alice.commit('one')
    await alice.ok('push', '-q', 'origin', MAIN)
    await alice.commit('two')
    await alice.ok('push', '-q', 'origin', MAIN)
    await alice.commit('three')
    await alice.ok('push', '-q', 'origin', MAIN)
    await server.git('update-ref', 'refs/heads/main', one)
    await alice.ok('reset', '-q', '--hard', one)
    await alice.commit('another two')
    const push = await alice.push('origin', MAIN)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('ROLLBACK')
    // Where it was meant, the owner types what the message says.
    const command = /git signet (hook forget refs\/heads\/main)\b/.exec(push.stderr)?.[1] ?? ''
    const forgotten = await server.signet(...command.split(' '))
    expect(forgotten.status, forgotten.stderr).toBe(0)
    const again = await alice.push('origin', MAIN)
    expect(again.status, again.stderr).toBe(0)
    const nothing = await server.signet('hook', 'forget', 'refs/heads/other')
    expect(nothing.stderr).toContain('remembers no verified tip of refs/heads/other')
  })
})

describe('the other hooks', () => {
  test('update judges each ref by itself', async () => {
    const server = await team.server('update')
    const alice = await team.member('alice', server)
    const policy = server.policyFile(team.policy(['alice'], 'other-refs = "any"'))
    const installed = await server.signet('hook', 'install', 'update', '--policy', policy)
    expect(installed.status, installed.stderr).toBe(0)
    await alice.commit('bad', { unsigned: true })
    const push = await alice.push('origin', MAIN, 'HEAD:refs/heads/free')
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('UNSIGNED')
    expect(await server.ref('refs/heads/main')).toBeUndefined()
    expect(await server.ref('refs/heads/free')).toBeDefined()
  })

  test('pre-push gives the verdict before the push', async () => {
    const server = await team.server('client')
    const alice = await team.member('alice', server)
    const anchor = await alice.commitPolicy(team.policy(['alice']))
    await alice.ok('push', '-q', 'origin', MAIN)
    const installed = await team.run(
      process.execPath,
      [programPath, 'hook', 'install', 'pre-push', '--anchor', anchor],
      { cwd: alice.folder },
    )
    expect(installed.status, installed.stderr).toBe(0)
    await alice.commit('good')
    const good = await alice.push('origin', MAIN)
    expect(good.status, good.stderr).toBe(0)
    const before = await server.ref('refs/heads/main')
    await alice.commit('bad', { unsigned: true })
    const push = await alice.push('origin', MAIN)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('refused: commit')
    expect(push.stderr).not.toContain('remote:')
    expect(await server.ref('refs/heads/main')).toBe(before)
  })
})
