import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { startDaemon, startHttp } from './network.ts'
import type { Listening } from './network.ts'
import { Team } from './server.ts'
import type { Member, Server } from './server.ts'

let stack: LocalStack
let team: Team
let daemon: Listening
let http: Listening

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  team = await Team.create(stack)
  daemon = await startDaemon(team.home, team.env)
  http = await startHttp(team.home, team.env)
})

afterAll(async () => {
  await Promise.all([daemon.close(), http.close()])
  team.remove()
  await stack.close()
})

const MAIN = 'HEAD:refs/heads/main'

const transports = [
  ['a path', ({ path }: Server) => path],
  ['file://', ({ path }: Server) => `file://${path}`],
  ['git daemon', ({ folder }: Server) => `${daemon.url}/${folder}`],
  ['git http-backend', ({ folder }: Server) => `${http.url}/${folder}`],
] as const

/** What the hook said, line by line, without its warnings about the policy. */
function said(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('remote: ') && !line.startsWith('remote: warning: '))
    .map((line) => line.slice('remote: '.length).trimEnd())
}

describe.each(transports)('over %s', (name, urlOf) => {
  const folder = `over-${name.replaceAll(/\W+/g, '-')}`
  let server: Server
  let alice: Member

  beforeAll(async () => {
    const guarded = await team.guarded(folder)
    server = guarded.server
    alice = guarded.alice
    await server.git('config', 'signet.helpUrl', 'https://example.org/signing')
    await alice.ok('remote', 'set-url', 'origin', urlOf(server))
    await alice.commit('good')
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
    expect(said(push.stderr)).toEqual([])
  })

  test('the refusal arrives whole: the first line says what and why, each line fits, exit 1', async () => {
    const before = await server.ref('refs/heads/main')
    const ids: string[] = []
    for (let count = 1; count <= 30; count++) {
      await alice.ok('commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', `no ${String(count)}`)
      ids.push(await alice.ok('rev-parse', '--short=10', 'HEAD'))
    }
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(1)
    const lines = said(push.stderr)
    expect(lines[0]).toBe('refused: 30 of 30 commits to refs/heads/main: each has no signature')
    expect(lines).toContain(`  ${ids.at(-1) ?? ''} UNSIGNED  no 30`)
    expect(lines).toContain(`      git signet resign ${before?.slice(0, 10) ?? ''}..HEAD`)
    expect(lines.at(-1)).toBe('help: https://example.org/signing')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72)
    expect(push.stderr).toContain('! [remote rejected] HEAD -> main (pre-receive hook declined)')
    expect(await server.ref('refs/heads/main')).toBe(before)
  })

  test('hundreds of lines of JSON arrive whole', async () => {
    await server.git('config', 'signet.hook.format', 'jsonl')
    for (let count = 31; count <= 60; count++) {
      const subject = `no ${String(count)} ${'x'.repeat(5000)}`
      await alice.ok('commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', subject)
    }
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(1)
    const parsed = said(push.stderr).map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(parsed.filter(({ verdict }) => verdict === 'fail')).toHaveLength(60)
    expect(parsed.at(-1)).toMatchObject({ schema: 'git-signet.summary/1', exit: 1, fail: 60 })
    await server.git('config', '--unset', 'signet.hook.format')
  })

  test('mended with what it says, it goes through, and an atomic push of two branches too', async () => {
    await alice.ok('reset', '-q', '--hard', 'origin/main')
    await alice.commit('forgotten', { unsigned: true })
    const refused = await alice.push('--atomic', 'origin', MAIN, 'HEAD:refs/heads/topic')
    expect(refused.status).toBe(1)
    expect(await server.ref('refs/heads/topic')).toBeUndefined()
    const command = /git (signet resign \S+)/.exec(refused.stderr)?.[1] ?? ''
    expect(command).toMatch(/^signet resign [0-9a-f]{10}\.\.HEAD$/)
    await alice.signet(...command.split(' ').slice(1))
    const push = await alice.push('--atomic', 'origin', MAIN, 'HEAD:refs/heads/topic')
    expect(push.status, push.stderr).toBe(0)
    expect(await server.ref('refs/heads/topic')).toBe(await alice.ok('rev-parse', 'HEAD'))
  })
})
