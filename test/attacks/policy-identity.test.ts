import { describe, expect, test } from 'vitest'
import { ident } from '../policy/memory-git.ts'
import { FORGE_KEY, GITHUB, MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'
import type { Story } from '../policy/memory-world.ts'

const SSH = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUQBXYmSJPKEKvC5TuQgQ9pWLvZ3/LXrXNhgvNBzzzz'
const alice = (rest: string): string =>
  `[people.alice]\nemail = "alice@example.org"\nissuer = "google"\n${rest}\n`
const entry = (name: string, rest: string): string => `[people.${name}]\n${rest}\n`

/** Codes of one commit on top of the anchor. */
async function codesOf(policy: string, story: Story): Promise<readonly string[]> {
  const world = await MemoryWorld.of(policy)
  const work = world.commit({ parents: [world.anchor], files: { a: '1' }, ...story })
  const result = await world.push(MAIN, work)
  expect(result.exit === 0).toBe(result.codes.length === 0)
  return result.of(work).codes
}

describe('time', () => {
  const leaving = policyOf(
    [
      'alice',
      entry('bob', 'email = "bob@example.org"\nissuer = "google"\nuntil = 2026-01-10T00:00:00Z'),
    ],
    rule('alice bob'),
  )

  test('attack 16: the committer date is set back, the trusted time is not', async () => {
    const committer = 'Bob <bob@example.org> 1000000000 +0000'
    const late = { by: 'bob', committer, at: '2026-01-10T00:00:00Z' }
    expect(await codesOf(leaving, late)).toEqual(['AFTER_UNTIL'])
    expect(await codesOf(leaving, { ...late, at: '2026-01-09T23:59:59Z' })).toEqual([])
  })

  test('attack 17: a window, and a keyless signature without time: could not check', async () => {
    expect(await codesOf(leaving, { by: 'bob', at: null })).toEqual(['NO_TRUSTED_TIME'])
  })

  test('attack 17: ssh with since never; with until, judged before the step that set it or after', async () => {
    const ssh = { kind: 'ssh-key', value: SSH, issuer: '' } as const
    const keys = (window: string): string =>
      policyOf(
        ['alice', entry('bob', `git = ["key@example.org"]\nssh = ["${SSH}"]\n${window}`)],
        rule('alice bob'),
      )
    expect(await codesOf(keys('since = 2020-01-01T00:00:00Z'), { by: ssh })).toEqual([
      'BEFORE_SINCE',
    ])
    const world = await MemoryWorld.of(keys(''))
    const early = world.commit({ parents: [world.anchor], by: ssh, files: { a: '1' } })
    expect((await world.push(MAIN, early)).exit).toBe(0)
    const policy = keys('until = 2030-01-01T00:00:00Z')
    const landing = world.commit({ parents: [early], by: 'alice', policy })
    expect((await world.push(MAIN, landing)).exit).toBe(0)
    const late = world.commit({ parents: [landing], by: ssh, files: { a: '2' } })
    const result = await world.push(MAIN, late)
    expect(result.of(late).codes).toEqual(['AFTER_UNTIL'])
    expect((await world.audit()).exit).toBe(0)
    // Without a step nobody knows which came first.
    expect((await world.range(MAIN, early, [world.anchor])).exit).toBe(4)
  })

  test('attack 20: a revoked commit under another id is known by its payload', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const world = await MemoryWorld.of(base)
    const evil = world.commit({
      parents: [world.anchor],
      by: 'bob',
      files: { a: '1' },
      payload: 'ee',
    })
    const policy = `${base}[[revoke]]\ncommit = "${evil}"\nreason = "bad"\n`
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy })
    await world.push(MAIN, landing)
    const copy = world.commit({
      parents: [world.anchor],
      by: 'bob',
      files: { a: '1' },
      payload: 'ee',
    })
    const merge = world.merge(landing, copy, { by: 'bob' })
    expect((await world.push(MAIN, merge)).of(copy).codes).toEqual(['REVOKED'])
  })

  test('attack 20: the same below a commit that an accept covers', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const world = await MemoryWorld.of(base)
    const evil = world.commit({ by: undefined, files: { a: '1' }, payload: 'ee' })
    const copy = world.commit({ by: undefined, files: { a: '1' }, payload: 'ee' })
    const top = world.commit({ parents: [copy], by: undefined, files: { a: '2' } })
    const cover = `${base}[[accept]]\ncommit = "${top}"\ncovers = "ancestors"\nreason = "old"\n`
    const landing = world.commit({ parents: [world.anchor], by: 'alice', policy: cover })
    await world.push(MAIN, landing)
    const merge = world.merge(landing, top, { by: 'alice' })
    expect((await world.push(MAIN, merge)).exit).toBe(0)
    const policy = `${cover}[[revoke]]\ncommit = "${evil}"\nreason = "bad"\n`
    const revoking = world.commit({ parents: [merge], by: 'alice', policy })
    const result = await world.audit(revoking)
    expect(result.of(copy).codes).toEqual(['REVOKED'])
  })

  test('attack 21: the window of a revocation to the second; except of another signer', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const world = await MemoryWorld.of(base)
    let tip = world.anchor
    const at = (time: string, by = 'bob'): string =>
      (tip = world.commit({ parents: [tip], by, at: time, files: { [time]: by } }))
    const before = at('2026-02-03T09:59:59Z')
    const first = at('2026-02-03T10:00:00Z')
    const excepted = at('2026-02-03T11:00:00Z')
    const last = at('2026-02-03T18:30:00Z')
    const after = at('2026-02-03T18:30:01Z')
    const other = at('2026-02-03T12:00:00Z', 'alice')
    const policy = `${base}[[revoke]]\nperson = "bob"\nfrom = 2026-02-03T10:00:00Z\nto = 2026-02-03T18:30:00Z\nexcept = ["${excepted}", "${other}"]\nreason = "stolen"\n`
    const landing = world.commit({
      parents: [tip],
      by: 'alice',
      policy,
      at: '2026-03-01T00:00:00Z',
    })
    const result = await world.audit(landing)
    for (const good of [before, excepted, after, other]) expect(result.of(good).codes).toEqual([])
    for (const bad of [first, last]) expect(result.of(bad).codes).toEqual(['REVOKED'])
  })

  test('attack 21: certificates and log entries too are revoked within the window only', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    for (const target of [`cert = "${'c'.repeat(64)}"`, 'log-entry = "7"']) {
      const world = await MemoryWorld.of(base)
      let tip = world.anchor
      const at = (time: string | null): string => {
        tip = world.commit({ parents: [tip], by: 'bob', at: time, certificate: 'c'.repeat(64) })
        const facts = world.facts.get(tip)
        if (facts === undefined) throw new Error('no facts')
        const log = [{ by: 'log', index: '7', kind: 'hashedrekord', version: '0.0.1' }]
        world.facts.set(tip, { ...facts, log })
        return tip
      }
      const before = at('2026-02-03T09:59:59Z')
      const inside = at('2026-02-03T10:00:00Z')
      const after = at('2026-02-03T18:30:01Z')
      const never = at(null)
      const window = 'from = 2026-02-03T10:00:00Z\nto = 2026-02-03T18:30:00Z'
      const policy = `${base}[[revoke]]\n${target}\n${window}\nreason = "stolen"\n`
      const landing = world.commit({
        parents: [tip],
        by: 'alice',
        policy,
        at: '2026-03-01T00:00:00Z',
      })
      const result = await world.audit(landing)
      expect(
        [before, after].flatMap((id) => result.of(id).codes),
        target,
      ).toEqual([])
      expect(result.of(inside).codes, target).toEqual(['REVOKED'])
      expect(result.of(never).codes, target).toContain('REVOKED')
    }
  })

  test('a revocation is not undone by a later policy that leaves it out', async () => {
    const base = policyOf(['alice', 'bob'], rule('alice bob'))
    const revoking = `${base}[[revoke]]\nperson = "bob"\nreason = "stolen"\n`
    const world = await MemoryWorld.of(revoking)
    const evil = world.commit({ parents: [world.anchor], by: 'bob', files: { a: '1' } })
    const landing = world.commit({ parents: [evil], by: 'alice', policy: base })
    expect((await world.audit(landing)).of(evil).codes).toEqual(['REVOKED'])
  })
})

