import { describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import type { ReasonCode } from '../../src/facts.ts'
import { identify } from '../../src/policy/identify.ts'
import { codesOf, verdictOf } from '../../src/policy/reason.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { ISSUER } from '../forge/leaf.ts'
import { trustedRootJson } from '../forge/world.ts'
import { MAIN, read } from '../policy/memory-world.ts'
import { forgeries } from './forgeries/all.ts'
import { world } from './forgeries/forgery.ts'
import type { Forgery } from './forgeries/forgery.ts'
import { genuine } from './forgeries/genuine.ts'
import { objects } from './forgeries/objects.ts'

// The forgeries that attacks.md has a number for, judged by a policy that lists their signer.
const policy = read(`version = 1
admins = ["alice"]
[people.alice]
email = "alice@forge.test"
issuer = "${ISSUER}"
trust = "forge"
[trust.forge]
root = ".signet/trust/forge.json"
sha256 = "${'0'.repeat(64)}"
[[protect]]
refs = ["${MAIN}"]
by = ["alice"]
`)

function codesBy(forgery: Forgery): readonly ReasonCode[][] {
  const json = trustedRootJson(forgery.trusted ?? world, forgery.trust)
  const roots = [parseTrustedRoot(json, 'forge')]
  const ident = 'Alice <alice@forge.test> 1 +0000'
  const signed = { author: ident, committer: ident, parents: 1 }
  return objects(forgery).map((object) =>
    codesOf(identify(policy, runSync(verifyObject(object, roots)), signed).reasons),
  )
}

const named = (name: string): Forgery => {
  const found = [...forgeries, ...genuine].find((forgery) => forgery.name === name)
  if (found === undefined) throw new Error(`no forgery is called "${name}"`)
  return found
}

it('what is genuine is Alice’s', () => {
  for (const forgery of [named('a Rekor v1 signature'), named('only the raw issuer (2022)')]) {
    expect(codesBy(forgery)).toEqual([[], []])
  }
})

const TABLE: readonly (readonly [title: string, code: ReasonCode, names: readonly string[]])[] = [
  [
    'attack 18: a TSA stamp over different bytes, from an untrusted TSA, duplicated, outside its validity',
    'TIMESTAMP_INVALID',
    [
      'a stamp over other bytes',
      'a stamp of an untrusted TSA',
      'a stamp twice',
      'a stamp from before the TSA certificate',
      'a TSA that had ended',
      'stamped one second before the TSA',
      'stamped one second after the TSA',
    ],
  ],
  [
    'attack 18: a TSA stamp with a time outside the signer’s certificate',
    'OUTSIDE_CERTIFICATE_VALIDITY',
    [
      'stamped one second before notBefore',
      'stamped one second after notAfter',
      'logged in time, stamped too late',
    ],
  ],
  [
    'attack 19: a Rekor v1 integrated time without promise, a v2 entry without TSA',
    'NO_TRUSTED_TIME',
    ['a v1 entry without its promise', 'a Rekor v2 entry without a stamp'],
  ],
  [
    'attack 24: two SANs, one of them right',
    'CERTIFICATE_INVALID',
    ['two names, one of them Alice’s', 'a name that is not ASCII'],
  ],
  [
    'attack 26: extensions .1 and .8 disagree',
    'CERTIFICATE_INVALID',
    ['an issuer that differs between .1 and .8'],
  ],
  [
    'attack 29: a claim twice, or not a UTF8String',
    'CERTIFICATE_INVALID',
    ['a claim twice', 'an issuer .8 that is not a UTF8String', 'a claim with bytes after it'],
  ],
  [
    'attack 35: CMS of another form: certificates, signers, attached content, attributes, garbage',
    'MALFORMED',
    [
      'no certificates',
      'no signers',
      'two signers',
      'the serial of another certificate',
      'attached other content',
      'no message digest',
      'the content type of a timestamp',
      'bytes after the end',
    ],
  ],
  [
    'attack 35: a wrong messageDigest',
    'BAD_SIGNATURE',
    ['the digest of another payload', 'a digest of 20 bytes'],
  ],
]

describe.each(TABLE)('%s', (_, code, names) => {
  it.each(names)('%s', (name) => {
    expect(codesBy(named(name))).toEqual([[code], [code]])
    const verdict = verdictOf([{ code, detail: '' }])
    expect(verdict).toBe(code === 'NO_TRUSTED_TIME' ? 'unknown' : 'fail')
  })
})
