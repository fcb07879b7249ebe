import { describe, expect, test } from 'vitest'
import { MAIN, MemoryWorld, ZERO, policyOf, read, rule } from '../policy/memory-world.ts'

const RELEASE = 'refs/heads/release/1'
const TOPIC = 'refs/heads/topic'
const release = (rest = ''): string =>
  policyOf(
    ['alice', 'bob'],
    `${rule('alice bob')}${rule('alice', rest, 'refs/heads/release/*')}${rule('alice', '', 'refs/tags/v*')}`,
  )

/** Main with two commits by Alice and Bob. */
async function grown(policy: string): Promise<{ world: MemoryWorld; one: string; two: string }> {
  const world = await MemoryWorld.of(policy)
  const one = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
  const two = world.commit({ parents: [one], by: 'bob', files: { b: '1' } })
  expect((await world.push(MAIN, two)).exit).toBe(0)
  return { world, one, two }
}

describe('refs', () => {
  test('attack 23: an old signed commit as the tip of a new protected ref', async () => {
    const { world, one, two } = await grown(release())
    expect((await world.push(RELEASE, one)).codes).toEqual(['CREATED'])
    world.certify({ by: 'bob' })
    expect((await world.push(RELEASE, one)).codes).toEqual(['CREATED'])
    world.certify({ by: 'alice', problems: ['the nonce was used before'] })
    expect((await world.push(RELEASE, one)).codes).toEqual(['CREATED'])
    world.certificate = undefined
    expect((await world.push(RELEASE, two)).exit).toBe(0)
    expect((await world.push('refs/heads/release/2', two)).exit).toBe(0)
    world.certify({ by: 'alice' })
    expect((await world.push('refs/heads/release/3', one)).exit).toBe(0)
  })

  test('attack 23: what an accept lifts or covers is not the tip of a new protected ref', async () => {
    const ruled = `${rule('alice bob')}${rule('alice bob', '', 'refs/heads/release/*')}`
    const build = async (covers: string): Promise<[MemoryWorld, string]> => {
      const world = new MemoryWorld()
      const old = world.commit({ by: covers === 'one' ? undefined : 'alice', files: { a: '1' } })
      const accept = `[[accept]]\ncommit = "${old}"\nreason = "old"\ncovers = "${covers}"\n`
      const policy = policyOf(['alice', 'bob'], `${ruled}${accept}`)
      world.anchor = world.commit({ by: 'alice', policy })
      expect((await world.push(MAIN, world.anchor)).exit).toBe(0)
      return [world, old]
    }
    for (const covers of ['one', 'ancestors']) {
      const [world, old] = await build(covers)
      const top = world.commit({ parents: [old], by: undefined })
      const { codes } = await world.push('refs/heads/release/1', old)
      expect(codes, covers).toContain('CREATED')
      world.certify({ by: 'bob' })
      expect((await world.push('refs/heads/release/1', old)).codes, covers).not.toContain('CREATED')
      world.certificate = undefined
      expect((await world.push('refs/heads/release/2', top)).codes, covers).toContain('CREATED')
      const mine = world.commit({ parents: [old], by: 'bob' })
      const own = await world.push('refs/heads/release/3', mine)
      expect(own.codes, covers).toEqual(covers === 'one' ? ['NOT_DESCENDANT'] : [])
    }
  })

  test('attack 23: an old ref moved back where rewriting is allowed', async () => {
    const { world, one, two } = await grown(release('rewrite = true'))
    await world.push(RELEASE, two)
    expect((await world.push(RELEASE, one)).codes).toEqual(['REWRITTEN'])
    world.certify({ by: 'alice' })
    expect((await world.push(RELEASE, one)).exit).toBe(0)
  })

  test('the tip of a new branch must be by someone in by, a verified tip or a signed push', async () => {
    const { world, two } = await grown(release('merge-by = ["alice", "bob"]'))
    const empty = world.commit({ parents: [two], by: 'bob' })
    expect((await world.push(RELEASE, empty)).codes).toEqual(['CREATED'])
    const work = world.commit({ parents: [two], by: 'alice', files: { r: '1' } })
    expect((await world.push(RELEASE, work)).exit).toBe(0)
  })

  test('attack 50: an unsigned commit through an unprotected ref, then to a protected one', async () => {
    for (const from of ['', 'from = ["refs/heads/**"]']) {
      const world = await MemoryWorld.of(
        policyOf(['alice', 'bob'], rule('alice bob', from), { top: 'other-refs = "any"' }),
      )
      const evil = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
      expect((await world.push(TOPIC, evil)).exit).toBe(0)
      world.verified.set(TOPIC, { id: evil })
      const result = await world.push(MAIN, evil)
      expect(result.of(evil).codes).toEqual(['UNSIGNED'])
      const on = world.commit({ parents: [evil], by: 'bob', files: { b: '1' } })
      expect((await world.push(MAIN, on)).codes).toEqual(['UNSIGNED'])
    }
  })

  test('only the refs that from names vouch', async () => {
    const { world, two } = await grown(release('from = ["refs/heads/next"]'))
    expect((await world.push(RELEASE, two)).of(two).codes).toEqual(['NOT_ALLOWED_HERE'])
    world.force('refs/heads/next', two)
    world.verified.set('refs/heads/next', { id: two })
    // Verified by nobody's rules, it vouches for nothing.
    expect((await world.push(RELEASE, two)).exit).toBe(1)
  })

  test('attack 52: forced, deleted, deleted and created, created from nowhere', async () => {
    const { world, one, two } = await grown(release())
    await world.push(RELEASE, two)
    const aside = world.commit({ parents: [one], by: 'alice', files: { x: '1' } })
    expect((await world.push(RELEASE, aside)).codes).toEqual(['REWRITTEN'])
    expect((await world.push(MAIN, aside)).codes).toEqual(['REWRITTEN'])
    expect((await world.push(RELEASE, ZERO)).codes).toEqual(['DELETED'])
    const root = world.commit({ by: 'alice', files: { x: '1' } })
    expect((await world.push('refs/heads/release/9', root)).codes).toEqual(['NOT_DESCENDANT'])
  })

  test('attack 89: a branch older than the anchor, unprotected, protected, covered', async () => {
    const build = async (rest: (id: string) => string): Promise<[MemoryWorld, string]> => {
      const world = new MemoryWorld()
      const root = world.commit({ by: 'alice', files: { a: '1' } })
      const old = world.commit({ parents: [root], by: 'alice', files: { a: '2' } })
      world.anchor = world.commit({ parents: [root], by: 'alice', policy: rest(old) })
      expect((await world.push(MAIN, world.anchor)).exit).toBe(0)
      return [world, old]
    }
    const [world, old] = await build(() => release())
    expect((await world.push(TOPIC, old)).exit).toBe(0)
    expect((await world.push(RELEASE, old)).codes).toEqual(['NOT_DESCENDANT'])
    const cover = (id: string): string =>
      `${release()}[[accept]]\ncommit = "${id}"\ncovers = "ancestors"\nreason = "older"\n`
    const [covered, kept] = await build(cover)
    expect((await covered.push(RELEASE, kept)).codes).toEqual(['CREATED'])
    covered.certify({ by: 'alice' })
    expect((await covered.push(RELEASE, kept)).exit).toBe(0)
  })

  test('refs that no rule matches: denied, signed, free; replace never, notes always', async () => {
    const policy = (other: string): string =>
      policyOf(['alice'], rule('alice'), { top: `other-refs = "${other}"` })
    for (const [other, exit] of [
      ['deny', 1],
      ['signed', 1],
      ['any', 0],
    ] as const) {
      const world = await MemoryWorld.of(policy(other))
      const evil = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
      expect((await world.push(TOPIC, evil)).exit).toBe(exit)
      expect((await world.push('refs/changes/1', evil)).exit).toBe(exit)
      const tag = world.tag('x', evil, { by: undefined })
      expect((await world.push('refs/tags/x', tag)).exit).toBe(exit)
      expect((await world.push('refs/custom/x', tag)).exit).toBe(exit)
      expect((await world.push('refs/replace/x', evil)).codes).toEqual(['REF_NOT_ALLOWED'])
      expect((await world.push('refs/notes/x', evil)).exit).toBe(0)
    }
    const world = await MemoryWorld.of(policy('deny'))
    world.force(TOPIC, world.anchor)
    expect((await world.push(TOPIC, ZERO)).codes).toEqual(['REF_NOT_ALLOWED'])
  })

  test('a floor is asked where the policy has no rule', async () => {
    const world = await MemoryWorld.of(
      policyOf(['alice', 'bob'], rule('alice bob'), { top: 'other-refs = "any"' }),
    )
    world.floor = read(policyOf(['alice', 'bob'], rule('alice', '', TOPIC)), 'floor')
    const work = world.commit({ parents: [world.anchor], by: 'bob', files: { a: '1' } })
    expect((await world.push(TOPIC, work)).codes).toContain('NOT_ALLOWED_HERE')
    const good = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    expect((await world.push(TOPIC, good)).exit).toBe(0)
  })

  test('a branch rule where a tag object is pushed', async () => {
    const { world, two } = await grown(release())
    const tag = world.tag('x', two, { by: 'alice' })
    expect((await world.push(RELEASE, tag)).codes).toContain('MALFORMED')
  })

  test('attack 59: a rule asks for a push certificate', async () => {
    const policy = policyOf(['alice', 'bob'], rule('alice bob', 'push-cert = true'))
    const world = await MemoryWorld.of(policy)
    const work = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    const pushed = async (): Promise<readonly string[]> => (await world.push(MAIN, work)).codes
    expect(await pushed()).toEqual(['PUSH_CERT'])
    world.certify({ by: 'mallory' })
    expect(await pushed()).toEqual(['PUSH_CERT'])
    world.certify({ by: 'bob', problems: ['for another server'] })
    expect(await pushed()).toEqual(['PUSH_CERT'])
    world.certify({ by: 'bob', codes: ['BAD_SIGNATURE'] })
    expect(await pushed()).toEqual(['PUSH_CERT'])
    world.certify({ by: 'bob' })
    expect(await pushed()).toEqual([])
    expect((await world.audit()).exit).toBe(0)
  })

  test('a revoked signer’s push certificate counts for nothing', async () => {
    const revoked = `${policyOf(['alice', 'bob'], rule('alice bob', 'push-cert = true'))}[[revoke]]\nperson = "bob"\nreason = "stolen"\n`
    const world = await MemoryWorld.of(revoked)
    const work = world.commit({ parents: [world.anchor], by: 'alice', files: { a: '1' } })
    world.certify({ by: 'bob' })
    expect((await world.push(MAIN, work)).codes).toEqual(['PUSH_CERT'])
  })

  test('attack 55: missing parents, a shallow edge', async () => {
    const { world, two } = await grown(release())
    const lost = world.commit({ parents: [two], by: 'alice', files: { x: '1' } })
    const work = world.commit({ parents: [lost], by: 'alice', files: { y: '1' } })
    world.git.missing.add(lost)
    const result = await world.push(TOPIC, work)
    expect(result.exit).toBe(4)
    expect(result.codes).toEqual(['MISSING_OBJECT'])
    world.git.missing.clear()
    world.git.shallow.add(lost)
    expect((await world.push(TOPIC, work)).codes).toContain('SHALLOW')
  })

  test('attack 62: a range that selects nothing; 91: judged for the policy branch', async () => {
    const { world, one, two } = await grown(release())
    expect((await world.range(MAIN, one, [two])).exit).toBe(4)
    expect((await world.range(MAIN, two, [world.anchor])).exit).toBe(0)
    const evil = world.commit({ parents: [two], by: undefined })
    expect((await world.range(MAIN, evil, [two])).exit).toBe(1)
  })

  test('a policy by path: no anchor, explicit from', async () => {
    const world = new MemoryWorld()
    world.fixed = read(policyOf(['alice'], rule('alice')))
    const root = world.commit({ by: 'alice', files: { a: '1' } })
    expect((await world.push(MAIN, root)).exit).toBe(0)
    const evil = world.commit({ parents: [root], by: 'mallory', policy: 'whatever' })
    expect((await world.push(MAIN, evil)).codes).toEqual(['UNKNOWN_SIGNER'])
    expect((await world.range(MAIN, evil, [])).exit).toBe(1)
  })
})

