import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { SigningPerson } from './signer.ts'

/** The real gitsign, where a person names one; never one that happens to be on PATH. */
const gitsign = process.env['REAL_GITSIGN']

describe.skipIf(gitsign === undefined)('gitsign (needs REAL_GITSIGN)', () => {
  let stack: LocalStack
  let alice: SigningPerson

  beforeAll(async () => {
    stack = await startLocalStack({ test: true, port: 0 })
    alice = await SigningPerson.create(stack)
    const file = (name: string): string => join(stack.directory, name)
    alice.withEnv({
      GITSIGN_FULCIO_URL: stack.url,
      GITSIGN_FULCIO_ROOT: file('fulcio-chain.pem'),
      GITSIGN_REKOR_URL: stack.url,
      GITSIGN_REKOR_MODE: 'offline',
      GITSIGN_OIDC_ISSUER: stack.issuer,
      SIGSTORE_REKOR_PUBLIC_KEY: file('rekor.pub'),
      SIGSTORE_CT_LOG_PUBLIC_KEY_FILE: file('ctfe.pub'),
      SIGSTORE_ID_TOKEN: alice.token,
      TUF_ROOT: join(alice.home, 'tuf'),
    })
    await alice.signedRepository('work')
    await alice.gitIn('work', 'tag', '-s', '-m', 'release', 'v1')
  })

  afterAll(async () => {
    alice.remove()
    await stack.close()
  })

  const asGitsign = ['-c', `gpg.x509.program=${gitsign ?? ''}`]

  test('verifies our commit and our tag, by git and by its own commands', async () => {
    const commit = await alice.gitIn('work', ...asGitsign, 'verify-commit', 'HEAD')
    expect(commit, commit.stderr).toMatchObject({ status: 0 })
    expect(commit.stderr).toContain('Validated Rekor entry: true')
    const tag = await alice.gitIn('work', ...asGitsign, 'verify-tag', 'v1')
    expect(tag, tag.stderr).toMatchObject({ status: 0 })
    const who = ['--certificate-identity', 'alice@example.org', '--certificate-oidc-issuer']
    for (const args of [
      ['verify', ...who, stack.issuer, 'HEAD'],
      ['verify-tag', ...who, stack.issuer, 'v1'],
    ]) {
      const verified = await alice.run(gitsign ?? '', args, { cwd: 'work' })
      expect(verified, verified.stderr).toMatchObject({ status: 0 })
    }
  })

  test('makes commits and tags that we verify', async () => {
    const commit = ['commit', '-S', '--allow-empty', '-qm', 'by gitsign']
    expect((await alice.gitIn('work', ...asGitsign, ...commit)).status).toBe(0)
    expect((await alice.gitIn('work', ...asGitsign, 'tag', '-s', '-m', 'tag', 'v2')).status).toBe(0)
    const verified = await alice.gitIn('work', 'verify-commit', 'HEAD')
    expect(verified.stderr).toContain('good signature by alice@example.org')
    expect((await alice.gitIn('work', 'verify-tag', 'v2')).status).toBe(0)
  })
})
