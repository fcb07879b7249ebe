import type { PublicKey } from '../crypto/keys.ts'
import type { SignatureCheck, Verification } from '../crypto/verify.ts'

/** A transparency log that a trust root names. */
export interface TransparencyLog {
  readonly baseUrl: string
  /** Rekor v1: SHA-256 of the SPKI. Rekor v2: the whole key ID of its checkpoints. 32 bytes. */
  readonly logId: Uint8Array
  readonly publicKey: PublicKey
  /** Digest of its signatures; by default the one that belongs to the key (`signatureHash`). */
  readonly hash?: SignatureCheck['hash'] | undefined
  /** Seconds since the epoch, inclusive; fractions count. */
  readonly validFrom: number
  /** Seconds, inclusive. */
  readonly validUntil: number | undefined
}

/** The digest a key signs with where nothing says otherwise. */
export function signatureHash(key: PublicKey): SignatureCheck['hash'] {
  if (key.type === 'ed25519') return 'none'
  if (key.curve === 'P-384') return 'sha384'
  return key.curve === 'P-521' ? 'sha512' : 'sha256'
}

/**
 * Whether a log signed `data`. Rekor v1 takes SHA-256 whatever the curve of its key, so there the digest
 * that belongs to the curve is not the only one.
 */
export function* verifyByLog(
  { publicKey: key, hash = signatureHash(key) }: TransparencyLog,
  data: Uint8Array,
  signature: Uint8Array,
  isV1: boolean,
): Verification<boolean> {
  if (yield { key, hash, data, signature }) return true
  if (!isV1 || key.type !== 'ec' || hash === 'sha256') return false
  return yield { key, hash: 'sha256', data, signature }
}
