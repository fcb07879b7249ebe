import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import { policyDiff } from '../../src/policy/diff.ts'
import type { Policy } from '../../src/policy/model.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const read = (text: string): Policy =>
  parsePolicy(encodeUtf8(text), 'policy.toml', { policyBranch: 'refs/heads/main' })
const fixture = fileURLToPath(new URL('../../fixtures/policy/everything/', import.meta.url))
const everything = readFileSync(`${fixture}policy.toml`, 'utf8')

/** What changes when one piece of the fullest policy is written otherwise. */
function change(from: string, to: string): string[] {
  const changed = everything.replace(from, to)
  expect(changed).not.toBe(everything)
  return policyDiff(read(everything), read(changed))
}

describe('policyDiff()', () => {
  it('is silent about what decides nothing', () => {
    expect(policyDiff(read(everything), read(`# a comment\n${everything}`))).toEqual([])
    expect(change('admins = ["core"]', 'admins = ["bob", "alice"]')).toEqual([])
    expect(change('reason = "laptop stolen"', 'reason = "lost"')).toEqual([])
  })

  it.each([
    ['admins = ["core"]', 'admins = ["alice"]', ['bob is no longer an admin']],
    [
      'other-refs = "deny"',
      'other-refs = "any"',
      ['refs that no rule is about: "deny" becomes "any"'],
    ],
    [
      'uri = "https://example.org/bob"',
      'uri = "https://example.org/bob"\nuntil = 2026-03-01T00:00:00Z',
      ['bob now counts until 2026-03-01T00:00:00Z'],
    ],
    [
      'account = "4711"',
      'account = "4712"',
      [
        'alice now signs as Alice@Example.org by https://issuer.example/, account 4712 under trust root corp',
        'alice no longer signs as Alice@Example.org by https://issuer.example/, account 4711 under trust root corp',
      ],
    ],
    [
      'repository-id = "1"',
      'repository-id = "9"',
      ['release now needs repository-id 9', 'release no longer needs repository-id 1'],
    ],
    [
      'paths = ["package.json", "deps/"]',
      'paths = ["**"]',
      ['dependabot now is kept to **', 'dependabot no longer is kept to package.json, deps/'],
    ],
    [', "any-squash", "edit"]', ', "any-squash"]', ['hub no longer counts for "edit"']],
    [
      'by = ["all", "alice"]',
      'by = ["core"]',
      [
        'refs/heads/main: no longer staff may commit',
        'refs/heads/main: no longer release may commit',
        'refs/heads/main: no longer dependabot may commit',
      ],
    ],
    [
      'merge-by = ["core", "hub"]',
      'merge-by = ["core"]',
      ['refs/heads/main: no longer hub may merge what adds nothing'],
    ],
    ['rewrite = true', 'rewrite = false', ['refs/heads/next/**: no longer it may be rewritten']],
    [
      'push-cert = true',
      'push-cert = false',
      ['refs/tags/v*: no longer a signed push certificate is needed'],
    ],
    [
      'covers = "ancestors"',
      'covers = "one"',
      [
        `commit ${'a'.repeat(40)} is accepted as it is`,
        `commit ${'a'.repeat(40)} and everything before it is no longer accepted as it is`,
      ],
    ],
    [
      'log-entry = 18',
      'log-entry = 19',
      ['log entry 19 is revoked', 'log entry 18 is no longer revoked'],
    ],
  ])('%s → %s', (from, to, lines) => {
    expect(change(from, to)).toEqual(lines)
  })

  it('tells of people and rules that come and go', () => {
    const before = read(everything)
    const carol = '\n[people.carol]\nemail = "carol@example.org"\nissuer = "github"\n'
    const rule = '\n[[protect]]\nrefs = ["refs/heads/x"]\nby = ["carol"]\n'
    const after = read(everything + carol + rule)
    expect(policyDiff(before, after)).toEqual([
      'carol is new: signs as carol@example.org by github',
      'carol is new: commits as carol@example.org',
      'refs/heads/x: a rule is new',
      'refs/heads/x: carol may commit',
    ])
    expect(policyDiff(after, before)).toEqual([
      'carol (person) is gone: nothing it signs counts any more',
      'refs/heads/x: a rule is gone (carol may commit)',
    ])
  })
})
