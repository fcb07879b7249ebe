import { describe, expect, test } from 'vitest'
import { ident } from '../policy/memory-git.ts'
import { FORGE_KEY, MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'
import type { Result } from '../policy/memory-world.ts'

const forge = (accept = ''): string =>
  `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n${accept}\n`
const dependabot = `[bots.dependabot]\nforge = "github"\nauthor = "49699333+dependabot[bot]@users.noreply.github.com"\npaths = ["package.json"]\n`
const merging = 'merge-by = ["alice", "bob", "github"]'
const web = (accept = '', rest = ''): string =>
  policyOf(['alice', 'bob', 'carol'], `${forge(accept)}${rule('alice bob', merging)}${rest}`)

/** The anchor, a commit on main by Alice, and Bob's branch beside it. */
async function forked(policy: string): Promise<{ world: MemoryWorld; main: string; side: string }> {
  const world = await MemoryWorld.of(policy, { 'src/a': '1', 'src/b': '1', doc: '1' })
  const main = world.commit({ parents: [world.anchor], by: 'alice', files: { 'src/a': '2' } })
  expect((await world.push(MAIN, main)).exit).toBe(0)
  const side = world.commit({ parents: [world.anchor], by: 'bob', files: { 'src/b': '2' } })
  return { world, main, side }
}

async function merged(accept: string, story: Parameters<MemoryWorld['merge']>[2]): Promise<Result> {
  const { world, main, side } = await forked(web(accept))
  return world.push(MAIN, world.merge(main, side, story))
}

describe('merges', () => {
  test('a forge’s clean merge passes, and is told apart', async () => {
    const { world, main, side } = await forked(web())
    const merge = world.merge(main, side, { by: 'forge', author: ident('alice@example.org') })
    const result = await world.push(MAIN, merge)
    expect(result.exit).toBe(0)
    expect(result.of(merge).strength).toBe('mechanical')
    expect(result.of(side).strength).toBe('signed')
  })

  test.each([
    ['a file added', { evil: '1' }],
    ['a hook changed', { 'src/a': 'evil' }],
    ['a mode', { 'src/a': '100755:2' }],
    ['a link', { 'src/a': '120000:2' }],
    ['a fix dropped: -s ours (41)', { 'src/b': '1' }],
    ['a file dropped', { doc: null }],
  ])('attack 40: an evil merge by the forge: %s', async (_, files) => {
    for (const accept of ['', 'accept = ["clean-merge", "edit"]']) {
      expect((await merged(accept, { by: 'forge', files })).codes).toEqual(['MERGE_ADDS_CHANGES'])
    }
  })

  test('attack 42: a conflict resolved on the web; 68: and another file taken from one side', async () => {
    const { world, main } = await forked(web())
    const files = { 'src/a': '3', 'src/b': '2' }
    const side = world.commit({ parents: [world.anchor], by: 'bob', files })
    for (const one of [{ 'src/a': '4' }, { 'src/a': '2' }, { 'src/a': '4', 'src/b': '1' }, {}]) {
      const merge = world.merge(main, side, { by: 'forge', files: one })
      expect((await world.push(MAIN, merge)).codes).toEqual(['MERGE_ADDS_CHANGES'])
    }
    const byHand = world.merge(main, side, { by: 'bob', files: { 'src/a': '4' } })
    expect((await world.push(MAIN, byHand)).exit).toBe(0)
  })

  test('attack 43: an octopus by a signer only in merge-by', async () => {
    const { world, main, side } = await forked(
      policyOf(['alice', 'bob', 'carol'], rule('alice bob', 'merge-by = ["carol"]')),
    )
    const third = world.commit({ parents: [world.anchor], by: 'bob', files: { c: '1' } })
    const files = { 'src/a': '2', 'src/b': '2', c: '1' }
    const octopus = world.commit({ parents: [main, side, third], by: 'carol', files })
    expect((await world.push(MAIN, octopus)).of(octopus).codes).toEqual(['MERGE_ADDS_CHANGES'])
    expect((await world.push(MAIN, world.merge(main, side, { by: 'carol' }))).exit).toBe(0)
  })

  test('who may only merge may make a commit that changes nothing, and no other', async () => {
    const { world, main } = await forked(
      policyOf(['alice', 'bob', 'carol'], rule('alice bob', 'merge-by = ["carol"]')),
    )
    const work = world.commit({ parents: [main], by: 'carol', files: { c: '1' } })
    expect((await world.push(MAIN, work)).codes).toEqual(['NOT_ALLOWED_HERE'])
    expect((await world.push(MAIN, world.commit({ parents: [main], by: 'carol' }))).exit).toBe(0)
  })

  test('attack 81: an unrelated root merged in makes ruled files disappear', async () => {
    const policy = policyOf(
      ['alice', 'bob'],
      `${rule('alice bob')}${rule('alice', 'paths = ["src/"]')}`,
    )
    const { world, main } = await forked(policy)
    const root = world.commit({ by: 'bob', files: { doc: '2' } })
    const files = { 'src/a': null, 'src/b': null }
    const merge = world.merge(main, root, { by: 'bob', files })
    expect((await world.push(MAIN, merge)).of(merge).codes).toEqual(['PATH_NOT_ALLOWED'])
  })

  test('attack 69: an edit that a rename carries into a ruled path', async () => {
    // Alice renames doc to src/doc; Bob, who may not touch src/, edits doc; the merge carries it.
    const policy = policyOf(
      ['alice', 'bob'],
      `${forge()}${rule('alice bob', merging)}${rule('alice', 'paths = ["src/"]\nmerge-by = ["alice", "github"]')}`,
    )
    for (const by of ['bob', 'forge', 'alice']) {
      const world = await MemoryWorld.of(policy, { doc: '1' })
      const renamed = world.commit({
        parents: [world.anchor],
        by: 'alice',
        files: { doc: null, 'src/doc': '1' },
      })
      await world.push(MAIN, renamed)
      const edit = world.commit({ parents: [world.anchor], by: 'bob', files: { doc: 'evil' } })
      const files = { ...world.git.filesOf(renamed), 'src/doc': 'evil' }
      const tree = world.git.treeOf(files)
      world.git.setMerge(renamed, edit, { kind: 'merged', tree, conflicts: [] })
      const merge = world.commit({ parents: [renamed, edit], by, files: { 'src/doc': 'evil' } })
      const result = await world.push(MAIN, merge)
      expect(result.of(merge).codes).toEqual(by === 'alice' ? [] : ['PATH_NOT_ALLOWED'])
    }
  })

  test('attack 75: a merge that cannot be made is not clean', async () => {
    for (const code of ['MISSING_OBJECT', 'LIMIT'] as const) {
      const { world, main, side } = await forked(web())
      world.git.setMerge(main, side, { unanswered: code, detail: 'gone' })
      const result = await world.push(MAIN, world.merge(main, side, { by: 'forge' }))
      expect(result.exit).toBe(4)
      expect(result.codes).toEqual([code])
    }
  })

  test('attack 73: a malformed tree that a rule reads', async () => {
    const { world, main } = await forked(
      policyOf(['alice', 'bob'], `${rule('alice bob')}${rule('alice', 'paths = ["src/"]')}`),
    )
    const work = world.commit({ parents: [main], by: 'alice', files: { 'src/x/y': '1' } })
    world.git.malformed.set(world.git.treeOf({ y: '1' }), 'entries are not sorted')
    expect((await world.push(MAIN, work)).codes).toEqual(['MALFORMED'])
  })
})

describe('mainline', () => {
  test('attack 49: an unsigned side commit under all and under mainline', async () => {
    for (const mode of ['all', 'mainline']) {
      const world = await MemoryWorld.of(
        policyOf(['alice', 'bob'], rule('alice bob', `commits = "${mode}"`)),
      )
      const side = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
      const merge = world.merge(world.anchor, side, { by: 'bob' })
      const result = await world.push(MAIN, merge)
      expect(result.exit).toBe(mode === 'all' ? 1 : 0)
      if (mode === 'all') expect(result.of(side).codes).toEqual(['UNSIGNED'])
      else expect(result.of(merge).strength).toBe('vouched-by-merger')
      const range = await world.range(MAIN, merge, [world.anchor])
      if (mode === 'mainline') expect(range.of(side).strength).toBe('vouched-by-merger')
    }
  })

  test('a bot kept to paths vouches for nothing else, not even by a clean merge', async () => {
    const bot = `[bots.lander]\nuri = "https://ci.example/land"\nissuer = "google"\ngit = ["key@example.org"]\npaths = ["doc"]\n`
    const world = await MemoryWorld.of(
      policyOf(['alice'], `${bot}${rule('alice lander', 'commits = "mainline"')}`),
    )
    const side = world.commit({ parents: [world.anchor], by: undefined, files: { 'src/a': '1' } })
    const by = { kind: 'uri', value: 'https://ci.example/land' } as const
    const result = await world.push(MAIN, world.merge(world.anchor, side, { by }))
    expect(result.codes).toEqual(['PATH_NOT_ALLOWED'])
  })
})

describe('what a forge makes', () => {
  const matching = 'accept = ["clean-merge", "matching-squash"]'
  const squash = async (
    accept: string,
    files: Readonly<Record<string, string | null>>,
    {
      by = 'bob',
      rest = '',
      message = 'work (#7)',
      known = true,
    }: { by?: string | null; rest?: string; message?: string; known?: boolean } = {},
  ): Promise<{ result: Result; squashed: string; source: string; world: MemoryWorld }> => {
    const { world, main } = await forked(web(accept, rest))
    const source = world.commit({
      parents: [world.anchor],
      by: by ?? undefined,
      files: { 'src/b': '2' },
    })
    if (known) world.git.refs.set('refs/pull/7/head', source)
    const squashed = world.commit({ parents: [main], by: 'forge', files, message })
    return { result: await world.push(MAIN, squashed), squashed, source, world }
  }

  test('a squash that is what the signed branch makes passes with it', async () => {
    const { result, squashed, source, world } = await squash(matching, { 'src/b': '2' })
    expect(result.exit).toBe(0)
    expect(result.of(squashed).strength).toBe('mechanical')
    expect(result.of(source).strength).toBe('signed')
    const range = await world.range(MAIN, squashed, [world.anchor])
    expect(range.of(source).verdict).toBe('pass')
  })

  test.each([
    ['one byte', { 'src/b': '22' }],
    ['a mode', { 'src/b': '100755:2' }],
    ['a link', { 'src/b': '120000:2' }],
    ['another file', { 'src/b': '2', x: '1' }],
  ])('attack 44: a squash that differs in %s', async (_, files) => {
    expect((await squash(matching, files)).result.codes).toEqual(['SQUASH_NOT_REPRODUCIBLE'])
  })

  test('attack 44: the source is unsigned, a stranger’s, missing, another person’s branch', async () => {
    const files = { 'src/b': '2' }
    expect((await squash(matching, files, { by: null })).result.codes).toEqual(['UNSIGNED'])
    const mallory = await squash(matching, files, { by: 'mallory' })
    expect(mallory.result.codes).toEqual(['UNKNOWN_SIGNER'])
    const range = await mallory.world.range(MAIN, mallory.squashed, [mallory.world.anchor])
    expect(range.exit).toBe(1)
    const missing = await squash(matching, files, { known: false })
    expect(missing.result.exit).toBe(4)
    expect(missing.result.codes).toEqual(['SQUASH_SOURCE_MISSING'])
    const carol = await squash(matching, files, { by: 'carol' })
    expect(carol.result.codes).toEqual(['NOT_ALLOWED_HERE'])
  })

  test('attack 83: a squash of a conflicted merge; one that carries an edit into a ruled path', async () => {
    const { world, main } = await forked(web(matching))
    const source = world.commit({ parents: [world.anchor], by: 'bob', files: { 'src/a': '3' } })
    world.git.refs.set('refs/pull/7/head', source)
    const conflicted = world.git.merged(main, source)?.files ?? {}
    const story = { parents: [main], by: 'forge', message: 'x (#7)' }
    const squashed = world.commit({ ...story, files: { 'src/a': conflicted['src/a'] ?? '' } })
    expect((await world.push(MAIN, squashed)).codes).toEqual(['SQUASH_NOT_REPRODUCIBLE'])

    const ruled = rule('alice', 'paths = ["ci/"]\nmerge-by = ["alice", "github"]')
    const other = await MemoryWorld.of(web(matching, ruled), { doc: '1' })
    const renamed = other.commit({
      parents: [other.anchor],
      by: 'alice',
      files: { doc: null, 'ci/doc': '1' },
    })
    await other.push(MAIN, renamed)
    const edit = other.commit({ parents: [other.anchor], by: 'bob', files: { doc: 'evil' } })
    other.git.refs.set('refs/pull/7/head', edit)
    const tree = other.git.treeOf({ ...other.git.filesOf(renamed), 'ci/doc': 'evil' })
    other.git.setMerge(renamed, edit, { kind: 'merged', tree, conflicts: [] })
    const carried = other.commit({
      parents: [renamed],
      by: 'forge',
      message: 'x (#7)',
      files: { 'ci/doc': 'evil' },
    })
    expect((await other.push(MAIN, carried)).of(carried).codes).toEqual(['PATH_NOT_ALLOWED'])
  })

  test('attack 46: a browser edit with a listed person as author', async () => {
    const author = ident('alice@example.org')
    for (const accept of ['', matching, 'accept = ["clean-merge", "any-squash"]']) {
      const { world, main } = await forked(web(accept))
      const edit = world.commit({ parents: [main], by: 'forge', author, files: { x: '1' } })
      expect((await world.push(MAIN, edit)).codes).toEqual(['FORGE_EDIT'])
    }
    const { world, main } = await forked(web('accept = ["edit"]'))
    const edit = world.commit({ parents: [main], by: 'forge', author, files: { x: '1' } })
    const result = await world.push(MAIN, edit)
    expect(result.of(edit).strength).toBe('vouched-by-forge')
  })

  test('attack 48: a fake dependabot, and one that leaves its corner; 70: a stranger’s squash', async () => {
    const policy = policyOf(
      ['alice', 'bob'],
      `${forge()}${dependabot}${rule('alice bob dependabot', merging)}`,
    )
    const author = ident('49699333+dependabot[bot]@users.noreply.github.com')
    const bump = { 'package.json': '2' }
    const codes = async (story: Parameters<MemoryWorld['commit']>[0]): Promise<unknown> => {
      const world = await MemoryWorld.of(policy)
      const work = world.commit({ parents: [world.anchor], files: bump, ...story })
      return (await world.push(MAIN, work)).of(work).codes
    }
    expect(await codes({ by: 'forge', author })).toEqual([])
    expect(await codes({ by: 'mallory', author })).toEqual(['UNKNOWN_SIGNER'])
    expect(await codes({ by: 'forge', author: ident('x@example.org') })).toEqual(['FORGE_EDIT'])
    const files = { ...bump, 'src/a': 'evil' }
    expect(await codes({ by: 'forge', author, files })).toEqual(['PATH_NOT_ALLOWED'])
    expect(
      await codes({ by: 'forge', author, files: { Package: '1', 'package.json/x': '1' } }),
    ).toEqual(['PATH_NOT_ALLOWED'])
    const world = await MemoryWorld.of(policy)
    const story = { parents: [world.anchor], by: 'forge', author }
    const onTopic = world.commit({ ...story, files: { 'src/a': 'evil' } })
    expect((await world.push('refs/heads/topic', onTopic)).codes).toEqual(['PATH_NOT_ALLOWED'])
  })

  test('a bot vouched for by the forge is revoked, or retired', async () => {
    const base = policyOf(
      ['alice', 'bob'],
      `${forge()}${dependabot}${rule('alice bob dependabot', merging)}`,
    )
    const author = ident('49699333+dependabot[bot]@users.noreply.github.com')
    const world = await MemoryWorld.of(base)
    const story = { parents: [world.anchor], by: 'forge', author, files: { 'package.json': '2' } }
    const work = world.commit(story)
    const policy = `${base}[[revoke]]\nperson = "dependabot"\nreason = "taken over"\n`
    const landing = world.commit({ parents: [work], by: 'alice', policy })
    expect((await world.audit(landing)).of(work).codes).toEqual(['REVOKED'])
  })

  test('with author = "match" the forge answers only for itself', async () => {
    const policy = policyOf(
      ['alice', 'bob'],
      `${forge()}${rule('alice bob', `${merging}\nauthor = "match"`)}`,
    )
    const { world, main, side } = await forked(policy)
    const author = ident('alice@example.org')
    const merge = world.merge(main, side, { by: 'forge', author })
    expect((await world.push(MAIN, merge)).codes).toEqual(['AUTHOR_MISMATCH'])
  })
})
