import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takeReadAhead } from '../../src/cli/hook/read-ahead.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team, ZERO } from './server.ts'

const MAIN = 'HEAD:refs/heads/main'

describe('what a push waits for', () => {
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

  /** A server with a commit on its main, and the next one that is not pushed yet. */
  async function oneAhead(name: string) {
    const { server, alice } = await team.guarded(name)
    const base = await alice.commit('base')
    await alice.ok('push', '-q', 'origin', MAIN)
    const next = await alice.commit('next')
    await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
    return { server, alice, base, next }
  }

  /** Starts the hook as git does, with a git of these lines of shell before the real one. */
  function judge(server: { path: string }, lines: string, input: string) {
    const folder = mkdtempSync(join(team.home, 'git-'))
    const real = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim()
    writeFileSync(join(folder, 'git'), `#!/bin/sh\n${lines}\nexec ${real} "$@"\n`)
    chmodSync(join(folder, 'git'), 0o755)
    return spawnSync(join(server.path, 'hooks', 'pre-receive'), {
      cwd: server.path,
      env: { ...team.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
      input,
      encoding: 'utf8',
    })
  }

  test('no more git processes for many new branches than for few', async () => {
    const server = await team.server('branches')
    const alice = await team.member('alice', server)
    const more = '[[protect]]\nrefs = ["refs/heads/b/*"]\nby = ["alice"]\n'
    const anchor = await alice.commitPolicy(team.policy(['alice'], more))
    await server.install('--anchor', anchor)
    await alice.ok('push', '-q', 'origin', MAIN)
    const lines: string[] = []
    for (let count = 0; count < 14; count++) {
      const name = `b/${String(count)}`
      await alice.ok('checkout', '-q', '-B', name, anchor)
      const own = await alice.commit(`own ${String(count)}`)
      lines.push(`${ZERO} ${own} refs/heads/${name}\n`)
    }
    await server.git('fetch', '-q', join(team.home, alice.folder), 'refs/heads/b/*:refs/kept/*')
    const startedBy = (count: number): number => {
      const log = join(team.home, `started-${String(count)}`)
      const input = lines.slice(0, count).join('')
      const { status, stderr } = judge(server, `echo "$*" >>${log}`, input)
      expect(status, stderr).toBe(0)
      return readFileSync(log, 'utf8').trim().split('\n').length
    }
    const few = startedBy(9)
    // An audit finds the verified tip of main: its history must not take the place of the push's.
    expect(startedBy(14)).toBeLessThanOrEqual(few)
    expect(few).toBeLessThan(10)
  })

  test('two git processes for a commit on top of a branch', async () => {
    const { server, base, next } = await oneAhead('counted')
    const log = join(team.home, 'started')
    const input = `${base} ${next} refs/heads/main\n`
    const { status, stderr } = judge(server, `echo "$*" >>${log}`, input)
    expect(status, stderr).toBe(0)
    const started = readFileSync(log, 'utf8').trim().split('\n')
    expect(started.filter((line) => line.includes('cat-file'))).toHaveLength(1)
    expect(started.filter((line) => line.startsWith('config'))).toHaveLength(1)
    expect(started).toHaveLength(2)
  })

  test('two as well where the policy lies in the tree, from the third push on', async () => {
    const server = await team.server('counted-in-tree')
    const alice = await team.member('alice', server)
    const anchor = await alice.commitPolicy(team.policy(['alice']))
    await server.install('--anchor', anchor)
    const counts: number[] = []
    for (let before = anchor, count = 0; count < 4; count++) {
      const next = await alice.commit(`commit ${String(count)}`)
      await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
      if (count === 0) await server.git('update-ref', 'refs/heads/main', anchor)
      const log = join(team.home, `started-${String(count)}`)
      const input = `${before} ${next} refs/heads/main\n`
      const { status, stderr } = judge(server, `echo "$*" >>${log}`, input)
      expect(status, stderr).toBe(0)
      await server.git('update-ref', 'refs/heads/main', next)
      counts.push(readFileSync(log, 'utf8').trim().split('\n').length)
      before = next
    }
    expect(counts.slice(2)).toEqual([2, 2])
  })

  test('what git could not be asked ahead is asked again, and then counts', async () => {
    const { server, base, next } = await oneAhead('asked-again')
    const input = `${base} ${next} refs/heads/main\n`
    for (const words of ['config', '*cat-file']) {
      const once = join(team.home, `once ${words.length}`)
      const failing = `case "$*" in ${words}*) [ -e "${once}" ] || { >"${once}"; exit 9; };; esac`
      const again = judge(server, failing, input)
      expect(again.status, again.stderr).toBe(0)
      const never = judge(server, `case "$*" in ${words}*) exit 9;; esac`, input)
      expect(never.status).not.toBe(0)
      expect(never.stderr).toContain('could not check')
    }
  })

  test('a message of 5 MiB is read as it is asked for', async () => {
    const { server, alice } = await team.guarded('long')
    await alice.commit('base')
    await alice.ok('push', '-q', 'origin', MAIN)
    const file = join(team.home, 'message')
    writeFileSync(file, `long\n\n${'x'.repeat(5 << 20)}\n`)
    await alice.ok('commit', '-q', '-S', '--allow-empty', '-F', file)
    await alice.ok('push', '-q', 'origin', MAIN)
    expect((await server.git('log', '-1', '--format=%s', 'main')).stdout).toContain('long')
  })

  test('every line counts, and one that is cut off refuses all', async () => {
    const { server, alice, base, next } = await oneAhead('lines')
    const stranger = await alice.ok('commit-tree', '-m', 'unsigned', '-p', next, `${next}^{tree}`)
    await server.git('fetch', '-q', join(team.home, alice.folder), stranger)
    const zero = '0'.repeat(40)
    const lines = (count: number, last: string): string =>
      [...Array(count).keys()].map((at) => `${zero} ${base} refs/heads/b${at}\n`).join('') + last
    for (const count of [0, 7, 8, 12]) {
      const good = judge(server, '', lines(count, `${base} ${next} refs/heads/main\n`))
      const bad = judge(server, '', lines(count, `${base} ${stranger} refs/heads/main\n`))
      const cut = judge(server, '', lines(count, `${base} ${next} refs/heads/main`))
      expect(bad.status, `${count}`).not.toBe(0)
      expect(bad.stderr).toContain('UNSIGNED')
      expect(cut.status, `${count}`).not.toBe(0)
      expect(cut.stderr).toContain('cut off')
      expect(good.status, good.stderr).toBe(0)
    }
  })
})

describe('takeReadAhead()', () => {
  const take = (text: string | Buffer) => {
    const folder = mkdtempSync(join(tmpdir(), 'git-signet-test-'))
    try {
      writeFileSync(join(folder, 'ahead'), text)
      const file = openSync(join(folder, 'ahead'), 'r')
      const taken = takeReadAhead(file)
      closeSync(file)
      return taken
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  test('reads configuration and objects', () => {
    const taken = take('a.b\nc\0a.d\0\0x missing\n\0\0')
    expect(taken?.config.get('a.b')).toBe('c')
    expect(taken?.config.get('a.d')).toBeNull()
    expect(taken?.objects.toString()).toBe('x missing\n\0\0')
  })

  test('no configuration at all is one', () => {
    const taken = take('\0x missing\n')
    expect(taken?.config.keys()).toEqual([])
    expect(taken?.objects.toString()).toBe('x missing\n')
  })

  test.each(['', 'a.b\nc', 'a.b\nc\0'])('nothing is believed that has no end: %j', (text) => {
    expect(take(text)).toBeUndefined()
  })
})
