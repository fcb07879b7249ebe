import 'reflect-metadata'
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509'
import type { Extension } from '@peculiar/x509'
import { OID } from '../asn1/oid.ts'
import { randomSerial } from './serial.ts'

/** In every name that the stack issues: nobody may take it for a public instance. */
export const LOCAL_ORGANIZATION = 'git-signet LOCAL'

const VALIDITY_DAYS = 3650
const DAY_MS = 86_400_000

cryptoProvider.set(webcrypto as Parameters<typeof cryptoProvider.set>[1])

export interface Hierarchy {
  /** Issuing certificate (or TSA leaf) first, root last; DER. */
  readonly chain: readonly Uint8Array[]
  /** Of the first certificate. */
  readonly key: KeyObject
}

type Curve = 'P-256' | 'P-384'

interface Member {
  readonly commonName: string
  readonly curve: Curve
  readonly extensions: readonly Extension[]
}

/** A P-384 root and the intermediate that issues signing certificates, as Fulcio has them. */
export function createCodeSigningHierarchy(name: string, created: number): Promise<Hierarchy> {
  return createHierarchy(name, created, 'fulcio', {
    commonName: `fulcio intermediate ${name} LOCAL`,
    curve: 'P-384',
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new ExtendedKeyUsageExtension([OID.codeSigning]),
    ],
  })
}

/** A P-384 root and the leaf that signs timestamps (RFC 3161 §2.3: one critical purpose). */
export function createTimestampingHierarchy(name: string, created: number): Promise<Hierarchy> {
  return createHierarchy(name, created, 'timestamp', {
    commonName: `timestamp authority ${name} LOCAL`,
    curve: 'P-256',
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([OID.timeStamping], true),
    ],
  })
}

async function createHierarchy(
  name: string,
  created: number,
  role: string,
  member: Member,
): Promise<Hierarchy> {
  // Back-dated, so that a clock set back a little does not make everything untrusted.
  const notBefore = new Date(created - DAY_MS)
  const notAfter = new Date(created + VALIDITY_DAYS * DAY_MS)
  const root = keyPair('P-384')
  const rootName = distinguishedName(`${role} root ${name} LOCAL`)
  const rootKeys = await importKeys(root, 'P-384')
  const rootCertificate = await X509CertificateGenerator.createSelfSigned({
    keys: rootKeys,
    name: rootName,
    serialNumber: randomSerial().toString('hex'),
    notBefore,
    notAfter,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' },
    extensions: [
      await SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
      await AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  const pair = keyPair(member.curve)
  const keys = await importKeys(pair, member.curve)
  const certificate = await X509CertificateGenerator.create({
    subject: distinguishedName(member.commonName),
    issuer: rootName,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    serialNumber: randomSerial().toString('hex'),
    notBefore,
    notAfter,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' },
    extensions: [
      ...member.extensions,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  })
  return {
    chain: [new Uint8Array(certificate.rawData), new Uint8Array(rootCertificate.rawData)],
    key: pair.privateKey,
  }
}

function distinguishedName(commonName: string): Name {
  return new Name([
    { O: [{ utf8String: LOCAL_ORGANIZATION }] },
    { CN: [{ utf8String: commonName }] },
  ])
}

interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

function keyPair(curve: Curve): Pair {
  return generateKeyPairSync('ec', { namedCurve: curve })
}

async function importKeys(pair: Pair, namedCurve: Curve): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve }
  return {
    privateKey: await webcrypto.subtle.importKey(
      'pkcs8',
      pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
      algorithm,
      true,
      ['sign'],
    ),
    publicKey: await webcrypto.subtle.importKey(
      'spki',
      pair.publicKey.export({ type: 'spki', format: 'der' }),
      algorithm,
      true,
      ['verify'],
    ),
  }
}
