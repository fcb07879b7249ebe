import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BatchParser, type BatchAnswer } from '../../src/git/batch-parser.ts'
import { ObjectReader } from '../../src/git/objects.ts'
import { fullRefName, resolveRange, resolveRevision } from '../../src/git/refs.ts'
import { gitEnvironment, runGit } from '../../src/git/run.ts'
import { Random } from './generate-objects.ts'
import { TestRepository } from './repository.ts'

let repository: TestRepository
let commit: string
beforeAll(() => {
  repository = new TestRepository()
  commit = repository.commit(repository.tree({ a: '1' }))
  repository.git(['update-ref', 'refs/heads/main', commit])
})
afterAll(() => {
  repository.remove()
})

describe('runGit()', () => {
  test('tells success by the exit code alone and escapes what git says', async () => {
    await expect(
      runGit(repository.place, ['cat-file', '-p', 'no\u001b[31m']),
    ).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.not.stringContaining('\u001b') as string,
    })
    const { status } = await runGit(repository.place, ['cat-file', '-e', 'none'], {
      answers: [128],
    })
    expect(status).toBe(128)
  })

  test('stops at the time limit and at the output limit', async () => {
    const slow = ['-c', 'alias.slow=!sleep 5', 'slow']
    await expect(
      runGit(repository.place, slow, { timeoutMs: 200, plain: true }),
    ).rejects.toMatchObject({ code: 'GIT_TIMEOUT' })
    await expect(
      runGit(repository.place, ['cat-file', 'commit', commit], { maxBytes: 10 }),
    ).rejects.toMatchObject({ code: 'GIT_OUTPUT' })
  }, 30_000)

  test('says when git cannot be started', async () => {
    const place = { cwd: repository.folder, env: { PATH: '/nonexistent' } }
    await expect(runGit(place, ['version'])).rejects.toMatchObject({ code: 'GIT_MISSING' })
  })

  test('turns replace refs, grafts, tracing, prompts and every protocol off', () => {
    const env = gitEnvironment({ GIT_TRACE: '1', GIT_REPLACE_REF_BASE: 'refs/x/', HOME: '/h' })
    expect(env).toMatchObject({
      HOME: '/h',
      LC_ALL: 'C',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_NO_LAZY_FETCH: '1',
      GIT_ALLOW_PROTOCOL: 'none',
      GIT_TERMINAL_PROMPT: '0',
    })
    expect(env).not.toHaveProperty('GIT_TRACE')
    expect(env).not.toHaveProperty('GIT_REPLACE_REF_BASE')
  })
})

describe('revisions that people give', () => {
  test('are never options', async () => {
    for (const revision of ['--all', '--help', '-h', '--git-dir', '--upload-pack=x', '']) {
      expect(await resolveRevision(repository.place, revision)).toBeUndefined()
      await expect(resolveRange(repository.place, [revision])).rejects.toMatchObject({
        code: 'REVISION_UNKNOWN',
      })
    }
    const reader = new ObjectReader(repository.place)
    expect(await reader.read('--batch-all-objects')).toMatchObject({ kind: 'missing' })
    await expect(reader.read('a\nb')).rejects.toMatchObject({ code: 'OBJECT_NAME' })
    await reader.close()
  })

  test('name commits, ranges and refs', async () => {
    const { place } = repository
    expect(await resolveRevision(place, 'main')).toBe(commit)
    const tip = repository.commit(repository.tree({ a: '2' }), [commit])
    expect(await resolveRange(place, [`main..${tip}`])).toEqual({
      include: [tip],
      exclude: [commit],
    })
    expect(await fullRefName(place, 'main')).toBe('refs/heads/main')
    expect(await fullRefName(place, 'HEAD')).toBe('refs/heads/main')
    expect(await fullRefName(place, commit)).toBeUndefined()
  })
})

describe('BatchParser', () => {
  test('gives the same answers however the stream is cut (seeded)', () => {
    const id = 'a'.repeat(40)
    const bodies = ['', 'x', 'LF\nLF\n', 'y'.repeat(300)]
    const stream = Buffer.from(
      bodies.map((body) => `${id} blob ${String(body.length)}\n${body}\n`).join('') +
        'no such thing missing\n',
    )
    const random = new Random(11)
    for (let round = 0; round < 300 + stream.length; round++) {
      const answers: BatchAnswer[] = []
      const parser = new BatchParser(200, (answer) => answers.push(answer))
      for (let at = 0; at < stream.length;) {
        // At random, then once at every place.
        const length = round < 300 ? 1 + random.below(40) : at === 0 ? round - 299 : stream.length
        const end = Math.min(stream.length, at + length)
        parser.push(Buffer.from(stream.subarray(at, end)))
        at = end
      }
      expect(parser.idle).toBe(true)
      expect(answers.map((one) => (one.kind === 'object' ? one.bytes.toString() : one))).toEqual([
        ...bodies.slice(0, 3),
        { kind: 'too-large', id, type: 'blob', size: 300 },
        { kind: 'missing', name: 'no such thing' },
      ])
      const hashed = answers.flatMap((one) => (one.kind === 'object' ? [one.preimage] : []))
      expect(hashed.map(String)).toEqual(
        bodies.slice(0, 3).map((body) => `blob ${String(body.length)}\0${body}`),
      )
    }
  })

  test('refuses output that is not cat-file’s', () => {
    const parser = (): BatchParser => new BatchParser(100, () => undefined)
    for (const text of ['what\n', `${'a'.repeat(40)} blob 1\nxy`, 'a'.repeat(20_000)]) {
      expect(() => {
        parser().push(Buffer.from(text))
      }).toThrow(/unexpected output/)
    }
  })
})

test('ObjectReader answers many questions in order and fails them all when it is closed', async () => {
  const reader = new ObjectReader(repository.place)
  const names = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? 'none' : commit))
  const answers = await Promise.all(names.map((name) => reader.read(name)))
  for (const [index, answer] of answers.entries()) {
    expect(answer.kind).toBe(index % 3 === 0 ? 'missing' : 'object')
    if (answer.kind === 'object') expect(answer.idMatches).toBe(true)
  }
  await reader.close()
})
