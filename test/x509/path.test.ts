import { describe, expect, it } from 'vitest'
import { derBoolean, derInteger, derOid, derSequence } from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import {
  isInWindow,
  isValidAt,
  verifyIssuedBy,
  verifyIssuers,
  whyNotValidAt,
} from '../../src/x509/path.ts'
import { tbsWithoutScts, verifyEmbeddedScts } from '../../src/x509/sct.ts'
import type { CtLog } from '../../src/x509/sct.ts'
import { makeLeaf } from '../forge/leaf.ts'
import type { SctOptions } from '../forge/leaf.ts'
import {
  T0,
  extension,
  keyUsage,
  makeAuthority,
  makeKey,
  makeWorld,
  sha256,
} from '../forge/world.ts'
import type { AuthorityOptions } from '../forge/world.ts'
import { parsePublicKey } from '../../src/crypto/keys.ts'

const world = makeWorld()
const leaf = parseCertificate(makeLeaf(world).certificate)
const intermediate = parseCertificate(world.intermediate.certificate)
const root = parseCertificate(world.root.certificate)

describe('verifyIssuedBy()', () => {
  it('holds for the issuer and nobody else', () => {
    expect(runSync(verifyIssuedBy(leaf, intermediate))).toBe(true)
    expect(runSync(verifyIssuedBy(intermediate, root))).toBe(true)
    expect(runSync(verifyIssuedBy(leaf, root))).toBe(false)
    // Same name, another key: the identifiers, and without them the signature, tell.
    const twin = parseCertificate(makeWorld().intermediate.certificate)
    expect(runSync(verifyIssuedBy(leaf, twin))).toBe(false)
  })

  it('fails for a certificate signed by another key', () => {
    const forged = parseCertificate(makeLeaf(world, { signedBy: makeKey('P-384') }).certificate)
    expect(runSync(verifyIssuedBy(forged, intermediate))).toBe(false)
  })
})

describe('verifyIssuers()', () => {
  const why = (options: AuthorityOptions, more: AuthorityOptions = {}): string | undefined => {
    const anchor = makeAuthority('root', undefined, more)
    const issuing = makeAuthority('issuing', anchor, options)
    const certificates = [issuing, anchor].map((authority) =>
      parseCertificate(authority.certificate),
    )
    return runSync(verifyIssuers(certificates, OID.codeSigning))?.why
  }

  it('accepts a chain whose constraints fit, and an anchor alone', () => {
    expect(why({})).toBeUndefined()
    expect(runSync(verifyIssuers([root], OID.codeSigning))).toBeUndefined()
    expect(runSync(verifyIssuers([intermediate, root], OID.codeSigning))).toBeUndefined()
  })

  it.each<[string, AuthorityOptions, AuthorityOptions, string]>([
    ['no basic constraints', { basicConstraints: null }, {}, 'an issuer is not a CA'],
    [
      'a path that is too long',
      {},
      {
        basicConstraints: extension(
          OID.basicConstraints,
          derSequence(derBoolean(true), derInteger(0)),
          true,
        ),
      },
      'a CA allows no path of this length',
    ],
    [
      'a key that may not sign certificates',
      { keyUsage: extension(OID.keyUsage, keyUsage(0), true) },
      {},
      'a CA may not sign certificates',
    ],
    [
      'another purpose',
      { extra: [extension(OID.extendedKeyUsage, derSequence(derOid(OID.timeStamping)))] },
      {},
      'a CA is for other purposes',
    ],
    [
      'something critical that is not understood',
      { extra: [extension(OID.nameConstraints, derSequence(), true)] },
      {},
      `a CA certificate has the unknown critical extension ${OID.nameConstraints}`,
    ],
  ])('refuses %s', (_, issuing, anchor, expected) => {
    expect(why(issuing, anchor)).toBe(expected)
  })

  it('refuses an issuer that the anchor did not sign, each time it is asked', () => {
    const stranger = parseCertificate(makeAuthority('forge root', undefined).certificate)
    for (let i = 0; i < 2; i += 1) {
      expect(runSync(verifyIssuers([intermediate, stranger], OID.codeSigning))?.why).toBe(
        'a CA certificate of the trust root is not signed by the next one',
      )
      expect(runSync(verifyIssuers([intermediate, root], OID.codeSigning))).toBeUndefined()
    }
  })
})

