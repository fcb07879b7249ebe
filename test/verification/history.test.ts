import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Facts } from '../../src/facts.ts'
import { RepositoryAnswers } from '../../src/git/answers.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { FactsCache } from '../../src/verification/cache.ts'
import { verifyHistory, type HistoryOptions } from '../../src/verification/history.ts'
import { readShared, readSharedLines, sharedFolder, sharedPath } from '../shared.ts'
import { TestRepository } from '../git/repository.ts'

const name = 'advisories-run128-offline'

async function collect(
  repository: RepositoryAnswers,
  tip: string,
  roots: Parameters<typeof verifyHistory>[2],
  options?: HistoryOptions,
): Promise<Facts[]> {
  const all: Facts[] = []
  const range = { include: [tip], exclude: [] }
  for await (const { facts } of verifyHistory(repository, range, roots, options)) all.push(facts)
  return all
}

describe.skipIf(sharedFolder === undefined)(
  'verifyHistory() of a real history (needs ../shared)',
  () => {
    let folder = ''
    let repository: RepositoryAnswers
    let tip = ''
    const roots =
      sharedFolder === undefined
        ? []
        : [parseTrustedRoot(readShared('corpus/trusted_root.json').toString(), 'public')]

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'signet-history-'))
      const archive = sharedPath(`corpus/histories/${name}.git.tar.gz`) ?? ''
      execFileSync('tar', ['-xzf', archive, '-C', folder])
      const place = { cwd: join(folder, `${name}.git`), env: { PATH: process.env['PATH'] } }
      repository = await RepositoryAnswers.open(place)
      tip = (await repository.ref('refs/heads/main')) ?? ''
    })
    afterAll(async () => {
      await repository.close()
      rmSync(folder, { recursive: true, force: true })
    })

    test.each([1, 32])(
      'proves every commit in the order of rev-list (%i in flight)',
      async (inFlight) => {
        const facts = await collect(repository, tip, roots, { inFlight })
        const listed = execFileSync('git', ['rev-list', tip], { cwd: repository.place.cwd })
        expect(facts.map(({ object }) => object.id)).toEqual(listed.toString().trim().split('\n'))
        const truth = readSharedLines<{ oid: string; verdict?: string }>(
          `corpus/histories/${name}.truth.jsonl`,
        )
        const verdicts = new Map(truth.map(({ oid, verdict }) => [oid, verdict]))
        expect(facts.length).toBeGreaterThan(100)
        for (const { object, outcome } of facts) {
          expect([object.id, outcome === 'proven']).toEqual([
            object.id,
            verdicts.get(object.id) === 'offline-full',
          ])
        }
      },
    )

    test('tells which commit the shallow file ends the history at', async () => {
      const ends: string[] = []
      const range = { include: [tip], exclude: [] }
      for await (const commit of verifyHistory(repository, range, roots)) {
        if (commit.isShallow) ends.push(commit.id)
      }
      expect(ends).toEqual(readFileSync(repository.paths.shallow, 'latin1').trim().split('\n'))
    })

    describe('with a cache', () => {
      const open = (keyFile = join(folder, 'state', 'facts.key'), version = '1'): FactsCache => {
        const cache = FactsCache.open({ paths: repository.paths, roots, version, keyFile })
        if (cache === undefined) throw new Error('no cache')
        return cache
      }
      const segments = (): string[] => {
        const facts = join(repository.paths.commonDir, 'signet', 'facts')
        return readdirSync(facts).flatMap((key) =>
          readdirSync(join(facts, key)).map((file) => join(facts, key, file)),
        )
      }
      let expected: Facts[]

      beforeAll(async () => {
        const cache = open()
        expected = await collect(repository, tip, roots, { cache })
        cache.save()
        cache.close()
      })

      test('gives the same facts again, from private files under the git directory', async () => {
        const cache = open()
        expect(cache.size).toBe(expected.filter(({ signature }) => signature === 'x509').length)
        expect(await collect(repository, tip, roots, { cache })).toEqual(expected)
        expect(segments().length).toBe(1)
        for (const file of segments()) expect(statSync(file).mode & 0o777).toBe(0o600)
        cache.save()
        expect(segments().length).toBe(1)
        cache.close()
      })

      test('holds no more than one segment in memory and finds what it wrote in many', () => {
        const [one] = expected
        if (one === undefined) throw new Error('no facts')
        const { size } = open()
        const large = Array.from({ length: 20 }, (_, index): Facts => {
          const id = index.toString(16).padStart(one.object.id.length, '0')
          const detail = 'é'.repeat(500_000)
          const checks = [{ name: 'object-id', result: 'passed', detail } as const]
          return { ...one, object: { ...one.object, id }, checks }
        })
        const before = segments()
        const cache = open()
        for (const facts of large) cache.add(facts)
        const unsaved = segments()
        cache.save()
        cache.close()
        expect(unsaved).toHaveLength(before.length + 2)
        expect(segments()).toHaveLength(before.length + 3)
        const again = open()
        expect(again.size).toBe(size + large.length)
        for (const facts of large) expect(again.get(facts.object.id)).toEqual(facts)
        again.close()
        for (const file of segments()) if (!before.includes(file)) rmSync(file)
      })

      test('has nothing for another key, another version, or other roots', () => {
        const staging = [
          parseTrustedRoot(readShared('corpus/trusted_root.staging.json').toString()),
        ]
        expect(open(join(folder, 'other', 'facts.key')).size).toBe(0)
        expect(open(undefined, '2').size).toBe(0)
        const keyFile = join(folder, 'state', 'facts.key')
        const options = { paths: repository.paths, roots: staging, version: '1', keyFile }
        expect(FactsCache.open(options)?.size).toBe(0)
      })

      test('ignores a segment with a byte changed, cut off, or writable by others', () => {
        const [file = ''] = segments()
        const bytes = readFileSync(file)
        const text = bytes.toString('latin1')
        const changed = Buffer.from(
          text.replace('"outcome":"proven"', '"outcome":"provem"'),
          'latin1',
        )
        expect(changed.equals(bytes)).toBe(false)
        for (const poisoned of [changed, bytes.subarray(0, bytes.length - 1), Buffer.alloc(0)]) {
          writeFileSync(file, poisoned)
          expect(open().size).toBe(0)
        }
        writeFileSync(file, bytes)
        chmodSync(file, 0o622)
        expect(open().size).toBe(0)
        chmodSync(file, 0o600)
        expect(open().size).toBeGreaterThan(0)
      })

      test('is none where it cannot be written or its key is not private', () => {
        const keyFile = join(folder, 'public', 'facts.key')
        mkdirSync(join(folder, 'public'))
        writeFileSync(keyFile, Buffer.alloc(32), { mode: 0o644 })
        const options = { paths: repository.paths, roots, version: '1', keyFile }
        expect(FactsCache.open(options)).toBeUndefined()
        const paths = { ...repository.paths, commonDir: join(folder, 'state', 'facts.key') }
        expect(FactsCache.open({ ...options, paths, keyFile: paths.commonDir })).toBeUndefined()
      })

      test('does not vouch for bytes that no longer have the id', async () => {
        const clone = join(folder, 'unpacked.git')
        execFileSync('git', ['init', '-q', '--bare', clone])
        const packs = join(repository.paths.objects, 'pack')
        for (const file of readdirSync(packs).filter((one) => one.endsWith('.pack'))) {
          const input = readFileSync(join(packs, file))
          execFileSync('git', ['-C', clone, 'unpack-objects', '-q'], { input })
        }
        const at = (id: string): string => join(clone, 'objects', id.slice(0, 2), id.slice(2))
        const parent = expected[1]?.object.id ?? ''
        chmodSync(at(tip), 0o644)
        renameSync(at(parent), at(tip))
        const answers = await RepositoryAnswers.open({ ...repository.place, cwd: clone })
        const cache = open()
        const options = { cache, order: 'any' } as const
        const first = await verifyHistory(
          answers,
          { include: [tip], exclude: [] },
          roots,
          options,
        ).next()
        expect(first.value?.facts).toMatchObject({ outcome: 'bad', codes: ['MALFORMED'] })
        await answers.close()
      })
    })
  },
)

