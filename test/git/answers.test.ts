import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RepositoryAnswers } from '../../src/git/answers.ts'
import type { WalkedCommit } from '../../src/policy/git-answers.ts'
import { Random } from './generate-objects.ts'
import { TestRepository } from './repository.ts'

const seed = Number(process.env['SIGNET_SEED'] ?? 7)

async function collect(walk: AsyncIterable<WalkedCommit>): Promise<WalkedCommit[]> {
  const all: WalkedCommit[] = []
  for await (const commit of walk) all.push(commit)
  return all
}

function looseObject(repository: TestRepository, id: string): string {
  return join(repository.folder, 'objects', id.slice(0, 2), id.slice(2))
}

describe.each(['sha1', 'sha256'] as const)(
  `a random history (%s, seed ${String(seed)})`,
  (format) => {
    let repository: TestRepository
    const commits: string[] = []

    beforeAll(() => {
      repository = new TestRepository(format)
      const random = new Random(seed)
      const stream: string[] = []
      for (let mark = 1; mark <= 120; mark++) {
        const near = (): number => Math.max(1, mark - 1 - random.below(12))
        const isRoot = mark === 1 || random.chance(0.02)
        const [first, second] = [near(), near()]
        stream.push(`commit refs/heads/c${String(mark)}\nmark :${String(mark)}\n`)
        stream.push(`committer C <c@example.org> ${String(1700000000 + mark)} +0000\ndata 1\nm\n`)
        if (!isRoot) stream.push(`from :${String(first)}\n`)
        if (!isRoot && second !== first && random.chance(0.4))
          stream.push(`merge :${String(second)}\n`)
        for (let files = random.below(4); files > 0; files--) {
          const path = random.pick(['a', 'b', 'd/x', 'd/y', 'd/e/z', '.signet/policy.toml', 'dir'])
          if (random.chance(0.1)) stream.push(`D ${path}\n`)
          else {
            const lines = Array.from({ length: 6 }, () => `${String(random.below(3))}\n`).join('')
            stream.push(`M 100644 inline ${path}\ndata ${String(lines.length)}\n${lines}\n`)
          }
        }
      }
      repository.git(['fast-import', '--quiet', '--force'], stream.join(''))
      for (let mark = 1; mark <= 120; mark++) commits.push(repository.id(`c${String(mark)}`))
    })
    afterAll(() => {
      repository.remove()
    })

    test.each([false, true])('walk() lists what rev-list lists (loaded: %s)', async (loaded) => {
      const answers = await RepositoryAnswers.open(repository.place)
      if (loaded) await answers.load({ include: commits, exclude: [] })
      const random = new Random(seed + 1)
      for (let round = 0; round < (loaded ? 200 : 15); round++) {
        const pickSome = (count: number): string[] =>
          Array.from({ length: count }, () => commits[random.below(commits.length)] ?? '')
        const query = {
          include: pickSome(1 + random.below(3)),
          exclude: pickSome(random.below(3)),
          firstParent: random.chance(0.3),
        }
        const flags = query.firstParent ? ['--first-parent'] : []
        const lines = repository.git([
          ...['rev-list', '--parents', ...flags, ...query.include],
          ...query.exclude.map((id) => `^${id}`),
        ])
        const expected = new Map<string, string[]>()
        for (const line of lines.split('\n').filter((one) => one !== '')) {
          const [id = '', ...parents] = line.split(' ')
          // With --first-parent, --parents prints only that one; we give what the object says.
          expected.set(id, query.firstParent ? rawParents(id) : parents)
        }
        const walked = await collect(answers.walk(query))
        expect(new Map(walked.map(({ id, parents }) => [id, [...parents]]))).toEqual(expected)
        const place = new Map(walked.map(({ id }, index) => [id, index]))
        for (const [index, { parents }] of walked.entries()) {
          for (const parent of parents) expect(place.get(parent) ?? Infinity).toBeGreaterThan(index)
        }
      }
      await answers.close()
    })

    function rawParents(id: string): string[] {
      return repository
        .git(['rev-parse', `${id}^@`])
        .split('\n')
        .filter((line) => line !== '')
    }

    test.each([false, true])('isAncestor() says what git says (loaded: %s)', async (loaded) => {
      const answers = await RepositoryAnswers.open(repository.place)
      if (loaded) await answers.load({ include: commits, exclude: [] })
      const random = new Random(seed + 2)
      for (let round = 0; round < (loaded ? 200 : 15); round++) {
        const a = commits[random.below(commits.length)] ?? ''
        const b = commits[random.below(commits.length)] ?? ''
        const reach = repository.git(['rev-list', b]).split('\n')
        expect(await answers.isAncestor(a, b)).toBe(reach.includes(a))
      }
      await answers.close()
    })

    test('changes() lists what diff-tree lists', async () => {
      const answers = await RepositoryAnswers.open(repository.place)
      const random = new Random(seed + 3)
      for (let round = 0; round < 60; round++) {
        const a = repository.id(`${commits[random.below(commits.length)] ?? ''}^{tree}`)
        const b = repository.id(`${commits[random.below(commits.length)] ?? ''}^{tree}`)
        const raw = repository.git(['diff-tree', '-r', '--no-renames', a, b])
        const expected = raw
          .split('\n')
          .filter((line) => line !== '')
          .sort()
        const answer = await answers.changes(a, b)
        if ('unanswered' in answer) throw new Error(answer.detail)
        const none = { mode: '000000', id: '0'.repeat(format === 'sha1' ? 40 : 64) }
        const ours = answer.changes.map(({ path, before = none, after = none }) => {
          const kind = before === none ? 'A' : after === none ? 'D' : 'M'
          return `:${before.mode} ${after.mode} ${before.id} ${after.id} ${kind}\t${path}`
        })
        expect(ours.sort()).toEqual(expected)
        expect(answer.findings).toEqual([])
      }
      await answers.close()
    })

    test('mechanicalMerge() merges as merge-tree does, many pairs at once, unrelated ones told', async () => {
      const answers = await RepositoryAnswers.open(repository.place)
      const random = new Random(seed + 4)
      const pairs = Array.from({ length: 60 }, () => [
        commits[random.below(commits.length)] ?? '',
        commits[random.below(commits.length)] ?? '',
      ])
      const results = await Promise.all(
        pairs.map(([a = '', b = '']) => answers.mechanicalMerge(a, b)),
      )
      for (const [index, [a = '', b = '']] of pairs.entries()) {
        const got = results[index]
        const merged = mergeWithGit(repository, a, b)
        if (merged === undefined) expect(got).toEqual({ kind: 'unrelated' })
        else expect(got).toEqual({ kind: 'merged', ...merged })
        if (got !== undefined && 'tree' in got) {
          const change = await answers.changes(undefined, got.tree)
          expect('unanswered' in change).toBe(false)
        }
      }
      await answers.close()
    })

    test('policyEntryChanges() names the first-parent commits that change .signet', async () => {
      const answers = await RepositoryAnswers.open(repository.place)
      const tip = commits.at(-1) ?? ''
      const chain = repository.git(['rev-list', '--first-parent', '--reverse', tip]).split('\n')
      const policy = chain.map((id) => repository.git(['ls-tree', id, '.signet']))
      const expected = chain
        .map((id, index) => ({ id, index }))
        .filter(({ index }) => index > 0 && policy[index] !== policy[index - 1])
      expect(expected.length).toBeGreaterThan(0)
      expect(await answers.policyEntryChanges(chain[0] ?? '', tip)).toEqual(expected)
      expect(await answers.policyEntryChanges(tip, tip)).toEqual([])
      expect(await answers.policyEntryChanges(tip, chain[0] ?? '')).toBeUndefined()
      await answers.close()
    })
  },
)