describe('windows and validity', () => {
  it('include both ends', () => {
    expect([T0 - 1, T0, T0 + 600, T0 + 601].map((at) => isValidAt(leaf, at))).toEqual([
      false,
      true,
      true,
      false,
    ])
    const window = { validFrom: 10, validUntil: 20.999 }
    expect([9.999, 10, 20.999, 21].map((at) => isInWindow(window, at))).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(isInWindow({ validFrom: 10, validUntil: undefined }, 1e12)).toBe(true)
    expect(whyNotValidAt([intermediate, root], T0)).toBeUndefined()
    expect(whyNotValidAt([intermediate, root], 0)).toBeDefined()
  })
})

describe('verifyEmbeddedScts()', () => {
  const log: CtLog = {
    baseUrl: 'https://ct.forge.test',
    logId: sha256(world.ct.spki),
    publicKey: parsePublicKey(world.ct.spki),
    validFrom: T0 - 10,
    validUntil: T0 + 10,
  }
  const verify = (sct: SctOptions | null, logs: readonly CtLog[] = [log]): string => {
    const made = parseCertificate(makeLeaf(world, { sct }).certificate)
    const result = runSync(verifyEmbeddedScts(made, intermediate, logs))
    return result.result === 'failed' ? result.why : result.result
  }

  it('passes with one valid timestamp, with extensions too', () => {
    expect(verify({})).toBe('passed')
    expect(verify({ extensions: Uint8Array.of(0, 0, 5, 1, 2, 3, 4, 5) })).toBe('passed')
    expect(verify({}, [{ ...log, validUntil: undefined }])).toBe('passed')
  })

  it('is absent where there is no list, and nothing of a log that is not known counts', () => {
    expect(verify(null)).toBe('absent')
    expect(verify({}, [])).toBe('no known log issued its timestamp')
    expect(verify({ key: makeKey('P-256') })).toBe('no known log issued its timestamp')
  })

  it('counts the window to the millisecond, both ends inside', () => {
    for (const [ms, result] of [
      [(T0 - 10) * 1000 - 1, false],
      [(T0 - 10) * 1000, true],
      [(T0 + 10) * 1000, true],
      [(T0 + 10) * 1000 + 1, false],
    ] as const) {
      expect(verify({ timestamp: ms }) === 'passed').toBe(result)
    }
  })

  it.each<[string, SctOptions]>([
    ['a signature over another issuer’s key', { issuerSpki: world.root.key.spki }],
    ['a signature by another key', { key: makeKey('P-256'), logId: sha256(world.ct.spki) }],
    ['another version', { version: 1 }],
    ['another digest', { hashAlgorithm: 2 }],
    ['another kind of signature', { signatureAlgorithm: 1 }],
    ['a list that is cut off', { edit: (list) => list.subarray(0, -1) }],
    ['a list with more behind it', { edit: (list) => Buffer.concat([list, Uint8Array.of(0)]) }],
    ['an empty list', { times: 0 }],
    ['more than are read', { times: 17 }],
  ])('fails for %s', (_, sct) => {
    expect(verify(sct)).not.toMatch(/^(passed|absent)$/)
  })

  it('takes out the list alone, from wherever it stands', () => {
    const made = parseCertificate(makeLeaf(world).certificate)
    const tbs = tbsWithoutScts(made)
    const at = Buffer.from(made.tbs).indexOf(made.extensions.at(-1)?.bytes ?? '')
    expect(at).toBeGreaterThan(0)
    expect(Buffer.from(tbs).includes(Buffer.from(made.extensions.at(-1)?.value ?? ''))).toBe(false)
    for (const extension of made.extensions.slice(0, -1)) {
      expect(Buffer.from(tbs).includes(Buffer.from(extension.bytes))).toBe(true)
    }
  })
})
