import { X509Certificate, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { decodeHex, encodeHex } from '../encoding/hex.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { encodePem } from '../encoding/pem.ts'
import { sha256 } from '../crypto/digest.ts'
import { HASH_BYTES, verifyPrehashed } from './prehash.ts'
import type { HashName } from './prehash.ts'

/** Why an entry was not accepted, in Rekor's words. */
export class EntryRefusal extends Error {}

/** A key as an entry names it: a certificate or a bare public key. */
export interface Verifier {
  readonly label: 'CERTIFICATE' | 'PUBLIC KEY'
  readonly der: Uint8Array
  readonly key: KeyObject
}

/** @param content - PEM; of several blocks the first counts */
export function readVerifierPem(content: Uint8Array): Verifier {
  const pem = Buffer.from(content).toString('utf8')
  const isCertificate = pem.includes('-----BEGIN CERTIFICATE-----')
  return readVerifier(isCertificate ? 'CERTIFICATE' : 'PUBLIC KEY', pem)
}

/** @throws EntryRefusal */
export function readVerifier(label: Verifier['label'], encoded: string | Uint8Array): Verifier {
  const isPem = typeof encoded === 'string'
  try {
    if (label === 'CERTIFICATE') {
      const certificate = new X509Certificate(isPem ? encoded : Buffer.from(encoded))
      return { label, der: certificate.raw, key: certificate.publicKey }
    }
    const key = createPublicKey(
      isPem ? encoded : { key: Buffer.from(encoded), format: 'der', type: 'spki' },
    )
    return { label, der: key.export({ type: 'spki', format: 'der' }), key }
  } catch {
    // OpenSSL's many ways of saying that it is neither.
    throw new EntryRefusal('unknown key type')
  }
}

/** Bytes that Rekor v1's index hashes, and that the entry holds: PEM as Go writes it. */
export function verifierPem({ label, der }: Verifier): string {
  return encodePem(label, der)
}

/**
 * Checks a proposed hashedrekord 0.0.1 and gives the body that Rekor v1 logs.
 *
 * The signature is checked over the digest that is claimed; validity, chain and SCT of a certificate
 * are not: the real log does not either, which is what lets people log later.
 *
 * @throws EntryRefusal
 */
export function hashedrekordV1(proposed: JsonValue): Uint8Array {
  const spec = object(object(proposed)['spec'])
  const hash = object(object(spec['data'])['hash'])
  const algorithm = (hash['algorithm'] ?? 'sha256') as HashName
  const length = HASH_BYTES[algorithm] as number | undefined
  const value = typeof hash['value'] === 'string' ? hash['value'].toLowerCase() : ''
  const digest = decodeHex(value)
  if (length === undefined || digest?.length !== length)
    throw new EntryRefusal('invalid value for hash')
  const signatureOf = object(spec['signature'])
  const signature = base64(signatureOf['content'], 'invalid signature content')
  const content = base64(object(signatureOf['publicKey'])['content'], 'invalid public key content')
  const verifier = readVerifierPem(content)
  if (!verifyPrehashed(verifier.key, algorithm, digest, signature)) {
    throw new EntryRefusal(
      'verifying signature: invalid signature when validating ASN.1 encoded signature',
    )
  }
  return encodeUtf8(
    canonicalJson({
      apiVersion: '0.0.1',
      kind: 'hashedrekord',
      spec: {
        data: { hash: { algorithm, value } },
        signature: {
          content: encodeBase64(signature),
          publicKey: { content: encodeBase64(encodeUtf8(verifierPem(verifier))) },
        },
      },
    }),
  )
}

/** Keys by which Rekor v1's index finds a body: key hash, subjects, artifact hash. */
export function indexKeys(body: Uint8Array): string[] {
  const spec = object(object(JSON.parse(Buffer.from(body).toString('utf8')) as JsonValue)['spec'])
  const hash = object(object(spec['data'])['hash'])
  const content = base64(object(object(spec['signature'])['publicKey'])['content'], 'unreadable')
  const keys = [publicKeyIndexKey(content), `${text(hash['algorithm'])}:${text(hash['value'])}`]
  const pem = Buffer.from(content).toString('utf8')
  if (pem.includes('CERTIFICATE')) {
    const names = new X509Certificate(pem).subjectAltName ?? ''
    for (const name of names.split(', ')) keys.push(name.replace(/^(email|URI):/, '').toLowerCase())
  }
  return keys
}

/** @param pem - in the log's own spelling */
export function publicKeyIndexKey(pem: Uint8Array): string {
  return encodeHex(sha256(pem))
}

function object(value: JsonValue | undefined): Readonly<Record<string, JsonValue>> {
  return isJsonObject(value) ? value : {}
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function base64(value: JsonValue | undefined, why: string): Uint8Array {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  if (bytes === undefined || bytes.length === 0) throw new EntryRefusal(why)
  return bytes
}