describe('who signed', () => {
  const one = policyOf(['alice'], rule('alice'))

  test.each([
    'xalice@example.org',
    'alice@example.org.evil.org',
    'alice@exampleXorg',
    'ALICE@example.org',
    'alice@example.org.',
    'alice@example.org\0',
    '\u0430lice@example.org',
    ' alice@example.org',
    'alice@example.org,bob@example.org',
  ])('attack 24: the SAN %j', async (value) => {
    expect(await codesOf(one, { by: { value } })).toEqual(['UNKNOWN_SIGNER'])
  })

  test('attack 25: a URI that reads like a listed email, an email like a listed URI', async () => {
    const value = 'alice@example.org'
    expect(await codesOf(one, { by: { kind: 'uri', value } })).toEqual(['UNKNOWN_SIGNER'])
    const uri = 'mailto:bob@example.org'
    const policy = policyOf(
      ['alice', entry('bob', `uri = "${uri}"\nissuer = "google"\ngit = ["key@example.org"]`)],
      rule('alice bob'),
    )
    expect(await codesOf(policy, { by: { kind: 'email', value: uri } })).toEqual(['UNKNOWN_SIGNER'])
    expect(await codesOf(policy, { by: { kind: 'uri', value: uri } })).toEqual([])
  })

  test.each([GITHUB, 'https://accounts.google.com/', 'https://accounts.google.com.evil.org', ''])(
    'attack 26: the right email by issuer %j',
    async (issuer) => {
      const by = { value: 'alice@example.org', issuer }
      expect(await codesOf(one, { by })).toEqual(['WRONG_ISSUER'])
    },
  )

  test('attack 26: the right email under another trust root', async () => {
    const by = { value: 'alice@example.org', trust: 'local' }
    expect(await codesOf(one, { by })).toEqual(['UNKNOWN_SIGNER'])
    const both = { ...by, issuer: GITHUB }
    expect(await codesOf(one, { by: both })).toEqual(['WRONG_ISSUER'])
  })

  const uri = 'https://github.com/acme/app/.github/workflows/land.yml@refs/heads/main'
  const issuer = 'https://token.actions.githubusercontent.com'
  const claims = {
    'repository-id': '123',
    'owner-id': '987',
    ref: 'refs/heads/main',
    trigger: 'push',
    caller: 'https://github.com/acme/app/.github/workflows/land.yml@refs/heads/main',
    runner: 'github-hosted',
    'workflow-sha': 'a'.repeat(40),
  }
  const lander = policyOf(
    ['alice'],
    `[bots.lander]\nuri = "${uri}"\nissuer = "github-actions"\ngit = ["bot@example.org"]\n${Object.entries(
      claims,
    )
      .map(([name, value]) => `${name} = "${value}"`)
      .join('\n')}\n${rule('alice lander')}`,
  )
  const bot = (changes: Record<string, string | undefined>): Story => ({
    by: {
      kind: 'uri',
      value: uri,
      issuer,
      claims: Object.fromEntries(
        Object.entries<string | undefined>({ ...claims, ...changes }).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, value]],
        ),
      ),
    },
    committer: ident('bot@example.org'),
  })

  test.each([
    ['a fork or a renamed repository', { 'repository-id': '124' }],
    ['another owner', { 'owner-id': '1' }],
    ['another ref', { ref: 'refs/pull/1/merge' }],
    ['a pull request', { trigger: 'pull_request' }],
    ['called from another repository', { caller: `${uri}x` }],
    ['a self-hosted runner', { runner: 'self-hosted' }],
    ['an edited workflow (72)', { 'workflow-sha': 'b'.repeat(40) }],
    ['a claim that is absent (29)', { runner: undefined }],
  ])('attack 28: a workflow certificate from %s', async (_, changes) => {
    expect(await codesOf(lander, bot({}))).toEqual([])
    expect(await codesOf(lander, bot(changes))).toEqual(['CLAIM_MISMATCH'])
  })

  test('attack 31: the address belongs to another account now', async () => {
    const policy = policyOf([alice('account = "1"')], rule('alice'))
    const by = (subject: string): Story => ({
      by: { value: 'alice@example.org', claims: { subject } },
    })
    expect(await codesOf(policy, by('1'))).toEqual([])
    expect(await codesOf(policy, by('2'))).toEqual(['CLAIM_MISMATCH'])
  })

  test.each([
    ['someone else’s', 'Alice <bob@example.org> 1767225600 +0000'],
    ['several brackets', 'Alice <bob@example.org> <alice@example.org> 1767225600 +0000'],
    ['nested brackets', 'Alice <<alice@example.org>> 1767225600 +0000'],
    ['no brackets', 'alice@example.org 1767225600 +0000'],
    ['upper case', 'Alice <Alice@example.org> 1767225600 +0000'],
    ['a NUL behind', 'Alice <alice@example.org\0> 1767225600 +0000'],
  ])('attack 32: a committer line with %s', async (_, committer) => {
    expect(await codesOf(one, { by: 'alice', committer })).toEqual(['COMMITTER_MISMATCH'])
    const author = policyOf(['alice'], rule('alice', 'author = "match"'))
    expect(await codesOf(one, { by: 'alice', author: committer })).toEqual([])
    expect(await codesOf(author, { by: 'alice', author: committer })).toEqual(['AUTHOR_MISMATCH'])
  })

  test('attack 32: a missing name, a name that is not UTF-8, .mailmap in the tree', async () => {
    for (const committer of [
      '<alice@example.org> 1767225600 +0000',
      '\xff\xfe <alice@example.org> 1767225600 +0000',
    ]) {
      expect(await codesOf(one, { by: 'alice', committer })).toEqual([])
    }
    const files = { '.mailmap': '<alice@example.org> <bob@example.org>' }
    const committer = ident('bob@example.org')
    expect(await codesOf(one, { by: 'alice', files, committer })).toEqual(['COMMITTER_MISMATCH'])
  })

  test('attack 33: the ssh key of another person, a key that is not listed', async () => {
    const policy = policyOf(
      ['alice', entry('bob', `git = ["bob@example.org"]\nssh = ["${SSH}"]`)],
      rule('alice'),
    )
    const by = { kind: 'ssh-key', value: SSH, issuer: '' } as const
    expect(await codesOf(policy, { by, committer: ident('alice@example.org') })).toEqual([
      'NOT_ALLOWED_HERE',
    ])
    const other = { kind: 'openpgp-key', value: 'f'.repeat(40), issuer: '' } as const
    expect(await codesOf(policy, { by: other })).toEqual(['UNKNOWN_SIGNER'])
  })

  test.each(['BAD_SIGNATURE', 'TIMESTAMP_INVALID', 'OUTSIDE_CERTIFICATE_VALIDITY'] as const)(
    'attacks 18, 33, 36: a signature that does not hold is no signature (%s)',
    async (code) => {
      expect(await codesOf(one, { by: 'alice', codes: [code] })).toEqual([code])
      const world = await MemoryWorld.of(one)
      const work = world.commit({ parents: [world.anchor], by: 'alice', codes: [code] })
      const policy = `${one}[[accept]]\ncommit = "${work}"\nreason = "x"\n`
      const landing = world.commit({ parents: [work], by: 'alice', policy })
      expect((await world.push(MAIN, landing)).of(work).codes).toEqual([code])
    },
  )

  test('attack 19: no time could be trusted, no log entry: could not check', async () => {
    for (const code of ['NO_TRUSTED_TIME', 'NOT_LOGGED'] as const) {
      const world = await MemoryWorld.of(one)
      const work = world.commit({ parents: [world.anchor], by: 'alice', codes: [code] })
      expect((await world.push(MAIN, work)).exit).toBe(4)
    }
  })

  test('facts that are not proven and tell no reason are refused all the same', async () => {
    const world = await MemoryWorld.of(policyOf(['alice'], rule('alice')))
    const work = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
    const facts = world.facts.get(work)
    if (facts !== undefined) world.facts.set(work, { ...facts, codes: [] })
    expect((await world.push('refs/heads/topic', work)).exit).toBe(1)
  })
})

