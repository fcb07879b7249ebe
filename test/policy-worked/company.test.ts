import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byCommit, World } from './world.ts'
import type { Outcome, Signer } from './world.ts'

// A company with its own Fulcio: every employee may commit, a few may touch the payments, a workflow
// makes the releases. The second worked policy.
describe('a worked policy: a company with its own sigstore', () => {
  let world: World
  let ann: Signer
  let ben: Signer
  let dora: Signer
  let eve: Signer
  let outsider: Signer
  let releases: Signer
  let fork: Signer
  let anchor = ''
  let good = ''
  const workflow = 'ops/release/.github/workflows/release.yml@refs/heads/main'

  beforeAll(async () => {
    world = await World.create()
    ann = world.person('Ann', 'ann@corp.example')
    ben = world.person('Ben', 'ben@corp.example')
    dora = world.person('Dora', 'dora@corp.example')
    eve = world.person('Eve', 'eve@corp.example')
    outsider = world.person('Olaf', 'olaf@elsewhere.example')
    const run = {
      job_workflow_ref: workflow,
      repository: 'ops/release',
      repository_id: '4711',
      ref: 'refs/heads/main',
    }
    releases = world.workflow('Releases', 'releases@corp.example', run)
    fork = world.workflow('Releases', 'releases@corp.example', { ...run, repository_id: '4712' })
  })
  afterAll(() => world.close())

  const identity = (address: string): string =>
    `email = "${address}"\nissuer = "${world.stack.issuer}"\ntrust = "corp"\n`
  const policy = (more = ''): string => `version = 1
admins = ["sec-ann", "sec-ben"]
other-refs = "signed"
${world.pinRoot('corp')}
[people.sec-ann]
${identity('ann@corp.example')}
[people.sec-ben]
${identity('ben@corp.example')}
[people.dora]
${identity('dora@corp.example')}
[shared.staff]
${identity('*@corp.example')}
[bots.release-bot]
uri = "https://github.com/${workflow}"
issuer = "${world.stack.url}/ci/github"
trust = "corp"
git = ["releases@corp.example"]
repository-id = "4711"
ref = "refs/heads/main"

[teams]
pay-team = ["sec-ben", "dora"]

[[protect]]
refs = ["refs/heads/main", "refs/heads/stable/**"]
by = ["staff", "sec-ann", "sec-ben", "dora"]

[[protect]]
refs = ["refs/heads/main"]
paths = ["payments/", "infra/"]
by = ["pay-team"]

[[protect]]
refs = ["refs/tags/**"]
by = ["release-bot"]
on = ["refs/heads/main"]
${more}`

  const audit = (...args: string[]): Promise<Outcome> =>
    world.judge('audit', '--anchor', anchor, ...args)
  const verdictOn = async (id: string, ...args: string[]): Promise<string | undefined> =>
    byCommit(await audit(...args)).get(id)
  const back = async (): Promise<void> => {
    world.forgetTips()
    await world.git('checkout', '-q', '-f', 'main')
    await world.git('reset', '-q', '--hard', good)
  }

  it('adoption by the security team, then everybody’s work', async () => {
    anchor = await world.commit(ann, 'adopt', { '.signet/policy.toml': policy() })
    const work = await world.commit(eve, 'eve works')
    const outcome = await audit()
    expect(outcome.summary).toMatchObject({ exit: 0, checked: 1 })
    expect(byCommit(outcome).get(work)).toBe('signed')
    expect(outcome.verdicts[0]?.person).toBe('staff')
    good = await world.id()
  })

  it('nobody from outside, and nobody under a colleague’s line', async () => {
    const outside = await world.commit(outsider, 'from outside')
    const line = await world.commit({ ...eve, email: 'dora@corp.example' }, 'as dora')
    const found = byCommit(await audit())
    expect(found.get(outside)).toBe('UNKNOWN_SIGNER')
    expect(found.get(line)).toBe('COMMITTER_MISMATCH')
    await back()
  })

  it('a group may neither administer nor land a policy', async () => {
    const landing = await world.commit(eve, 'eve lands', {
      '.signet/policy.toml': policy('# eve was here\n'),
    })
    expect(await verdictOn(landing)).toContain('POLICY_CHANGE_NOT_ADMIN')
    await back()
    const asAdmin = await world.commit(ann, 'group as admin', {
      '.signet/policy.toml': policy().replace('["sec-ann", "sec-ben"]', '["staff"]'),
    })
    const outcome = await audit()
    expect(byCommit(outcome).get(asAdmin)).toContain('POLICY_INVALID')
    expect(outcome.status).toBe(1)
    await back()
  })

  it('payments are for those who pay', async () => {
    const eves = await world.commit(eve, 'eve pays', { 'payments/a.txt': '1' })
    const doras = await world.commit(dora, 'dora pays', { 'payments/b.txt': '1' })
    const moved = await (async () => {
      await world.git('mv', 'payments/b.txt', 'elsewhere.txt')
      return world.as(eve, ['commit', '-q', '-S', '-m', 'eve moves it out'])
    })()
    const twin = await world.commit(eve, 'a twin of the folder', { 'Payments/c.txt': '1' })
    const found = byCommit(await audit())
    expect(found.get(eves)).toBe('PATH_NOT_ALLOWED')
    expect(found.get(doras)).toBe('signed')
    expect(found.get(moved)).toBe('PATH_NOT_ALLOWED')
    expect(found.get(twin)).toBe('PATH_NOT_ALLOWED')
    await back()
  })

  it('only the release workflow of that repository makes tags', async () => {
    await world.as(releases, ['tag', '-s', '-m', '1.0', '1.0', 'main'])
    await world.as(fork, ['tag', '-s', '-m', '1.1', '1.1', 'main'])
    await world.as(ann, ['tag', '-s', '-m', '1.2', '1.2', 'main'])
    const verifyTag = (tag: string): Promise<Outcome> =>
      world.judge('verify-tag', '--anchor', anchor, tag)
    const fine = await verifyTag('1.0')
    expect(fine.summary, fine.stderr + JSON.stringify(fine.verdicts)).toMatchObject({ exit: 0 })
    expect(fine.verdicts[0]?.person).toBe('release-bot')
    expect((await verifyTag('1.1')).verdicts[0]?.codes).toContain('CLAIM_MISMATCH')
    expect((await verifyTag('1.2')).verdicts[0]?.codes).toContain('NOT_ALLOWED_HERE')
    const all = await audit('--all')
    expect(all.status).toBe(1)
    await world.git('tag', '-d', '1.1')
    await world.git('tag', '-d', '1.2')
    expect((await audit('--all')).status).toBe(0)
  })

  it('a floor outside the tree: an admin alone cannot make another', async () => {
    const floor = world.path('../floor.toml')
    const text = policy().replace('["sec-ann", "sec-ben"]', '["sec-ann"]')
    world.write('../floor.toml', text.slice(0, text.indexOf('[[protect]]')))
    world.write('../trust/corp.json', '')
    await world.git('show', `${anchor}:.signet/trust/corp.json`).then((root) => {
      world.write('../trust/corp.json', `${root}\n`)
    })
    const landing = await world.commit(ben, 'ben lands', {
      '.signet/policy.toml': policy('# by ben\n'),
    })
    expect((await audit()).status).toBe(0)
    const floored = await audit('--policy', floor)
    expect(floored.status).toBe(1)
    expect(byCommit(floored).get(landing)).toContain('POLICY_CHANGE_NOT_ADMIN')
    await back()
  })

  it('in a clone the branches are the server’s, whatever is checked out', async () => {
    await world.git('branch', '-f', 'published', good)
    await world.git('update-ref', 'refs/remotes/origin/main', good)
    await world.commit(outsider, 'local mischief')
    expect((await audit()).status).toBe(0)
    expect((await audit('main')).status).toBe(1)
    const range = await world.judge('verify', '--anchor', anchor, 'origin/main..HEAD')
    expect(range.verdicts.map(({ ref, codes }) => [ref, ...codes])).toEqual([
      ['refs/heads/main', 'UNKNOWN_SIGNER'],
    ])
    await world.git('update-ref', '-d', 'refs/remotes/origin/main')
    await back()
  })
})
