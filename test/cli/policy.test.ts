import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'
import { ADDRESS, SigningPerson } from './signer.ts'

let stack: LocalStack
let alice: SigningPerson

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  alice = await SigningPerson.create(stack)
})

afterAll(async () => {
  alice.remove()
  await stack.close()
})

function policy(cwd: string, ...args: readonly string[]): Promise<ProcessResult> {
  return alice.run(process.execPath, [programPath, 'policy', ...args], { cwd })
}

async function line(cwd: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await alice.gitIn(cwd, ...args)
  expect(status, stderr).toBe(0)
  return stdout.trim()
}

function write(cwd: string, name: string, text: string): void {
  const path = join(alice.home, cwd, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const inTree = '.signet/policy.toml'
const simple = `version = 1
admins = ["alice", "bob"]

[people.alice]
email = "alice@example.org"
issuer = "github"

[people.bob]
email = "bob@example.org"
issuer = "google"

[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "bob"]
`

test('policy check names file, line, key and what is allowed, and exits 3', async () => {
  await alice.repository('check')
  write('check', inTree, simple.replace('"google"', '"goggle"').replace('by =', 'merge_by ='))
  const { status, stdout, stderr } = await policy('check', 'check')
  expect(status).toBe(3)
  expect(stdout).toBe('')
  expect(stderr.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(
      /^\.signet\/policy\.toml:10: people\.bob\.issuer: is "goggle"; allowed: an https URL, or one of github, /,
    ),
    '.signet/policy.toml:12: protect[0]: needs "by": who may commit here',
    expect.stringMatching(
      /^\.signet\/policy\.toml:14: protect\[0\]\.merge_by: unknown key, did you mean "merge-by"; allowed here: /,
    ),
  ])
})

test('a policy file is named as it was typed, not by where it lies', async () => {
  await alice.repository('named')
  write('named', 'src/bad.toml', simple.replace('version = 1', 'version = 2'))
  write(
    'named',
    'src/one-admin.toml',
    simple.replace('admins = ["alice", "bob"]', 'admins = ["alice"]'),
  )
  await line('named', 'commit', '-q', '--allow-empty', '-m', 'first')
  const at = (...args: string[]) =>
    alice.run(process.execPath, [programPath, 'verify', ...args], { cwd: 'named/src' })
  const absent = await at('--policy', 'absent.toml')
  expect(absent.status).toBe(3)
  expect(absent.stderr).toContain('cannot read the policy absent.toml: there is no such file\n')
  const bad = await at('--policy', 'bad.toml')
  expect(bad.status).toBe(3)
  expect(bad.stderr).toMatch(/error: bad\.toml:1: version/)
  const doubtful = await at('--policy', './one-admin.toml')
  expect(doubtful.stdout).toContain(
    '\nwarning: ./one-admin.toml: admins: "alice" is the only admin',
  )
  expect(`${absent.stderr}${bad.stderr}${doubtful.stdout}`).not.toContain(alice.home)
})

test('where no anchor is named, or one without a policy, it is said how to get one', async () => {
  await alice.repository('anchorless')
  await line('anchorless', 'commit', '-q', '--allow-empty', '-m', 'first')
  const none = await policy('anchorless', 'show')
  expect(none.status).toBe(3)
  expect(none.stderr).toContain(
    'hint: name the signed commit that brought it: git config signet.anchor',
  )
  const head = await line('anchorless', 'rev-parse', 'HEAD')
  const bare = await policy('anchorless', 'show', '--anchor', head)
  expect(bare.status).toBe(3)
  expect(bare.stderr).toContain('has no valid policy: there is no .signet\n')
  expect(bare.stderr).toContain('hint: commit .signet/policy.toml, signed, and name that commit')
})

test('policy check finds the file from below, and a good one is exit 0', async () => {
  await alice.repository('good')
  write('good', inTree, simple)
  write('good', 'src/deep/file', '')
  const { status, stdout, stderr } = await policy('good/src/deep', 'check')
  expect(stderr).toBe('')
  expect(stdout).toBe(
    '../../.signet/policy.toml: no mistakes (2 names, 2 admins, 1 rule; policy branch refs/heads/main)\n',
  )
  expect(status).toBe(0)
  expect((await policy('good', 'check', 'absent.toml')).status).toBe(2)
})

test('policy check warns with reasons and still exits 0', async () => {
  await alice.repository('warn')
  write('warn', inTree, simple)
  await line('warn', 'add', '.signet')
  await line('warn', 'commit', '-qm', 'policy')
  const alone = simple.replace(', "bob"]\n\n', ']\n\n').replace(/\[people\.bob\][^[]*/, '')
  write('warn', inTree, alone.replace(', "bob"', ''))
  const { status, stderr } = await policy('warn', 'check')
  expect(stderr).toContain(':2: warning: admins: "alice" is the only admin')
  expect(stderr).toContain('warning: people.bob: is deleted')
  expect(status).toBe(0)
})

test('policy check looks for the keys and roots that are pinned', async () => {
  await alice.repository('pins')
  const fingerprint = 'A'.repeat(40)
  write('pins', inTree, simple.replace('"google"', `"google"\npgp = ["${fingerprint}"]`))
  const { status, stderr } = await policy('pins', 'check')
  expect(stderr).toContain(
    `.signet/policy.toml:11: people.bob.pgp: no file in .signet/keys/ has the key ${fingerprint}`,
  )
  expect(status).toBe(3)
})

test('policy diff says in words who gained or lost what', async () => {
  await alice.repository('diff')
  write('diff', inTree, simple)
  await line('diff', 'add', '.signet')
  await line('diff', 'commit', '-qm', 'policy')
  write('diff', inTree, simple.replace('by = ["alice", "bob"]', 'by = ["alice"]'))
  const { status, stdout } = await policy('diff', 'diff', 'HEAD', inTree)
  expect(stdout).toBe('refs/heads/main: no longer bob may commit\n')
  expect(status).toBe(0)
  expect((await policy('diff', 'diff', 'HEAD', 'HEAD')).stdout).toBe(
    'nothing that decides is different\n',
  )
  expect((await policy('diff', 'diff', 'HEAD', 'nowhere')).status).toBe(2)
})

test('policy init drafts a policy that passes check from who has signed', async () => {
  await alice.signedRepository('drafted')
  await line(
    'drafted',
    '-c',
    'user.email=mallory@example.org',
    'commit',
    '-qm',
    'x',
    '--allow-empty',
  )
  const shown = await policy('drafted', 'init')
  expect(shown, shown.stderr).toMatchObject({ status: 0 })
  expect(shown.stdout).toContain(`[people.alice]   # 1 commit signed so far\nemail = "${ADDRESS}"`)
  expect(shown.stdout).toContain('mallory@example.org (1)')
  expect(existsSync(join(alice.home, 'drafted', '.signet'))).toBe(false)
  const written = await policy('drafted', 'init', '-o', inTree)
  expect(written, written.stderr).toMatchObject({ status: 0, stdout: '' })
  expect(readFileSync(join(alice.home, 'drafted', inTree), 'utf8')).toBe(shown.stdout)
  expect((await policy('drafted', 'init', '-o', inTree)).status).toBe(2)
  mkdirSync(join(alice.home, 'drafted', '.signet', 'trust'))
  copyFileSync(
    alice.env['SIGNET_TRUSTED_ROOT'] ?? '',
    join(alice.home, 'drafted', '.signet', 'trust', 'local.json'),
  )
  const checked = await policy('drafted', 'check')
  expect(checked, checked.stderr).toMatchObject({ status: 0 })
})

test('policy init writes only comments where nobody has signed', async () => {
  await alice.repository('plain')
  await line('plain', 'commit', '-qm', 'x', '--allow-empty')
  const { status, stdout } = await policy('plain', 'init')
  expect(status).toBe(0)
  expect(stdout.split('\n').filter((text) => text !== '' && !text.startsWith('#'))).toEqual([])
  expect(stdout).not.toContain('github')
  await alice.repository('empty')
  expect((await policy('empty', 'init')).status).toBe(0)
})

test('policy init takes the keys of an allowed_signers file', async () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB'
  const other = key.replace('AEBAQEBAQEBAQEBAQEBAQEB', 'AICAgICAgICAgICAgICAgIC')
  await alice.repository('keys')
  write(
    'keys',
    'signers',
    [
      '# people',
      `alice@example.org,al@example.org namespaces="git" ${key} laptop`,
      `bob@example.org valid-before="20270101Z" ${other}`,
      `*@example.org cert-authority ${other}`,
      `carol@example.org namespaces="file" ${other}`,
    ].join('\n'),
  )
  const made = await policy('keys', 'init', '--allowed-signers', 'signers', '-o', 'p.toml')
  expect(made, made.stderr).toMatchObject({ status: 0 })
  const text = readFileSync(join(alice.home, 'keys', 'p.toml'), 'utf8')
  expect(text).toContain(`ssh = ["${key}"]\ngit = ["alice@example.org", "al@example.org"]`)
  expect(text).toContain('until = 2027-01-01T00:00:00Z')
  expect(text).toMatch(/# line 4 is left out: its principals are patterns/)
  expect(text).toMatch(/# line 5 is left out: its key is not for git/)
  expect((await policy('keys', 'check', 'p.toml')).status).toBe(0)
})

test('policy add appends the proven signer and prints the rest to paste', async () => {
  await alice.signedRepository('adding')
  write('adding', inTree, simple.replace('alice@example.org', 'alice@example.net'))
  const wrong = await policy('adding', 'add', 'carol')
  expect(wrong.status).toBe(2)
  const before = readFileSync(join(alice.home, 'adding', inTree), 'utf8')
  // The signer is of the local root, which this policy does not pin.
  const unpinned = await policy('adding', 'add', 'carol', '--from-commit', 'HEAD')
  expect(unpinned.status).toBe(2)
  expect(unpinned.stderr).toContain('"local" is not defined in [trust]')
  expect(readFileSync(join(alice.home, 'adding', inTree), 'utf8')).toBe(before)
  const root = '\n[trust.local]\nroot = ".signet/trust/local.json"\n'
  write('adding', inTree, `${before}${root}sha256 = "${'a'.repeat(64)}"\n`)
  const added = await policy('adding', 'add', 'carol', '--from-commit', 'HEAD')
  expect(added, added.stderr).toMatchObject({ status: 0 })
  expect(added.stdout).toContain('by = ["alice", "bob", "carol"]')
  const after = readFileSync(join(alice.home, 'adding', inTree), 'utf8')
  expect(after).toContain(`[people.carol]\nemail = "${ADDRESS}"\n`)
  expect(after.startsWith(before)).toBe(true)
  expect((await policy('adding', 'add', 'carol', '--from-commit', 'HEAD')).stderr).toContain(
    'already in',
  )
  await line('adding', 'commit', '-qm', 'unsigned', '--allow-empty')
  const unsigned = await policy('adding', 'add', 'dave', '--from-commit', 'HEAD')
  expect(unsigned).toMatchObject({ status: 4 })
  expect(unsigned.stderr).toContain('UNSIGNED')
})

test('policy show prints the policy in force and the landing it came from', async () => {
  await alice.signedRepository('shown')
  const made = await policy('shown', 'init', '-o', inTree)
  expect(made.status).toBe(0)
  mkdirSync(join(alice.home, 'shown', '.signet', 'trust'))
  copyFileSync(
    alice.env['SIGNET_TRUSTED_ROOT'] ?? '',
    join(alice.home, 'shown', '.signet', 'trust', 'local.json'),
  )
  await line('shown', 'add', '.signet')
  await line('shown', 'commit', '-S', '-qm', 'policy')
  const anchor = await line('shown', 'rev-parse', 'HEAD')
  const first = readFileSync(join(alice.home, 'shown', inTree), 'utf8')
  write('shown', inTree, `${first}# second\n`)
  await line('shown', 'commit', '-S', '-qam', 'again')
  const second = await line('shown', 'rev-parse', 'HEAD')
  write('shown', inTree, `${first}# third\n`)
  await line('shown', 'commit', '-qam', 'not signed')

  const missing = await policy('shown', 'show')
  expect(missing.status).toBe(3)
  const now = await policy('shown', 'show', '--anchor', anchor)
  expect(now, now.stderr).toMatchObject({ status: 0, stdout: `${first}# second\n` })
  expect(now.stderr).toContain(`landed: ${second}, signed by alice`)
  expect(now.stderr).toContain('did not land: ')
  const then = await policy('shown', 'show', anchor, '--anchor', anchor)
  expect(then).toMatchObject({ status: 0, stdout: first })
  expect(then.stderr).toContain(`the anchor: ${anchor}`)
})

test('attack 91: in a checkout of a ref that no rule is about, verify judges for the policy branch', async () => {
  await alice.repository('elsewhere')
  write('elsewhere', 'a', '1')
  await line('elsewhere', 'add', 'a')
  await line('elsewhere', 'commit', '-qm', 'unsigned', '--no-gpg-sign')
  await line('elsewhere', 'branch', '-M', 'main')
  await line('elsewhere', 'switch', '-qc', 'free')
  write('elsewhere', 'p.toml', simple.replace('[people.alice]', 'other-refs = "any"\n$&'))
  const verify = (...args: string[]): Promise<ProcessResult> =>
    alice.run(process.execPath, [programPath, 'verify', '--policy', 'p.toml', '--json', ...args], {
      cwd: 'elsewhere',
    })
  const { status, stdout } = await verify('HEAD')
  expect(status).toBe(1)
  expect(stdout).toContain('"ref":"refs/heads/main"')
  expect(stdout).toContain('UNSIGNED')
  expect((await verify('--for', 'refs/heads/free', 'HEAD')).stdout).not.toContain('UNSIGNED')
  expect((await verify('--for', 'refs/heads/absent', 'HEAD')).status).toBe(2)
})