describe('verifyHistory() of a broken history', () => {
  test('proves what is there and ends with the missing commit', async () => {
    const repository = new TestRepository()
    const tree = repository.tree({ a: '1' })
    const root = repository.commit(tree, [], 'root')
    const middle = repository.commit(tree, [root], 'middle')
    const side = repository.commit(tree, [root], 'side')
    const tip = repository.commit(tree, [middle, side], 'tip')
    rmSync(join(repository.folder, 'objects', middle.slice(0, 2), middle.slice(2)))
    const answers = await RepositoryAnswers.open(repository.place)
    const facts = await collect(answers, tip, [])
    expect(facts.map(({ object }) => object.id).sort()).toEqual([tip, side, root, middle].sort())
    expect(facts.at(-1)).toMatchObject({ object: { id: middle }, codes: ['MISSING_OBJECT'] })
    for (const one of facts.slice(0, -1)) expect(one.outcome).toBe('unsigned')
    await answers.close()
    repository.remove()
  })

  test('skips a commit over the size limit as LIMIT', async () => {
    const repository = new TestRepository()
    const tree = repository.tree({ a: '1' })
    const head = repository.git(['cat-file', 'commit', repository.commit(tree)])
    const huge = Buffer.concat([Buffer.from(`${head}\n`), Buffer.alloc((32 << 20) + 1, 'x')])
    const id = repository.git(['hash-object', '-t', 'commit', '-w', '--stdin'], huge)
    const answers = await RepositoryAnswers.open(repository.place)
    const tip = repository.commit(tree, [id])
    const facts = await collect(answers, tip, [])
    expect(facts.map(({ codes }) => codes)).toEqual([['UNSIGNED'], ['LIMIT']])
    await answers.close()
    repository.remove()
  })
})
