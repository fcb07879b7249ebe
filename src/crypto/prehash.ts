import { constants, publicDecrypt } from 'node:crypto'
import { OID } from '../asn1/oid.ts'
import { derNull, derOctetString, derOid, derSequence } from '../asn1/write.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import type { Curve, PublicKey } from './keys.ts'

/** A signature over a digest whose preimage nobody here has. */
export interface PrehashCheck {
  readonly key: PublicKey
  readonly hash: 'sha256' | 'sha384' | 'sha512'
  readonly digest: Uint8Array
  /** ECDSA as DER Ecdsa-Sig-Value, or RSA PKCS #1 v1.5. */
  readonly signature: Uint8Array
}

/** Whether a signature holds. Ed25519 signs no digest: always false. */
export type PrehashVerifier = (check: PrehashCheck) => boolean

/**
 * Loads what verifies signatures over bare digests: node:crypto hashes by itself and cannot, so this is
 * the one place that another library does ECDSA, loaded when somebody asks for it.
 */
export async function loadPrehashVerifier(): Promise<PrehashVerifier> {
  const { p256, p384, p521 } = await import('@noble/curves/nist.js')
  const curves: Record<Curve, Pick<typeof p256, 'verify'>> = {
    'P-256': p256,
    'P-384': p384,
    'P-521': p521,
  }
  return (check) => {
    const { key } = check
    if (key.type === 'rsa') return verifyRsaPrehash(check)
    if (key.curve === undefined) return false
    try {
      // Sigstore's signatures are not made low-S.
      const options = { prehash: false, lowS: false, format: 'der' } as const
      return curves[key.curve].verify(check.signature, check.digest, key.raw, options)
    } catch {
      // The library throws plain errors for a signature or point it cannot read: neither holds.
      return false
    }
  }
}

const DIGEST_OIDS = { sha256: OID.sha256, sha384: OID.sha384, sha512: OID.sha512 } as const

/** RFC 8017 §8.2.2: what the signature opens to must be exactly the DigestInfo. */
function verifyRsaPrehash({ key, hash, digest, signature }: PrehashCheck): boolean {
  const expected = derSequence(
    derSequence(derOid(DIGEST_OIDS[hash]), derNull()),
    derOctetString(digest),
  )
  try {
    const padding = constants.RSA_PKCS1_PADDING
    return equalBytes(publicDecrypt({ key: key.key, padding }, signature), expected)
  } catch (error) {
    if (error instanceof MalformedError) return false
    // OpenSSL throws where the padding is wrong, which is all that can fail here.
    return false
  }
}
