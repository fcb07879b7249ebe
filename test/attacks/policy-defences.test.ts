import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { auditRef } from '../../src/policy/range.ts'
import { FORGE_KEY, MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'
import type { Story } from '../policy/memory-world.ts'

const SSH = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUQBXYmSJPKEKvC5TuQgQ9pWLvZ3/LXrXNhgvNBzzzz'
const RELEASE = 'refs/heads/release/1'
const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n`

// Each of these failed with its defence taken out, and nothing else did.
describe('landings', () => {
  const rest = `${forge}${rule('alice bob', 'merge-by = ["alice", "github"]')}`
  const before = policyOf(['alice', 'bob'], rest)
  const after = policyOf(['alice', 'bob', 'carol'], rest)

  /** An admin's own proposal for this very state, merged by somebody. */
  const mergedBy = async (by: Story['by'], revoked = ''): Promise<readonly string[]> => {
    const world = await MemoryWorld.of(`${before}${revoked}`)
    const proposal = world.commit({
      parents: [world.anchor],
      by: 'alice',
      policy: `${after}${revoked}`,
      message: `policy\n\nSignet-Policy-After: ${world.anchor}\n`,
    })
    const merge = world.merge(world.anchor, proposal, { by })
    return (await world.push(MAIN, merge)).of(merge).codes
  }

  test('attack 84: the right proposal, merged by somebody who may not merge', async () => {
    expect(await mergedBy('github')).not.toEqual([])
    expect(await mergedBy('forge')).toEqual([])
    expect(await mergedBy('alice')).toEqual([])
    expect(await mergedBy('bob')).toContain('POLICY_CHANGE_NOT_ADMIN')
    expect(await mergedBy('mallory')).toContain('POLICY_CHANGE_NOT_ADMIN')
    expect(await mergedBy(undefined)).toContain('POLICY_CHANGE_NOT_ADMIN')
  })

  test('attack 84: the right proposal, merged by a forge that is revoked', async () => {
    const revoked = '[[revoke]]\nperson = "github"\nreason = "its key leaked"\n'
    expect(await mergedBy('forge', revoked)).toContain('POLICY_CHANGE_NOT_ADMIN')
    expect(await mergedBy('alice', revoked)).toEqual([])
  })

  test('attack 10: the only admin’s key is revoked, or nobody has the root he signs under', async () => {
    const keyed = `[people.alice]\nssh = ["${SSH}"]\ngit = ["key@example.org"]\n`
    const root = '{}'
    const sha256 = createHash('sha256').update(root).digest('hex')
    const corp = `[people.alice]\nemail = "alice@example.org"\nissuer = "google"\ntrust = "corp"\n`
    const pin = `[trust.corp]\nroot = ".signet/trust/corp.json"\nsha256 = "${sha256}"\n`
    const land = async (policy: string, files: Story['files'] = {}): Promise<readonly string[]> => {
      const world = await MemoryWorld.of(policyOf(['alice'], rule('alice')))
      const landing = world.commit({ parents: [world.anchor], by: 'alice', policy, files })
      return (await world.push(MAIN, landing)).of(landing).codes
    }
    const withKey = policyOf([keyed], rule('alice'))
    expect(await land(withKey)).toEqual([])
    const revoked = `${withKey}[[revoke]]\nkey = "${SSH}"\nreason = "lost"\n`
    expect(await land(revoked)).toEqual(['POLICY_LOCKOUT'])
    const pinned = policyOf([corp], `${pin}${rule('alice')}`)
    expect(await land(pinned)).toEqual(['POLICY_LOCKOUT'])
    expect(await land(pinned, { '.signet/trust/corp.json': root })).toEqual([])
    expect(await land(pinned, { '.signet/trust/corp.json': '{ }' })).toEqual(['POLICY_LOCKOUT'])
    expect(await land(pinned, { '.signet/trust': '120000:corp' })).toEqual(['POLICY_LOCKOUT'])
    expect(await land(pinned, { '.signet/trust/corp.json': `120000:${root}` })).toEqual([
      'POLICY_LOCKOUT',
    ])
  })

  test('attack 79: putting back what is in force is no landing, whoever does it', async () => {
    const world = await MemoryWorld.of(before)
    const failed = world.commit({ parents: [world.anchor], by: 'bob', policy: after })
    const back = world.commit({ parents: [failed], by: 'bob', policy: before })
    const on = world.commit({ parents: [back], by: 'bob', files: { a: '1' } })
    world.force(MAIN, on)
    const result = await world.audit()
    expect(result.of(failed).codes).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
    expect(result.of(back).codes).toEqual([])
    expect(result.of(on).codes).toEqual([])
  })
})

describe('movements and ranges', () => {
  test('attack 82: under mainline another ref too may not take a new first parent', async () => {
    const policy = policyOf(
      ['alice', 'bob'],
      `${rule('alice bob')}${rule('alice bob', 'commits = "mainline"', 'refs/heads/release/*')}`,
    )
    const world = await MemoryWorld.of(policy)
    const fix = world.commit({ parents: [world.anchor], by: 'alice', files: { fix: '1' } })
    expect((await world.push(RELEASE, fix)).exit).toBe(0)
    const old = world.commit({ parents: [world.anchor], by: 'bob', files: { a: '1' } })
    const foxtrot = world.merge(old, fix, { by: 'bob', files: { fix: null } })
    expect((await world.push(RELEASE, foxtrot)).codes).toEqual(['FOXTROT'])
    const straight = world.merge(fix, old, { by: 'bob' })
    expect((await world.push(RELEASE, straight)).exit).toBe(0)
  })

  test('attack 82: a pull merge on a side where mainline landed hides what was there before', async () => {
    // Found by attack 65: the push had judged what an audit would then leave to the merger.
    const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rule('alice bob')))
    const there = world.commit({ parents: [world.anchor], by: 'bob', files: { a: '1' } })
    expect((await world.push(MAIN, there)).exit).toBe(0)
    const policy = policyOf(['alice', 'bob'], rule('alice bob', 'commits = "mainline"'))
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
    const pulled = world.merge(landing, there, { by: 'bob' })
    expect((await world.push(MAIN, pulled)).codes).toEqual(['FOXTROT'])
    const straight = world.merge(there, landing, { by: 'alice' })
    expect((await world.push(MAIN, straight)).exit).toBe(0)
    const audit = await world.audit()
    expect(audit.exit).toBe(0)
    expect(audit.of(there).strength).toBe('signed')
  })

  test('attack 20: a range finds a revoked commit below what an accept covers', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const world = await MemoryWorld.of(base)
    const bad = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
    const covered = world.commit({ parents: [bad], by: undefined, files: { b: '1' } })
    const policy = `${base}[[accept]]\ncommit = "${covered}"\ncovers = "ancestors"\nreason = "old"\n[[revoke]]\ncommit = "${bad}"\nreason = "backdoor"\n`
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
    expect((await world.push(MAIN, landing)).exit).toBe(0)
    const merge = world.merge(landing, covered, { by: 'alice' })
    const range = await world.range(MAIN, merge, [landing])
    expect(range.exit).toBe(1)
    expect(range.of(bad).codes).toEqual(['REVOKED'])
    expect((await world.push(MAIN, merge)).of(bad).codes).toEqual(['REVOKED'])
  })
})

describe('who and when', () => {
  const codesOf = async (policy: string, story: Story): Promise<readonly string[]> => {
    const world = await MemoryWorld.of(policy)
    const work = world.commit({ parents: [world.anchor], files: { a: '1' }, ...story })
    return (await world.push(MAIN, work)).of(work).codes
  }

  test.each([
    ['the person', 'email = "bob@example.org"\nissuer = "google"\nWINDOW'],
    [
      'one of several identities',
      'email = "other@example.org"\nissuer = "google"\ngit = ["bob@example.org"]\nalso = [{ email = "bob@example.org", issuer = "google", WINDOW }]',
    ],
  ])('attack 17: since and until of %s, to the second', async (_, entry) => {
    const window = ['since = 2026-01-05T00:00:00Z', 'until = 2026-01-10T00:00:00+00:00']
    const text = entry.replace('WINDOW', window.join(entry.includes('also') ? ', ' : '\n'))
    const policy = policyOf(['alice', `[people.bob]\n${text}\n`], rule('alice bob'))
    for (const [at, codes] of [
      ['2026-01-04T23:59:59Z', ['BEFORE_SINCE']],
      ['2026-01-05T00:00:00Z', []],
      ['2026-01-09T23:59:59Z', []],
      ['2026-01-10T00:00:00Z', ['AFTER_UNTIL']],
    ] as const) {
      expect(await codesOf(policy, { by: 'bob', at }), at).toEqual(codes)
    }
  })

  test('attack 21: a revoked key’s signatures have no time, so no window spares them', async () => {
    const bob = `[people.bob]\nssh = ["${SSH}"]\ngit = ["key@example.org"]\n`
    const window = 'from = 2026-05-01T00:00:00Z\nto = 2026-05-02T00:00:00Z\nreason = "lost"\n'
    const by = { kind: 'ssh-key', value: SSH, issuer: '' } as const
    const base = policyOf(['alice', bob], rule('alice bob'))
    const byKey = `${base}[[revoke]]\nkey = "${SSH}"\n${window}`
    expect(await codesOf(byKey, { by })).toEqual(['REVOKED'])
    const byName = `${base}[[revoke]]\nperson = "bob"\n${window}`
    expect(await codesOf(byName, { by })).toEqual([])
  })

  test('attack 48: a forge vouches for a bot in commits of one parent, never in a merge', async () => {
    const bot = `[bots.dependabot]\nforge = "github"\nauthor = "dependabot@users.example"\npaths = ["deps"]\n`
    const policy = policyOf(
      ['alice'],
      `${forge}${bot}${rule('alice dependabot', 'merge-by = ["alice", "github"]')}`,
    )
    const world = await MemoryWorld.of(policy)
    const main = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    expect((await world.push(MAIN, main)).exit).toBe(0)
    const side = world.commit({ parents: [world.anchor], by: 'alice', files: { b: '1' } })
    const author = 'dependabot <dependabot@users.example> 1 +0000'
    const evil = world.merge(main, side, { by: 'forge', author, files: { deps: 'evil' } })
    expect((await world.push(MAIN, evil)).of(evil).codes).toEqual(['MERGE_ADDS_CHANGES'])
    const bump = world.commit({ parents: [main], by: 'forge', author, files: { deps: '2' } })
    expect((await world.push(MAIN, bump)).exit).toBe(0)
  })
})

describe('tags, certificates and what is accepted', () => {
  const TAG = 'refs/tags/v1'
  const tags = rule('alice bob', '', 'refs/tags/v*')

  test('attack 53: a tag that calls a tree, a blob or a tag a commit', async () => {
    for (const rest of ['', 'unsigned-target = true']) {
      const rules = `${rule('alice')}${rule('alice bob', rest, 'refs/tags/v*')}`
      const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rules))
      const inner = world.tag('v0', world.anchor, { by: 'alice' })
      for (const target of [inner, world.git.treeOf({ a: '1' })]) {
        const tag = world.tag('v1', target, { by: 'alice', type: 'commit' })
        expect((await world.push(TAG, tag)).codes).toContain('TAG_TARGET')
      }
    }
  })

  test.each([
    ['its signer', (): string => 'person = "bob"'],
    ['itself', (tag: string): string => `commit = "${tag}"`],
    ['its certificate', (): string => `cert = "${'c'.repeat(64)}"`],
  ])('attack 21: a tag is denied by a revocation of %s', async (_, target) => {
    const base = policyOf(['alice', 'bob'], `${rule('alice')}${tags}`)
    const world = await MemoryWorld.of(base)
    const tag = world.tag('v1', world.anchor, { by: 'bob', certificate: 'c'.repeat(64) })
    const policy = `${base}[[revoke]]\n${target(tag)}\nreason = "stolen"\n`
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
    expect((await world.push(MAIN, landing)).exit).toBe(0)
    expect((await world.push(TAG, tag)).codes).toEqual(['REVOKED'])
  })

  test('attack 23: who may only merge creates no branch by a signed push', async () => {
    const policy = policyOf(
      ['alice', 'bob'],
      `${rule('alice')}${rule('alice', 'merge-by = ["bob"]\nfrom = ["refs/heads/none"]', 'refs/heads/release/*')}`,
    )
    const world = await MemoryWorld.of(policy)
    const tip = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    await world.push(MAIN, tip)
    const empty = world.commit({ parents: [tip], by: 'bob' })
    world.certify({ by: 'bob' })
    expect((await world.push(RELEASE, empty)).codes).toContain('CREATED')
    world.certify({ by: 'alice' })
    expect((await world.push(RELEASE, empty)).codes).not.toContain('CREATED')
  })

  test('attack 59: a deletion too needs the certificate that its rule asks for', async () => {
    const release = rule('alice', 'delete = true\npush-cert = true', 'refs/heads/release/*')
    const world = await MemoryWorld.of(policyOf(['alice', 'bob'], `${rule('alice')}${release}`))
    world.force(RELEASE, world.anchor)
    const zero = '0'.repeat(40)
    expect((await world.push(RELEASE, zero)).codes).toEqual(['PUSH_CERT'])
    world.certify({ by: 'bob' })
    expect((await world.push(RELEASE, zero)).codes).toEqual(['PUSH_CERT'])
    world.certify({ by: 'alice' })
    expect((await world.push(RELEASE, zero)).exit).toBe(0)
  })

  test('attack 59: a rule with paths that asks for a certificate asks for one by whom it names', async () => {
    const paths = rule('bob', 'paths = ["src/"]\npush-cert = true')
    const world = await MemoryWorld.of(policyOf(['alice', 'bob'], `${rule('alice bob')}${paths}`))
    const work = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    expect((await world.push(MAIN, work)).codes).toEqual(['PUSH_CERT'])
    world.certify({ by: 'alice' })
    expect((await world.push(MAIN, work)).codes).toEqual(['PUSH_CERT'])
    world.certify({ by: 'bob' })
    expect((await world.push(MAIN, work)).exit).toBe(0)
  })

  test('a later accept with covers = "ancestors" lifts what came before it, and an audit says so', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const world = await MemoryWorld.of(base)
    const old = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
    const gap = world.commit({ parents: [old], by: undefined, files: { a: '2' } })
    const policy = `${base}[[accept]]\ncommit = "${gap}"\ncovers = "ancestors"\nreason = "a gap"\n`
    const landing = world.commit({ parents: [gap], by: 'alice', policy })
    const later = world.commit({ parents: [landing], by: undefined, files: { a: '3' } })
    world.force(MAIN, later)
    const result = await world.audit()
    expect(result.of(old)).toMatchObject({ verdict: 'pass', strength: 'accepted' })
    expect(result.of(gap)).toMatchObject({ verdict: 'pass', strength: 'accepted' })
    expect(result.of(later).codes).toEqual(['UNSIGNED'])
  })

  test('attack 89: an audit of a protected ref that never had the anchor', async () => {
    const world = await MemoryWorld.of(
      policyOf(['alice'], `${rule('alice')}${rule('alice', '', 'refs/heads/release/*')}`),
    )
    const beside = world.commit({ by: 'alice', files: { a: '1' } })
    const tip = world.commit({ parents: [beside], by: 'alice', files: { a: '2' } })
    const codes: string[] = []
    const context = { ...(await world.context()), pushCertificate: 'unknown' as const }
    for await (const one of auditRef(context, RELEASE, tip, [world.anchor]))
      codes.push(...one.codes)
    expect(codes).toEqual(['NOT_DESCENDANT'])
  })
})

describe('refs that no rule is about, audits and ranges', () => {
  test('attack 73: a malformed .signet lands nothing', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const world = await MemoryWorld.of(base)
    const policy = policyOf(['alice', 'bob', 'carol'], rule('alice bob'))
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
    world.git.malformed.set(world.git.treeOf({ 'policy.toml': policy }), 'an entry twice')
    const next = world.commit({ parents: [landing], by: 'carol', files: { a: '1' } })
    world.force(MAIN, next)
    const result = await world.audit()
    expect(result.of(landing).codes).toContain('POLICY_INVALID')
    expect(result.of(next).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 53: a tag on a ref that no rule is about is by somebody listed', async () => {
    const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rule('alice')))
    for (const [by, codes] of [
      ['bob', []],
      ['mallory', ['UNKNOWN_SIGNER']],
      [undefined, ['UNSIGNED']],
    ] as const) {
      const tag = world.tag('any', world.anchor, { by })
      expect((await world.push('refs/tags/any', tag)).codes).toEqual(codes)
      world.git.refs.delete('refs/tags/any')
    }
  })

  test('a branch that no rule is about may start at what a protected one vouches for', async () => {
    const world = await MemoryWorld.of(policyOf(['alice'], rule('alice', 'commits = "mainline"')))
    const side = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
    expect((await world.push('refs/heads/topic', side)).codes).toEqual(['UNSIGNED'])
    const merge = world.merge(world.anchor, side, { by: 'alice' })
    expect((await world.push(MAIN, merge)).exit).toBe(0)
    expect((await world.push('refs/heads/topic', merge)).exit).toBe(0)
  })

  test('an audit of another ref takes the policy whose landing came before the commit', async () => {
    const release = rule('alice bob', '', 'refs/heads/release/*')
    const without = policyOf(['alice'], `${rule('alice')}${release.replace(', "bob"', '')}`)
    const world = await MemoryWorld.of(without)
    const policy = policyOf(['alice', 'bob'], `${rule('alice')}${release}`)
    const landing = world.commit({
      parents: [world.anchor],
      by: 'alice',
      policy,
      at: '2026-02-01T00:00:00Z',
    })
    expect((await world.push(MAIN, landing)).exit).toBe(0)
    for (const [at, codes] of [
      ['2026-01-31T23:59:59Z', ['UNKNOWN_SIGNER']],
      ['2026-02-01T00:00:01Z', []],
    ] as const) {
      const work = world.commit({ parents: [world.anchor], by: 'bob', files: { a: at }, at })
      const found: string[] = []
      for await (const one of auditRef(await world.context(), RELEASE, work, [])) {
        found.push(...one.codes)
      }
      expect(found).toEqual(codes)
    }
  })

  test('an audit of another ref cannot check what a chain that cannot be read would say', async () => {
    const release = rule('alice', '', 'refs/heads/release/*')
    const policy = policyOf(['alice', 'bob'], `${rule('alice')}${release}`)
    const world = await MemoryWorld.of(policy)
    const landing = world.commit({
      parents: [world.anchor],
      by: 'alice',
      policy: `${policy}# more\n`,
      codes: ['NOT_LOGGED'],
    })
    world.force(MAIN, landing)
    const work = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    const found: string[] = []
    for await (const one of auditRef(await world.context(), RELEASE, work, [])) {
      found.push(one.verdict, ...one.codes)
    }
    expect(found).toEqual(['unknown', 'NOT_LOGGED'])
  })

  test('attack 78: a range that begins before the anchor judges nothing below it', async () => {
    const world = new MemoryWorld()
    const old = world.commit({ by: undefined, files: { a: '1' } })
    const policy = policyOf(['alice'], rule('alice'))
    world.anchor = world.commit({ parents: [old], by: 'alice', policy })
    world.force(MAIN, world.anchor)
    const work = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '2' } })
    const range = await world.range(MAIN, work, [])
    expect(range.exit).toBe(0)
    expect(range.outcomes.flatMap(({ judgements }) => judgements).map(({ id }) => id)).toEqual([
      work,
    ])
  })

  test('attack 69: who may only merge in a ruled path carries no edit there by a rename', async () => {
    const policy = policyOf(
      ['alice', 'bob', 'carol'],
      `${rule('alice bob', 'merge-by = ["alice", "bob", "carol"]')}${rule('alice', 'paths = ["src/"]\nmerge-by = ["alice", "carol"]')}`,
    )
    const world = await MemoryWorld.of(policy, { doc: '1' })
    const files = { doc: null, 'src/doc': '1' }
    const renamed = world.commit({ parents: [world.anchor], by: 'alice', files })
    expect((await world.push(MAIN, renamed)).exit).toBe(0)
    const edit = world.commit({ parents: [world.anchor], by: 'bob', files: { doc: 'evil' } })
    const tree = world.git.treeOf({ ...world.git.filesOf(renamed), 'src/doc': 'evil' })
    world.git.setMerge(renamed, edit, { kind: 'merged', tree, conflicts: [] })
    const merge = world.commit({
      parents: [renamed, edit],
      by: 'carol',
      files: { 'src/doc': 'evil' },
    })
    expect((await world.push(MAIN, merge)).of(merge).codes).toEqual(['PATH_NOT_ALLOWED'])
  })
})
