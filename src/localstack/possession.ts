import { createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import 'reflect-metadata'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { encodeUtf8 } from '../encoding/bytes.ts'

const HASH_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
}
/** Go reads it too, and Fulcio finds it weak; others are no keys to it. */
const WEAK_CURVE = 'secp224r1'
const RSA_BITS = [2048, 3072, 4096]

/** A key that Fulcio would certify, with the hash it signs with. */
export interface RequestedKey {
  readonly spki: Uint8Array
  readonly key: KeyObject
  /** Null for Ed25519. */
  readonly hash: string | null
}

/**
 * Reads a key from PEM or DER SubjectPublicKeyInfo.
 *
 * @returns undefined when it cannot be read; `'insecure'` when it is too weak or of another kind
 */
export function readRequestedKey(content: Uint8Array): RequestedKey | 'insecure' | undefined {
  const text = Buffer.from(content).toString('latin1')
  let key: KeyObject
  try {
    key = text.trimStart().startsWith('-----BEGIN')
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(content), format: 'der', type: 'spki' })
  } catch {
    // OpenSSL's many ways of saying that this is no public key.
    return undefined
  }
  const spki = key.export({ type: 'spki', format: 'der' })
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {}
  switch (key.asymmetricKeyType) {
    case 'ec': {
      const hash = HASH_OF_CURVE[namedCurve ?? '']
      if (hash !== undefined) return { spki, key, hash }
      return namedCurve === WEAK_CURVE ? 'insecure' : undefined
    }
    case 'rsa':
      return RSA_BITS.includes(modulusLength ?? 0) ? { spki, key, hash: 'sha256' } : 'insecure'
    case 'ed25519':
      return { spki, key, hash: null }
    default:
      return 'insecure'
  }
}

/** Whether `proof` is the key's signature over one of the names that the token stands for. */
export function provesPossession(
  { key, hash }: RequestedKey,
  challenges: readonly string[],
  proof: Uint8Array,
): boolean {
  return challenges.some((challenge) => verify(hash, encodeUtf8(challenge), key, proof))
}

/**
 * The key of a PEM certificate signing request whose own signature holds; that is the proof.
 *
 * @returns undefined when it cannot be read, `'unproven'` when its signature is wrong
 */
export async function readSigningRequest(
  pem: string,
): Promise<RequestedKey | 'insecure' | 'unproven' | undefined> {
  let request: Pkcs10CertificateRequest
  try {
    request = new Pkcs10CertificateRequest(pem)
  } catch {
    // The parser has no error type of its own.
    return undefined
  }
  const key = readRequestedKey(new Uint8Array(request.publicKey.rawData))
  if (key === undefined || key === 'insecure') return key
  return (await request.verify()) ? key : 'unproven'
}
