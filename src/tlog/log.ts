import type { PublicKey } from '../crypto/keys.ts'
import type { SignatureCheck } from '../crypto/verify.ts'

/** A transparency log that a trust root names. */
export interface TransparencyLog {
  readonly baseUrl: string
  /** Rekor v1: SHA-256 of the SPKI. Rekor v2: the whole key ID of its checkpoints. 32 bytes. */
  readonly logId: Uint8Array
  readonly publicKey: PublicKey
  /** Digest of its signatures; by default the one that belongs to the key (`signatureHash`). */
  readonly hash?: SignatureCheck['hash'] | undefined
  /** First second in which the key counts; seconds since the epoch, may have a fraction. */
  readonly validFrom: number
  /** Last second in which the key counts; absent while it is in use. */
  readonly validUntil?: number | undefined
}

/** The digest a key signs with where nothing says otherwise. */
export function signatureHash(key: PublicKey): SignatureCheck['hash'] {
  if (key.type === 'ed25519') return 'none'
  if (key.curve === 'P-384') return 'sha384'
  return key.curve === 'P-521' ? 'sha512' : 'sha256'
}

/** Whether the log's key counted at `time` (seconds since the epoch): both ends are inside. */
export function isInWindow(
  window: { readonly validFrom: number; readonly validUntil?: number | undefined },
  time: number,
): boolean {
  return time >= window.validFrom && (window.validUntil === undefined || time <= window.validUntil)
}