describe('groups', () => {
  const staff = `[shared.staff]\nemail = "*@corp.example"\nissuer = "google"\n`
  const group = (people: string[], rest = ''): string =>
    policyOf(['alice', ...people], `${staff}${rule('alice staff', rest)}`)
  const employee = { value: 'eve@corp.example' }

  test('attack 71: a retired person whose address a wildcard matches', async () => {
    const gone = entry(
      'eve',
      'email = "eve@corp.example"\nissuer = "google"\nuntil = 2025-12-31T00:00:00Z',
    )
    expect(await codesOf(group([]), { by: employee })).toEqual([])
    expect(await codesOf(group([gone]), { by: employee })).toEqual(['AFTER_UNTIL'])
  })

  test('attack 71: a group’s signer with somebody else’s committer line, whatever the rule says', async () => {
    const committer = ident('dora@corp.example')
    for (const rest of ['', 'committer = "any"']) {
      expect(await codesOf(group([], rest), { by: employee, committer })).toEqual([
        'COMMITTER_MISMATCH',
      ])
    }
    const world = await MemoryWorld.of(group([]))
    const work = world.commit({ parents: [world.anchor], by: employee, committer })
    expect((await world.push('refs/heads/topic', work)).codes).toEqual(['COMMITTER_MISMATCH'])
  })

  test('attack 86: a retired person’s address under another issuer', async () => {
    const gone = (text: string): string =>
      entry('eve', `${text}\nissuer = "github"\nuntil = 2025-12-31T00:00:00Z`)
    expect(await codesOf(group([gone('email = "eve@corp.example"')]), { by: employee })).toEqual([
      'WRONG_ISSUER',
    ])
    const elsewhere = gone('email = "eve@home.example"\ngit = ["eve@corp.example"]')
    expect(await codesOf(group([elsewhere]), { by: employee })).toEqual(['UNKNOWN_SIGNER'])
  })

  test.each(['a.b+c@corp.example', '@corp.example', 'x@y@corp.example', 'x@sub.corp.example'])(
    'a wildcard is one whole local part: %s',
    async (value) => {
      expect(await codesOf(group([]), { by: { value } })).toEqual(['UNKNOWN_SIGNER'])
    },
  )

  test('a group cannot land a policy', async () => {
    const world = await MemoryWorld.of(group([]))
    const landing = world.commit({
      parents: [world.anchor],
      by: employee,
      policy: `${group([])}# x`,
    })
    expect((await world.push(MAIN, landing)).codes).toEqual(['POLICY_CHANGE_NOT_ADMIN'])
  })
})

test('attack 47: the forge’s key with another committer line, and after its time', async () => {
  const policy = policyOf(
    ['alice'],
    `[forges.github]\npgp = [{ fingerprint = "${FORGE_KEY}" }]\ncommitter = "noreply@github.com"\naccept = ["edit"]\n${rule('alice', 'merge-by = ["github"]')}`,
  )
  expect(await codesOf(policy, { by: 'forge' })).toEqual([])
  const committer = ident('alice@example.org')
  expect(await codesOf(policy, { by: 'forge', committer })).toEqual(['COMMITTER_MISMATCH'])
  const any = policy.replace('merge-by', 'committer = "any"\nmerge-by')
  expect(await codesOf(any, { by: 'forge', committer })).toEqual(['COMMITTER_MISMATCH'])
  const until = policy.replace(`"${FORGE_KEY}" }`, `"${FORGE_KEY}", until = 2025-01-01T00:00:00Z }`)
  expect(await codesOf(until, { by: 'forge' })).toEqual(['AFTER_UNTIL'])
})
