import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MergePair } from '../../src/git/merge-process.ts'
import { MergeScratch } from '../../src/git/merge-tree.ts'
import { repositoryPaths } from '../../src/git/refs.ts'
import { TestRepository } from './repository.ts'

let repository: TestRepository
beforeAll(() => {
  repository = new TestRepository()
})
afterAll(() => {
  repository.remove()
})

function pair(
  base: Readonly<Record<string, string>>,
  left: Readonly<Record<string, string>>,
  right: Readonly<Record<string, string>>,
): { first: string; second: string } {
  const root = repository.commit(repository.tree(base))
  return {
    first: repository.commit(repository.tree(left), [root]),
    second: repository.commit(repository.tree(right), [root]),
  }
}

async function merge(
  pairs: readonly { first: string; second: string }[],
  timeoutMs = 10_000,
): Promise<Awaited<ReturnType<MergeScratch['merge']>>> {
  const paths = await repositoryPaths(repository.place)
  const scratch = MergeScratch.create(repository.place.env, paths, { timeoutMs })
  try {
    return await scratch.merge(pairs)
  } finally {
    scratch.remove()
    expect(existsSync(scratch.place.cwd)).toBe(false)
  }
}

test('attributes and drivers of the judged repository change no merge', async () => {
  repository.git(['config', 'merge.mine.driver', 'touch %A; true'])
  repository.git(['config', 'merge.default', 'mine'])
  mkdirSync(join(repository.folder, 'info'), { recursive: true })
  const attributes = { '.gitattributes': '* merge=union\nb merge=mine\n' }
  const one = pair(
    { ...attributes, a: '1\n', b: '1\n' },
    { ...attributes, a: '2\n', b: '2\n' },
    { ...attributes, a: '3\n', b: '3\n' },
  )
  const [result] = await merge([one])
  expect(result).toMatchObject({ kind: 'merged' })
  if (result?.kind !== 'merged') return
  expect(result.conflicts.map((path) => Buffer.from(path).toString())).toEqual(['a', 'b'])
})

test('one pair that git refuses does not end the others', async () => {
  const clean = pair({ a: '1' }, { a: '1', b: '2' }, { a: '1', c: '3' })
  const stranger = repository.commit(repository.tree({ z: '9' }), [], 'stranger')
  const absent = 'd'.repeat(40)
  const results = await merge([
    clean,
    { first: clean.first, second: stranger },
    clean,
    { first: absent, second: clean.first },
    clean,
  ])
  expect(results.map(({ kind }) => kind)).toEqual([
    'merged',
    'unrelated',
    'merged',
    'missing',
    'merged',
  ])
})

test('a merge that takes too long is told from those beside it', async () => {
  const lines = (from: number): string =>
    Array.from({ length: 20_000 }, (_, line) => `${String((line * 7919 + from) % 100)}\n`).join('')
  const slow = pair({ a: lines(0) }, { a: lines(1) }, { a: lines(2) })
  const results = await merge([slow], 1)
  expect(results.map(({ kind }) => kind)).toContainEqual(expect.stringMatching(/merged|time-limit/))
  const [first, second] = await merge([slow, pair({ a: '1' }, { a: '1' }, { a: '2' })])
  expect([first?.kind, second?.kind]).toEqual(['merged', 'merged'])
})

test('objects are found below folders with odd names', async () => {
  const one = pair({ a: '1' }, { a: '2' }, { a: '1', b: '2' })
  const odd = join(repository.folder, 'a "quoted" #\\ name')
  mkdirSync(odd)
  const moved = join(odd, 'repo.git')
  repository.git(['clone', '-q', '--mirror', '.', moved])
  for (const id of [one.first, one.second])
    repository.git(['push', '-q', moved, `${id}:refs/heads/${id}`])
  const place = { ...repository.place, cwd: moved }
  const scratch = MergeScratch.create(place.env, await repositoryPaths(place))
  renameSync(join(repository.folder, 'objects'), join(repository.folder, 'hidden'))
  try {
    expect((await scratch.merge([one]))[0]).toMatchObject({ kind: 'merged', conflicts: [] })
  } finally {
    renameSync(join(repository.folder, 'hidden'), join(repository.folder, 'objects'))
    scratch.remove()
  }
})

const realGit = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()

/** A scratch repository whose git is a script; `$git` is the real one. Tells what it was called with. */
async function withGit<T>(
  script: string,
  use: (scratch: MergeScratch, calls: () => string[]) => Promise<T>,
  timeoutMs = 10_000,
): Promise<T> {
  const bin = mkdtempSync(join(tmpdir(), 'signet-fake-git-'))
  const log = join(bin, 'calls')
  const head = `#!/bin/sh\nunset GIT_DIR\ngit='${realGit}'\necho "$*" >> '${log}'\n`
  writeFileSync(join(bin, 'git'), head + script)
  chmodSync(join(bin, 'git'), 0o755)
  const paths = await repositoryPaths(repository.place)
  const { env } = repository.place
  const scratch = MergeScratch.create({ ...env, PATH: `${bin}:${env['PATH'] ?? ''}` }, paths, {
    timeoutMs,
  })
  try {
    return await use(scratch, () => readFileSync(log, 'utf8').trim().split('\n'))
  } finally {
    scratch.remove()
    rmSync(bin, { recursive: true, force: true })
  }
}

