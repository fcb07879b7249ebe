import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import { draftPolicy } from '../../src/policy/draft.ts'
import { readPolicy } from '../../src/policy/parse.ts'
import { Person, programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'

const hasGpg = spawnSync('gpg', ['--version']).status === 0
if (!hasGpg) process.stderr.write('OpenPGP tests are skipped: there is no gpg\n')

let bob: Person

beforeAll(() => {
  bob = new Person()
  const gpgHome = join(bob.home, 'gnupg')
  mkdirSync(gpgHome, { mode: 0o700 })
  bob.env['GNUPGHOME'] = gpgHome
})

afterAll(async () => {
  if (hasGpg) await bob.run('gpgconf', ['--kill', 'all'])
  bob.remove()
})

async function ok(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const { status, stdout, stderr } = await bob.run(program, args, cwd === undefined ? {} : { cwd })
  expect(status, `${program} ${args.join(' ')}: ${stderr}`).toBe(0)
  return stdout.trim()
}

function policy(...args: readonly string[]): Promise<ProcessResult> {
  return bob.run(process.execPath, [programPath, ...args], { cwd: 'project' })
}

test.skipIf(!hasGpg)(
  'policy init names the OpenPGP keys that signed, apart from who did not sign, and they can be used',
  async () => {
    const gpg = ['--batch', '--quiet', '--no-tty', '--passphrase', '']
    await ok('gpg', [
      ...gpg,
      '--quick-gen-key',
      'Bob <bob@example.org>',
      'ed25519',
      'sign',
      'never',
    ])
    const listed = await ok('gpg', [...gpg, '--with-colons', '--fingerprint', 'bob@example.org'])
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? ''
    await bob.repository('project')
    for (const [name, value] of [
      ['user.name', 'Bob'],
      ['user.email', 'bob@example.org'],
      ['user.signingKey', fingerprint],
    ] as const) {
      await ok('git', ['config', name, value], 'project')
    }
    for (const subject of ['one', 'two']) {
      await ok('git', ['commit', '-q', '-S', '--allow-empty', '-m', subject], 'project')
    }
    const unsigned = ['-c', 'user.email=eve@example.org', 'commit', '-q', '--allow-empty']
    await ok('git', [...unsigned, '-m', 'three'], 'project')

    const { stdout, status } = await policy('policy', 'init')
    expect(status).toBe(0)
    expect(stdout).toContain('Nothing is proven so far')
    expect(stdout).toContain(
      `# [people.bob]   # 2 commits say so\n# pgp = ["${fingerprint}"]\n# git = ["bob@example.org"]\n`,
    )
    expect(stdout).toContain('#   eve@example.org (1)')
    expect(stdout).not.toContain('#   bob@example.org (2)')

    // As the comments say: the key into its folder, the lines without their #.
    const key = await ok('gpg', [...gpg, '--armor', '--export', fingerprint])
    const folder = join(bob.home, 'project', '.signet')
    mkdirSync(join(folder, 'keys'), { recursive: true })
    writeFileSync(join(folder, 'keys', 'bob.asc'), `${key}\n`)
    const lines = /^# (\[people\.bob\])[^]*?^# (pgp = .*)$[^]*?^# (git = .*)$/m.exec(stdout)
    writeFileSync(
      join(folder, 'policy.toml'),
      `version = 1\nadmins = ["bob"]\n${(lines ?? []).slice(1).join('\n')}
[[protect]]\nrefs = ["refs/heads/main"]\nby = ["bob"]\n`,
    )
    expect((await policy('policy', 'check')).status).toBe(0)
    const verified = await policy('verify', '--policy', '.signet/policy.toml', 'HEAD~1')
    expect(verified.status, verified.stdout).toBe(0)
    const refused = await policy('verify', '--policy', '.signet/policy.toml', 'HEAD')
    expect(refused.status).toBe(1)
  },
)

test('a draft holds claimed OpenPGP keys as comments alone, and names a key id as what it is', () => {
  const claimed = [
    { key: 'A'.repeat(40), count: 1, addresses: ['bob@example.org', 'b"\u202eob@example.org'] },
    { key: 'B'.repeat(16), count: 3, addresses: [] },
    { key: 'C'.repeat(40), count: 3, addresses: ['noreply@github.com'] },
  ]
  const input = { policyBranch: 'refs/heads/main', seen: [], others: [], roots: new Map() }
  const text = draftPolicy({ ...input, claimed })
  expect(text).toContain('# [people.bob]   # 1 commit says so\n')
  expect(text).toContain(
    `# pgp = ["…"]   # the whole fingerprint: gpg --fingerprint ${'B'.repeat(16)}\n`,
  )
  expect(text).toContain('# [forges.github]   # 3 commits say so: what GitHub itself merges')
  expect(text).toContain(`# pgp = ["${'C'.repeat(40)}"]\n# committer = "noreply@github.com"\n`)
  expect(text).not.toContain('\u202e')
  const { problems } = readPolicy(encodeUtf8(text), 'draft', { policyBranch: 'refs/heads/main' })
  expect(problems.map(({ code }) => code)).toEqual(Array(3).fill('MISSING_KEY'))
})
