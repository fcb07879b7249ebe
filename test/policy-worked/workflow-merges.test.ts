import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byCommit, World } from './world.ts'
import type { Outcome, Signer } from './world.ts'

// A repository where a workflow does the merging, without any forge key: the third worked policy.
describe('a worked policy: a workflow merges', () => {
  let world: World
  let alice: Signer
  let lander: Signer
  let fork: Signer
  let renovate: Signer
  let anchor = ''
  let good = ''
  const land = 'acme/app/.github/workflows/land.yml@refs/heads/main'
  const run = 'acme/renovate/.github/workflows/run.yml@refs/heads/main'

  beforeAll(async () => {
    world = await World.create()
    alice = world.person('Alice', 'alice@example.org')
    const claims = {
      job_workflow_ref: land,
      repository: 'acme/app',
      repository_id: '123456789',
      repository_owner_id: '987654',
      ref: 'refs/heads/main',
      runner_environment: 'github-hosted',
    }
    lander = world.workflow('Lander', 'lander@example.org', claims)
    fork = world.workflow('Lander', 'lander@example.org', { ...claims, repository_id: '1' })
    renovate = world.workflow('Renovate', 'renovate@example.org', {
      job_workflow_ref: run,
      repository: 'acme/renovate',
      repository_owner_id: '987654',
      ref: 'refs/heads/main',
    })
    anchor = await world.commit(alice, 'adopt', { '.signet/policy.toml': policy() })
    good = await world.commit(alice, 'first', { 'src/a.txt': 'a\n', 'deps.lock': '1\n' })
  })
  afterAll(() => world.close())

  const policy = (more = ''): string => `version = 1
admins = ["alice"]
${world.pinRoot('stack')}
[people.alice]
email = "alice@example.org"
issuer = "${world.stack.issuer}"
trust = "stack"

[bots.lander]
uri = "https://github.com/${land}"
issuer = "${world.stack.url}/ci/github"
trust = "stack"
git = ["lander@example.org"]
repository-id = "123456789"
owner-id = "987654"
ref = "refs/heads/main"
runner = "github-hosted"

[bots.renovate]
uri = "https://github.com/${run}"
issuer = "${world.stack.url}/ci/github"
trust = "stack"
git = ["renovate@example.org"]
owner-id = "987654"

[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "renovate"]
merge-by = ["lander"]

[[protect]]
refs = ["refs/heads/main"]
paths = ["src/", ".github/"]
by = ["alice"]
merge-by = ["alice", "lander"]
${more}`

  const audit = (): Promise<Outcome> => world.judge('audit', '--anchor', anchor, 'main')
  const back = async (to = good): Promise<void> => {
    world.forgetTips()
    await world.git('checkout', '-q', '-f', 'main')
    await world.git('reset', '-q', '--hard', to)
    await world.git('clean', '-q', '-fd')
  }
  const topic = async (who: Signer, files: Readonly<Record<string, string>>): Promise<string> => {
    await world.git('checkout', '-q', '-B', 'topic', good)
    const id = await world.commit(who, 'topic', files)
    await world.git('checkout', '-q', 'main')
    return id
  }

  it('the lander merges what others signed, and adds nothing', async () => {
    const work = await topic(alice, { 'src/b.txt': 'b\n' })
    await world.commit(renovate, 'bump', { 'deps.lock': '2\n' })
    const merge = await world.merge(lander, 'topic', 'land it')
    const outcome = await audit()
    const found = byCommit(outcome)
    expect(outcome.status, JSON.stringify(outcome.verdicts)).toBe(0)
    expect([found.get(work), found.get(merge)]).toEqual(['signed', 'mechanical'])
    const on = outcome.verdicts.find(({ object }) => object.id === merge)
    expect(on?.person).toBe('lander')
    await back()
  })

  it('a lander that adds something, or commits, or runs in a fork, is refused', async () => {
    await topic(alice, { 'src/b.txt': 'b\n' })
    await world.as(lander, ['merge', '-q', '--no-ff', '--no-commit', 'topic'])
    const evil = await world.commit(lander, 'land more', { 'evil.txt': 'x\n' })
    expect(byCommit(await audit()).get(evil)).toBe('MERGE_ADDS_CHANGES')
    await back()
    const own = await world.commit(lander, 'a commit', { 'doc.txt': 'x\n' })
    expect(byCommit(await audit()).get(own)).toBe('NOT_ALLOWED_HERE')
    await back()
    await world.commit(alice, 'main goes on', { 'src/c.txt': 'c\n' })
    const forked = await world.merge(fork, 'topic', 'land from a fork')
    expect(byCommit(await audit()).get(forked)).toBe('CLAIM_MISMATCH')
    await back()
  })

  it('renovate keeps out of the code and of the workflows', async () => {
    for (const path of ['src/a.txt', '.github/workflows/land.yml', 'SRC/a.txt']) {
      const id = await world.commit(renovate, 'bump', { [path]: 'evil\n' })
      expect(byCommit(await audit()).get(id), path).toBe('PATH_NOT_ALLOWED')
      await back()
    }
    const work = await topic(renovate, { 'src/a.txt': 'evil\n' })
    await world.commit(alice, 'main goes on', { 'src/c.txt': 'c\n' })
    const merge = await world.merge(lander, 'topic', 'land it')
    const outcome = await audit()
    expect(byCommit(outcome).get(work)).toBe('PATH_NOT_ALLOWED')
    expect(byCommit(outcome).get(merge)).toBe('mechanical')
    expect(outcome.status).toBe(1)
    await back()
  })

  it('the lander lands a policy only by an admin’s own proposal for this very state', async () => {
    const propose = async (after: string): Promise<string> => {
      await world.git('checkout', '-q', '-B', 'proposal', good)
      world.write('.signet/policy.toml', policy('# more\n'))
      await world.git('add', '-A')
      const message = `policy: more\n\nSignet-Policy-After: ${after}\n`
      await world.as(alice, ['commit', '-q', '-S', '-m', message])
      await world.git('checkout', '-q', 'main')
      await world.commit(alice, 'main goes on', { 'src/c.txt': 'c\n' })
      return world.merge(lander, 'proposal', 'land the policy')
    }
    const stale = await propose(good)
    expect(byCommit(await audit()).get(stale)).toContain('POLICY_CHANGE_NOT_ADMIN')
    await back()
    await propose(anchor)
    const outcome = await audit()
    expect(outcome.status, JSON.stringify(outcome.verdicts)).toBe(0)
    await back()
  })

  it('what a stolen laptop signed in its hours is revoked, but for the audited commit', async () => {
    const now = (): string => new Date(Math.floor(Date.now() / 1000) * 1000).toISOString()
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const from = now()
    const kept = await world.commit(alice, 'really Alice', { 'src/d.txt': 'd\n' })
    const stolen = await world.commit(alice, 'not Alice', { 'src/e.txt': 'e\n' })
    const to = now()
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const revocation = `[[revoke]]\nperson = "alice"\nfrom = ${from}\nto = ${to}\nexcept = ["${kept}"]\nreason = "laptop stolen"\n`
    const landing = await world.commit(alice, 'revoke', {
      '.signet/policy.toml': policy(revocation),
    })
    const found = byCommit(await audit())
    expect([found.get(kept), found.get(stolen), found.get(landing)]).toEqual([
      'signed',
      'REVOKED',
      'signed',
    ])
  })
})
