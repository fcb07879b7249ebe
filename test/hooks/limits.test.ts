import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/encoding/limits.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team } from './server.ts'
import type { Member } from './server.ts'

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

const MAIN = 'HEAD:refs/heads/main'

/** What a refused pusher reads, without git's `remote:` and the line breaks of the terminal. */
async function refusal(alice: Member, ...args: readonly string[]): Promise<string> {
  const push = await alice.push('origin', ...(args.length === 0 ? [MAIN] : args))
  expect(push.status, push.stderr).toBe(1)
  return push.stderr.replaceAll(/\s*\nremote: */g, ' ')
}

/** A commit on top of HEAD from raw bytes: whatever stands in it, it is written. */
async function rawCommit(
  alice: Member,
  name: string,
  headers: string,
  message: string,
): Promise<string> {
  const tree = await alice.ok('rev-parse', 'HEAD^{tree}')
  const parent = await alice.ok('rev-parse', 'HEAD')
  const who = 'alice <alice@example.org> 1700000000 +0000'
  const text = `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n${headers}\n${message}`
  const file = join(team.home, `${name}.commit`)
  writeFileSync(file, text)
  return alice.ok('hash-object', '-t', 'commit', '-w', '--literally', file)
}

describe('attack 56: above each configured limit (commits, refs, object, signature, time)', () => {
  test('commits of a push: one too many is refused and named, as many as allowed pass', async () => {
    const { server, alice } = await team.guarded('commits')
    await server.git('config', 'signet.hook.maxCommits', '3')
    for (const subject of ['one', 'two', 'three', 'four']) await alice.commit(subject)
    const refused = await refusal(alice)
    expect(refused).toContain(
      'refused: could not check this push: over a limit of the hook: 4 commits in one push, and 3 are allowed',
    )
    expect(refused).toContain('signet.hook.maxCommits')
    expect(await server.ref('refs/heads/main')).toBeUndefined()
    const parts = await alice.push('origin', 'HEAD~1:refs/heads/main')
    expect(parts.status, parts.stderr).toBe(0)
    const rest = await alice.push('origin', MAIN)
    expect(rest.status, rest.stderr).toBe(0)
  })

  test('time: a git that does not answer is not waited for, one that answers is', async () => {
    const { server, alice } = await team.guarded('time')
    await alice.commit('one')
    server.replaceGit('case $* in *cat-file*) sleep 2 ;; esac')
    await server.git('config', 'signet.hook.maxSeconds', '1')
    const refused = await refusal(alice)
    expect(refused).toContain(
      'refused: could not check this push: over a limit of the hook: it took longer than 1 s',
    )
    expect(refused).toContain('signet.hook.maxSeconds')
    expect(await server.ref('refs/heads/main')).toBeUndefined()
    await server.git('config', 'signet.hook.maxSeconds', '60')
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
  })

  test('a limit that is no number refuses every push, and names the setting', async () => {
    const { server, alice } = await team.guarded('nonsense')
    await alice.commit('one')
    for (const [key, value] of [
      ['signet.hook.maxCommits', 'many'],
      ['signet.hook.maxSeconds', '0'],
    ] as const) {
      await server.git('config', key, value)
      expect(await refusal(alice)).toContain(
        `cannot use ${key} (git configuration): "${value}" is not a number`,
      )
      await server.git('config', '--unset', key)
    }
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
  })

  test('an object: a message of 100 MB is LIMIT, one just below the limit is judged', async () => {
    const { server, alice } = await team.guarded('object')
    await alice.commit('base')
    await alice.ok('push', '-q', 'origin', MAIN)
    const huge = await rawCommit(alice, 'huge', '', 'x'.repeat(100_000_000))
    const refused = await refusal(alice, `${huge}:refs/heads/main`)
    expect(refused).toContain('refused: could not check commit')
    expect(refused).toContain('LIMIT')
    expect(refused).not.toContain('UNSIGNED')
    const long = await rawCommit(alice, 'long', '', 'x'.repeat(LIMITS.objectBytes - 1000))
    expect(await refusal(alice, `${long}:refs/heads/main`)).toContain('UNSIGNED')
    writeFileSync(join(team.home, 'message'), 'x'.repeat(LIMITS.objectBytes - 50_000))
    alice.write('file', 'changed\n')
    await alice.ok('add', '-A')
    await alice.ok('commit', '-q', '-S', '-F', join(team.home, 'message'))
    const push = await alice.push('origin', MAIN)
    expect(push.status, push.stderr).toBe(0)
    expect(await server.ref('refs/heads/main')).toBe(await alice.ok('rev-parse', 'HEAD'))
  })

  test('a signature: of 10 MB it is LIMIT, just below the limit it is read', async () => {
    const { alice } = await team.guarded('signature')
    await alice.commit('base')
    await alice.ok('push', '-q', 'origin', MAIN)
    const armored = (bytes: number): string => {
      const line = ` ${'A'.repeat(64)}\n`
      const lines = line.repeat(Math.floor(bytes / line.length))
      return `gpgsig -----BEGIN SIGNED MESSAGE-----\n${lines} -----END SIGNED MESSAGE-----\n`
    }
    const huge = await rawCommit(alice, 'huge-signature', armored(10_000_000), 'huge\n')
    const refused = await refusal(alice, `${huge}:refs/heads/main`)
    expect(refused).toContain('LIMIT')
    expect(refused).toContain('could not check commit')
    const large = await rawCommit(
      alice,
      'large-signature',
      armored(LIMITS.signatureBytes * 0.9),
      'large\n',
    )
    expect(await refusal(alice, `${large}:refs/heads/main`)).toMatch(/MALFORMED|BAD_SIGNATURE/)
  })
})
