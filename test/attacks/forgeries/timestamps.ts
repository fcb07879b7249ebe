import { derNull, derOid, derSequence } from '../../../src/asn1/write.ts'
import { OID } from '../../../src/asn1/oid.ts'
import { attribute } from '../../forge/object.ts'
import { makeToken } from '../../forge/token.ts'
import { DAY, T0, bytes, extension, makeTsaLeaf, makeWorld, sha256 } from '../../forge/world.ts'
import { world, stranger, rows, bad, V2, other } from './forgery.ts'
import type { Forgery } from './forgery.ts'
export const stamps = rows(bad, [
  ['a stamp over other bytes', { token: { over: bytes('x') } }, 'TIMESTAMP_INVALID', 'timestamp'],
  [
    'a stamp over SHA-1',
    { token: { imprintAlgorithm: OID.sha1 } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp of an untrusted TSA',
    { token: { tsa: stranger.tsa } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp signed by another key',
    { token: { signedBy: other } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp by the CA',
    { token: { tsa: world.intermediate, issuerName: world.root.subject } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp twice',
    { token: {}, unsignedAttrs: (all) => [...all, ...all.slice(1)] },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp of another content type',
    { token: { eContentType: OID.data } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp whose attribute says data',
    { token: { contentType: OID.data } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp with another digest',
    { token: { messageDigest: sha256(bytes('x')) } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp that names another certificate',
    { token: { signingCertificateHash: sha256(bytes('x')) } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp whose ECDSA has parameters',
    { token: { signatureAlgorithm: derSequence(derOid(OID.ecdsaWithSha256), derNull()) } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp by an ECDSA key that says RSA',
    { token: { signatureAlgorithm: derSequence(derOid(OID.sha256WithRsaEncryption)) } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  ['a stamp of version 2', { token: { tstVersion: 2 } }, 'TIMESTAMP_INVALID', 'timestamp'],
  ['a stamp with two signers', { token: { signers: 2 } }, 'TIMESTAMP_INVALID', 'timestamp'],
  [
    'bytes after the stamp',
    { token: { edit: (token) => Buffer.concat([token, Uint8Array.of(0)]) } },
    'MALFORMED',
    'cms-form',
  ],
  [
    'a stamp that is empty',
    { unsignedAttrs: (all) => [...all, attribute(OID.timeStampToken, derSequence())] },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
  [
    'a stamp from before the TSA certificate',
    { ...V2, token: { genTime: T0 - 366 * DAY } },
    'TIMESTAMP_INVALID',
    'timestamp',
  ],
])

export const tsaLeaves: Forgery[] = [
  tsaCase('a TSA for code signing', {
    eku: extension(OID.extendedKeyUsage, derSequence(derOid(OID.codeSigning)), true),
  }),
  tsaCase('a TSA whose purpose is not critical', {
    eku: extension(OID.extendedKeyUsage, derSequence(derOid(OID.timeStamping))),
  }),
  tsaCase('a TSA of two purposes', {
    eku: extension(
      OID.extendedKeyUsage,
      derSequence(derOid(OID.timeStamping), derOid(OID.codeSigning)),
      true,
    ),
  }),
  tsaCase('a TSA that had ended', { notAfter: T0 }),
  tsaCase('a TSA of tomorrow', { notBefore: T0 + DAY }),
]

function tsaCase(name: string, options: Parameters<typeof makeTsaLeaf>[1]): Forgery {
  const made = makeWorld({ ...world, tsa: makeTsaLeaf(world.tsaRoot, options) })
  return {
    name,
    by: made,
    trusted: made,
    cms: { token: {} },
    outcome: 'bad',
    code: 'TIMESTAMP_INVALID',
    failed: 'timestamp',
  }
}

/** Another token’s bytes for the table above: a token is only good for the signature it is over. */
export const foreignToken = (): Uint8Array => makeToken(world, bytes('another signature'))
