import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
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

async function expectSigned(cwd: string, revision = 'HEAD'): Promise<void> {
  const shown = await alice.gitIn(cwd, 'log', '-1', '--format=%G?|%GS', revision)
  expect(shown.stdout.trim()).toBe(`U|${ADDRESS}`)
  const verified = await alice.gitIn(cwd, 'verify-commit', revision)
  expect(verified, verified.stderr).toMatchObject({ status: 0 })
}

describe('git signs through git-signet', () => {
  test('commits, amends, merges and rebases', async () => {
    await alice.signedRepository('work')
    await expectSigned('work')
    await alice.gitIn('work', 'commit', '-S', '--amend', '--allow-empty', '-qm', 'amended')
    await expectSigned('work')
    await alice.gitIn('work', 'checkout', '-qb', 'side')
    await alice.gitIn('work', 'commit', '-S', '--allow-empty', '-qm', 'on side')
    await alice.gitIn('work', 'commit', '-S', '--allow-empty', '-qm', 'on side again')
    await alice.gitIn('work', 'checkout', '-q', 'main')
    const merge = await alice.gitIn('work', 'merge', '-S', '--no-ff', '-qm', 'merge', 'side')
    expect(merge.status, merge.stderr).toBe(0)
    await expectSigned('work')
    await alice.gitIn('work', 'checkout', '-q', 'side')
    const rebase = await alice.gitIn('work', 'rebase', '-q', '-S', '--force-rebase', 'HEAD~2')
    expect(rebase.status, rebase.stderr).toBe(0)
    await expectSigned('work', 'side')
    await expectSigned('work', 'side~1')
  })

  test('tags', async () => {
    await alice.signedRepository('tags')
    const tag = await alice.gitIn('tags', 'tag', '-s', '-m', 'first release', 'v1')
    expect(tag.status, tag.stderr).toBe(0)
    const verified = await alice.gitIn('tags', 'verify-tag', 'v1')
    expect(verified.status, verified.stderr).toBe(0)
    expect(verified.stderr).toContain(`good signature by ${ADDRESS}`)
    const shown = await alice.gitIn('tags', 'tag', '-v', 'v1')
    expect(shown.status).toBe(0)
    expect(shown.stdout).toContain('first release')
  })

  test('pushes', async () => {
    await alice.signedRepository('pushing')
    await alice.run('git', ['init', '--quiet', '--bare', 'target.git'])
    await alice.run('git', ['-C', 'target.git', 'config', 'receive.certNonceSeed', 'seed'])
    const hook = join(alice.home, 'target.git', 'hooks', 'pre-receive')
    writeFileSync(
      hook,
      '#!/bin/sh\ngit cat-file blob "$GIT_PUSH_CERT" > certificate\n' +
        'echo "$GIT_PUSH_CERT_STATUS|$GIT_PUSH_CERT_SIGNER|$GIT_PUSH_CERT_NONCE_STATUS" > status\n',
      { mode: 0o755 },
    )
    const push = await alice.gitIn('pushing', 'push', '-q', '--signed', '../target.git', 'main')
    expect(push.status, push.stderr).toBe(0)
    const status = readFileSync(join(alice.home, 'target.git', 'status'), 'utf8').trim()
    expect(status).toBe(`G|${ADDRESS}|OK`)
  })

  test('in worktrees, submodules and bare repositories', async () => {
    await alice.signedRepository('outer')
    await alice.signedRepository('inner')
    await alice.gitIn('outer', 'worktree', 'add', '-q', '../tree', '-b', 'tree')
    await alice.gitIn('tree', 'commit', '-S', '--allow-empty', '-qm', 'in a worktree')
    await expectSigned('tree')
    const added = await alice.gitIn('outer', 'submodule', '--quiet', 'add', '../inner', 'sub')
    expect(added.status, added.stderr).toBe(0)
    await alice.gitIn('outer/sub', 'commit', '-S', '--allow-empty', '-qm', 'in a submodule')
    await expectSigned('outer/sub')
    await alice.run('git', ['clone', '-q', '--bare', 'outer', 'bare.git'])
    const tree = (await alice.gitIn('bare.git', 'rev-parse', 'HEAD^{tree}')).stdout.trim()
    const made = await alice.gitIn('bare.git', 'commit-tree', '-S', '-m', 'bare', tree)
    expect(made.status, made.stderr).toBe(0)
    await expectSigned('bare.git', made.stdout.trim())
  })

  test('in SHA-256 repositories', async () => {
    mkdirSync(join(alice.home, 'sha256'))
    await alice.gitIn('sha256', 'init', '-q', '--object-format=sha256', '-b', 'main')
    await alice.gitIn('sha256', 'commit', '-S', '--allow-empty', '-qm', 'one')
    await expectSigned('sha256')
    const tag = await alice.gitIn('sha256', 'tag', '-s', '-m', 'tag', 'v1')
    expect(tag.status, tag.stderr).toBe(0)
    expect((await alice.gitIn('sha256', 'verify-tag', 'v1')).status).toBe(0)
  })

  test('with GIT_DIR set and with spaces and other scripts in paths and names', async () => {
    const name = 'Ein Ordner – mit Ümläuten 日本'
    await alice.signedRepository(name)
    await expectSigned(name)
    const env = { GIT_DIR: join(alice.home, name, '.git'), GIT_COMMITTER_NAME: 'Ålice "日本" Doe' }
    const args = ['commit', '-S', '--allow-empty', '-qm', 'Grüße\n\n日本語のメッセージ']
    const commit = await alice.run('git', args, { env })
    expect(commit.status, commit.stderr).toBe(0)
    await expectSigned(name)
    const tag = await alice.run('git', ['tag', '-s', '-m', 'ü', 'größe/日本'], { env })
    expect(tag.status, tag.stderr).toBe(0)
    expect((await alice.gitIn(name, 'verify-tag', 'größe/日本')).status).toBe(0)
  })

  test('a message without a final line feed, with CR and with bytes that are not UTF-8', async () => {
    await alice.signedRepository('bytes')
    const tree = (await alice.gitIn('bytes', 'rev-parse', 'HEAD^{tree}')).stdout.trim()
    writeFileSync(join(alice.home, 'message'), Buffer.from('no end\r\n\r\n caf\xe9 \x01', 'latin1'))
    const args = ['commit-tree', '-S', '-F', '../message', tree]
    const made = await alice.run('git', args, { cwd: 'bytes' })
    expect(made.status, made.stderr).toBe(0)
    await expectSigned('bytes', made.stdout.trim())
  })
})

