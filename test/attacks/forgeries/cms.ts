import {
  der,
  derExplicit,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derTime,
} from '../../../src/asn1/write.ts'
import { OID } from '../../../src/asn1/oid.ts'
import { makeLeaf } from '../../forge/leaf.ts'
import { PAYLOAD, attribute, makeCms } from '../../forge/object.ts'
import { T0, bytes, sha256 } from '../../forge/world.ts'
import { world, rows, bad, other, dropped, twice, replaced } from './forgery.ts'
export const cmsForm = rows(bad, [
  ['two signers', { signers: (one) => [one, one] }, 'MALFORMED', 'cms-form'],
  ['no signers', { signers: () => [] }, 'MALFORMED', 'cms-form'],
  ['no certificates', { certificates: () => [] }, 'MALFORMED', 'cms-form'],
  ['the signer named twice', { certificates: (leaf) => [leaf, leaf] }, 'MALFORMED', 'cms-form'],
  [
    'only a stranger’s certificate',
    { certificates: () => [makeLeaf(world).certificate] },
    'MALFORMED',
    'cms-form',
  ],
  ['attached content', { eContent: PAYLOAD }, 'MALFORMED', 'cms-form'],
  ['attached other content', { eContent: bytes('x') }, 'MALFORMED', 'cms-form'],
  ['another content type', { eContentType: OID.tstInfo }, 'MALFORMED', 'cms-form'],
  ['version 3', { version: 3 }, 'MALFORMED', 'cms-form'],
  ['signer version 3', { signerVersion: 3 }, 'MALFORMED', 'cms-form'],
  ['revocation lists', { crls: derExplicit(1, derSequence()) }, 'MALFORMED', 'cms-form'],
  ['no content type attribute', { signedAttrs: dropped(0) }, 'MALFORMED', 'cms-form'],
  ['no signing time', { signedAttrs: dropped(1) }, 'MALFORMED', 'cms-form'],
  ['no message digest', { signedAttrs: dropped(2) }, 'MALFORMED', 'cms-form'],
  ['the content type twice', { signedAttrs: twice(0) }, 'MALFORMED', 'cms-form'],
  ['the message digest twice', { signedAttrs: twice(2) }, 'MALFORMED', 'cms-form'],
  [
    'two signing times',
    { signedAttrs: (all) => [...all, attribute(OID.signingTime, derTime(T0))] },
    'MALFORMED',
    'cms-form',
  ],
  [
    'two values of the digest',
    {
      signedAttrs: replaced(
        2,
        attribute(
          OID.messageDigest,
          derOctetString(sha256(PAYLOAD)),
          derOctetString(sha256(bytes('x'))),
        ),
      ),
    },
    'MALFORMED',
    'cms-form',
  ],
  [
    'no value of the digest',
    { signedAttrs: replaced(2, attribute(OID.messageDigest)) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'a digest of 20 bytes',
    { messageDigest: sha256(PAYLOAD).subarray(0, 20) },
    'BAD_SIGNATURE',
    'content-digest',
  ],
  [
    'the content type of a timestamp',
    { signedAttrs: replaced(0, attribute(OID.contentType, derOid(OID.tstInfo))) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'a fourth signed attribute',
    { signedAttrs: (all) => [...all, attribute(OID.signingCertificate, derNull())] },
    'MALFORMED',
    'cms-form',
  ],
  [
    'unsorted signed attributes',
    { sort: false, signedAttrs: (all) => all.toReversed() },
    'MALFORMED',
    'cms-form',
  ],
  [
    'SHA-512 as digest',
    { digestAlgorithm: derSequence(derOid(OID.sha512)) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'NULL parameters of the digest',
    { digestAlgorithm: derSequence(derOid(OID.sha256), derNull()) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'id-ecPublicKey as signature algorithm',
    { signatureAlgorithm: derSequence(derOid(OID.ecPublicKey)) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'ECDSA with SHA-384 named',
    { signatureAlgorithm: derSequence(derOid(OID.ecdsaWithSha384)) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'RSA named',
    { signatureAlgorithm: derSequence(derOid(OID.rsaEncryption), derNull()) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'bytes after the end',
    { edit: (cms) => Buffer.concat([cms, Uint8Array.of(0)]) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'an empty list of unsigned attributes',
    { log: null, signers: () => [emptyUnsigned()] },
    'MALFORMED',
    'cms-form',
  ],
])

function emptyUnsigned(): Uint8Array {
  const signer = makeCms(world, PAYLOAD, { log: null })
  // The signer is the last element of SignedData; take its content and append an empty [1].
  const at = Buffer.from(signer).lastIndexOf(Buffer.from('02010130', 'hex'))
  return derSequence(signer.subarray(at), der(0xa1))
}

export const content = rows(bad, [
  [
    'the digest of another payload',
    { messageDigest: sha256(bytes('other')) },
    'BAD_SIGNATURE',
    'content-digest',
  ],
  [
    'a signature over the attributes as [0]',
    { signedOver: (set) => Buffer.concat([Uint8Array.of(0xa0), set.subarray(1)]) },
    'BAD_SIGNATURE',
    'signature',
  ],
  [
    'a signature over the payload itself',
    { signedOver: () => PAYLOAD },
    'BAD_SIGNATURE',
    'signature',
  ],
  ['another key’s signature', { signedBy: other }, 'BAD_SIGNATURE', 'signature'],
  ['an empty signature', { signature: () => new Uint8Array() }, 'BAD_SIGNATURE', 'signature'],
  [
    'a signature with bytes after it',
    { signature: (made) => Buffer.concat([made, Uint8Array.of(0)]) },
    'BAD_SIGNATURE',
    'signature',
  ],
  [
    'r and s of zero',
    { signature: () => derSequence(derInteger(0), derInteger(0)) },
    'BAD_SIGNATURE',
    'signature',
  ],
  [
    'the serial of another certificate',
    { issuerAndSerial: () => derSequence(world.intermediate.subject, derInteger(99)) },
    'MALFORMED',
    'cms-form',
  ],
  [
    'the name of another issuer',
    { issuerAndSerial: () => derSequence(world.root.subject, derInteger(99)) },
    'MALFORMED',
    'cms-form',
  ],
])
