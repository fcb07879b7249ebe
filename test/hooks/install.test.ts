import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team } from './server.ts'

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

describe('hook install', () => {
  test('installs nothing without a policy, and says how to get one', async () => {
    const server = await team.server('none')
    const installed = await server.signet('hook', 'install', 'pre-receive')
    expect(installed.status).toBe(3)
    expect(installed.stderr).toContain('git signet hook install pre-receive --policy')
    expect(installed.stderr).toContain('git signet hook install pre-receive --anchor')
    expect(existsSync(join(server.path, 'hooks', 'pre-receive'))).toBe(false)
  })

  test('installs nothing where the policy has mistakes', async () => {
    const server = await team.server('mistaken')
    const policy = server.policyFile('version = 2\n')
    const installed = await server.signet('hook', 'install', 'pre-receive', '--policy', policy)
    expect(installed.status).toBe(3)
    expect(existsSync(join(server.path, 'hooks', 'pre-receive'))).toBe(false)
    const unknown = await server.signet('hook', 'install', 'post-receive', '--policy', policy)
    expect(unknown.status).toBe(2)
  })

  test('installs nothing where a trusted root that the policy pins is not beside it', async () => {
    const server = await team.server('no-root')
    const file = server.policyFile(team.policy(['alice', 'bob']))
    rmSync(join(file, '..', 'trust', 'local.json'))
    const { status, stderr } = await server.signet(
      'hook',
      'install',
      'pre-receive',
      '--policy',
      file,
    )
    expect(status).toBe(3)
    expect(stderr).toContain('there is no file .signet/trust/local.json (.signet is the folder of')
    expect(stderr).toContain(`hint: git signet policy check ${file}\n`)
    expect(existsSync(server.hookFile)).toBe(false)
  })

  test('names what it enforces, is idempotent, keeps and calls the hook that was there', async () => {
    const server = await team.server('kept')
    const alice = await team.member('alice', server)
    const policy = server.policyFile(team.policy(['alice']))
    const path = join(server.path, 'hooks', 'pre-receive')
    const older = '#!/bin/sh\ncat > seen\necho "the older hook" >&2\n[ ! -e refuse ]\n'
    writeFileSync(path, older, { mode: 0o755 })
    const dry = await server.signet(
      'hook',
      'install',
      'pre-receive',
      '--policy',
      policy,
      '--dry-run',
    )
    expect(dry.stdout).toContain(policy)
    expect(readFileSync(path, 'utf8')).toBe(older)
    for (const time of ['first', 'second']) {
      const installed = await server.signet('hook', 'install', 'pre-receive', '--policy', policy)
      expect(installed.status, `${time}: ${installed.stderr}`).toBe(0)
      expect(installed.stdout).toContain(policy)
      expect(installed.stdout).toContain('receive.fsckObjects')
      expect(installed.stdout).toContain('receive.certNonceSeed')
    }
    const status = await server.signet('hook', 'status', 'pre-receive')
    expect(status.status).toBe(0)
    expect(status.stdout).toContain(`Policy: ${policy}`)
    expect(status.stdout).toContain('Runs after it')
    const id = await alice.commit('one')
    const push = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(push.status, push.stderr).toBe(0)
    expect(push.stderr).toContain('the older hook')
    const line = `${'0'.repeat(40)} ${id} refs/heads/main\n`
    expect(readFileSync(join(server.path, 'seen'), 'utf8')).toBe(line)
    writeFileSync(join(server.path, 'refuse'), '')
    await alice.commit('two')
    expect((await alice.push('origin', 'HEAD:refs/heads/main')).status).toBe(1)
    const removed = await server.signet('hook', 'uninstall', 'pre-receive')
    expect(removed.status).toBe(0)
    expect(readFileSync(path, 'utf8')).toBe(older)
    expect((await server.signet('hook', 'status', 'pre-receive')).status).toBe(1)
    expect((await server.signet('hook', 'uninstall', 'pre-receive')).status).toBe(2)
  })

  test('goes where core.hooksPath says', async () => {
    const server = await team.server('elsewhere')
    await server.git('config', 'core.hooksPath', '../shared hooks')
    const policy = server.policyFile(team.policy(['alice']))
    await server.install('--policy', policy)
    expect(existsSync(join(team.home, 'shared hooks', 'pre-receive'))).toBe(true)
    const alice = await team.member('alice', server)
    await alice.commit('unsigned', { unsigned: true })
    expect((await alice.push('origin', 'HEAD:refs/heads/main')).status).toBe(1)
  })

  test('says that a rule about tags without "on" lets none in where there is no anchor', async () => {
    const server = await team.server('no-on')
    const alice = await team.member('alice', server)
    const rule = '[[protect]]\nrefs = ["refs/tags/v*"]\nby = ["alice"]\n'
    const policy = server.policyFile(team.policy(['alice'], rule))
    const installed = await server.signet('hook', 'install', 'pre-receive', '--policy', policy)
    expect(installed.stdout).toContain('lets no tag in: without an anchor')
    await alice.commit('one')
    await alice.ok('tag', '-s', '-m', 'one', 'v1')
    const push = await alice.push('origin', 'HEAD:refs/heads/main', 'v1')
    expect(push.status).toBe(1)
    expect(push.stderr.replaceAll(/\s*\nremote: */g, ' ')).toMatch(
      /why: the rule at line \d+ names no "on", which a policy without an anchor has to/,
    )
    server.policyFile(team.policy(['alice'], `${rule}on = ["refs/heads/main"]\n`))
    const named = await server.signet('hook', 'install', 'pre-receive', '--policy', policy)
    expect(named.stdout).not.toContain('lets no tag in')
    const again = await alice.push('origin', 'HEAD:refs/heads/main', 'v1')
    expect(again.status, again.stderr).toBe(0)
  })

  test('prints what a policy has to accept of the past, with counts', async () => {
    const server = await team.server('past')
    const alice = await team.member('alice', server)
    await alice.commit('one', { unsigned: true })
    const two = await alice.commit('two', { unsigned: true })
    await alice.ok('tag', 'v0')
    await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main', 'v0')
    const accept = await server.signet('hook', 'install', 'pre-receive', '--accept-existing')
    expect(accept.status).toBe(3)
    expect(accept.stdout).toContain(
      `# refs/heads/main, refs/tags/v0: 2 commits\n[[accept]]\ncommit = "${two}"\ncovers = "ancestors"\n`,
    )
    const lines = accept.stdout.slice(accept.stdout.indexOf('[[accept]]'))
    const policy = server.policyFile(team.policy(['alice'], lines))
    await server.install('--policy', policy)
    await alice.commit('three')
    const push = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(push.status, push.stderr).toBe(0)
  })

  test('rejects, and says why, when node or the program has gone (attack 60)', async () => {
    const server = await team.server('gone')
    const alice = await team.member('alice', server)
    await server.install('--policy', server.policyFile(team.policy(['alice'])))
    const path = join(server.path, 'hooks', 'pre-receive')
    const script = readFileSync(path, 'utf8')
    await alice.commit('one')
    writeFileSync(path, script.replace(/^program=.*$/m, 'program=/nowhere/git-signet.cjs'))
    const gone = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(gone.status).toBe(1)
    expect(gone.stderr).toContain('refused: could not check this push: git-signet is gone')
    expect((await server.signet('hook', 'status', 'pre-receive')).stdout).toContain('WRONG')
    const noNode = script.replace(/^node=.*$/m, 'node=/nowhere/node\nPATH=/nowhere')
    writeFileSync(path, noNode)
    const lost = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(lost.status).toBe(1)
    expect(lost.stderr).toContain('node is gone')
    writeFileSync(path, script.replace(/^node=.*$/m, 'node=/bin/false'))
    expect((await alice.push('origin', 'HEAD:refs/heads/main')).status).toBe(1)
    writeFileSync(path, script)
    chmodSync(path, 0o644)
    const status = await server.signet('hook', 'status', 'pre-receive')
    expect(status.stdout).toContain('not executable')
  })
})