function mergeWithGit(
  repository: TestRepository,
  a: string,
  b: string,
): { tree: string; conflicts: string[] } | undefined {
  const args = ['merge-tree', '--write-tree', '--name-only', '--no-messages', '-z', a, b]
  try {
    return { tree: repository.git(args).split('\0')[0] ?? '', conflicts: [] }
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string }
    if (status !== 1) return undefined
    const [tree = '', ...conflicts] = stdout.split('\0').filter((field) => field !== '')
    return { tree, conflicts }
  }
}

describe('holes in a history', () => {
  test('walk() yields a missing commit once, and what is still there', async () => {
    const repository = new TestRepository()
    const tree = repository.tree({ a: '1' })
    const root = repository.commit(tree, [], 'root')
    const left = repository.commit(tree, [root], 'left')
    const right = repository.commit(tree, [root], 'right')
    const tip = repository.commit(tree, [left, right], 'tip')
    rmSync(looseObject(repository, root))
    const answers = await RepositoryAnswers.open(repository.place)
    const walked = await collect(answers.walk({ include: [tip], exclude: [] }))
    expect(
      walked
        .slice(0, 3)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([tip, left, right].sort())
    expect(walked.slice(3)).toEqual([{ id: root, parents: [], absent: 'MISSING_OBJECT' }])
    expect(await answers.commit(root)).toMatchObject({ unanswered: 'MISSING_OBJECT' })
    expect(await answers.isAncestor(root, left)).toBe(true)
    expect(await answers.isAncestor(right, left)).toBe(false)
    const stranger = repository.commit(tree, [], 'stranger')
    expect(await answers.isAncestor(stranger, left)).toMatchObject({ unanswered: 'MISSING_OBJECT' })
    expect(await answers.mechanicalMerge(stranger, left)).toMatchObject({
      unanswered: 'MISSING_OBJECT',
    })
    await answers.close()
    repository.remove()
  })

  test('mechanicalMerge() is no clean merge where a root tree is missing', async () => {
    const repository = new TestRepository()
    const base = repository.commit(repository.tree({ a: '1' }))
    const theirs = repository.tree({ a: '1', b: '2' })
    const left = repository.commit(repository.tree({ a: '2' }), [base])
    const right = repository.commit(theirs, [base])
    rmSync(looseObject(repository, theirs))
    const answers = await RepositoryAnswers.open(repository.place)
    expect(await answers.mechanicalMerge(left, right)).toMatchObject({
      unanswered: 'MISSING_OBJECT',
    })
    await answers.close()
    repository.remove()
  })

  test('walk() says SHALLOW where the shallow file ends the history', async () => {
    const repository = new TestRepository()
    const tree = repository.tree({ a: '1' })
    let tip = ''
    for (const message of ['1', '2', '3', '4']) {
      tip = repository.commit(tree, tip === '' ? [] : [tip], message)
    }
    repository.git(['update-ref', 'refs/heads/main', tip])
    const clone = new TestRepository()
    clone.git(['fetch', '-q', '--depth=2', `file://${repository.folder}`, 'main'])
    const answers = await RepositoryAnswers.open(clone.place)
    const cut = repository.id(`${tip}~2`)
    const query = { include: [tip], exclude: [] }
    const expected = [
      { id: tip, parents: [repository.id(`${tip}~1`)] },
      { id: repository.id(`${tip}~1`), parents: [cut] },
      { id: cut, parents: [], absent: 'SHALLOW' },
    ]
    expect(await collect(answers.walk(query))).toEqual(expected)
    await answers.load(query)
    expect(await collect(answers.walk(query))).toEqual(expected)
    expect(await answers.commit(repository.id(`${tip}~1`))).toMatchObject({ shallow: true })
    await answers.close()
    clone.remove()
    repository.remove()
  })

  test('replace refs and grafts change no answer', async () => {
    const repository = new TestRepository()
    const tree = repository.tree({ a: '1' })
    const root = repository.commit(tree, [], 'root')
    const tip = repository.commit(tree, [root], 'tip')
    const other = repository.commit(tree, [], 'other')
    repository.git(['replace', tip, other])
    const answers = await RepositoryAnswers.open(repository.place)
    expect(await answers.commit(tip)).toMatchObject({ parents: [root], message: 'tip\n' })
    const walked = await collect(answers.walk({ include: [tip], exclude: [] }))
    expect(walked.map(({ id }) => id)).toEqual([tip, root])
    await answers.close()
    repository.remove()
  })
})
