import { describe, expect, test } from 'vitest'
import { readPolicy } from '../../src/policy/parse.ts'
import { FORGE_KEY, MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'

const good = policyOf(['alice', 'bob'], rule('alice bob'))
const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n`

/** At the anchor it is no policy (3); landed by an admin it is refused (1), and the old one stays. */
async function isRefused(policy: string): Promise<void> {
  const anchored = new MemoryWorld()
  anchored.anchor = anchored.commit({ by: 'alice', policy })
  expect((await anchored.push(MAIN, anchored.anchor)).exit).toBe(3)
  const world = await MemoryWorld.of(good)
  const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
  const result = await world.push(MAIN, landing)
  expect(result.exit).toBe(1)
  expect(result.of(landing).codes).toEqual(['POLICY_INVALID'])
}

describe('policies that say what none may say', () => {
  test.each(['mode = "warn"', 'enabled = false', 'enforce = false', 'audit = true'])(
    'attack 12: a key that would switch enforcement off: %s',
    async (top) => {
      await isRefused(policyOf(['alice', 'bob'], rule('alice bob'), { top }))
      await isRefused(policyOf(['alice', 'bob'], rule('alice bob', top)))
    },
  )

  test.each([
    ['issuer alone', 'issuer = "google"'],
    ['subject alone', 'email = "carol@example.org"'],
    ['an empty subject', 'email = ""\nissuer = "google"'],
    ['any subject', 'email = "*"\nissuer = "google"'],
    ['an account alone', 'account = "1"\nissuer = "google"'],
  ])('attack 27: an entry that would match too many: %s', async (_, text) => {
    await isRefused(policyOf(['alice', 'bob', `[people.carol]\n${text}\n`], rule('alice bob')))
  })

  test.each(['github-actions[bot]', '41898282+github-actions[bot]@users.noreply.github.com'])(
    'attack 70: a bot that the workflow of any fork can be: %s',
    async (author) => {
      const bot = `[bots.ci]\nforge = "github"\nauthor = "${author}"\npaths = ["doc/"]\n`
      await isRefused(policyOf(['alice', 'bob'], `${forge}${bot}${rule('alice bob ci')}`))
    },
  )

  test.each([
    ['rewrite', rule('alice bob', 'rewrite = true')],
    ['delete', rule('alice bob', 'delete = true')],
    [
      'rewrite by a pattern',
      `${rule('alice bob')}${rule('alice', 'rewrite = true', 'refs/heads/**')}`,
    ],
    [
      'merge-by with mainline (49)',
      `${forge}${rule('alice bob', 'commits = "mainline"\nmerge-by = ["github"]')}`,
    ],
    [
      'a bot with forge and no paths',
      `${forge}[bots.dep]\nforge = "github"\nauthor = "d@example.org"\n${rule('alice bob dep')}`,
    ],
  ])('attack 77: %s', async (_, rest) => {
    await isRefused(policyOf(['alice', 'bob'], rest))
  })
})

const SSH = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
const ID = 'a'.repeat(40)
const DIGEST = 'b'.repeat(64)

/** Nothing is wrong with it; one table of each kind, one key a line. */
const WHOLE = `version = 1
admins = ["alice"]
other-refs = "signed"
expires = 2030-01-01T00:00:00Z
[people.alice]
email = "alice@example.org"
issuer = "google"
account = "1"
trust = "corp"
git = ["alice@example.org"]
since = 2020-01-01T00:00:00Z
until = 2040-01-01T00:00:00Z
ssh = ["${SSH}"]
pgp = [{ fingerprint = "${'1'.repeat(40)}", since = 2020-01-01T00:00:00Z }]
also = [{ uri = "https://a.example/alice", issuer = "github" }]
[shared.staff]
email = "*@corp.example"
issuer = "microsoft"
trust = "corp"
[teams]
core = ["alice"]
[bots.ci]
uri = "https://github.com/a/b/.github/workflows/c.yml@refs/heads/main"
issuer = "github-actions"
git = ["ci@example.org"]
repository = "a/b"
repository-id = "1"
owner-id = "2"
ref = "refs/heads/main"
trigger = "push"
runner = "github-hosted"
environment = "release"
workflow = "c"
workflow-sha = "${ID}"
caller = "https://github.com/a/b"
paths = ["dist/"]
[bots.dep]
forge = "github"
author = "dep@example.org"
paths = ["package.json"]
[forges.github]
pgp = ["${FORGE_KEY}"]
committer = "noreply@github.com"
accept = ["clean-merge"]
[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "core", "staff", "ci", "dep"]
merge-by = ["github"]
commits = "all"
committer = "match"
author = "any"
from = ["refs/heads/next"]
rewrite = false
delete = false
push-cert = false
[[protect]]
refs = ["refs/heads/main"]
paths = ["src/"]
by = ["alice"]
[[protect]]
refs = ["refs/tags/v*"]
except-paths = ["doc/"]
by = ["alice"]
on = ["refs/heads/main"]
unsigned-target = true
[[accept]]
commit = "${ID}"
reason = "old"
covers = "one"
[[revoke]]
person = "alice"
from = 2026-01-01T00:00:00Z
to = 2026-01-02T00:00:00Z
except = ["${ID}"]
reason = "stolen"
[trust.corp]
root = ".signet/trust/corp.json"
sha256 = "${DIGEST}"
`

/** In a table of the whole policy one line reads otherwise: which key is complained of there. */
type Mistake = readonly [table: string, line: string, mistake: string, key: string]

const MISTAKES: readonly Mistake[] = [
  // Top
  ['', 'version = 1', 'version = 2', 'version'],
  ['', 'version = 1', 'version = 1.0', 'version'],
  ['', 'version = 1', 'version = "1"', 'version'],
  ['', 'admins = ["alice"]', 'admins = "alice"', 'admins'],
  ['', 'admins = ["alice"]', 'admins = []', 'admins'],
  ['', 'admins = ["alice"]', 'admins = ["nobody"]', 'admins[0]'],
  ['', 'admins = ["alice"]', 'admins = ["staff"]', 'admins[0]'],
  ['', 'admins = ["alice"]', 'admins = ["ci"]', 'admins[0]'],
  ['', 'admins = ["alice"]', 'admins = ["github"]', 'admins[0]'],
  ['', 'other-refs = "signed"', 'other-refs = "none"', 'other-refs'],
  ['', 'other-refs = "signed"', 'other-refs = true', 'other-refs'],
  ['', 'other-refs = "signed"', 'admin-threshold = 2', 'admin-threshold'],
  ['', 'other-refs = "signed"', 'other_refs = "any"', 'other_refs'],
  ['', 'expires = 2030-01-01T00:00:00Z', 'expires = 2030-01-01', 'expires'],
  ['', 'expires = 2030-01-01T00:00:00Z', 'expires = 2030-01-01T00:00:00', 'expires'],
  ['', 'expires = 2030-01-01T00:00:00Z', 'expires = "soon"', 'expires'],
  // People
  ['people.alice', 'email = "alice@example.org"', 'email = ""', 'people.alice.email'],
  ['people.alice', 'email = "alice@example.org"', 'email = "alice"', 'people.alice.email'],
  ['people.alice', 'email = "alice@example.org"', 'email = "*@example.org"', 'people.alice.email'],
  ['people.alice', 'email = "alice@example.org"', 'uri = "alice"', 'people.alice.uri'],
  ['people.alice', 'email = "alice@example.org"', 'username = 1', 'people.alice.username'],
  ['people.alice', 'account = "1"', 'uri = "https://a.example/b"', 'people.alice.uri'],
  ['people.alice', 'account = "1"', 'username = "alice"', 'people.alice.username'],
  ['people.alice', 'issuer = "google"', 'issuer = "goggle"', 'people.alice.issuer'],
  ['people.alice', 'issuer = "google"', 'issuer = "http://plain.example"', 'people.alice.issuer'],
  ['people.alice', 'issuer = "google"', 'issuer = 1', 'people.alice.issuer'],
  ['people.alice', 'account = "1"', 'account = 1', 'people.alice.account'],
  ['people.alice', 'account = "1"', 'subject = "1"', 'people.alice.subject'],
  ['people.alice', 'account = "1"', 'repository = "a/b"', 'people.alice.repository'],
  ['people.alice', 'account = "1"', 'paths = ["a"]', 'people.alice.paths'],
  ['people.alice', 'trust = "corp"', 'trust = "other"', 'people.alice.trust'],
  ['people.alice', 'trust = "corp"', 'trust = 1', 'people.alice.trust'],
  [
    'people.alice',
    'also = [',
    'also = [{ email = "a@b.c", issuer = "github", trust = "other" }]',
    'people.alice.also[0].trust',
  ],
  ['shared.staff', 'trust = "corp"', 'trust = "other"', 'shared.staff.trust'],
  ['people.alice', 'git = ["alice@example.org"]', 'git = "alice@example.org"', 'people.alice.git'],
  ['people.alice', 'git = ["alice@example.org"]', 'git = ["A <a@b.c>"]', 'people.alice.git[0]'],
  ['people.alice', 'since = 2020-01-01T00:00:00Z', 'since = 2020-01-01', 'people.alice.since'],
  ['people.alice', 'until = 2040-01-01T00:00:00Z', 'until = "never"', 'people.alice.until'],
  [
    'people.alice',
    'until = 2040-01-01T00:00:00Z',
    'until = 2019-01-01T00:00:00Z',
    'people.alice.until',
  ],
  ['people.alice', `ssh = ["${SSH}"]`, `ssh = "${SSH}"`, 'people.alice.ssh'],
  ['people.alice', `ssh = ["${SSH}"]`, 'ssh = ["AAAA"]', 'people.alice.ssh[0]'],
  ['people.alice', `ssh = ["${SSH}"]`, `ssh = ["${SSH}", "${SSH}"]`, 'people.alice.ssh'],
  [
    'people.alice',
    `ssh = ["${SSH}"]`,
    `ssh = [{ key = "${SSH}", until = 1 }]`,
    'people.alice.ssh[0].until',
  ],
  ['people.alice', `ssh = ["${SSH}"]`, `ssh = [{ fingerprint = "${SSH}" }]`, 'people.alice.ssh[0]'],
  ['people.alice', 'pgp = [', 'pgp = ["12345678"]', 'people.alice.pgp[0]'],
  ['people.alice', 'pgp = [', `pgp = ["${FORGE_KEY}"]`, 'forges.github.pgp'],
  ['people.alice', 'pgp = [', 'pgp = [{ key = "1" }]', 'people.alice.pgp[0]'],
  ['people.alice', 'also = [', 'also = { }', 'people.alice.also'],
  ['people.alice', 'also = [', 'also = [{ issuer = "github" }]', 'people.alice.also[0]'],
  ['people.alice', 'also = [', 'also = [{ email = "a@b.c" }]', 'people.alice.also[0]'],
  [
    'people.alice',
    'also = [',
    'also = [{ email = "a@b.c", issuer = "github", git = ["x"] }]',
    'people.alice.also[0].git',
  ],
  [
    'people.alice',
    'also = [',
    'also = [{ email = "a@b.c", issuer = "github", until = 1 }]',
    'people.alice.also[0].until',
  ],
  // Shared
  ['shared.staff', 'email = "*@corp.example"', 'email = "a@corp.example"', 'shared.staff.email'],
  ['shared.staff', 'email = "*@corp.example"', 'email = "a*@corp.example"', 'shared.staff.email'],
  ['shared.staff', 'email = "*@corp.example"', 'email = "*@*.example"', 'shared.staff.email'],
  ['shared.staff', 'email = "*@corp.example"', 'uri = "*"', 'shared.staff.uri'],
  ['shared.staff', 'issuer = "microsoft"', 'issuer = "x"', 'shared.staff.issuer'],
  ['shared.staff', 'issuer = "microsoft"', 'git = ["a@corp.example"]', 'shared.staff.git'],
  ['shared.staff', 'issuer = "microsoft"', 'account = "1"', 'shared.staff.account'],
  // Teams
  ['teams', 'core = ["alice"]', 'core = "alice"', 'teams.core'],
  ['teams', 'core = ["alice"]', 'core = ["nobody"]', 'teams.core[0]'],
  ['teams', 'core = ["alice"]', 'core = ["core"]', 'teams.core[0]'],
  ['teams', 'core = ["alice"]', 'core = ["github"]', 'teams.core[0]'],
  ['teams', 'core = ["alice"]', 'alice = ["alice"]', 'teams.alice'],
  // Bots
  ...[
    'repository = "a/b"',
    'repository-id = "1"',
    'owner-id = "2"',
    'ref = "refs/heads/main"',
    'trigger = "push"',
    'runner = "github-hosted"',
    'environment = "release"',
    'workflow = "c"',
    `workflow-sha = "${ID}"`,
    'caller = "https://github.com/a/b"',
  ].flatMap((line): Mistake[] => {
    const key = line.split(' ')[0] ?? ''
    return [
      ['bots.ci', line, `${key} = 1`, `bots.ci.${key}`],
      ['bots.ci', line, `${key} = ""`, `bots.ci.${key}`],
    ]
  }),
  ['bots.ci', 'caller = ', 'repository_id = "1"', 'bots.ci.repository_id'],
  ['bots.ci', 'paths = ["dist/"]', 'paths = "dist/"', 'bots.ci.paths'],
  ['bots.ci', 'paths = ["dist/"]', 'paths = ["/dist"]', 'bots.ci.paths[0]'],
  ['bots.ci', 'paths = ["dist/"]', 'paths = ["../x"]', 'bots.ci.paths[0]'],
  ['bots.ci', 'paths = ["dist/"]', 'author = "x@y.z"', 'bots.ci.author'],
  ['bots.dep', 'forge = "github"', 'forge = "gitlab"', 'bots.dep.forge'],
  ['bots.dep', 'forge = "github"', 'forge = "alice"', 'bots.dep.forge'],
  ['bots.dep', 'forge = "github"', 'forge = 1', 'bots.dep.forge'],
  ['bots.dep', 'author = "dep@example.org"', 'author = 1', 'bots.dep.author'],
  ['bots.dep', 'author = "dep@example.org"', 'author = "github-actions[bot]"', 'bots.dep.author'],
  ['bots.dep', 'author = "dep@example.org"', 'email = "a@b.c"', 'bots.dep.email'],
  ['bots.dep', 'paths = ["package.json"]', 'paths = []', 'bots.dep.paths'],
  // Forges
  ['forges.github', 'pgp = [', 'pgp = ["968479"]', 'forges.github.pgp[0]'],
  ['forges.github', 'pgp = [', 'ssh = ["x"]', 'forges.github.ssh[0]'],
  ['forges.github', 'committer = "noreply@github.com"', 'committer = 1', 'forges.github.committer'],
  [
    'forges.github',
    'committer = "noreply@github.com"',
    'committer = "GitHub <noreply@github.com>"',
    'forges.github.committer',
  ],
  ['forges.github', 'accept = ["clean-merge"]', 'accept = "clean-merge"', 'forges.github.accept'],
  ['forges.github', 'accept = ["clean-merge"]', 'accept = ["merge"]', 'forges.github.accept[0]'],
  ['forges.github', 'accept = ["clean-merge"]', 'email = "a@b.c"', 'forges.github.email'],
  // Rules
  ['protect[0]', 'refs = ["refs/heads/main"]', 'refs = "refs/heads/main"', 'protect[0].refs'],
  ['protect[0]', 'refs = ["refs/heads/main"]', 'refs = ["main"]', 'protect[0].refs[0]'],
  [
    'protect[0]',
    'refs = ["refs/heads/main"]',
    'refs = ["refs/heads/m[ab]in"]',
    'protect[0].refs[0]',
  ],
  ['protect[0]', 'refs = ["refs/heads/main"]', 'refs = ["refs/heads/***"]', 'protect[0].refs[0]'],
  ['protect[0]', 'by = [', 'by = "alice"', 'protect[0].by'],
  ['protect[0]', 'by = [', 'by = []', 'protect[0].by'],
  ['protect[0]', 'by = [', 'by = ["nobody"]', 'protect[0].by[0]'],
  ['protect[0]', 'by = [', 'by = ["github"]', 'protect[0].by[0]'],
  ['protect[0]', 'merge-by = [', 'merge-by = ["nobody"]', 'protect[0].merge-by[0]'],
  ['protect[0]', 'merge-by = [', 'merge-by = true', 'protect[0].merge-by'],
  ['protect[0]', 'commits = "all"', 'commits = "first-parent"', 'protect[0].commits'],
  ['protect[0]', 'commits = "all"', 'commits = 1', 'protect[0].commits'],
  ['protect[0]', 'committer = "match"', 'committer = "exact"', 'protect[0].committer'],
  ['protect[0]', 'author = "any"', 'author = true', 'protect[0].author'],
  ['protect[0]', 'from = ["refs/heads/next"]', 'from = "refs/heads/next"', 'protect[0].from'],
  ['protect[0]', 'from = ["refs/heads/next"]', 'from = ["next"]', 'protect[0].from[0]'],
  ['protect[0]', 'rewrite = false', 'rewrite = "false"', 'protect[0].rewrite'],
  ['protect[0]', 'rewrite = false', 'rewrite = true', 'protect[0].rewrite'],
  ['protect[0]', 'delete = false', 'delete = 0', 'protect[0].delete'],
  ['protect[0]', 'delete = false', 'delete = true', 'protect[0].delete'],
  ['protect[0]', 'push-cert = false', 'push-cert = "no"', 'protect[0].push-cert'],
  ['protect[0]', 'push-cert = false', 'push_cert = false', 'protect[0].push_cert'],
  ['protect[0]', 'push-cert = false', 'approvals = 1', 'protect[0].approvals'],
  ['protect[0]', 'push-cert = false', 'approvers = ["alice"]', 'protect[0].approvers'],
  ['protect[0]', 'push-cert = false', 'fresh = true', 'protect[0].fresh'],
  ['protect[1]', 'paths = ["src/"]', 'paths = "src/"', 'protect[1].paths'],
  ['protect[1]', 'paths = ["src/"]', 'paths = ["/src"]', 'protect[1].paths[0]'],
  ['protect[1]', 'paths = ["src/"]', 'paths = []', 'protect[1].paths'],
  [
    'protect[2]',
    'except-paths = ["doc/"]',
    'except-paths = ["a//b"]',
    'protect[2].except-paths[0]',
  ],
  ['protect[2]', 'except-paths = ["doc/"]', 'except-paths = 1', 'protect[2].except-paths'],
  ['protect[2]', 'on = ["refs/heads/main"]', 'on = "refs/heads/main"', 'protect[2].on'],
  ['protect[2]', 'on = ["refs/heads/main"]', 'on = ["main"]', 'protect[2].on[0]'],
  ['protect[2]', 'unsigned-target = true', 'unsigned-target = 1', 'protect[2].unsigned-target'],
  // Accept, revoke, trust
  ['accept[0]', 'commit = ', 'commit = "aaaaaaa"', 'accept[0].commit'],
  ['accept[0]', 'commit = ', `commit = "${ID.toUpperCase()}"`, 'accept[0].commit'],
  ['accept[0]', 'reason = "old"', 'reason = 1', 'accept[0].reason'],
  ['accept[0]', 'covers = "one"', 'covers = "all"', 'accept[0].covers'],
  ['accept[0]', 'covers = "one"', 'until = 2030-01-01T00:00:00Z', 'accept[0].until'],
  ['revoke[0]', 'person = "alice"', 'person = "nobody"', 'revoke[0].person'],
  ['revoke[0]', 'person = "alice"', 'cert = "1234"', 'revoke[0].cert'],
  ['revoke[0]', 'person = "alice"', 'log-entry = "x"', 'revoke[0].log-entry'],
  ['revoke[0]', 'person = "alice"', 'key = "1234"', 'revoke[0].key'],
  ['revoke[0]', 'person = "alice"', 'commit = "1234"', 'revoke[0].commit'],
  ['revoke[0]', 'reason = "stolen"', 'key = "' + FORGE_KEY + '"', 'revoke[0].key'],
  ['revoke[0]', 'from = 2026-01-01T00:00:00Z', 'from = 2026-01-01', 'revoke[0].from'],
  ['revoke[0]', 'to = 2026-01-02T00:00:00Z', 'to = 2025-01-02T00:00:00Z', 'revoke[0].to'],
  ['revoke[0]', 'except = [', 'except = ["1234"]', 'revoke[0].except[0]'],
  ['revoke[0]', 'except = [', `except = "${ID}"`, 'revoke[0].except'],
  ['revoke[0]', 'reason = "stolen"', 'reason = ["stolen"]', 'revoke[0].reason'],
  ['revoke[0]', 'reason = "stolen"', 'since = 2026-01-01T00:00:00Z', 'revoke[0].since'],
  ['trust.corp', 'root = ', 'root = "corp.json"', 'trust.corp.root'],
  ['trust.corp', 'root = ', 'root = ".signet/trust/../x"', 'trust.corp.root'],
  ['trust.corp', 'root = ', 'root = 1', 'trust.corp.root'],
  ['trust.corp', 'sha256 = ', 'sha256 = "bbbb"', 'trust.corp.sha256'],
  ['trust.corp', 'sha256 = ', 'url = "https://x.example"', 'trust.corp.url'],
]

/** Left out, the table that lacks it is complained of. */
const REQUIRED: readonly (readonly [table: string, line: string])[] = [
  ['', 'version = 1'],
  ['', 'admins = ["alice"]'],
  ['people.alice', 'issuer = "google"'],
  ['shared.staff', 'email = '],
  ['shared.staff', 'issuer = '],
  ['bots.ci', 'issuer = '],
  ['bots.dep', 'author = '],
  ['bots.dep', 'paths = '],
  ['forges.github', 'pgp = '],
  ['forges.github', 'committer = '],
  ['protect[0]', 'refs = '],
  ['protect[0]', 'by = '],
  ['accept[0]', 'commit = '],
  ['revoke[0]', 'person = '],
  ['trust.corp', 'root = '],
  ['trust.corp', 'sha256 = '],
]

/** Where a table's line that begins so stands, counted from 0. */
function lineIn(table: string, start: string): number {
  const lines = WHOLE.split('\n')
  const [, name = '', nth = '0'] = /^(.*?)(?:\[(\d+)\])?$/.exec(table) ?? []
  const heads = lines.flatMap((line, at) =>
    line === `[${name}]` || line === `[[${name}]]` ? [at] : [],
  )
  const from = table === '' ? 0 : (heads[Number(nth)] ?? -1)
  const found = lines.findIndex((line, at) => at >= from && line.startsWith(start))
  expect(found, `${table} ${start}`).toBeGreaterThan(-1)
  return found
}

describe('every row of the schema table', () => {
  const problems = (text: string): { line: number; key: string }[] =>
    readPolicy(Buffer.from(text), 'policy.toml', { policyBranch: MAIN }).problems.map(
      ({ line, key }) => ({ line, key }),
    )

  test('has nothing wrong in the whole policy that is spoilt below', () => {
    expect(problems(WHOLE)).toEqual([])
  })

  test.each(MISTAKES)('in %s instead of %s: %s', (table, start, mistake, key) => {
    const lines = WHOLE.split('\n')
    const at = lineIn(table, start)
    lines[at] = mistake
    const found = problems(lines.join('\n'))
    expect(found.map((one) => one.key)).toContain(key)
    // What else the spoilt line brings may stand anywhere; its own mistake stands on it.
    if (key.startsWith(table === '' ? key : table)) {
      expect(found).toContainEqual({ line: at + 1, key })
    }
  })

  test.each(REQUIRED)('in %s without %s', (table, start) => {
    const lines = WHOLE.split('\n')
    const at = lineIn(table, start)
    lines[at] = '#'
    const found = problems(lines.join('\n'))
    const head =
      table === '' ? 1 : lines.findLastIndex((line, no) => no < at && line.startsWith('[')) + 1
    expect(found).toContainEqual({ line: head, key: table })
  })

  test('a table that is unknown, of the wrong form, or twice there', () => {
    for (const [more, key] of [
      ['[person.bob]\n', 'person'],
      ['[settings]\n', 'settings'],
      ['[[trust]]\nroot = "x"\n', ''],
      ['[people.alice]\n', ''],
    ] as const) {
      const found = problems(`${WHOLE}${more}`)
      expect(found, more).toContainEqual({ line: WHOLE.split('\n').length, key })
    }
    for (const [table, value] of [
      ['people', '1'],
      ['protect', '{ }'],
      ['accept', '"x"'],
      ['teams', '[]'],
    ] as const) {
      const key = table
      expect(problems(`${table} = ${value}\nversion = 1\nadmins = ["alice"]\n`)).toContainEqual({
        line: 1,
        key,
      })
    }
  })
})
