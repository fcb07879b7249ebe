import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import { readPolicy } from '../../src/policy/parse.ts'
import { policyWarnings, workflowOf } from '../../src/policy/warnings.ts'
import type { WarningContext } from '../../src/policy/warnings.ts'

const policyBranch = 'refs/heads/main'
const two = `version = 1
admins = ["alice", "bob"]

[people.alice]
email = "alice@example.org"
issuer = "github"

[people.bob]
email = "bob@example.org"
issuer = "github"

[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "bob"]
`

function read(text: string): ReturnType<typeof readPolicy> {
  const reading = readPolicy(encodeUtf8(text), 'policy.toml', { policyBranch })
  expect(reading.problems).toEqual([])
  return reading
}

function warningsOf(text: string, context: Partial<WarningContext> = {}): string[] {
  const { policy, lineOf } = read(text)
  if (policy === undefined) return []
  return policyWarnings(policy, { policyBranch, lineOf, ...context }).map(
    ({ line, key, message }) => `${String(line ?? '-')} ${key}: ${message}`,
  )
}

const bot = (claims: string): string => `${two}
[bots.release]
uri = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"
issuer = "github-actions"
git = ["release@example.org"]
${claims}`

const forWorkflow = (by: string): string => `
[[protect]]
refs = ["refs/heads/main"]
paths = [".github/"]
by = [${by}]
`

