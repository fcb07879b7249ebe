import {
  der,
  derBoolean,
  derNull,
  derOid,
  derSequence,
  derUtf8String,
} from '../../../src/asn1/write.ts'
import { OID } from '../../../src/asn1/oid.ts'
import { ALICE, ISSUER, fulcioClaim, makeLeaf, rfc822 } from '../../forge/leaf.ts'
import {
  DAY,
  T0,
  bytes,
  extension,
  keyUsage,
  makeAuthority,
  makeKey,
  makeWorld,
} from '../../forge/world.ts'
import type { World } from '../../forge/world.ts'
import { world, stranger, rows, bad, other } from './forgery.ts'
import type { Forgery } from './forgery.ts'
export const certificates = rows(bad, [
  [
    'another algorithm inside the certificate',
    { leafOptions: { innerAlgorithm: derSequence(derOid(OID.ecdsaWithSha256)) } },
    'MALFORMED',
    'cms-form',
  ],
  [
    'no code signing purpose',
    { leafOptions: { extendedKeyUsage: null } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a leaf for TLS servers',
    {
      leafOptions: {
        extendedKeyUsage: extension(OID.extendedKeyUsage, derSequence(derOid('1.3.6.1.5.5.7.3.1'))),
      },
    },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a leaf for time stamping',
    {
      leafOptions: {
        extendedKeyUsage: extension(OID.extendedKeyUsage, derSequence(derOid(OID.timeStamping))),
      },
    },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a key for encipherment',
    { leafOptions: { keyUsage: extension(OID.keyUsage, keyUsage(2), true) } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a leaf that is a CA',
    {
      leafOptions: {
        extra: [extension(OID.basicConstraints, derSequence(derBoolean(true)), true)],
      },
    },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'an unknown critical extension',
    { leafOptions: { extra: [extension('1.2.3.4', derNull(), true)] } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a CT poison left in',
    { leafOptions: { extra: [extension(OID.ctPoison, derNull(), true)] } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'an extension twice',
    { leafOptions: { extra: [extension(OID.keyUsage, keyUsage(0), true)] } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'two names, one of them Alice’s',
    { leafOptions: { san: [rfc822(ALICE), rfc822('mallory@forge.test')] } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  ['no name at all', { leafOptions: { san: [] } }, 'CERTIFICATE_INVALID', 'key-usage'],
  [
    'a DNS name',
    { leafOptions: { san: [der(0x82, bytes('forge.test'))] } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a name that is not ASCII',
    { leafOptions: { san: [rfc822(Uint8Array.of(0xff, 0x40, 0x61))] } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'an issuer that differs between .1 and .8',
    { leafOptions: { issuerV1: 'https://evil.test' } },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'an issuer .8 that is not a UTF8String',
    {
      leafOptions: {
        issuerV2: null,
        extra: [extension(`${OID.fulcio}.8`, der(0x13, bytes(ISSUER)))],
      },
    },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a claim twice',
    {
      leafOptions: {
        claims: [fulcioClaim(14, 'refs/heads/main'), fulcioClaim(14, 'refs/heads/x')],
      },
    },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  [
    'a claim with bytes after it',
    {
      leafOptions: {
        claims: [
          extension(`${OID.fulcio}.12`, Buffer.concat([derUtf8String('x'), Uint8Array.of(0)])),
        ],
      },
    },
    'CERTIFICATE_INVALID',
    'key-usage',
  ],
  ['a P-384 leaf key', { leafOptions: { key: makeKey('P-384') } }, 'MALFORMED', 'cms-form'],
])

export const chains: Forgery[] = [
  ...rows({ outcome: 'untrusted' }, [
    [
      'a leaf signed by nobody we know',
      { leafOptions: { signedBy: other } },
      'UNTRUSTED_CERTIFICATE',
      'chain',
    ],
    [
      'a leaf of a stranger’s CA of the same name',
      { leafOptions: { issuer: stranger.intermediate } },
      'UNTRUSTED_CERTIFICATE',
      'chain',
    ],
    [
      'a leaf issued by a leaf',
      { leafOptions: { issuer: leafAsCa() } },
      'UNTRUSTED_CERTIFICATE',
      'chain',
    ],
    [
      'a leaf issued by the TSA',
      { leafOptions: { issuer: world.tsaRoot } },
      'UNTRUSTED_CERTIFICATE',
      'chain',
    ],
  ]),
  {
    name: 'an embedded intermediate of a stranger',
    by: stranger,
    cms: {
      certificates: (leaf) => [leaf, stranger.intermediate.certificate, stranger.root.certificate],
    },
    outcome: 'untrusted',
    code: 'UNTRUSTED_CERTIFICATE',
    failed: 'chain',
  },
  {
    name: 'a CA window that ended before',
    trust: { ca: { end: T0 - 1 } },
    outcome: 'untrusted',
    code: 'UNTRUSTED_CERTIFICATE',
    failed: 'chain',
  },
  {
    name: 'a CA window that ends one second before the entry',
    trust: { ca: { end: T0 + 4 } },
    outcome: 'untrusted',
    code: 'UNTRUSTED_CERTIFICATE',
    failed: 'chain',
  },
  {
    name: 'a CA window that begins one second after the entry',
    trust: { ca: { start: T0 + 6 } },
    outcome: 'untrusted',
    code: 'UNTRUSTED_CERTIFICATE',
    failed: 'chain',
  },
  ...[
    authorityCase('an intermediate that is no CA', { basicConstraints: null }),
    authorityCase('an intermediate that may not sign certificates', {
      keyUsage: extension(OID.keyUsage, keyUsage(0), true),
    }),
    authorityCase('an intermediate for TLS', {
      extra: [extension(OID.extendedKeyUsage, derSequence(derOid('1.3.6.1.5.5.7.3.1')))],
    }),
    authorityCase('an intermediate that had ended', { notAfter: T0 - 1 }),
    authorityCase('an intermediate of tomorrow', { notBefore: T0 + DAY }),
    authorityCase('an intermediate with an unknown critical extension', {
      extra: [extension('1.2.3.4', derNull(), true)],
    }),
  ],
]

function leafAsCa(): World['intermediate'] {
  const leaf = makeLeaf(world)
  return { key: leaf.key, certificate: leaf.certificate, subject: derSequence() }
}

function authorityCase(name: string, options: Parameters<typeof makeAuthority>[2]): Forgery {
  const made = makeWorld({
    ...world,
    intermediate: makeAuthority('forge intermediate', world.root, options),
  })
  return {
    name,
    by: made,
    trusted: made,
    outcome: 'untrusted',
    code: 'UNTRUSTED_CERTIFICATE',
    failed: 'chain',
  }
}