describe('what is signed', () => {
  test.each([
    { log: 'Rekor v1', env: {} },
    { log: 'Rekor v1 with a timestamp', env: { SIGNET_TIMESTAMP_SERVER_URL: '' } },
    { log: 'Rekor v2', env: { SIGNET_TIMESTAMP_SERVER_URL: '', SIGNET_REKOR_VERSION: '2' } },
  ])('is accepted by openssl: $log', async ({ env }) => {
    const given: Record<string, string> = { ...env }
    if ('SIGNET_TIMESTAMP_SERVER_URL' in given) given['SIGNET_TIMESTAMP_SERVER_URL'] = stack.tsaUrl
    const payload = 'tree 0\ncommitter A <alice@example.org> 0 +0000\n\nhello\n'
    const signed = await alice.sign({ input: payload, env: given })
    expect(signed.status, signed.stderr).toBe(0)
    expect(signed.stdout).toMatch(
      /^-----BEGIN SIGNED MESSAGE-----\n(?:[\w+/]{64}\n)*[\w+/=]{1,64}\n-----END SIGNED MESSAGE-----\n$/,
    )
    expect(signed.stderr).toMatch(
      /\[GNUPG:\] BEGIN_SIGNING\n\[GNUPG:\] SIG_CREATED D 19 8 00 \d{10} [0-9a-f]{64}\n/,
    )
    writeFileSync(join(alice.home, 'payload'), payload)
    writeFileSync(join(alice.home, 'signature'), signed.stdout.replaceAll('SIGNED MESSAGE', 'CMS'))
    execFileSync(
      'openssl',
      ['cms', '-verify', '-inform', 'PEM', '-in', 'signature', '-content', 'payload'].concat([
        '-binary',
        '-noverify',
        '-out',
        '/dev/null',
      ]),
      { cwd: alice.home, stdio: 'pipe' },
    )
  })
})
