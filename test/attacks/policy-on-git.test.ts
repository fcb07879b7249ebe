import { chmodSync, rmSync, symlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byCommit, World } from '../policy-worked/world.ts'
import type { Outcome, Signer } from '../policy-worked/world.ts'

const LONG = Array.from({ length: 30 }, (_, line) => `line ${String(line)}\n`).join('')

// Histories that git itself made, signed on the local stack and judged by the command line.
describe('attacks in real repositories', () => {
  let world: World
  let alice: Signer
  let bob: Signer
  let carol: Signer
  let mallory: Signer
  let lander: Signer
  let forge: Signer
  let anchor = ''
  let start = ''

  beforeAll(async () => {
    world = await World.create()
    await world.git('config', 'user.name', 'Nobody')
    await world.git('config', 'user.email', 'bob@example.org')
    alice = world.person('Alice', 'alice@example.org')
    bob = world.person('Bob', 'bob@example.org')
    carol = world.person('Carol', 'carol@example.org')
    mallory = world.person('Mallory', 'mallory@evil.example')
    const workflow = 'acme/app/.github/workflows/land.yml@refs/heads/main'
    lander = world.workflow('Lander', 'lander@example.org', {
      job_workflow_ref: workflow,
      repository: 'acme/app',
      repository_id: '1',
      ref: 'refs/heads/main',
    })
    const made = await world.forge('GitHub', 'noreply@github.com')
    forge = made.signer
    const table = (name: string): string =>
      `[people.${name}]\nemail = "${name}@example.org"\nissuer = "${world.stack.issuer}"\ntrust = "stack"\n`
    anchor = await world.commit(alice, 'adopt', {
      '.signet/policy.toml': `version = 1
admins = ["alice"]
${world.pinRoot('stack')}
${['alice', 'bob', 'carol'].map(table).join('\n')}
[bots.lander]
uri = "https://github.com/${workflow}"
issuer = "${world.stack.url}/ci/github"
trust = "stack"
repository-id = "1"
git = ["lander@example.org"]

[forges.github]
ssh = ["${made.line}"]
committer = "noreply@github.com"
accept = ["clean-merge", "matching-squash"]

[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "bob"]
merge-by = ["alice", "bob", "carol", "github", "lander"]

[[protect]]
refs = ["refs/heads/main"]
paths = ["src/"]
by = ["alice"]
merge-by = ["alice", "github", "lander"]
`,
      doc: LONG,
      other: '1\n',
      'src/a': 'bug\n',
    })
    start = anchor
  })
  afterAll(() => world.close())

  const audit = (): Promise<Outcome> => world.judge('audit', '--anchor', anchor, 'main')
  /** What is said of a commit at the tip of main; everything below it stays good. */
  const judged = async (id: string): Promise<{ exit: number; found: string | undefined }> => {
    const outcome = await audit()
    return { exit: outcome.summary.exit, found: byCommit(outcome).get(id) }
  }
  const reset = async (to = start): Promise<void> => {
    world.forgetTips()
    await world.git('checkout', '-q', '-f', 'main')
    await world.git('reset', '-q', '--hard', to)
    await world.git('clean', '-q', '-fdx')
  }
  /** A branch from `from` with one commit; main is checked out again. */
  const branch = async (
    who: Signer,
    name: string,
    files: Readonly<Record<string, string>>,
    from = start,
  ): Promise<string> => {
    await world.git('checkout', '-q', '-B', name, from)
    const id = await world.commit(who, name, files)
    await world.git('checkout', '-q', 'main')
    return id
  }

  test('attack 41: -s ours by a forge or a bot drops a fix that somebody signed', async () => {
    for (const who of [forge, lander, carol]) {
      await reset()
      await branch(alice, 'fix', { doc: LONG.replace('line 7', 'mended') })
      await world.commit(alice, 'main goes on', { other: '2\n' })
      const before = await world.id()
      const ours = await world.as(who, [
        ...['merge', '-q', '--no-ff', '-S', '-s', 'ours', '-m', 'ours', 'fix'],
      ])
      expect(await judged(ours), who.name).toEqual({ exit: 1, found: 'MERGE_ADDS_CHANGES' })
      await reset(before)
      const clean = await world.merge(who, 'fix', 'clean')
      expect(await judged(clean), who.name).toEqual({ exit: 0, found: 'mechanical' })
    }
  }, 60_000)

  test('attack 42: a conflict resolved by the forge, in a third way or by taking a side', async () => {
    for (const content of ['neither\n', 'main\n', 'side\n', 'main\nside\n']) {
      await reset()
      await branch(bob, 'side', { other: 'side\n' })
      await world.commit(alice, 'main', { other: 'main\n' })
      const conflict = await world.rawGit('merge', '-q', '--no-ff', '--no-commit', 'side')
      expect(conflict.status).toBe(1)
      const merge = await world.commit(forge, 'resolved on the web', { other: content })
      expect(await world.git('rev-list', '--parents', '-1', merge)).toMatch(/^(\w+ ?){3}$/)
      expect(await judged(merge), content).toEqual({ exit: 1, found: 'MERGE_ADDS_CHANGES' })
    }
    // By somebody who may commit, the same is work of his own.
    await world.git('reset', '-q', '--soft', 'HEAD~1')
    await reset(await world.id())
    await world.rawGit('merge', '-q', '--no-ff', '--no-commit', 'side')
    const byBob = await world.commit(bob, 'resolved', { other: 'both\n' })
    expect(await judged(byBob)).toEqual({ exit: 0, found: 'signed' })
  }, 60_000)

  test('attack 43: an octopus that git makes, by who may only merge', async () => {
    for (const [who, expected] of [
      [carol, { exit: 1, found: 'MERGE_ADDS_CHANGES' }],
      [forge, { exit: 1, found: 'MERGE_ADDS_CHANGES' }],
      [bob, { exit: 0, found: 'signed' }],
    ] as const) {
      await reset()
      for (const name of ['one', 'two']) await branch(bob, name, { [name]: '1\n' })
      await world.commit(alice, 'main goes on', { other: '2\n' })
      const octopus = await world.as(who, [
        ...['merge', '-q', '--no-ff', '-S', '-m', 'octopus', 'one', 'two'],
      ])
      expect(await world.git('rev-list', '--parents', '-1', octopus)).toMatch(/^(\w+ ?){4}$/)
      expect(await judged(octopus), who.name).toEqual(expected)
    }
  }, 60_000)

  /** The forge squashes a branch into main, where `change` may meddle; what is then said. */
  const squashed = async (
    change: () => void,
    by: Signer | null = bob,
    isThere = true,
  ): Promise<{ exit: number; squash: string | undefined; source: string | undefined }> => {
    await reset()
    await world.git('checkout', '-q', '-B', 'pull', start)
    world.write('new', 'text\n')
    await world.git('add', '-A')
    if (by === null) await world.git('commit', '-qm', 'work')
    else await world.as(by, ['commit', '-q', '-S', '-m', 'work'])
    const source = await world.id()
    await world.git('checkout', '-q', 'main')
    await world.commit(alice, 'main goes on', { other: '2\n' })
    await world.git('merge', '-q', '--squash', 'pull')
    change()
    const squash = await world.commit(forge, 'work (#7)', {}, bob)
    await world.git('branch', '-q', '-D', 'pull')
    if (isThere) await world.git('update-ref', 'refs/pull/7/head', source)
    const outcome = await audit()
    if (isThere) await world.git('update-ref', '-d', 'refs/pull/7/head')
    const found = byCommit(outcome)
    return { exit: outcome.summary.exit, squash: found.get(squash), source: found.get(source) }
  }

  test('attack 44: a squash that differs in one byte, in a mode, in a link', async () => {
    expect(await squashed(() => undefined)).toEqual({
      exit: 0,
      squash: 'mechanical',
      source: 'signed',
    })
    for (const change of [
      () => {
        world.write('new', 'Text\n')
      },
      () => {
        chmodSync(world.path('new'), 0o755)
      },
      () => {
        rmSync(world.path('new'))
        symlinkSync('text\n', world.path('new'))
      },
    ]) {
      const { exit, squash } = await squashed(change)
      expect({ exit, squash }).toEqual({ exit: 1, squash: 'SQUASH_NOT_REPRODUCIBLE' })
    }
  }, 60_000)

  test('attack 44: the squashed branch is unsigned, a stranger’s, of somebody not in by, missing', async () => {
    const same = (): void => undefined
    expect(await squashed(same, null)).toMatchObject({ exit: 1, source: 'UNSIGNED' })
    expect(await squashed(same, mallory)).toMatchObject({ exit: 1, source: 'UNKNOWN_SIGNER' })
    expect(await squashed(same, carol)).toMatchObject({ exit: 1, source: 'NOT_ALLOWED_HERE' })
    expect(await squashed(same, bob, false)).toEqual({
      exit: 4,
      squash: 'SQUASH_SOURCE_MISSING',
      source: undefined,
    })
  }, 60_000)

  test('attack 83: a squash of a conflicted merge, as git writes it with its markers', async () => {
    await reset()
    const source = await branch(bob, 'pull', { other: 'side\n' })
    const main = await world.commit(alice, 'main', { other: 'main\n' })
    const merged = await world.rawGit('merge-tree', '--write-tree', main, source)
    const [tree = ''] = merged.stdout.split('\n')
    expect(merged.status).toBe(1)
    await world.git('update-ref', 'refs/pull/7/head', source)
    const squash = await world.make(forge, tree, [main], 'work (#7)')
    await world.git('reset', '-q', '--hard', squash)
    expect(await world.git('show', `${squash}:other`)).toContain('<<<<<<<')
    expect(await judged(squash)).toEqual({ exit: 1, found: 'SQUASH_NOT_REPRODUCIBLE' })
    await world.git('update-ref', '-d', 'refs/pull/7/head')
  }, 60_000)

  test('attack 83: a squash that carries an edit into a ruled path by a rename', async () => {
    await reset()
    // Bob may edit doc. Alice moves it to src/, where he may not; the squash carries his edit there.
    const edit = LONG.replace('line 25\n', 'evil\n')
    const source = await branch(bob, 'pull', { doc: edit })
    await world.git('mv', 'doc', 'src/doc')
    const moved = await world.as(alice, ['commit', '-q', '-S', '-m', 'move'])
    await world.git('merge', '-q', '--squash', source)
    await world.git('update-ref', 'refs/pull/7/head', source)
    const squash = await world.commit(forge, 'work (#7)', {}, bob)
    expect(await world.git('show', `${squash}:src/doc`)).toContain('evil')
    expect(await judged(squash)).toEqual({ exit: 1, found: 'PATH_NOT_ALLOWED' })
    await world.git('update-ref', '-d', 'refs/pull/7/head')
    await reset(moved)
    const merge = await world.merge(forge, source, 'the same as a merge')
    expect(await judged(merge)).toEqual({ exit: 1, found: 'PATH_NOT_ALLOWED' })
  }, 60_000)

  test('attack 75: a tree or blob is missing under a merge', async () => {
    const play = async (which: string): Promise<{ exit: number; found: string | undefined }> => {
      await reset()
      const long = LONG.replace('line 2\n', `${which} ${String(Math.random())}\n`)
      const side = await branch(bob, 'side', { doc: long })
      await world.commit(alice, 'main', { doc: LONG.replace('line 28\n', `${which}\n`) })
      const merge = await world.merge(carol, side, 'clean')
      expect(await judged(merge)).toEqual({ exit: 0, found: 'mechanical' })
      const gone = await world.git('rev-parse', which.replace('SIDE', side))
      const path = world.path(`.git/objects/${gone.slice(0, 2)}/${gone.slice(2)}`)
      rmSync(path)
      return judged(merge)
    }
    expect(await play('SIDE:doc')).toEqual({ exit: 4, found: 'MISSING_OBJECT' })
    expect(await play('SIDE^{tree}')).toEqual({ exit: 4, found: 'MISSING_OBJECT' })
  }, 60_000)

  /** A tree object as somebody other than git would write it. */
  const treeOf = (...entries: readonly (readonly [mode: string, name: string, id: string])[]) =>
    world.store(
      'tree',
      Buffer.concat(
        entries.map(([mode, name, id]) =>
          Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
        ),
      ),
    )
  /** The root of the anchor with `src` replaced, or with more entries at its end. */
  const rootWith = async (
    src: string,
    ...more: readonly (readonly [string, string, string])[]
  ): Promise<string> => {
    const lines = (await world.git('ls-tree', anchor)).split('\n')
    const entries = lines.map((line) => {
      const [, mode = '', id = '', name = ''] = /^(\d+) \w+ (\w+)\t(.*)$/.exec(line) ?? []
      return [mode.replace(/^0/, ''), name, name === 'src' ? src : id] as const
    })
    return treeOf(...entries, ...more)
  }

  /** Judged where git would refuse to check it out. */
  const atTip = async (id: string): Promise<{ exit: number; found: string | undefined }> => {
    world.forgetTips()
    await world.git('update-ref', 'refs/heads/main', id)
    const result = await judged(id)
    await world.git('update-ref', 'refs/heads/main', anchor)
    return result
  }

  test('attack 73: trees that git would not write, at every depth that is read', async () => {
    await reset()
    const blob = await world.store('blob', Buffer.from('evil\n'))
    const file = (name: string, mode = '100644') => [mode, name, blob] as const
    const empty = await treeOf()
    const malformed = {
      'a name twice': [file('a'), file('a')],
      'a file and a folder of one name': [file('a'), ['40000', 'a', empty] as const],
      'not sorted': [file('b'), file('a')],
      'a folder sorted as a file': [['40000', 'a', empty] as const, file('a.b')],
      dots: [file('..')],
      'one dot': [file('.')],
      '.git': [['40000', '.git', empty] as const],
      '.GIT': [['40000', '.GIT', empty] as const],
      'git~1': [['40000', 'git~1', empty] as const],
      '.git with an ignorable character': [['40000', '.g\u200cit', empty] as const],
      '.git with a stream': [['40000', '.git::$INDEX_ALLOCATION', empty] as const],
      'a slash': [file('a/b')],
      'no name': [file('')],
      'a mode nobody knows': [file('a', '100666')],
      'a mode with a zero before it': [['040000', 'a', empty] as const],
    } as const
    const deep = async (tree: string): Promise<string> => treeOf(['40000', 'x', tree])
    const made = new Map<string, string>()
    let tip = anchor
    for (const [what, entries] of Object.entries(malformed)) {
      const tree = await treeOf(...entries)
      for (const [where, src] of [
        ['in src', tree],
        ['below', await deep(await deep(tree))],
      ] as const) {
        tip = await world.make(alice, await rootWith(src), [tip], what)
        made.set(`${what} ${where}`, tip)
      }
    }
    world.forgetTips()
    await world.git('update-ref', 'refs/heads/main', tip)
    const outcome = await audit()
    await world.git('update-ref', 'refs/heads/main', anchor)
    const found = byCommit(outcome)
    for (const [what, id] of made) expect(found.get(id), what).toBe('MALFORMED')
    expect(outcome.summary).toMatchObject({ exit: 1, checked: made.size, fail: made.size })
  }, 120_000)

  test('attack 73: a second .signet in the root, an odd mode, and what was there before', async () => {
    const signet = await world.git('rev-parse', `${anchor}:.signet`)
    const src = await world.git('rev-parse', `${anchor}:src`)
    const blob = await world.store('blob', Buffer.from('evil\n'))
    const twice = await rootWith(src, ['40000', '.signet', signet])
    expect((await atTip(await world.make(alice, twice, [anchor]))).exit).toBe(1)
    for (const name of ['.Signet', '.sig\u200cnet', '.signet.', '.signet ']) {
      const twin = await rootWith(src, ['40000', name, signet])
      const { exit, found } = await atTip(await world.make(alice, twin, [anchor]))
      expect(exit, name).toBe(1)
      expect(found, name).toContain('MALFORMED')
    }
    const loose = await treeOf(['100664', 'a', blob])
    const odd = await world.make(alice, await rootWith(loose), [anchor])
    expect(await atTip(odd)).toEqual({ exit: 0, found: 'signed' })
    const told = await world.signet('verify', '--anchor', anchor, '--explain', odd)
    expect(told.stdout, told.stderr).toContain('mode 100664')
    expect(told.status).toBe(0)
    // A malformed tree is told where it comes, and once: what stays as it was is not read again.
    const bad = await treeOf(['100644', '..', blob])
    const first = await world.make(alice, await rootWith(bad), [anchor])
    const root = await rootWith(bad, ['100644', 'zzz', blob])
    const second = await world.make(alice, root, [first])
    world.forgetTips()
    await world.git('update-ref', 'refs/heads/main', second)
    const found = byCommit(await audit())
    await world.git('update-ref', 'refs/heads/main', anchor)
    expect([found.get(first), found.get(second)]).toEqual(['MALFORMED', 'signed'])
  }, 60_000)
})
