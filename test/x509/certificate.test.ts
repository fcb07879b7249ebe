import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  der,
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derTime,
  derUtf8String,
} from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { MalformedError } from '../../src/errors.ts'
import { whyNoSigner } from '../../src/verification/signer.ts'
import { findExtension, parseCertificate } from '../../src/x509/certificate.ts'
import type { Certificate } from '../../src/x509/certificate.ts'
import {
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeNames,
} from '../../src/x509/extensions.ts'
import { fulcioIdentity } from '../../src/x509/fulcio.ts'
import { formatName } from '../../src/x509/name.ts'
import { verifyIssuers } from '../../src/x509/path.ts'
import { ISSUER, fulcioClaim, makeLeaf, rfc822, uriName, usernameName } from '../forge/leaf.ts'
import type { LeafOptions } from '../forge/leaf.ts'
import {
  T0,
  algorithmOf,
  bytes,
  extension,
  keyUsage as usageBits,
  makeKey,
  makeWorld,
  name,
  signWith,
} from '../forge/world.ts'

const world = makeWorld()
const key = makeKey('P-256')
const leaf = (options: LeafOptions = {}): Certificate =>
  parseCertificate(makeLeaf(world, { key, ...options }).certificate)

const codeOf = (read: () => unknown): string => {
  try {
    read()
    return 'accepted'
  } catch (error) {
    if (error instanceof MalformedError) return error.code
    throw error
  }
}

describe('parseCertificate()', () => {
  it('reads the same as OpenSSL', () => {
    const made = makeLeaf(world, { key })
    const ours = parseCertificate(made.certificate)
    const theirs = new X509Certificate(made.certificate)
    expect(BigInt(`0x${Buffer.from(ours.serial).toString('hex')}`)).toBe(
      BigInt(`0x${theirs.serialNumber}`),
    )
    expect(ours.notBefore * 1000).toBe(Date.parse(theirs.validFrom))
    expect(ours.notAfter * 1000).toBe(Date.parse(theirs.validTo))
    expect(Buffer.from(ours.publicKey.spki)).toEqual(
      theirs.publicKey.export({ format: 'der', type: 'spki' }),
    )
    expect(theirs.subjectAltName).toBe('email:alice@forge.test')
  })

  it('reads one algorithm and all bytes', () => {
    const { certificate } = makeLeaf(world, { key })
    for (let end = 0; end < certificate.length; end += 1) {
      expect(codeOf(() => parseCertificate(certificate.subarray(0, end)))).toBe('DER_MALFORMED')
    }
    expect(codeOf(() => parseCertificate(Buffer.concat([certificate, Uint8Array.of(0)])))).toBe(
      'DER_MALFORMED',
    )
    const two = makeLeaf(world, { key, innerAlgorithm: derSequence(derOid(OID.ecdsaWithSha256)) })
    expect(codeOf(() => parseCertificate(two.certificate))).toBe('CERTIFICATE_MALFORMED')
    expect(codeOf(() => parseCertificate(new Uint8Array(1 << 17)))).toBe('CERTIFICATE_MALFORMED')
  })

  it('reads version 1, which has no extensions, and of the others nothing but version 3', () => {
    const issuer = name('forge.test', 'somebody')
    const self = makeKey('P-256')
    const make = (version: Uint8Array[], ...more: Uint8Array[]): Uint8Array => {
      const tbs = derSequence(
        ...version,
        derInteger(7),
        algorithmOf(self),
        issuer,
        derSequence(derTime(T0), derTime(T0 + 1)),
        issuer,
        self.spki,
        ...more,
      )
      return derSequence(tbs, algorithmOf(self), derBitString(signWith(self, tbs)))
    }
    const extensions = derExplicit(3, derSequence(extension(OID.keyUsage, usageBits(0))))
    const explicit = (version: number): Uint8Array[] => [derExplicit(0, derInteger(version))]
    const first = parseCertificate(make([]))
    expect(first.extensions).toEqual([])
    expect(whyNoSigner(first)).toBeDefined()
    expect(runSync(verifyIssuers([first], OID.codeSigning))?.why).toBe('an issuer is not a CA')
    expect(parseCertificate(make(explicit(2), extensions)).extensions).toHaveLength(1)
    const refused = [
      make([], extensions),
      make(explicit(0)),
      make(explicit(0), extensions),
      make(explicit(1)),
      make(explicit(2)),
      make(explicit(3), extensions),
    ]
    for (const der of refused) {
      expect(codeOf(() => parseCertificate(der))).toMatch(/^(CERTIFICATE|DER)_MALFORMED$/)
    }
  })

  it('keeps an extension that is there twice, which findExtension() refuses', () => {
    const certificate = leaf({ extra: [fulcioClaim(9, 'one'), fulcioClaim(9, 'two')] })
    expect(codeOf(() => findExtension(certificate, `${OID.fulcio}.9`))).toBe(
      'CERTIFICATE_MALFORMED',
    )
    expect(codeOf(() => fulcioIdentity(certificate))).toBe('CERTIFICATE_MALFORMED')
    expect(findExtension(certificate, '1.2.3')).toBeUndefined()
  })
})