describe('tags', () => {
  test('attack 53: another name, lightweight, of a tag, a tree, a blob, moved, beside the branch', async () => {
    const { world, two } = await grown(release())
    const push = async (name: string, id: string): Promise<readonly string[]> =>
      (await world.push(`refs/tags/${name}`, id)).codes
    const good = world.tag('v1', two, { by: 'alice' })
    expect(await push('v2', good)).toEqual(['TAG_NAME'])
    expect(await push('v2', two)).toEqual(['TAG_NOT_ANNOTATED'])
    const ofTag = world.tag('v2', good, { by: 'alice', type: 'tag' })
    expect(await push('v2', ofTag)).toEqual(['TAG_TARGET'])
    const ofTree = world.tag('v2', world.git.treeOf({}), { by: 'alice', type: 'tree' })
    expect(await push('v2', ofTree)).toEqual(['TAG_TARGET'])
    const lying = world.tag('v2', world.git.treeOf({}), { by: 'alice' })
    expect(await push('v2', lying)).toEqual(['TAG_TARGET'])
    const denying = world.tag('v2', two, { by: 'alice', type: 'tree' })
    expect(await push('v2', denying)).toEqual(['TAG_TARGET'])
    const aside = world.commit({ parents: [two], by: 'alice', files: { x: '1' } })
    expect(await push('v2', world.tag('v2', aside, { by: 'alice' }))).toEqual(['TAG_TARGET'])
    expect(await push('v2', world.tag('v2', two, { by: 'bob' }))).toEqual(['NOT_ALLOWED_HERE'])
    expect(await push('v2', world.tag('v2', two, { by: undefined }))).toEqual(['UNSIGNED'])
    const tagger = 'bob@example.org'
    expect(await push('v2', world.tag('v2', two, { by: 'alice', tagger }))).toEqual([
      'COMMITTER_MISMATCH',
    ])
    expect(await push('v1', good)).toEqual([])
    const moved = world.tag('v1', world.anchor, { by: 'alice', tagger: 'alice@example.org' })
    expect(await push('v1', moved)).toContain('TAG_MOVED')
    expect(await push('v1', ZERO)).toEqual(['DELETED'])
    for (const name of ['v3^{}', 'v3\n', 'refs/tags/v3']) {
      expect(await push('v3', world.tag(name, two, { by: 'alice' }))).toEqual(['TAG_NAME'])
    }
  })

  test('a tag on an unprotected branch that on names', async () => {
    const world = await MemoryWorld.of(
      policyOf(
        ['alice'],
        `${rule('alice')}${rule('alice', 'on = ["refs/heads/**"]', 'refs/tags/v*')}`,
        {
          top: 'other-refs = "any"',
        },
      ),
    )
    const evil = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
    await world.push(TOPIC, evil)
    world.verified.set(TOPIC, { id: evil })
    const tag = world.tag('v1', evil, { by: 'alice' })
    expect((await world.push('refs/tags/v1', tag)).codes).toEqual(['TAG_TARGET'])
  })

  test('no verified tip is known: could not check', async () => {
    const { world, two } = await grown(release())
    world.verified.set(MAIN, 'unknown')
    const tag = world.tag('v1', two, { by: 'alice' })
    expect((await world.push('refs/tags/v1', tag)).exit).toBe(4)
  })

  test('attack 90: a commit and its tag in one push, the branch first', async () => {
    const { world, two } = await grown(release())
    const work = world.commit({ parents: [two], by: 'alice', files: { x: '1' } })
    const tag = world.tag('v1', work, { by: 'alice' })
    expect((await world.push('refs/tags/v1', tag)).exit).toBe(1)
    expect((await world.push(MAIN, work)).exit).toBe(0)
    expect((await world.push('refs/tags/v1', tag)).exit).toBe(0)
  })
})