describe('policyWarnings()', () => {
  it('has nothing to say of a plain policy', () => {
    expect(warningsOf(two)).toEqual([])
  })

  it('warns of one admin only', () => {
    expect(warningsOf(two.replace('["alice", "bob"]', '["alice"]'))).toEqual([
      expect.stringMatching(/^2 admins: "alice" is the only admin/),
    ])
  })

  it('warns of a wildcard on a consumer issuer, not on one of an organisation', () => {
    const shared = (issuer: string): string =>
      `${two}\n[shared.staff]\nemail = "*@corp.example"\nissuer = "${issuer}"\n`
    expect(warningsOf(shared('google'))).toEqual([
      expect.stringMatching(/^18 shared\.staff\.issuer: anybody may have an account at google/),
    ])
    expect(warningsOf(shared('https://sso.corp.example'))).toEqual([])
  })

  it('warns of a GitHub bot without repository-id or owner-id', () => {
    const guarded = forWorkflow('"alice"')
    expect(warningsOf(bot('repository = "acme/app"\n') + guarded)).toEqual([
      expect.stringMatching(/^16 bots\.release: has neither repository-id nor owner-id/),
    ])
    expect(warningsOf(bot('repository-id = "1"\n') + guarded)).toEqual([])
    expect(warningsOf(bot('owner-id = "1"\n') + guarded)).toEqual([])
  })

  it('warns of a workflow that others than admins may edit (attack 72)', () => {
    const known = bot('repository-id = "1"\n')
    const members = `${known}
[people.carol]
email = "carol@example.org"
issuer = "github"

[[protect]]
refs = ["refs/heads/main"]
by = ["carol"]
`
    // Everybody who may commit to the branch is an admin already.
    expect(warningsOf(known)).toEqual([])
    const open = members.replace('by = ["alice", "bob"]', 'by = ["alice", "bob", "carol"]')
    const warning = expect.stringMatching(
      /^16 bots\.release: whoever edits "\.github\/workflows\/release\.yml" becomes this bot/,
    ) as string
    expect(warningsOf(open)).toEqual([warning])
    expect(warningsOf(open + forWorkflow('"alice"'))).toEqual([])
    expect(warningsOf(open + forWorkflow('"alice", "carol"'))).toEqual([warning])
    expect(warningsOf(open + forWorkflow('"alice"').replace('.github/', 'src/'))).toEqual([warning])
    expect(
      warningsOf(open + forWorkflow('"alice"').replace('heads/main"]\npaths', 'heads/x"]\npaths')),
    ).toContainEqual(warning)
    expect(
      warningsOf(
        open.replace('repository-id', `workflow-sha = "${'a'.repeat(40)}"\nrepository-id`),
      ),
    ).toEqual([])
  })

  it('warns of paths on a ref that no whole rule is about', () => {
    const rule = (refs: string): string => `${two}
[[protect]]
refs = [${refs}]
paths = ["src/"]
by = ["alice"]
`
    expect(warningsOf(rule('"refs/heads/main"'))).toEqual([])
    expect(warningsOf(rule('"refs/heads/next"'))).toEqual([
      expect.stringMatching(/^18 protect\[1\]\.paths: .*"refs\/heads\/next".*"signed"/),
    ])
    expect(warningsOf(rule('"refs/heads/main", "refs/heads/release/*"'))).toHaveLength(1)
    const whole = '\n[[protect]]\nrefs = ["refs/heads/**"]\nby = ["bob"]\n'
    expect(warningsOf(rule('"refs/heads/release/*"') + whole)).toEqual([])
  })

  it('warns of an identity that is deleted and not of one that is retired', () => {
    const before = read(two).policy
    const gone = two
      .replace(/\[people\.bob\][^[]*/, '')
      .replaceAll(', "bob"', '')
      .replace('admins = ["alice"]', 'admins = ["alice"]')
    expect(warningsOf(gone, { before })).toContainEqual(
      expect.stringMatching(/^- people\.bob: is deleted: .*"until"/),
    )
    const retired = two.replace('[people.bob]', '[people.bob]\nuntil = 2026-01-01T00:00:00Z')
    expect(warningsOf(retired, { before })).toEqual([])
    const renamed = two.replaceAll('"bob"', '"robert"').replace('[people.bob]', '[people.robert]')
    expect(warningsOf(renamed, { before })).toEqual([])
    const moved = two.replace('bob@example.org', 'bob@example.net')
    expect(warningsOf(moved, { before })).toEqual([
      expect.stringMatching(/people\.bob: has lost "email bob@example\.org by/),
    ])
  })

  it.each(['any-squash', 'edit'])('warns of a forge whose %s counts', (kind) => {
    const forge = `${two}
[forges.hub]
pgp = ["968479A1AFF927E37D1A566BB5690EEEBB952194"]
committer = "noreply@github.com"
accept = ["clean-merge", "${kind}"]
`
    expect(warningsOf(forge)).toEqual([
      expect.stringMatching(new RegExp(`^19 forges\\.hub\\.accept: "${kind}"`)),
    ])
  })

  it('warns of a server without a floor, where it is one', () => {
    expect(warningsOf(two, { isServerWithoutFloor: true })).toEqual([
      expect.stringMatching(/^- : there is no floor/),
    ])
  })

  it('warns when the policy was to be looked at again', () => {
    const text = two.replace('version = 1', 'version = 1\nexpires = 2026-01-01T00:00:00Z')
    expect(warningsOf(text, { now: Date.parse('2025-12-31T00:00:00Z') })).toEqual([])
    expect(warningsOf(text, { now: Date.parse('2026-01-02T00:00:00Z') })).toEqual([
      expect.stringMatching(/^2 expires: .*2026-01-01/),
    ])
  })

  it('warns of what has no effect or no reason', () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB'
    expect(
      warningsOf(`${two.replace('[people.bob]', `[people.bob]\nssh = ["${key}"]\nsince = 2026-01-01T00:00:00Z`)}
on = ["refs/heads/main"]
unsigned-target = true

[[accept]]
commit = "${'a'.repeat(40)}"
`),
    ).toEqual([
      expect.stringMatching(/^10 people\.bob\.since: signatures by ssh and OpenPGP keys/),
      expect.stringMatching(/^18 protect\[0\]\.on: is about tags/),
      expect.stringMatching(/^19 protect\[0\]\.unsigned-target: is about tags/),
      expect.stringMatching(/^21 accept\[0\]: has no reason/),
    ])
  })
})

describe('workflowOf()', () => {
  it.each([
    [
      'https://github.com/acme/app/.github/workflows/x.yml@refs/heads/main',
      { path: '.github/workflows/x.yml', ref: 'refs/heads/main' },
    ],
    [
      'https://gitlab.com/group/sub/app//.gitlab-ci.yml@refs/tags/v1',
      { path: '.gitlab-ci.yml', ref: 'refs/tags/v1' },
    ],
    ['https://example.org/alice', undefined],
    ['spiffe://corp/robot', undefined],
  ])('%s', (uri, expected) => {
    expect(workflowOf(uri)).toEqual(expected)
  })

  it.each([
    'rewrite = true',
    'delete = true',
    'on = ["refs/heads/main"]',
    'unsigned-target = true',
  ])('warns of a rule with paths that says %s', (line) => {
    const rule = `\n[[protect]]\nrefs = ["refs/heads/release"]\nby = ["alice"]\n`
    const key = line.split(' ')[0] ?? ''
    const found = warningsOf(`${two}${rule}${rule}paths = ["src/"]\n${line}\n`)
    expect(found).toEqual([
      expect.stringContaining(
        `protect[2].${key}: has no effect: a rule with paths never decides about the movement of a ref`,
      ),
    ])
  })
})
