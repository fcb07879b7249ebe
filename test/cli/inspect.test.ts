import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Facts } from '../../src/facts.ts'
import { describeShared, expectedOutcome, found } from '../corpus/truth.ts'
import { readSharedLines, sharedPath } from '../shared.ts'
import { problems } from '../report/schemas.ts'
import { InteropPerson, recordedRekor } from './interop-person.ts'
import { programPath } from './run-program.ts'

interface Indexed {
  oid: string
  object_format: 'sha1' | 'sha256'
  expect: string
  made_with: { entry: string }
}

describeShared('git-signet inspect', () => {
  let person: InteropPerson
  beforeAll(async () => {
    person = await InteropPerson.create()
  })
  afterAll(() => {
    person.remove()
  })
  const index = readSharedLines<Indexed>('interop/index.jsonl')
  const factsOf = (stdout: string): Facts[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Facts)

  it.each(['sha1', 'sha256'] as const)(
    '--json --stdin gives the facts of every object of the %s repository, in the order asked',
    async (format) => {
      const items = index.filter((item) => item.object_format === format)
      const { status, stdout, stderr } = await person.run(
        process.execPath,
        [programPath, 'inspect', '--json', '--stdin'],
        {
          cwd: format === 'sha1' ? 'repo.git' : 'repo-sha256.git',
          input: items.map(({ oid }) => `${oid}\n`).join(''),
        },
      )
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      const facts = factsOf(stdout)
      expect(facts.map(({ object }) => object.id)).toEqual(items.map(({ oid }) => oid))
      for (const [i, item] of items.entries()) {
        const { outcome, codes, signature } = found(facts[i], item.oid)
        expect({ outcome, codes, signature }, item.oid).toEqual(expectedOutcome(item.expect))
        expect(problems('facts', facts[i])).toEqual([])
      }
    },
  )

  it('--online proves what only the log knows', async () => {
    const rekor = await recordedRekor()
    const other = await InteropPerson.create()
    try {
      for (const repository of ['repo', 'repo-sha256'] as const) {
        const format = repository === 'repo' ? 'sha1' : 'sha256'
        const ids = index
          .filter((item) => item.object_format === format && item.made_with.entry === 'online')
          .map(({ oid }) => oid)
        const { stdout, status } = await other.run(
          process.execPath,
          [programPath, 'inspect', '--json', '--online', ...ids],
          { cwd: `${repository}.git`, env: { SIGNET_REKOR_URL: rekor.url } },
        )
        expect(status).toBe(0)
        expect(factsOf(stdout).map(({ outcome }) => outcome)).toEqual(ids.map(() => 'proven'))
      }
    } finally {
      await rekor.close()
      other.remove()
    }
  })

  it('--online says that the log could not be asked, and leaves the object incomplete', async () => {
    const { stdout, stderr, status } = await person.run(
      process.execPath,
      [programPath, 'inspect', '--json', '--online', 't-v1-online'],
      { cwd: 'repo.git', env: { SIGNET_REKOR_URL: 'http://127.0.0.1:1', SIGNET_TIMEOUT: '1' } },
    )
    expect(status).toBe(0)
    expect(factsOf(stdout)[0]?.codes).toEqual(['NOT_LOGGED'])
    expect(stderr).toMatch(/^git-signet: warning: could not ask the log: /)
  })

  it('--push-certificate reads one that a hook kept', async () => {
    const file = found(sharedPath('interop/push-certificate.txt'), 'push certificate')
    const { stdout, status } = await person.at(
      'repo',
      'inspect',
      '--json',
      '--push-certificate',
      file,
    )
    expect(status).toBe(0)
    expect(factsOf(stdout)[0]).toMatchObject({
      object: { type: 'push-certificate' },
      outcome: 'proven',
      signer: { value: 'alice@example.org' },
    })
  })

  it('shows people every check, the certificate, times and log', async () => {
    const { stdout, status } = await person.at('repo', 'inspect', 't-v1-offline-tsa')
    expect(status).toBe(0)
    for (const line of [
      'proven: every check that applies passed',
      'signer      alice@example.org (email)',
      'vouched by  http://127.0.0.1:8888',
      '(rfc3161, https://tsa.interop.test)',
      'of https://rekor.interop.test',
      'check       log-inclusion: ok',
      'name        email:alice@example.org',
    ]) {
      expect(stdout).toContain(line)
    }
  })

  it('says what is wrong with an object that is wrong, and still exits 0', async () => {
    const object = found(
      index.find((item) => item.expect === 'PASS'),
      'PASS',
    ).oid
    const type = (
      await person.run('git', ['cat-file', '-t', object], { cwd: 'repo.git' })
    ).stdout.trim()
    const raw = (await person.run('git', ['cat-file', type, object], { cwd: 'repo.git' })).stdout
    const made = await person.run('git', ['hash-object', '-t', type, '-w', '--stdin'], {
      cwd: 'repo.git',
      input: `${raw}changed\n`,
    })
    const { stdout, status } = await person.at('repo', 'inspect', made.stdout.trim())
    expect(status).toBe(0)
    expect(stdout).toContain('BAD_SIGNATURE')
    expect(stdout).toContain('failed      content-digest')
  })

  it('exits 4 for an object that the repository does not have, 2 for a name, a tree or nothing', async () => {
    const missing = await person.at('repo', 'inspect', '--json', '1'.repeat(40))
    expect(missing.status).toBe(4)
    expect(factsOf(missing.stdout)[0]?.codes).toEqual(['MISSING_OBJECT'])
    for (const args of [['no-such-name'], ['main^{tree}'], [], ['main~1..main']]) {
      const { status, stderr } = await person.at('repo', 'inspect', ...args)
      expect(status, args.join()).toBe(2)
      expect(stderr).toMatch(/^git-signet: error: /)
    }
  })

  it('names a trust root file that cannot be used', async () => {
    const { status, stderr } = await person.at('repo', 'inspect', '--trusted-root', 'HEAD', 'main')
    expect(status).toBe(2)
    expect(stderr).toContain('HEAD, from --trusted-root')
  })

  it('several trust roots: the one that vouches counts, and only it', async () => {
    const shared = (name: string): string => found(sharedPath(name), name)
    const { stdout, status } = await person.at(
      'repo',
      'inspect',
      '--json',
      '--trusted-root',
      shared('corpus/trusted_root.json'),
      '--trusted-root',
      shared('interop/trusted_root.json'),
      't-v1-offline',
    )
    expect(status).toBe(0)
    expect(factsOf(stdout)[0]?.outcome).toBe('proven')
    expect(readFileSync(shared('interop/trusted_root.json')).length).toBeGreaterThan(0)
  })
})
