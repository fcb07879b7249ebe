import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'
import { ADDRESS, SigningPerson } from './signer.ts'

let stack: LocalStack
let alice: SigningPerson

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  alice = await SigningPerson.create(stack)
})

afterAll(async () => {
  alice.remove()
  await stack.close()
})

function resign(cwd: string, ...args: readonly string[]): Promise<ProcessResult> {
  return alice.run(process.execPath, [programPath, 'resign', ...args], { cwd })
}

async function line(cwd: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await alice.gitIn(cwd, ...args)
  expect(status, stderr).toBe(0)
  return stdout.trim()
}

test('resign signs one’s own unsigned commits, merge and all, with one certificate', async () => {
  await alice.signedRepository('work')
  const base = await line('work', 'rev-parse', 'HEAD')
  const commit = ['commit', '--no-gpg-sign', '--allow-empty', '-qm']
  await line('work', ...commit, 'two')
  await line('work', 'checkout', '-qb', 'side', base)
  await line('work', ...commit, 'on the side')
  await line('work', 'checkout', '-q', 'main')
  await line('work', 'merge', '--no-gpg-sign', '--no-ff', '-qm', 'merge', 'side')
  writeFileSync(join(alice.home, 'work', 'staged'), 'staged')
  await line('work', 'add', 'staged')
  const before = await line('work', 'rev-parse', 'main')
  const index = readFileSync(join(alice.home, 'work', '.git', 'index'))

  const dry = await resign('work', '--dry-run', `${base}..HEAD`)
  expect(dry, dry.stderr).toMatchObject({ status: 0 })
  expect(dry.stdout).toContain('would sign 3 commits and move main')
  expect(await line('work', 'rev-parse', 'main')).toBe(before)

  const run = await resign('work', `${base}..HEAD`)
  expect(run, run.stderr).toMatchObject({ status: 0 })
  expect(run.stdout + run.stderr).not.toContain(alice.token)
  const after = await line('work', 'rev-parse', 'main')
  expect(run.stdout).toContain(`to get back: git update-ref refs/heads/main ${before} ${after}`)
  expect(readFileSync(join(alice.home, 'work', '.git', 'index'))).toEqual(index)
  expect(await line('work', 'rev-parse', 'main@{1}')).toBe(before)
  expect(await line('work', 'diff', '--stat', before, after)).toBe('')

  const shown = await line('work', 'log', '--format=%G? %GS %GF %s', `${base}..main`)
  const rows = shown.split('\n').map((row) => row.split(' '))
  expect(rows.map(([good, who]) => `${good ?? ''} ${who ?? ''}`)).toEqual(
    Array<string>(3).fill(`U ${ADDRESS}`),
  )
  expect(new Set(rows.map(([, , fingerprint]) => fingerprint)).size).toBe(1)
  expect(await line('work', 'log', '-1', '--format=%p', 'main')).toMatch(/^\w+ \w+$/)
  const again = await resign('work', `${base}..HEAD`)
  expect(again).toMatchObject({ status: 0 })
  expect(again.stdout).toContain('nothing to sign')
}, 60_000)

test('resign --root signs a history from its first commit on', async () => {
  await alice.run('git', ['init', '-q', '-b', 'main', 'fresh'])
  await line('fresh', 'commit', '--no-gpg-sign', '--allow-empty', '-qm', 'first')
  await line('fresh', 'commit', '--no-gpg-sign', '--allow-empty', '-qm', 'second')
  const range = await resign('fresh', '--root', 'main..HEAD')
  expect(range.status).toBe(2)
  expect(range.stderr).toContain('--root takes a branch')
  const run = await resign('fresh', '--root', 'HEAD')
  expect(run, run.stderr).toMatchObject({ status: 0 })
  expect(run.stdout).toContain('signed 2 commits')
  expect((await line('fresh', 'log', '--format=%P %s')).split('\n')).toHaveLength(2)
  for (const commit of ['HEAD', 'HEAD~1']) {
    expect(await line('fresh', 'cat-file', 'commit', commit)).toContain('gpgsig ')
  }
  expect((await resign('fresh', '--root', 'HEAD')).stdout).toContain('nothing to sign')
})

test('resign refuses commits of other people, and a range that ends in no branch', async () => {
  await alice.signedRepository('foreign')
  const other = ['-c', 'user.email=bob@example.org']
  await line('foreign', ...other, 'commit', '--no-gpg-sign', '--allow-empty', '-qm', 'bob')
  const before = await line('foreign', 'rev-parse', 'HEAD')
  const run = await resign('foreign', 'HEAD~1..HEAD')
  expect(run.status).toBe(2)
  expect(run.stderr).toContain('somebody else')
  expect(await line('foreign', 'rev-parse', 'HEAD')).toBe(before)
  const detached = await resign('foreign', `HEAD~1..${before}`)
  expect(detached.status).toBe(2)
  expect(detached.stderr).toContain('no branch')
  expect((await resign('foreign', 'HEAD')).status).toBe(2)
}, 60_000)

test('resign moves nothing when the log cannot be reached', async () => {
  await alice.signedRepository('unlogged')
  await line('unlogged', 'commit', '--no-gpg-sign', '--allow-empty', '-qm', 'two')
  const before = await line('unlogged', 'rev-parse', 'HEAD')
  alice.withEnv({ SIGNET_TIMEOUT: '2' })
  stack.fault('rekor', '502', 20)
  const run = await resign('unlogged', 'HEAD~1..HEAD')
  stack.clearFaults()
  expect(run.status).toBe(4)
  expect(await line('unlogged', 'rev-parse', 'HEAD')).toBe(before)
}, 60_000)
