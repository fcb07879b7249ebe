import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { World } from './world.ts'
import type { Signer } from './world.ts'

// git's own commands tell who signed, and whether the policy allows it here (facts.md's table).
describe('git’s own commands with a policy', () => {
  let world: World
  let alice: Signer
  let mallory: Signer
  let anchor = ''

  beforeAll(async () => {
    world = await World.create()
    alice = world.person('Alice', 'alice@example.org')
    mallory = world.person('Mallory', 'mallory@evil.example')
    const identity = `email = "alice@example.org"\nissuer = "${world.stack.issuer}"\ntrust = "stack"\n`
    const policy = `version = 1
admins = ["alice"]
${world.pinRoot('stack')}
[people.alice]
${identity}
[[protect]]
refs = ["refs/heads/main"]
by = ["alice"]

[[protect]]
refs = ["refs/tags/v*"]
by = ["alice"]
`
    anchor = await world.commit(alice, 'adopt', { '.signet/policy.toml': policy })
    await world.git('config', 'gpg.format', 'x509')
    await world.git('config', 'signet.anchor', anchor)
  })
  afterAll(() => world.close())

  const verify = (...args: string[]) => world.rawGit(...args)

  it('the policy accepts: trusted fully, exit 0', async () => {
    await world.commit(alice, 'work')
    const { status, stderr } = await verify('verify-commit', '--raw', 'HEAD')
    expect({ status, stderr }).toMatchObject({ status: 0 })
    expect(stderr).toMatch(/GOODSIG [0-9a-f]{64} alice@example\.org/)
    expect(stderr).toContain('TRUST_FULLY')
    expect((await verify('log', '-1', '--format=%G?')).stdout.trim()).toBe('G')
  })

  it('the policy refuses: a good signature, trusted never, exit 1', async () => {
    await world.commit(mallory, 'mischief')
    const { status, stderr } = await verify('verify-commit', '--raw', 'HEAD')
    expect(status).toBe(1)
    expect(stderr).toContain('GOODSIG')
    expect(stderr).toContain('TRUST_NEVER')
    const shown = await verify('log', '-1', '--show-signature')
    expect(shown.stdout).toContain('the policy refuses it: UNKNOWN_SIGNER')
    await world.git('checkout', '-q', '-b', 'side', 'HEAD')
    await world.git('checkout', '-q', '-B', 'main', 'HEAD~1')
    const merged = await verify('merge', '--verify-signatures', '--no-edit', 'side')
    expect(merged.status).not.toBe(0)
  })

  it('tags are judged as what they call themselves', async () => {
    await world.as(alice, ['tag', '-s', '-m', 'one', 'v1', 'HEAD'])
    const fine = await verify('verify-tag', '--raw', 'v1')
    expect(fine.stderr).toContain('TRUST_FULLY')
    expect(fine.status).toBe(0)
    await world.as(mallory, ['tag', '-s', '-m', 'two', 'v2', 'HEAD'])
    const bad = await verify('verify-tag', '--raw', 'v2')
    expect(bad.stderr).toContain('TRUST_NEVER')
    expect(bad.status).toBe(1)
  })

  it('a policy that cannot be judged by: a good signature, undefined trust, exit 4', async () => {
    const broken = [
      ...['-c', `signet.anchor=${'0'.repeat(39)}1`],
      ...['-c', `signet.trustedRoot=${world.stack.trustedRootPath}`],
    ]
    const { status, stderr } = await verify(...broken, 'verify-commit', '--raw', 'HEAD')
    expect(stderr).toContain('GOODSIG')
    expect(stderr).toContain('TRUST_UNDEFINED')
    expect(status).not.toBe(0)
    const told = await verify(...broken, 'verify-commit', 'HEAD')
    expect(told.stderr).toContain('signer not checked: cannot start from anchor')
  })
})