/** Pairs that merge cleanly, each to a tree of its own, and those trees. */
function cleanPairs(count: number): { pairs: MergePair[]; trees: string[] } {
  const root = repository.commit(repository.tree({ a: '1' }))
  const second = repository.commit(repository.tree({ a: '1', b: '2' }), [root])
  const of = (index: number) => ({ a: `${String(index)}\n` })
  const range = Array.from({ length: count }, (_, index) => index)
  return {
    pairs: range.map((index) => ({
      first: repository.commit(repository.tree(of(index)), [root]),
      second,
    })),
    trees: range.map((index) => repository.tree({ ...of(index), b: '2' })),
  }
}

test.each(['sha1', 'sha256'] as const)(
  'questions that come one after the other go through one process (%s)',
  async (format) => {
    const before = repository
    repository = new TestRepository(format)
    try {
      const { pairs, trees } = cleanPairs(5)
      const conflict = pair({ a: '1\n' }, { a: '2\n' }, { a: '3\n' })
      await withGit('exec "$git" "$@"', async (scratch, calls) => {
        for (const round of [0, 1, 2]) {
          for (const [index, one] of pairs.entries()) {
            expect(await scratch.merge([one])).toEqual([
              { kind: 'merged', tree: trees[index], conflicts: [] },
            ])
          }
          const [result] = await scratch.merge([conflict])
          expect(result, String(round)).toMatchObject({ conflicts: [Buffer.from('a')] })
        }
        expect(calls()).toHaveLength(1)
      })
    } finally {
      repository.remove()
      repository = before
    }
  },
)

test('a process that has made ten thousand merges gives its memory back', async () => {
  const { pairs } = cleanPairs(1)
  await withGit('exec "$git" "$@"', async (scratch, calls) => {
    const results = await scratch.merge(Array.from({ length: 10_000 }, () => pairs).flat())
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1)
    expect(calls()).toHaveLength(1)
    expect(await scratch.merge(pairs)).toEqual(results.slice(0, 1))
    expect(calls()).toHaveLength(2)
  })
})

test('git that holds its answers back until input ends is still asked rightly', async () => {
  const { pairs, trees } = cleanPairs(3)
  const script = 'out=$("$git" "$@" | base64)\necho "$out" | base64 -d'
  const run = async (scratch: MergeScratch, calls: () => string[]): Promise<void> => {
    for (const [index, one] of pairs.entries()) {
      expect(await scratch.merge([one])).toMatchObject([{ tree: trees[index] }])
    }
    expect(await scratch.merge(pairs)).toMatchObject(trees.map((tree) => ({ tree })))
    // One that was waited for in vain, then one a batch.
    expect(calls()).toHaveLength(5)
  }
  await withGit(script, run, 1500)
})

test('a merge that hangs is told, and neither those before nor those after it', async () => {
  const { pairs, trees } = cleanPairs(4)
  const [, , slow] = pairs
  const script = `
case "$*" in *--stdin*) ;; *) exec "$git" "$@" ;; esac
while read -r line; do
  [ "$line" = "${String(slow?.first)} ${String(slow?.second)}" ] && exec sleep 4
  echo "$line"
done | "$git" "$@"`
  const check = async (scratch: MergeScratch): Promise<void> => {
    expect(await scratch.merge(pairs.slice(0, 1))).toMatchObject([{ tree: trees[0] }])
    const results = await scratch.merge(pairs)
    expect(results.map((one) => ('tree' in one ? one.tree : one.kind))).toEqual(
      trees.map((tree, index) => (index === 2 ? 'time-limit' : tree)),
    )
    expect(await scratch.merge(pairs.slice(3))).toMatchObject([{ tree: trees[3] }])
  }
  await withGit(script, check, 1200)
}, 30_000)

test('git that is killed is no verdict about a merge', async () => {
  const { pairs } = cleanPairs(2)
  await withGit('case "$*" in *--stdin*) kill -9 $$ ;; esac\nexec "$git" "$@"', async (scratch) => {
    await expect(scratch.merge(pairs)).rejects.toMatchObject({ code: 'GIT_FAILED' })
  })
})

const oldGit = (version: string): string => `
case "$*" in
  *version*) echo "git version ${version}"; exit ;;
  *--stdin*) exit 129 ;;
esac
exec "$git" "$@"`

test('git 2.38 is started for each merge', async () => {
  const { pairs, trees } = cleanPairs(3)
  const stranger = repository.commit(repository.tree({ z: '9' }), [], 'stranger')
  await withGit(oldGit('2.38.5'), async (scratch) => {
    const absent = { first: stranger, second: 'd'.repeat(40) }
    expect(await scratch.merge([absent, ...pairs, absent])).toMatchObject([
      { kind: 'missing' },
      ...trees.map((tree) => ({ tree })),
      { kind: 'missing' },
    ])
  })
})

test('git before 2.38 is told to be too old', async () => {
  const { pairs } = cleanPairs(1)
  await withGit(oldGit('2.34.1'), async (scratch) => {
    await expect(scratch.merge(pairs)).rejects.toMatchObject({ code: 'GIT_TOO_OLD' })
  })
})