describe('paths', () => {
  const ruled = policyOf(
    ['alice', 'bob'],
    `${rule('alice bob')}${rule('alice', 'paths = ["src/", "R\u00e9sum\u00e9"]')}`,
  )

  test.each([
    ['out of a protected folder', { 'src/a': null, a: '1' }],
    ['a case twin', { 'SRC/a': '1' }],
    ['a decomposed twin (76)', { 'Re\u0301sume\u0301': '1' }],
    ['a trailing dot', { 'src./a': '1' }],
    ['a submodule in its place', { 'src/a': null, src: '160000:abc' }],
    ['a link in its place', { 'src/a': null, src: '120000:elsewhere' }],
    ['a tab, a quote, a newline', { 'src/\t"\n': '1' }],
    ['a submodule bump', { 'src/sub': '160000:def' }],
  ])('attack 54: %s', async (_, files) => {
    for (const by of ['alice', 'bob']) {
      const world = await MemoryWorld.of(ruled, { 'src/a': '1' })
      const work = world.commit({ parents: [world.anchor], by, files })
      const codes = (await world.push(MAIN, work)).of(work).codes
      expect(codes).toEqual(by === 'alice' ? [] : ['PATH_NOT_ALLOWED'])
    }
  })

  test('except-paths: whoever changes anything else needs leave', async () => {
    const world = await MemoryWorld.of(
      policyOf(['alice', 'bob'], `${rule('alice bob')}${rule('alice', 'except-paths = ["doc/"]')}`),
    )
    const doc = world.commit({ parents: [world.anchor], by: 'bob', files: { 'doc/a': '1' } })
    expect((await world.push(MAIN, doc)).exit).toBe(0)
    for (const path of ['Doc/a', 'doc', 'docs/a', 'x']) {
      const work = world.commit({
        parents: [doc],
        by: 'bob',
        files: { [path]: '1', 'doc/a': null },
      })
      expect((await world.push(MAIN, work)).codes).toEqual(['PATH_NOT_ALLOWED'])
    }
  })

  test('rules with paths alone: what they are about needs leave, the rest goes to other-refs', async () => {
    const world = await MemoryWorld.of(
      policyOf(
        ['alice', 'bob'],
        `${rule('alice bob')}${rule('alice', 'paths = ["src/"]', TOPIC)}`,
        {
          top: 'other-refs = "any"',
        },
      ),
    )
    const free = world.commit({ parents: [world.anchor], by: undefined, files: { doc: '1' } })
    expect((await world.push(TOPIC, free)).exit).toBe(0)
    const unsigned = world.commit({ parents: [free], by: undefined, files: { 'src/a': '1' } })
    expect((await world.push(TOPIC, unsigned)).codes).toEqual(['UNSIGNED'])
    const bob = world.commit({ parents: [free], by: 'bob', files: { 'src/a': '1' } })
    expect((await world.push(TOPIC, bob)).codes).toEqual(['PATH_NOT_ALLOWED'])
  })
})
