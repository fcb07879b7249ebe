import { describe, expect, test } from 'vitest'
import { MAIN, MemoryWorld, ZERO, policyOf, read, rule } from '../policy/memory-world.ts'

const two = policyOf(['alice', 'bob'], rule('alice bob'))
const withMallory = policyOf(['alice', 'bob', 'mallory'], rule('alice bob mallory'))

describe('who may land a policy', () => {
  test('attack 1: a push adds the attacker to the policy and his own commit on top', async () => {
    const world = await MemoryWorld.of(two)
    const landing = world.commit({ parents: [world.anchor], by: 'mallory', policy: withMallory })
    const own = world.commit({ parents: [landing], by: 'mallory', files: { evil: '1' } })
    const result = await world.push(MAIN, own)
    expect(result.exit).toBe(1)
    expect(result.of(landing).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
    expect(result.of(own).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 2: the same inside a side branch that a listed non-admin merges', async () => {
    const world = await MemoryWorld.of(two)
    const side = world.commit({ parents: [world.anchor], by: 'mallory', policy: withMallory })
    const merge = world.merge(world.anchor, side, { by: 'bob' })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.of(merge).codes).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
    expect(result.of(side).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 3: the newcomer’s commits in the merge that lands him; in two steps they pass', async () => {
    // anchor ─ landing by alice ─ work by mallory, merged by alice all at once
    const world = await MemoryWorld.of(two)
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy: withMallory })
    const work = world.commit({ parents: [landing], by: 'mallory', files: { new: '1' } })
    const merge = world.merge(world.anchor, work, { by: 'alice' })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.of(work).codes).toEqual(['UNKNOWN_SIGNER'])
    expect((await world.push(MAIN, landing)).exit).toBe(0)
    expect((await world.push(MAIN, work)).exit).toBe(0)
    expect((await world.audit()).exit).toBe(0)
  })

  test.each([
    ['deleted', { '.signet/policy.toml': null }],
    ['renamed', { '.signet/policy.toml': null, '.signet/policy2.toml': two }],
    ['a symlink', { '.signet/policy.toml': `120000:../other` }],
    ['a gitlink', { '.signet/policy.toml': `160000:0` }],
    ['executable', { '.signet/policy.toml': `100755:${two}` }],
    ['a directory', { '.signet/policy.toml': null, '.signet/policy.toml/x': two }],
    ['a case variant', { '.signet/policy.toml': null, '.signet/Policy.toml': two }],
    ['joined by a case variant', { '.signet/Policy.toml': two }],
    ['all of it a file', { '.signet/policy.toml': null, '.signet': two }],
    ['all of it a link', { '.signet/policy.toml': null, '.signet': '120000:x' }],
    ['under .Signet (76)', { '.Signet/policy.toml': two }],
    ['under .signet with an ignorable character (76)', { '.sig\u200dnet/policy.toml': two }],
  ])('attack 4: the policy file %s', async (_, files) => {
    for (const by of ['alice', 'bob']) {
      const world = await MemoryWorld.of(two)
      const landing = world.commit({ parents: [world.anchor], by, files })
      const result = await world.push(MAIN, landing)
      expect(result.exit).toBe(1)
      const code = by === 'alice' ? 'POLICY_INVALID' : 'POLICY_CHANGE_NOT_ADMIN'
      expect(result.of(landing).codes).toContain(code)
      const anchored = new MemoryWorld()
      anchored.anchor = anchored.commit({ by, files })
      expect((await anchored.push(MAIN, anchored.anchor)).exit).toBe(3)
    }
  })

  test('attack 5: the policy changes only in the tree of a merge', async () => {
    const world = await MemoryWorld.of(two)
    const side = world.commit({ parents: [world.anchor], by: 'bob', files: { a: '1' } })
    const merge = world.merge(world.anchor, side, { by: 'bob', policy: withMallory })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.of(merge).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
  })

  test('attack 6: a target beside the anchor whose own tree lists its signer', async () => {
    const world = new MemoryWorld()
    const root = world.commit({ by: 'alice', files: { a: '1' } })
    world.anchor = world.commit({ parents: [root], by: 'alice', policy: two })
    const sibling = world.commit({ parents: [root], by: 'mallory', policy: withMallory })
    const stranger = world.commit({ by: 'mallory', policy: withMallory })
    expect((await world.push(MAIN, sibling)).exit).toBe(3)
    expect((await world.push(MAIN, stranger)).exit).toBe(3)
    expect((await world.push(MAIN, world.anchor)).exit).toBe(0)
    for (const target of [sibling, stranger]) {
      const result = await world.push(MAIN, target)
      expect(result.exit).toBe(1)
      expect(result.codes).toContain('NOT_DESCENDANT')
      expect((await world.audit(target)).exit).toBe(3)
    }
  })

  test('attack 7: the anchor is abbreviated, missing, a tag or a tree', async () => {
    const world = await MemoryWorld.of(two)
    const { anchor } = world
    const tag = world.tag('v1', anchor, { by: 'alice' })
    for (const wrong of [anchor.slice(0, 12), 'main', tag, world.git.treeOf({}), '1'.repeat(40)]) {
      world.anchor = wrong
      expect((await world.audit(anchor)).exit).toBe(3)
    }
  })

  test('attack 8: no policy at the anchor; deleted later the last good one stays in force', async () => {
    const world = new MemoryWorld()
    world.anchor = world.commit({ by: 'alice', files: { a: '1' } })
    expect((await world.audit(world.anchor)).exit).toBe(3)
    const later = await MemoryWorld.of(two)
    const files = { '.signet/policy.toml': null }
    const gone = later.commit({ parents: [later.anchor], by: 'alice', files })
    const work = later.commit({ parents: [gone], by: 'bob', files: { a: '1' } })
    const evil = later.commit({ parents: [work], by: 'mallory', files: { a: '2' } })
    const result = await later.audit(evil)
    expect(result.of(gone).codes).toEqual(['POLICY_INVALID'])
    expect(result.of(work).verdict).toBe('pass')
    expect(result.of(evil).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 10: the new policy is invalid, or leaves no usable admin', async () => {
    const world = await MemoryWorld.of(two)
    const land = async (policy: string): Promise<readonly string[]> => {
      const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
      return (await world.push(MAIN, landing)).of(landing).codes
    }
    const retired = '[people.alice]\nemail = "alice@example.org"\nissuer = "google"\n'
    expect(await land('version = 2\n')).toEqual(['POLICY_INVALID'])
    expect(
      await land(policyOf([`${retired}until = 2025-12-31T00:00:00Z\n`, 'bob'], rule('bob'))),
    ).toEqual(['POLICY_LOCKOUT'])
    expect(await land(`${two}\n[[revoke]]\nperson = "alice"\nreason = "gone"\n`)).toEqual([
      'POLICY_LOCKOUT',
    ])
    const corp = '[trust.corp]\nroot = ".signet/trust/corp.json"\nsha256 = "' + 'a'.repeat(64) + '"'
    expect(
      await land(policyOf([`${retired}trust = "corp"\n`, 'bob'], `${corp}\n${rule('bob')}`)),
    ).toEqual(['POLICY_LOCKOUT'])
  })

  test('attack 11: two policy changes in one push, the second relying on the first; reversed', async () => {
    const carol = policyOf(['alice', 'bob', 'carol'], rule('alice bob carol'), {
      admins: ['carol'],
    })
    const next = policyOf(['alice', 'carol'], rule('alice carol'), { admins: ['carol'] })
    const world = await MemoryWorld.of(two)
    const first = world.commit({ parents: [world.anchor], by: 'alice', policy: carol })
    const second = world.commit({ parents: [first], by: 'carol', policy: next })
    expect((await world.push(MAIN, second)).exit).toBe(0)
    const reversed = await MemoryWorld.of(two)
    const one = reversed.commit({ parents: [reversed.anchor], by: 'carol', policy: next })
    const other = reversed.commit({ parents: [one], by: 'alice', policy: carol })
    const result = await reversed.push(MAIN, other)
    expect(result.exit).toBe(1)
    expect(result.of(one).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
  })

  test('attack 66: under mainline an unsigned side commit edits the policy; a non-admin merges it', async () => {
    const mainline = policyOf(
      ['alice', 'bob'],
      `${rule('alice bob', 'commits = "mainline"')}${rule('alice', 'commits = "mainline"\npaths = ["ci/"]')}`,
    )
    const world = await MemoryWorld.of(mainline)
    const policy = mainline.replace('["alice"]', '["bob"]')
    const side = world.commit({ parents: [world.anchor], by: undefined, policy })
    const merge = world.merge(world.anchor, side, { by: 'bob' })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.of(merge).codes).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
    const ci = world.commit({ parents: [world.anchor], by: undefined, files: { 'ci/run': '1' } })
    const other = world.merge(world.anchor, ci, { by: 'bob' })
    expect((await world.push(MAIN, other)).of(other).codes).toEqual(['PATH_NOT_ALLOWED'])
    expect((await world.push(MAIN, world.merge(world.anchor, ci, { by: 'alice' }))).exit).toBe(0)
  })

  test('attack 67: an old policy commit comes back through a stale branch', async () => {
    const world = await MemoryWorld.of(withMallory)
    const retired = world.commit({ parents: [world.anchor], by: 'alice', policy: two })
    await world.push(MAIN, retired)
    // Alice signed this once, and it never landed.
    const stale = world.commit({
      parents: [world.anchor],
      by: 'alice',
      policy: `${withMallory}\n# x`,
    })
    const merge = world.merge(retired, stale, { by: 'bob', policy: `${withMallory}\n# x` })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.of(merge).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
  })

  test('attack 84: a proposal merged by the web button without, with a stale, with the right trailer', async () => {
    const forge = `[forges.github]\npgp = ["968479A1AFF927E37D1A566BB5690EEEBB952194"]\ncommitter = "noreply@github.com"\n`
    const web = policyOf(['alice', 'bob'], `${forge}${rule('alice bob', 'merge-by = ["github"]')}`)
    const world = await MemoryWorld.of(web)
    const trailer = (id: string): string => `change\n\nSignet-Policy-After: ${id}\n`
    const propose = async (message: string, by = 'alice', extra?: string): Promise<string> => {
      const tip = world.git.refs.get(MAIN) ?? ''
      const policy = `${web}# ${String(world.facts.size)}`
      const proposal = world.commit({ parents: [tip], by, policy, message })
      const merge = world.merge(tip, proposal, { by: 'forge', ...(extra && { policy: extra }) })
      const result = await world.push(MAIN, merge)
      return result.exit === 0
        ? 'lands'
        : result.codes.includes('POLICY_CHANGE_NOT_ADMIN')
          ? 'refused'
          : 'other'
    }
    expect(await propose('change')).toBe('refused')
    expect(await propose(trailer('1'.repeat(40)))).toBe('refused')
    expect(await propose(`${trailer(world.anchor)}${trailer('1'.repeat(40))}`)).toBe('refused')
    expect(await propose(trailer(world.anchor), 'bob')).toBe('refused')
    expect(await propose(trailer(world.anchor), 'alice', `${web}# other`)).toBe('refused')
    expect(await propose(trailer(world.anchor))).toBe('lands')
    expect(await propose(trailer(world.anchor))).toBe('refused')
    expect((await world.audit()).exit).toBe(0)
  })

  test('attack 85: the admin who landed a policy is revoked later: the landing stays, and it is told', async () => {
    const world = await MemoryWorld.of(
      policyOf(['alice', 'bob'], rule('alice bob'), { admins: ['alice', 'bob'] }),
    )
    const carol = policyOf(['alice', 'bob', 'carol'], rule('alice bob carol'), {
      admins: ['alice', 'bob'],
    })
    const landing = world.commit({ parents: [world.anchor], by: 'bob', policy: carol })
    const work = world.commit({ parents: [landing], by: 'carol', files: { a: '1' } })
    const revoking = world.commit({
      parents: [work],
      by: 'alice',
      policy: `${carol}[[revoke]]\nperson = "bob"\nreason = "stolen"\n`,
    })
    const result = await world.audit(revoking)
    expect(result.of(landing).codes).toEqual(['REVOKED'])
    expect(result.of(work).verdict).toBe('pass')
    expect(result.of(revoking).verdict).toBe('pass')
  })

  test('attack 79: a landing that fails: its newcomers stay unknown', async () => {
    const world = await MemoryWorld.of(two)
    const failed = world.commit({ parents: [world.anchor], by: 'bob', policy: withMallory })
    const work = world.commit({ parents: [failed], by: 'mallory', files: { a: '1' } })
    const result = await world.audit(work)
    expect(result.of(failed).codes).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
    expect(result.of(work).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 78: a range after a commit that does not verify is judged by the chain’s policy', async () => {
    const world = await MemoryWorld.of(two)
    const planted = world.commit({ parents: [world.anchor], by: 'mallory', policy: withMallory })
    const work = world.commit({ parents: [planted], by: 'mallory', files: { a: '1' } })
    world.force(MAIN, work)
    const result = await world.range(MAIN, work, [planted])
    expect(result.exit).toBe(1)
    expect(result.of(work).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('a landing that cannot be checked makes everything later “could not check”', async () => {
    const world = await MemoryWorld.of(two)
    const landing = world.commit({
      parents: [world.anchor],
      by: 'alice',
      policy: withMallory,
      at: null,
    })
    const work = world.commit({ parents: [landing], by: 'bob', files: { a: '1' } })
    world.force(MAIN, work)
    expect((await world.audit()).exit).toBe(4)
    const topic = world.commit({ parents: [world.anchor], by: 'bob', files: { b: '1' } })
    expect((await world.push('refs/heads/topic', topic)).exit).toBe(4)
    expect((await world.range(MAIN, work, [landing])).exit).toBe(4)
  })

  test('with a floor an admin alone cannot make another', async () => {
    const world = await MemoryWorld.of(
      policyOf(['alice', 'bob'], rule('alice bob'), { admins: ['alice', 'bob'] }),
    )
    world.floor = read(policyOf(['alice'], ''), 'floor')
    const byBob = world.commit({ parents: [world.anchor], by: 'bob', policy: withMallory })
    expect((await world.push(MAIN, byBob)).of(byBob).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
    const byAlice = world.commit({ parents: [world.anchor], by: 'alice', policy: withMallory })
    expect((await world.push(MAIN, byAlice)).exit).toBe(0)
  })
})

describe('stale rights', () => {
  const retired = (until: string): string =>
    policyOf(
      [
        'alice',
        `[people.bob]\nemail = "bob@example.org"\nissuer = "google"\nuntil = ${until}\n`,
        'carol',
      ],
      rule('alice bob carol'),
    )
  const three = policyOf(['alice', 'bob', 'carol'], rule('alice bob carol'))

  test('attack 13: retired Bob extends an old branch, another member merges it', async () => {
    const world = await MemoryWorld.of(three)
    const policy = retired('2026-01-01T02:30:00Z')
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
    const old = world.commit({ parents: [world.anchor], by: 'bob', files: { b: '1' } })
    const merge = world.merge(landing, old, { by: 'carol' })
    await world.push(MAIN, landing)
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.of(old).codes).toEqual(['AFTER_UNTIL'])
  })

  test('attack 14: the same as a fast-forward, main as the second parent', async () => {
    // anchor ─ landing (Bob retires)
    //       └─ bob ─ merge(bob, landing)
    for (const by of [{ kind: 'ssh-key', value: 'ssh-ed25519 AAAA' } as const, 'bob']) {
      const world = await MemoryWorld.of(three)
      const policy = policyOf(['alice', 'carol'], rule('alice carol'))
      const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
      await world.push(MAIN, landing)
      const old = world.commit({ parents: [world.anchor], by, files: { b: '1' } })
      const merge = world.merge(old, landing, { by: 'carol' })
      const result = await world.push(MAIN, merge)
      expect(result.exit).toBe(1)
      expect(result.codes).toContain('FOXTROT')
      const audited = await world.audit(merge)
      expect(audited.exit).toBe(1)
      expect(audited.of(merge).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
    }
  })

  test('attack 15: a newcomer commits on a branch forked before he was added', async () => {
    const world = await MemoryWorld.of(two)
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy: withMallory })
    await world.push(MAIN, landing)
    const work = world.commit({ parents: [world.anchor], by: 'mallory', files: { m: '1' } })
    expect((await world.push(MAIN, world.merge(landing, work, { by: 'bob' }))).exit).toBe(0)
  })

  test('attack 87: a pull merge with no policy landed between passes, with one it is a foxtrot', async () => {
    const world = await MemoryWorld.of(two)
    const theirs = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    const ours = world.commit({ parents: [world.anchor], by: 'bob', files: { b: '1' } })
    await world.push(MAIN, theirs)
    expect((await world.push(MAIN, world.merge(ours, theirs, { by: 'bob' }))).exit).toBe(0)
    expect((await world.audit()).exit).toBe(0)
    const tip = world.git.refs.get(MAIN) ?? ''
    const landing = world.commit({ parents: [tip], by: 'alice', policy: withMallory })
    const work = world.commit({ parents: [tip], by: 'bob', files: { b: '2' } })
    await world.push(MAIN, landing)
    const result = await world.push(MAIN, world.merge(work, landing, { by: 'bob' }))
    expect(result.exit).toBe(1)
    expect(result.codes).toContain('FOXTROT')
  })

  test('a pull merge over a landing of one’s own is judged as an audit judges it', async () => {
    // anchor ─ theirs (by mallory)        what stands on the server
    //       └─ landing (mallory leaves) ─ merge(landing, theirs)
    const world = await MemoryWorld.of(withMallory)
    const theirs = world.commit({ parents: [world.anchor], by: 'mallory', files: { m: '1' } })
    await world.push(MAIN, theirs)
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy: two })
    const merge = world.merge(landing, theirs, { by: 'alice' })
    const pushed = await world.push(MAIN, merge)
    const audited = await world.audit(merge)
    expect(pushed.exit).toBe(audited.exit)
    expect(audited.of(theirs).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 82: under mainline a merge whose first parent is old drops a fix', async () => {
    const world = await MemoryWorld.of(
      policyOf(['alice', 'bob'], rule('alice bob', 'commits = "mainline"')),
    )
    const fix = world.commit({ parents: [world.anchor], by: 'alice', files: { bug: 'fixed' } })
    await world.push(MAIN, fix)
    const merge = world.merge(world.anchor, fix, { by: 'bob', files: { bug: null } })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(1)
    expect(result.codes).toContain('FOXTROT')
  })

  test('attack 22: main moved back to an older verified commit is a rewrite', async () => {
    const world = await MemoryWorld.of(two)
    const one = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    await world.push(MAIN, one)
    const result = await world.push(MAIN, world.anchor)
    expect(result.exit).toBe(1)
    expect(result.codes).toContain('REWRITTEN')
  })

  test('attack 58: the policy branch is deleted', async () => {
    const world = await MemoryWorld.of(two)
    expect((await world.push(MAIN, ZERO)).codes).toEqual(['DELETED'])
  })

  test('attack 88: the first push without the anchor, with it, and another ref before it', async () => {
    const world = new MemoryWorld()
    const root = world.commit({ by: 'alice', files: { a: '1' } })
    world.anchor = world.commit({ parents: [root], by: 'alice', policy: two })
    const work = world.commit({ parents: [world.anchor], by: 'bob', files: { b: '1' } })
    expect((await world.push(MAIN, root)).exit).toBe(3)
    expect((await world.push(MAIN, work)).exit).toBe(0)
    const later = new MemoryWorld()
    const old = later.commit({ by: 'alice', files: { a: '1' } })
    later.anchor = later.commit({ parents: [old], by: 'alice', policy: two })
    later.force(MAIN, old)
    const evil = later.commit({ parents: [later.anchor], by: 'mallory', files: { a: '2' } })
    expect((await later.push(MAIN, evil)).exit).toBe(1)
    expect((await later.push(MAIN, later.anchor)).exit).toBe(0)
  })
})
