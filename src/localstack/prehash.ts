import { constants, publicDecrypt } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { concatBytes, equalBytes } from '../encoding/bytes.ts'
import { decodeHex } from '../encoding/hex.ts'

export type HashName = 'sha256' | 'sha384' | 'sha512'

export const HASH_BYTES: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 }

const CURVES = { prime256v1: p256, secp384r1: p384, secp521r1: p521 }

/** DER of a DigestInfo up to the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO: Readonly<Record<HashName, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

/**
 * Whether a signature over something with this digest holds. A log is told the digest only, and
 * node:crypto always hashes for itself. ECDSA and RSA PKCS #1 v1.5.
 */
export function verifyPrehashed(
  key: KeyObject,
  hash: HashName,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (digest.length !== HASH_BYTES[hash]) return false
  if (key.asymmetricKeyType === 'rsa') return verifyRsa(key, hash, digest, signature)
  const curve = CURVES[(key.asymmetricKeyDetails?.namedCurve ?? '') as keyof typeof CURVES] as
    (typeof CURVES)[keyof typeof CURVES] | undefined
  if (curve === undefined) return false
  try {
    return curve.verify(signature, digest, pointOf(key), {
      prehash: false,
      lowS: false,
      format: 'der',
    })
  } catch {
    // noble throws for bytes that are no signature at all.
    return false
  }
}

function pointOf(key: KeyObject): Uint8Array {
  const { x, y } = key.export({ format: 'jwk' })
  return concatBytes(
    Uint8Array.of(4),
    Buffer.from(x ?? '', 'base64url'),
    Buffer.from(y ?? '', 'base64url'),
  )
}

function verifyRsa(
  key: KeyObject,
  hash: HashName,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const signed = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature)
    return equalBytes(signed, concatBytes(decodeHex(DIGEST_INFO[hash]) ?? new Uint8Array(), digest))
  } catch {
    // OpenSSL: wrong padding or length.
    return false
  }
}
