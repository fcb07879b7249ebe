import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { describeShared } from '../corpus/truth.ts'
import { problems } from '../report/schemas.ts'
import { InteropPerson, recordedRekor } from './interop-person.ts'
import type { ProcessResult } from './run-program.ts'
import { programPath } from './run-program.ts'

const ISSUER = 'http://127.0.0.1:8888'
const ALICE = ['--identity', 'alice@example.org', '--issuer', ISSUER]

describeShared('git-signet verify', () => {
  let person: InteropPerson
  beforeAll(async () => {
    person = await InteropPerson.create()
  })
  afterAll(() => {
    person.remove()
  })
  const verify = (...args: string[]): Promise<ProcessResult> => person.at('repo', 'verify', ...args)

  it.each([
    ['the right signer', ['t-v1-offline', ...ALICE], 0],
    ['a commit', ['side-v1-offline', ...ALICE], 0],
    ['nobody named', ['t-v1-offline'], 3],
    ['a stranger', ['main', ...ALICE], 1],
    [
      'another issuer',
      ['t-v1-offline', '--identity', 'alice@example.org', '--issuer', 'google'],
      1,
    ],
    ['no log entry', ['t-v1-online', ...ALICE], 4],
    ['no trusted time', ['t-v2-offline', ...ALICE], 4],
    ['no signature', ['nn-v1-offline', ...ALICE], 1],
    ['Rekor v2 with a timestamp', ['t-v2-offline-tsa', ...ALICE], 0],
  ])('%s: exits as it should', async (_, args, exit) => {
    const { status, stdout } = await verify(...args)
    expect(status).toBe(exit)
    expect(stdout).toContain(`(exit ${String(exit)})`)
  })

  it('in a SHA-256 repository', async () => {
    const tags = await person.run('git', ['tag'], { cwd: 'repo-sha256.git' })
    const [tag = ''] = tags.stdout.split('\n')
    const { status } = await person.at('repo-sha256', 'verify', tag, ...ALICE)
    expect([0, 4]).toContain(status)
    expect((await person.at('repo-sha256', 'verify', tag)).status).not.toBe(0)
  })

  it('accepts gitsign’s names of the flags', async () => {
    const { status } = await verify(
      't-v1-offline',
      '--certificate-identity=alice@example.org',
      `--certificate-oidc-issuer=${ISSUER}`,
    )
    expect(status).toBe(0)
  })

  it.each([
    ['found anywhere, as gitsign does', 'example', ISSUER, 0],
    ['anchored', '^alice@example\\.org$', '^http://127', 0],
    ['of somebody else', '^bob@', ISSUER, 1],
    ['of another issuer', 'alice', 'google', 1],
    ['that is no RE2 pattern', '(?=a)', ISSUER, 2],
    ['that is empty', '', ISSUER, 2],
  ])('patterns: %s', async (_, identity, issuer, exit) => {
    const { status } = await verify(
      't-v1-offline',
      '--certificate-identity-regexp',
      identity,
      '--certificate-oidc-issuer-regexp',
      issuer,
    )
    expect(status).toBe(exit)
  })

  it('a hostile pattern takes no time', async () => {
    const started = performance.now()
    const { status } = await verify(
      't-v1-offline',
      '--certificate-identity-regexp',
      `${'(a*)*'.repeat(20)}$$b`,
      '--issuer',
      ISSUER,
    )
    expect(status).toBe(1)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('a workflow’s claims must be those that were named', async () => {
    const commits = await person.run('git', ['log', '--format=%H %s', '--all'], { cwd: 'repo.git' })
    const workflow = /^(\S+) .*workflow/im.exec(commits.stdout)?.[1]
    if (workflow === undefined) throw new Error('the test data has no workflow commit')
    const identity = [
      '--identity',
      'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
      '--issuer',
      'http://127.0.0.1:8889',
    ]
    expect((await verify(workflow, ...identity)).status).toBe(0)
    const named = await verify(
      workflow,
      ...identity,
      '--certificate-github-workflow-repository',
      'acme/app',
      '--certificate-github-workflow-name',
      'release',
    )
    expect(named.status).toBe(0)
    const other = await verify(
      workflow,
      ...identity,
      '--certificate-github-workflow-repository',
      'acme/fork',
    )
    expect(other.status).toBe(1)
    expect(other.stdout).toContain('CLAIM_MISMATCH')
  })

  it('half an identity is refused: a name means nothing without who vouches for it', async () => {
    for (const args of [
      ['--identity', 'alice@example.org'],
      ['--issuer', 'google'],
      ['--certificate-github-workflow-ref', 'refs/heads/main'],
      ['--identity', '', '--issuer', 'google'],
      ['--identity', 'a', '--certificate-identity-regexp', 'a', '--issuer', 'google'],
      [...ALICE.slice(0, 3), 'not an issuer'],
    ]) {
      const { status, stderr, stdout } = await verify('t-v1-offline', ...args)
      expect({ status, stdout }, args.join(' ')).toEqual({ status: 2, stdout: '' })
      expect(stderr).toContain('hint: ')
    }
  })

  it('the hint never repeats the identity that was just read', async () => {
    const { stdout } = await verify('t-v1-offline')
    expect(stdout).toContain('signer not checked')
    expect(stdout).toContain('git signet verify --identity WHO --issuer URL')
    expect(stdout).not.toMatch(/--identity (?!WHO)/)
  })

  it('takes the identity that git’s configuration names', async () => {
    const env = {
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'signet.identity',
      GIT_CONFIG_VALUE_0: 'alice@example.org',
      GIT_CONFIG_KEY_1: 'signet.identityIssuer',
      GIT_CONFIG_VALUE_1: ISSUER,
    }
    const run = (revision: string): Promise<ProcessResult> =>
      person.run(process.execPath, [programPath, 'verify', revision], { cwd: 'repo.git', env })
    expect((await run('t-v1-offline')).status).toBe(0)
    expect((await run('main')).status).toBe(1)
  })

  it('--same-signer-as compares, and needs something proven to compare with', async () => {
    const same = await verify('t-v1-offline', '--same-signer-as', 't-v2-offline-tsa')
    expect(same.status).toBe(0)
    expect(same.stdout).not.toMatch(/trusted/)
    expect((await verify('main', '--same-signer-as', 't-v1-offline')).status).toBe(1)
    expect((await verify('main', '--same-signer-as', 't-v1-online')).status).toBe(4)
  })

  it('--online asks the log', async () => {
    const rekor = await recordedRekor()
    const other = await InteropPerson.create()
    try {
      const { status } = await other.run(
        process.execPath,
        [programPath, 'verify', '--online', 't-v1-online', ...ALICE],
        { cwd: 'repo.git', env: { SIGNET_REKOR_URL: rekor.url } },
      )
      expect(status).toBe(0)
    } finally {
      await rekor.close()
      other.remove()
    }
  })

  it('json and jsonl say the same as the exit code and keep to their schemas', async () => {
    for (const [revision, exit] of [
      ['t-v1-offline', 0],
      ['main', 1],
      ['t-v1-online', 4],
    ] as const) {
      const lines = await verify(revision, ...ALICE, '--format', 'jsonl', '--facts')
      const [verdict, summary] = lines.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
      expect(problems('verdict', verdict)).toEqual([])
      expect(problems('summary', summary)).toEqual([])
      expect((summary as Summary).exit).toBe(exit)
      expect((verdict as Verdict).facts).toBeDefined()
      expect(lines.status).toBe(exit)
      const whole = await verify(revision, ...ALICE, '--json')
      expect((JSON.parse(whole.stdout) as { summary: Summary }).summary.exit).toBe(exit)
      expect(whole.status).toBe(exit)
    }
  })

  describe('verify-tag', () => {
    const verifyTag = (...args: string[]): Promise<ProcessResult> =>
      person.at('repo', 'verify-tag', ...args)

    it('proves several tags and says that the commits below were not looked at', async () => {
      const { status, stdout } = await verifyTag(
        ...ALICE,
        't-v1-offline',
        'refs/tags/t-v1-offline-tsa',
      )
      expect(status).toBe(0)
      expect(stdout.match(/the commits below were not looked at/g)).toHaveLength(2)
    })

    it('refuses a tag object under another name, and a plain name for a commit', async () => {
      const object = await person.run('git', ['rev-parse', 't-v1-offline'], { cwd: 'repo.git' })
      await person.run('git', ['update-ref', 'refs/tags/v2', object.stdout.trim()], {
        cwd: 'repo.git',
      })
      await person.run('git', ['tag', 'plain', 'main'], { cwd: 'repo.git' })
      const moved = await verifyTag(...ALICE, 'v2')
      expect(moved.status).toBe(1)
      expect(moved.stdout).toContain('TAG_NAME: the object is tag t-v1-offline')
      const plain = await verifyTag(...ALICE, 'plain')
      expect(plain.status).toBe(1)
      expect(plain.stdout).toContain('TAG_NOT_ANNOTATED')
    })

    it('one bad tag among good ones decides the exit code', async () => {
      expect((await verifyTag(...ALICE, 't-v1-offline', 't-v1-online')).status).toBe(4)
      expect((await verifyTag('t-v1-offline')).status).toBe(3)
      expect((await verifyTag('no-such-tag')).status).toBe(2)
    })

    it('says that a branch of that name is no tag', async () => {
      const { status, stderr } = await verifyTag('main')
      expect(status).toBe(2)
      expect(stderr).toContain('error: no such tag: main\n')
      expect(stderr).toContain('git tag --list')
    })

    it('says what to type to look an entry up, and to name a signer', async () => {
      const { status, stdout } = await verifyTag('t-v1-online')
      expect(status).toBe(4)
      expect(stdout).toContain('\n  git signet verify-tag --online --keep t-v1-online\n')
      expect(stdout).toContain(
        '\n  say who: git signet verify-tag --identity WHO --issuer URL t-v1-online\n',
      )
      expect(stdout).toContain('could not be checked, and nobody said who may sign (exit 4)\n')
      const named = await verifyTag(...ALICE, 't-v1-online')
      expect(named.stdout).not.toContain('nobody said')
    })

    it('does not call a signer that was not named one to add to a policy', async () => {
      const { status, stdout } = await verifyTag(
        't-v1-offline',
        ...['--identity', 'bob@example.org', '--issuer', ISSUER],
      )
      expect(status).toBe(1)
      expect(stdout).toContain('UNKNOWN_SIGNER')
      expect(stdout).not.toContain('policy add')
      expect(stdout).toMatch(/\n {2}git signet inspect [0-9a-f]{10}\n/)
    })
  })
})