describe('subjectAlternativeNames()', () => {
  it('reads each kind with its exact text', () => {
    const san = [
      rfc822('Alice@Example.org'),
      uriName('https://x/'),
      usernameName('alice!example.org'),
      der(0x82, bytes('host')),
    ]
    expect(
      subjectAlternativeNames(leaf({ san })).map(({ kind, value }) => `${kind} ${value}`),
    ).toEqual([
      'email Alice@Example.org',
      'uri https://x/',
      'username alice!example.org',
      'dns host',
    ])
  })

  it('keeps a NUL, refuses what is no ASCII and an empty list', () => {
    expect(subjectAlternativeNames(leaf({ san: [rfc822('a@b\0.evil')] }))[0]?.value).toBe(
      'a@b\0.evil',
    )
    expect(
      codeOf(() => subjectAlternativeNames(leaf({ san: [rfc822(Uint8Array.of(0xc3, 0xa4))] }))),
    ).toBe('CERTIFICATE_MALFORMED')
    const empty = extension(OID.subjectAltName, derSequence())
    expect(codeOf(() => subjectAlternativeNames(leaf({ san: [], extra: [empty] })))).toBe(
      'CERTIFICATE_MALFORMED',
    )
    expect(subjectAlternativeNames(leaf({ san: [] }))).toEqual([])
  })

  it('shows names of other kinds as hex', () => {
    const other = der(0xa0, derOid('1.2.3'), der(0xa0, derUtf8String('x')))
    const [found] = subjectAlternativeNames(leaf({ san: [other] }))
    expect(found).toMatchObject({ kind: 'other', text: 'other:06022a03a0030c0178' })
  })
})

describe('fulcioIdentity()', () => {
  it('prefers .8, takes .1 where that is all there is, and refuses two that differ', () => {
    expect(fulcioIdentity(leaf()).issuer).toBe(ISSUER)
    expect(
      fulcioIdentity(leaf({ issuerV2: null, issuerV1: 'github-sigstore-production' })).issuer,
    ).toBe('github-sigstore-production')
    expect(fulcioIdentity(leaf({ issuerV1: null })).issuer).toBe(ISSUER)
    expect(fulcioIdentity(leaf({ issuerV1: null, issuerV2: null })).issuer).toBeUndefined()
    expect(codeOf(() => fulcioIdentity(leaf({ issuerV1: 'https://other' })))).toBe(
      'CERTIFICATE_MALFORMED',
    )
  })

  it('names claims as policies do, the others as Fulcio does', () => {
    const numbers = [
      2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
    ]
    const { claims } = fulcioIdentity(
      leaf({ claims: numbers.map((n) => fulcioClaim(n, `v${String(n)}`)) }),
    )
    expect(claims).toEqual({
      'github-workflow-trigger': 'v2',
      'github-workflow-sha': 'v3',
      'github-workflow-name': 'v4',
      'github-workflow-repository': 'v5',
      'github-workflow-ref': 'v6',
      workflow: 'v9',
      'workflow-sha': 'v10',
      runner: 'v11',
      repository: 'v12',
      'source-repository-digest': 'v13',
      ref: 'v14',
      'repository-id': 'v15',
      'source-repository-owner-uri': 'v16',
      'owner-id': 'v17',
      caller: 'v18',
      'build-config-digest': 'v19',
      trigger: 'v20',
      'run-invocation-uri': 'v21',
      'visibility-at-signing': 'v22',
      environment: 'v23',
      subject: 'v24',
    })
  })

  it('refuses a claim that is not a DER UTF8String', () => {
    for (const value of [
      bytes('raw'),
      derOctetString(bytes('x')),
      Buffer.concat([derUtf8String('x'), Uint8Array.of(0)]),
    ]) {
      const claims = [extension(`${OID.fulcio}.9`, value)]
      expect(codeOf(() => fulcioIdentity(leaf({ claims })))).toBe('DER_MALFORMED')
    }
  })
})

describe('the other extensions', () => {
  it('are read as they are', () => {
    const certificate = leaf()
    expect(keyUsage(certificate)).toEqual({
      digitalSignature: true,
      nonRepudiation: false,
      keyCertSign: false,
    })
    expect(extendedKeyUsage(certificate)).toEqual({ purposes: [OID.codeSigning], critical: false })
    expect(basicConstraints(certificate)).toBeUndefined()
    const constrained = extension(
      OID.basicConstraints,
      derSequence(derBoolean(true), derInteger(0)),
      true,
    )
    expect(basicConstraints(leaf({ extra: [constrained] }))).toEqual({ ca: true, pathLength: 0 })
    const explicitFalse = extension(OID.basicConstraints, derSequence(derBoolean(false)))
    expect(basicConstraints(leaf({ extra: [explicitFalse] }))).toEqual({
      ca: false,
      pathLength: undefined,
    })
  })

  it('a path length without CA, an empty list of purposes and odd bits are refused', () => {
    const length = extension(OID.basicConstraints, derSequence(derInteger(0)))
    expect(codeOf(() => basicConstraints(leaf({ extra: [length] })))).toBe('CERTIFICATE_MALFORMED')
    const purposes = leaf({ extendedKeyUsage: extension(OID.extendedKeyUsage, derSequence()) })
    expect(codeOf(() => extendedKeyUsage(purposes))).toBe('CERTIFICATE_MALFORMED')
    const bits = leaf({ keyUsage: extension(OID.keyUsage, der(0x03, Uint8Array.of(9, 0x80))) })
    expect(codeOf(() => keyUsage(bits))).toBe('CERTIFICATE_MALFORMED')
  })
})

describe('formatName()', () => {
  it('writes the most specific part first and escapes', () => {
    expect(formatName(name('sigstore.dev', 'sigstore-intermediate'))).toBe(
      'CN=sigstore-intermediate,O=sigstore.dev',
    )
    expect(formatName(name('a, b', ' c'))).toBe('CN=\\ c,O=a\\, b')
    expect(formatName(name())).toBe('')
  })
})
