import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { describeShared } from '../corpus/truth.ts'
import { readSharedLines } from '../shared.ts'
import { InteropPerson, recordedRekor } from './interop-person.ts'
import type { ProcessResult } from './run-program.ts'
import { programPath } from './run-program.ts'

const ALICE = ['--identity', 'alice@example.org', '--issuer', 'http://127.0.0.1:8888']

describeShared('git-signet verify --online --keep', () => {
  let person: InteropPerson
  let rekor: Awaited<ReturnType<typeof recordedRekor>>
  /** Commits of the online kind whose entry the recorded log has. */
  let online: string[] = []
  beforeAll(async () => {
    person = await InteropPerson.create()
    rekor = await recordedRekor()
    const objects = readSharedLines<{ oid: string; type: string; expect: string; format?: string }>(
      'interop/index.jsonl',
    )
    online = objects
      .filter(({ expect: wanted, type }) => wanted === 'INCOMPLETE-NO-TLOG' && type === 'commit')
      .map(({ oid }) => oid)
      .filter((oid) => oid.length === 40)
    expect(online.length).toBeGreaterThan(2)
  })
  afterAll(async () => {
    await rekor.close()
    person.remove()
  })
  beforeEach(async () => {
    rmSync(join(person.home, 'repo.git', 'signet'), { recursive: true, force: true })
    await git('update-ref', '-d', 'refs/notes/signet')
  })

  const git = (...args: string[]): Promise<ProcessResult> =>
    person.run('git', args, { cwd: 'repo.git' })
  const verify = (url: string, ...args: string[]): Promise<ProcessResult> =>
    person.run(process.execPath, [programPath, 'verify', '--format', 'jsonl', ...args], {
      cwd: 'repo.git',
      env: { SIGNET_REKOR_URL: url, SIGNET_TIMEOUT: '2' },
      timeoutMs: 60_000,
    })
  const nowhere = 'http://127.0.0.1:1'
  const verdicts = ({ stdout }: ProcessResult): Map<string, string> =>
    new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Verdict | Summary)
        .flatMap((one) =>
          'object' in one ? [[one.object.id, [one.verdict, ...one.codes].join(' ')] as const] : [],
        ),
    )

  it('what the log said is cached: the same objects verify offline afterwards', async () => {
    const before = verdicts(await verify(nowhere, ...online, ...ALICE))
    expect([...before.values()]).toEqual(online.map(() => 'unknown NOT_LOGGED'))
    const asked = verdicts(await verify(rekor.url, '--online', ...online, ...ALICE))
    expect([...asked.values()]).not.toContain('unknown NOT_LOGGED')
    expect([...asked.values()]).toContain('pass')
    expect(verdicts(await verify(nowhere, ...online, ...ALICE))).toEqual(asked)
    expect((await git('rev-parse', '--verify', '-q', 'refs/notes/signet')).status).toBe(1)
    const folder = join(person.home, 'repo.git', 'signet', 'entries')
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0)
    }
  })

  it('with --keep the notes carry it to a clone, where it verifies offline', async () => {
    const asked = verdicts(await verify(rekor.url, '--online', '--keep', ...online, ...ALICE))
    const tag = await verify(rekor.url, '--online', '--keep', 't-v1-online', ...ALICE)
    expect(tag.status).toBe(0)
    expect((await git('notes', '--ref=signet', 'list')).stdout.trim().split('\n')).toHaveLength(
      online.length + 1,
    )
    await person.run('git', ['clone', '-q', '--mirror', 'repo.git', 'clone.git'])
    expect(existsSync(join(person.home, 'clone.git', 'signet'))).toBe(false)
    const inClone = await person.run(
      process.execPath,
      [programPath, 'verify', '--format', 'jsonl', ...online, 't-v1-online', ...ALICE],
      { cwd: 'clone.git' },
    )
    const found = verdicts(inClone)
    for (const [id, verdict] of asked) expect(found.get(id)).toBe(verdict)
    expect(inClone.stdout).not.toContain('NOT_LOGGED')
  })

  it('notes that others keep there stay, and what a file holds is taken over', async () => {
    const [first = '', second = ''] = online
    await git(
      '-c',
      'user.name=A',
      '-c',
      'user.email=a@b',
      'notes',
      '--ref=signet',
      'add',
      '-m',
      'x',
      second,
    )
    await verify(rekor.url, '--online', first)
    await verify(nowhere, '--online', '--keep', first)
    const listed = await git('notes', '--ref=signet', 'list')
    expect(listed.stdout).toContain(first)
    expect(listed.stdout).toContain(second)
  })

  it('a range: the whole history passes where every signature is found', async () => {
    const [first = ''] = online
    const range = [`${first}~1..${first}`]
    expect((await verify(nowhere, ...range, ...ALICE)).status).toBe(4)
    const { status } = await verify(rekor.url, '--online', '--keep', ...range, ...ALICE)
    expect(status).toBe(0)
    expect((await verify(nowhere, ...range, ...ALICE)).status).toBe(0)
    const drawn = await person.at('repo', 'log', ...range)
    expect(drawn.stdout).toContain('alice@example.org')
  })

  it('a damaged or foreign entry is as good as none', async () => {
    const [first = '', second = ''] = online
    await verify(rekor.url, '--online', first, second)
    const path = (id: string): string =>
      join(person.home, 'repo.git', 'signet', 'entries', id.slice(0, 2), `${id.slice(2)}.json`)
    const good = readFileSync(path(first), 'utf8')
    for (const poison of [
      '',
      'x'.repeat(300_000),
      '{"schema":"git-signet.log-entry/1","entries":7}',
      readFileSync(path(second), 'utf8'),
      good.replace(/"integratedTime":"\d/, '"integratedTime":"9'),
      good.replace(/"keyId":"./, '"keyId":"A'),
    ]) {
      writeFileSync(path(first), poison)
      const found = verdicts(await verify(nowhere, first, ...ALICE))
      expect([...found.values()], poison.slice(0, 60)).toEqual(['unknown NOT_LOGGED'])
    }
  })

  it.each<[string, RequestListener]>([
    ['limits the rate', (_, response) => response.writeHead(429, { 'retry-after': '60' }).end()],
    ['fails', (_, response) => response.writeHead(500).end()],
    ['answers nonsense', (_, response) => response.writeHead(200).end('[1,2')],
    ['refuses', (_, response) => response.writeHead(403).end('{"message":"no"}')],
    ['hangs up', (request) => request.socket.destroy()],
  ])('a log that %s leaves unknown, stops nothing and is told once', async (_, listener) => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
    try {
      const result = await verify(url, '--online', '--keep', ...online, 't-v1-offline', ...ALICE)
      const found = [...verdicts(result).values()]
      expect(found).toEqual([...online.map(() => 'unknown NOT_LOGGED'), 'pass'])
      expect(result.status).toBe(4)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it('git itself finds what is kept: in files, and in the notes of a clone', async () => {
    const [id = ''] = online
    const shown = (folder: string, command: string, name: string): Promise<ProcessResult> => {
      const config = ['-c', 'gpg.format=x509', '-c', `gpg.x509.program=${programPath}`]
      return person.run('git', [...config, command, '--raw', name], { cwd: folder })
    }
    const before = await shown('repo.git', 'verify-commit', id)
    expect(before.stderr).not.toContain('GOODSIG')
    await verify(rekor.url, '--online', '--keep', id, 't-v1-online', ...ALICE)
    await person.run('git', ['clone', '-q', '--mirror', 'repo.git', 'kept.git'])
    await person.run('git', ['clone', '-q', 'repo.git', 'plain'])
    for (const folder of ['repo.git', 'kept.git']) {
      for (const [command, name] of [
        ['verify-commit', id],
        ['verify-tag', 't-v1-online'],
      ] as const) {
        const { stderr, status } = await shown(folder, command, name)
        expect(stderr, `${folder} ${name}`).toContain('GOODSIG')
        expect(status).toBe(0)
      }
    }
    expect(existsSync(join(person.home, 'kept.git', 'signet'))).toBe(false)
    // A clone without the notes has nothing, and an entry of another object proves nothing.
    const without = await shown('plain', 'verify-commit', id)
    expect(without.stderr).not.toContain('GOODSIG')
    const entry = join('signet', 'entries', id.slice(0, 2), `${id.slice(2)}.json`)
    const kept = readFileSync(join(person.home, 'repo.git', entry), 'utf8')
    const foreign = join(person.home, 'plain', '.git', entry)
    mkdirSync(join(foreign, '..'), { recursive: true })
    writeFileSync(foreign, kept.replace(/"integratedTime":"\d/, '"integratedTime":"9'))
    expect((await shown('plain', 'verify-commit', id)).stderr).not.toContain('GOODSIG')
    writeFileSync(foreign, kept)
    expect((await shown('plain', 'verify-commit', id)).stderr).toContain('GOODSIG')
  })

  it('--keep without --online is a mistake', async () => {
    expect(await verify(nowhere, '--keep')).toMatchObject({ status: 2, stdout: '' })
  })
})
