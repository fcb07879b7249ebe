import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byCommit, World } from './world.ts'
import type { Outcome, Signer } from './world.ts'

// An open source project with web merges, a forge-vouched bot and release tags: the first worked
// policy, played from adoption on. Each story starts from the state that the one before left good.
describe('a worked policy: open source', () => {
  let world: World
  let alice: Signer
  let bob: Signer
  let carol: Signer
  let mallory: Signer
  let forge: Signer
  let forgeLine = ''
  let anchor = ''
  /** The newest state of main in which everything is good. */
  let good = ''

  beforeAll(async () => {
    world = await World.create()
    alice = world.person('Alice', 'alice@example.org')
    bob = world.person('Bob', 'bob@uni.example')
    carol = world.person('Carol', 'carol@example.net')
    mallory = world.person('Mallory', 'mallory@evil.example')
    const made = await world.forge('GitHub', 'noreply@github.com')
    forge = made.signer
    forgeLine = made.line
  })
  afterAll(() => world.close())

  const personTable = (name: string, { email }: Signer, more = ''): string =>
    `[people.${name}]\nemail = "${email}"\nissuer = "${world.stack.issuer}"\ntrust = "stack"\n${more}\n`

  interface Members {
    readonly admins?: readonly string[]
    readonly bob?: boolean
    readonly carolUntil?: string
    readonly more?: string
  }
  const policy = ({ admins = ['alice'], bob: hasBob = false, carolUntil, more = '' }: Members) => {
    const core = hasBob ? '"alice", "bob"' : '"alice"'
    return `version = 1
admins = ${JSON.stringify(admins)}
${world.pinRoot('stack')}
${personTable('alice', alice)}
${hasBob ? personTable('bob', bob) : ''}
${personTable('carol', carol, carolUntil === undefined ? '' : `until = ${carolUntil}`)}
[forges.github]
ssh = ["${forgeLine}"]
committer = "noreply@github.com"
accept = ["clean-merge", "matching-squash"]

[bots.dependabot]
forge = "github"
author = "dependabot@users.example"
paths = ["deps.lock"]

[teams]
core = [${core}]

[[protect]]
refs = ["refs/heads/main"]
by = ["core", "carol", "dependabot"]
merge-by = ["core", "carol", "github"]
author = "any"

[[protect]]
refs = ["refs/heads/main"]
paths = ["src/"]
by = ["core"]
merge-by = ["core", "github"]
author = "any"

[[protect]]
refs = ["refs/heads/release/*"]
by = ["core"]

[[protect]]
refs = ["refs/tags/v*"]
by = ["core"]
on = ["refs/heads/main", "refs/heads/release/*"]
${more}`
  }
  const land = (who: Signer, message: string, members: Members): Promise<string> =>
    world.commit(who, message, { '.signet/policy.toml': policy(members) })
  const audit = (...args: string[]): Promise<Outcome> =>
    world.judge('audit', '--anchor', anchor, ...args)
  const backToGood = async (): Promise<void> => {
    // Whoever puts main back on purpose must say so: what was verified is remembered.
    world.forgetTips()
    await world.git('checkout', '-q', '-f', 'main')
    await world.git('reset', '-q', '--hard', good)
    await world.git('clean', '-q', '-fd')
  }
  const expectGood = async (): Promise<void> => {
    const outcome = await audit()
    expect(outcome.summary, JSON.stringify(outcome.verdicts)).toMatchObject({ exit: 0, fail: 0 })
    good = await world.id('main')
  }

  it('adoption: what was there unsigned is left alone, what comes is judged', async () => {
    for (const name of ['one', 'two']) {
      world.write(`${name}.txt`, name)
      await world.git('add', '-A')
      await world.git(
        ...['-c', 'user.name=Old', '-c', 'user.email=old@example.org', 'commit', '-qm', name],
      )
    }
    anchor = await land(alice, 'adopt', {})
    good = anchor
    expect((await audit()).summary).toMatchObject({ exit: 4, codes: { NOTHING_TO_CHECK: 1 } })
    expect((await audit('--allow-empty')).status).toBe(0)
    await world.commit(alice, 'first work')
    const outcome = await audit()
    expect(outcome.summary).toMatchObject({ exit: 0, checked: 1, pass: 1 })
    expect(outcome.verdicts[0]).toMatchObject({
      person: 'alice',
      ref: 'refs/heads/main',
      policy: anchor,
      strength: 'signed',
    })
    good = await world.id()
  })

  it('a stranger’s commit, an unsigned one, and one with another’s committer line fail', async () => {
    const stranger = await world.commit(mallory, 'stranger')
    world.write('unsigned.txt', 'x')
    await world.git('add', '-A')
    await world.git('-c', 'user.name=A', '-c', 'user.email=a@b', 'commit', '-qm', 'unsigned')
    const unsigned = await world.id()
    const forged = { ...alice, email: 'bob@uni.example' }
    const wrongLine = await world.commit(forged, 'wrong line')
    const found = byCommit(await audit())
    expect(found.get(stranger)).toBe('UNKNOWN_SIGNER')
    expect(found.get(unsigned)).toBe('UNSIGNED')
    expect(found.get(wrongLine)).toBe('COMMITTER_MISMATCH')
    await backToGood()
  })

  it('joining: the policy first, then the person', async () => {
    const early = await world.commit(bob, 'too early')
    await land(alice, 'bob joins', { bob: true })
    const late = await world.commit(bob, 'in time')
    const found = byCommit(await audit())
    expect(found.get(early)).toBe('UNKNOWN_SIGNER')
    expect(found.get(late)).toBe('signed')
    await backToGood()
    await land(alice, 'bob joins', { bob: true })
    await world.commit(bob, 'bob works')
    await expectGood()
  })

  it('a newcomer who adds himself fails, and so does everything that rests on it', async () => {
    const landing = await world.commit(carol, 'carol adds mallory', {
      '.signet/policy.toml': policy({ bob: true, more: personTable('mallory', mallory) }),
    })
    const after = await world.commit(mallory, 'mallory works')
    const fine = await world.commit(alice, 'alice works on')
    const outcome = await audit()
    const found = byCommit(outcome)
    expect(found.get(landing)).toContain('POLICY_CHANGE_NOT_ADMIN')
    expect(found.get(after)).toBe('UNKNOWN_SIGNER')
    expect(found.get(fine)).toBe('signed')
    const text = await world.signet('audit', '--anchor', anchor)
    expect(text.stdout).toContain('did not land')
    await backToGood()
  })

  it('admin change: bob may land a policy only after alice made him an admin', async () => {
    const early = await land(bob, 'bob tries', { bob: true, admins: ['alice', 'bob'] })
    expect(byCommit(await audit()).get(early)).toContain('POLICY_CHANGE_NOT_ADMIN')
    await backToGood()
    await land(alice, 'bob is admin', { bob: true, admins: ['alice', 'bob'] })
    await land(bob, 'bob lands one', { bob: true, admins: ['alice', 'bob'], more: '# by bob\n' })
    await expectGood()
  })

  it('web merges by the forge add nothing of their own; an evil one is told', async () => {
    await world.git('checkout', '-q', '-b', 'topic')
    const work = await world.commit(bob, 'topic work', { 'src/a.txt': 'a' })
    await world.git('checkout', '-q', 'main')
    const merge = await world.merge(forge, 'topic', 'Merge topic')
    const found = byCommit(await audit())
    expect(found.get(work)).toBe('signed')
    expect(found.get(merge)).toBe('mechanical')
    await expectGood()

    await world.git('checkout', '-q', '-b', 'topic2')
    await world.commit(bob, 'more work', { 'src/b.txt': 'b' })
    await world.git('checkout', '-q', 'main')
    await world.as(forge, ['merge', '-q', '--no-ff', '--no-commit', 'topic2'])
    const evil = await world.commit(forge, 'Merge topic2', { 'src/backdoor.txt': 'x' })
    const outcome = await audit()
    expect(byCommit(outcome).get(evil)).toBe('MERGE_ADDS_CHANGES')
    expect(outcome.status).toBe(1)
    await backToGood()
  })

  it('a squash by the forge counts when it is what the signed branch makes', async () => {
    await world.git('checkout', '-q', '-b', 'squashed')
    await world.commit(bob, 'part one', { 'src/c.txt': 'c' })
    const source = await world.commit(bob, 'part two', { 'src/d.txt': 'd' })
    await world.git('checkout', '-q', 'main')
    await world.git('merge', '-q', '--squash', 'squashed')
    const squash = await world.commit(forge, 'Squash (#7)', {}, bob)
    await world.git('update-ref', 'refs/pull/7/head', source)
    const found = byCommit(await audit())
    expect(found.get(squash)).toBe('mechanical')
    await expectGood()

    await world.git('checkout', '-q', '-b', 'squashed2')
    const other = await world.commit(bob, 'part three', { 'src/e.txt': 'e' })
    await world.git('checkout', '-q', 'main')
    await world.git('merge', '-q', '--squash', 'squashed2')
    const changed = await world.commit(forge, 'Squash (#8)', { 'src/e.txt': 'E' }, bob)
    await world.git('update-ref', 'refs/pull/8/head', other)
    expect(byCommit(await audit()).get(changed)).toBe('SQUASH_NOT_REPRODUCIBLE')
    await world.git('update-ref', '-d', 'refs/pull/8/head')
    await backToGood()

    const edit = await world.commit(forge, 'Edited in the browser', { 'src/a.txt': 'z' }, alice)
    expect(byCommit(await audit()).get(edit)).toBe('FORGE_EDIT')
    await backToGood()
  })

  it('a bot the forge vouches for stays in its corner', async () => {
    const dependabot = { ...forge, name: 'dependabot', email: 'dependabot@users.example' }
    const bump = await world.commit(forge, 'bump', { 'deps.lock': '2' }, dependabot)
    expect(byCommit(await audit()).get(bump)).toBe('vouched-by-forge')
    await expectGood()
    const escape = await world.commit(forge, 'bump more', { 'src/x.txt': '2' }, dependabot)
    const found = byCommit(await audit()).get(escape)
    expect(found).toContain('PATH_NOT_ALLOWED')
    await backToGood()
  })

  it('carol may not touch src/, whatever she merges', async () => {
    const outside = await world.commit(carol, 'carol writes docs', { 'docs.txt': 'd' })
    const inside = await world.commit(carol, 'carol writes code', { 'src/a.txt': 'c' })
    const found = byCommit(await audit())
    expect(found.get(outside)).toBe('signed')
    expect(found.get(inside)).toBe('PATH_NOT_ALLOWED')
    await world.git('reset', '-q', '--hard', outside)
    await expectGood()
  })

  it('release tags: by whom, by name, on a verified tip', async () => {
    await world.as(alice, ['tag', '-s', '-m', 'one', 'v1', 'main'])
    await world.as(carol, ['tag', '-s', '-m', 'two', 'v2', 'main'])
    await world.git('checkout', '-q', '-b', 'elsewhere')
    await world.commit(alice, 'not merged')
    await world.as(alice, ['tag', '-s', '-m', 'three', 'v3', 'HEAD'])
    await world.git('tag', 'v4', 'main')
    await world.git('update-ref', 'refs/tags/v5', await world.id('refs/tags/v1'))
    const verifyTag = (...tags: string[]): Promise<Outcome> =>
      world.judge('verify-tag', '--anchor', anchor, ...tags)
    expect((await verifyTag('v1')).status).toBe(0)
    for (const [tag, code] of [
      ['v2', 'NOT_ALLOWED_HERE'],
      ['v3', 'TAG_TARGET'],
      ['v4', 'TAG_NOT_ANNOTATED'],
      ['v5', 'TAG_NAME'],
    ] as const) {
      const outcome = await verifyTag(tag)
      expect(outcome.summary.exit, tag).toBe(1)
      expect(outcome.verdicts[0]?.codes, tag).toContain(code)
      expect(outcome.verdicts[0]?.ref).toBe(`refs/tags/${tag}`)
    }
    expect((await verifyTag('v1', 'v2')).status).toBe(1)
    for (const tag of ['v2', 'v3', 'v4', 'v5']) await world.git('tag', '-d', tag)
    await backToGood()
  })

  it('a release branch has rules of its own, and its tags', async () => {
    await world.git('checkout', '-q', '-b', 'release/1')
    const fix = await world.commit(bob, 'fix for release')
    expect(byCommit(await audit('release/1')).get(fix)).toBe('signed')
    await world.as(alice, ['tag', '-s', '-m', '1.1', 'v1.1', 'HEAD'])
    expect((await world.judge('verify-tag', '--anchor', anchor, 'v1.1')).status).toBe(0)
    const carols = await world.commit(carol, 'carol may not here')
    const outcome = await audit('release/1')
    expect(byCommit(outcome).get(carols)).toBe('NOT_ALLOWED_HERE')
    const range = ['verify', '--anchor', anchor, `${fix}..${carols}`]
    expect((await world.judge(...range, '--for', 'release/1')).status).toBe(1)
    expect((await world.judge(...range)).status).toBe(0)
    await backToGood()
  })

  it('leaving: what was signed before stays good, what comes later does not', async () => {
    const before = await world.commit(carol, 'carol’s last')
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    const until = new Date(Date.now() - 1_000).toISOString().replace(/\.\d+Z/, 'Z')
    await land(alice, 'carol leaves', { bob: true, admins: ['alice', 'bob'], carolUntil: until })
    await expectGood()
    const after = await world.commit(carol, 'carol is back')
    const found = byCommit(await audit())
    expect(found.get(before)).toBe('signed')
    expect(found.get(after)).toBe('AFTER_UNTIL')
    await backToGood()
  })

  it('a stolen account: what it signed in that time is revoked, one audited commit is not', async () => {
    const from = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString()
    const kept = await world.commit(bob, 'really bob')
    const stolen = await world.commit(bob, 'not bob')
    expect((await audit()).status).toBe(0)
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const revocation = `[[revoke]]\nperson = "bob"\nfrom = ${from}\nto = ${new Date().toISOString()}\nexcept = ["${kept}"]\nreason = "laptop stolen"\n`
    await land(alice, 'revoke', { bob: true, admins: ['alice', 'bob'], more: revocation })
    const found = byCommit(await audit())
    expect(found.get(kept)).toBe('signed')
    expect(found.get(stolen)).toBe('REVOKED')
    await backToGood()
  })

  it('rollback: a tip that lost what was verified before', async () => {
    await world.commit(alice, 'security fix')
    await expectGood()
    await world.git('reset', '-q', '--hard', 'HEAD~1')
    const outcome = await audit()
    expect(outcome.summary).toMatchObject({ exit: 1, fail: 0, codes: { ROLLBACK: 1 } })
    expect(outcome.summary.steps[0]).toMatchObject({ ref: 'refs/heads/main', codes: ['ROLLBACK'] })
    await backToGood()
    expect((await audit()).status).toBe(0)
  })

  it('verify judges a range by the policy in force, and explains itself', async () => {
    await world.git('checkout', '-q', '-b', 'proposal')
    await world.commit(bob, 'proposal')
    const told = await world.signet('verify', '--anchor', anchor, '--explain', 'main..HEAD')
    expect(told.status).toBe(0)
    expect(told.stdout).toContain('judged for refs/heads/main by .signet/policy.toml as landed at')
    expect(told.stdout).toMatch(/policy: as it stood at [0-9a-f]{40}/)
    expect(told.stdout).toMatch(/when: .* from rekor-v1/)
    expect((await world.judge('verify', '--anchor', anchor, 'HEAD', '--for', 'main')).status).toBe(
      0,
    )
    expect((await world.signet('verify', '--anchor', anchor, '--for', 'nowhere')).status).toBe(2)
    expect((await world.signet('verify', '--anchor', anchor.slice(0, 12))).status).toBe(3)
    expect((await world.signet('verify', '--anchor', 'f'.repeat(40))).status).toBe(3)
    const old = await world.judge('verify', '--anchor', anchor, `${anchor}~1`)
    expect(old.verdicts[0]).toMatchObject({ verdict: 'pass', strength: 'before-anchor' })
    await backToGood()
  })
})
