import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import type { Signer } from '../../src/facts.ts'
import { draftFromAllowedSigners } from '../../src/policy/draft-allowed-signers.ts'
import { draftPolicy } from '../../src/policy/draft.ts'
import type { DraftInput, SeenSigner } from '../../src/policy/draft.ts'
import type { Policy } from '../../src/policy/model.ts'
import { readPolicy } from '../../src/policy/parse.ts'

const policyBranch = 'refs/heads/main'
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB'

function seen(signer: Partial<Signer>, count: number, ...addresses: string[]): SeenSigner {
  const whole: Signer = {
    kind: 'email',
    value: 'alice@example.org',
    issuer: 'https://github.com/login/oauth',
    trust: 'public',
    claims: {},
    ...signer,
  }
  return { signer: whole, count, addresses }
}

const draft = (input: Partial<DraftInput>): string =>
  draftPolicy({ policyBranch, seen: [], others: [], roots: new Map(), ...input })

function read(text: string): Policy {
  const { policy, problems } = readPolicy(encodeUtf8(text), 'draft', { policyBranch })
  expect(problems, text).toEqual([])
  if (policy === undefined) throw new Error('no policy')
  return policy
}

describe('draftPolicy()', () => {
  it('names everybody who has signed, with counts, addresses and proven issuers', () => {
    const text = draft({
      seen: [
        seen({}, 40, 'alice@example.org', 'alice@users.noreply.github.com'),
        seen({ issuer: 'https://accounts.google.com' }, 1, 'alice@example.org'),
        seen({ kind: 'ssh-key', value: key, issuer: '', trust: '' }, 3, 'bob@example.org'),
      ],
      others: [{ address: 'eve@example.org\u202e', count: 7 }],
    })
    expect(text).toContain('[people.alice]   # 40 commits signed so far')
    expect(text).toContain('git = ["alice@example.org", "alice@users.noreply.github.com"]')
    expect(text).toContain('#   eve@example.org\\u202e (7)')
    const policy = read(text)
    expect([...policy.entries.keys()]).toEqual(['alice', 'alice-2', 'bob'])
    expect(policy.admins).toEqual(['alice'])
    expect([...(policy.rules[0]?.by ?? [])]).toEqual(['alice', 'alice-2', 'bob'])
  })

  it('makes whoever asks the admin, if they have signed', () => {
    const bob = seen({ value: 'bob@example.org' }, 1, 'bob@example.org')
    const both = [seen({}, 40, 'alice@example.org'), bob]
    expect(read(draft({ seen: both, me: 'bob@example.org' })).admins).toEqual(['bob'])
    expect(read(draft({ seen: both, me: 'eve@example.org' })).admins).toEqual(['alice'])
  })

  it('pins a workflow by what lasts, and never makes it an admin', () => {
    const workflow = seen(
      {
        kind: 'uri',
        value: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
        issuer: 'https://token.actions.githubusercontent.com',
        claims: { 'repository-id': '1', 'owner-id': '2', 'workflow-sha': 'a'.repeat(40) },
      },
      90,
      'bot@example.org',
    )
    const policy = read(draft({ seen: [workflow, seen({}, 1, 'alice@example.org')] }))
    expect(policy.entries.get('release')).toMatchObject({
      kind: 'bot',
      claims: { 'repository-id': '1', 'owner-id': '2' },
    })
    expect(policy.admins).toEqual(['alice'])
    const alone = readPolicy(encodeUtf8(draft({ seen: [workflow] })), 'draft', { policyBranch })
    expect(alone.problems).toMatchObject([{ code: 'MISSING_KEY' }])
  })

  it('pins the root of those who signed under another than the public one', () => {
    const roots = new Map([
      ['corp', 'f'.repeat(64)],
      ['unused', 'e'.repeat(64)],
    ])
    const policy = read(draft({ seen: [seen({ trust: 'corp' }, 1, 'alice@example.org')], roots }))
    expect([...policy.trust.keys()]).toEqual(['corp'])
  })

  it('is only comments, and names no issuer, where nobody has signed', () => {
    const lines = draft({ others: [{ address: 'a@b', count: 1 }] }).split('\n')
    expect(lines.every((line) => line === '' || line.startsWith('#'))).toBe(true)
    expect(lines.join('\n')).not.toMatch(/github|google|microsoft/)
  })

  it('stays TOML whatever signers and addresses are called', () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 })
    fc.assert(
      fc.property(text, text, (value, address) => {
        const source = draft({
          seen: [seen({ kind: 'username', value }, 1, address)],
          others: [{ address, count: 1 }],
        })
        const found = readPolicy(encodeUtf8(source), 'draft', { policyBranch })
        // Values may be refused; the form of the file never is.
        expect(found.problems.filter(({ code }) => code === 'FORM')).toEqual([])
      }),
    )
  })
})

describe('draftFromAllowedSigners()', () => {
  const from = (...lines: string[]): string =>
    draftFromAllowedSigners(lines.join('\n'), policyBranch)

  it('takes keys with their principals as addresses', () => {
    const policy = read(from('# x', '', `"alice@example.org,al@example.org" ${key} a comment`))
    expect(policy.entries.get('alice')).toMatchObject({
      keys: [{ kind: 'ssh-key', value: key }],
      addresses: ['alice@example.org', 'al@example.org'],
    })
  })

  it('keeps valid-before as until', () => {
    const policy = read(from(`a@b valid-before="202701021530Z" ${key}`))
    expect(policy.entries.get('a')).toMatchObject({
      keys: [{ until: Date.parse('2027-01-02T15:30:00Z') }],
    })
  })

  it.each([
    [`a@b cert-authority ${key}`, 'certificate authority'],
    [`*@b ${key}`, 'patterns'],
    [`a@b namespaces="file,email" ${key}`, 'not for git'],
    [`a@b valid-after="20200101" ${key}`, 'valid-after'],
    ['a@b ssh-ed25519 AAAA', 'cut off'],
    ['a@b', 'no key'],
  ])('leaves out %s', (line, why) => {
    const text = from(line)
    expect(text).toMatch(/^# line 1 is left out: /)
    expect(text).toContain(why)
  })
})
