import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/encoding/bytes.ts'
import type { Signer } from '../../src/facts.ts'
import { identify } from '../../src/policy/identify.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { facts } from '../report/sample.ts'

const policy = parsePolicy(
  encodeUtf8(`version = 1
admins = ["alice"]
people.alice = { email = "alice@example.org", issuer = "google" }
protect = [{ refs = ["refs/heads/main"], by = ["alice"] }]
`),
  'policy.toml',
  { policyBranch: 'refs/heads/main' },
)

const object = { author: '', committer: '', parents: 0 }

describe('identify()', () => {
  it('says under which trust root the policy has a signer that another root vouches for', () => {
    const signer: Signer = {
      kind: 'email',
      value: 'alice@example.org',
      issuer: 'https://accounts.google.com',
      trust: 'local',
      claims: {},
    }
    const of = (changed: Partial<Signer>) =>
      identify(policy, facts(1, { signer: { ...signer, ...changed } }), object).reasons
    expect(of({})).toEqual([
      {
        code: 'UNKNOWN_SIGNER',
        detail:
          'alice@example.org by https://accounts.google.com, trust root local: the policy has it under trust root public, not local',
      },
    ])
    expect(of({ trust: 'public' })).toEqual([])
    // Listed under another issuer is WRONG_ISSUER (policy.md §5), whatever root vouches.
    expect(of({ issuer: 'https://gitlab.com' })[0]?.code).toBe('WRONG_ISSUER')
  })
})
