import { verify } from 'node:crypto'
import { MalformedError } from '../errors.ts'
import type { PublicKey } from './keys.ts'

/** A signature to be checked: ECDSA as DER Ecdsa-Sig-Value, Ed25519, or RSA PKCS #1 v1.5. */
export interface SignatureCheck {
  readonly key: PublicKey
  /** Digest of ECDSA and RSA; `none` for Ed25519, which signs the data itself. */
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512' | 'none'
  readonly data: Uint8Array
  readonly signature: Uint8Array
}

/**
 * A verification that asks for signature checks instead of doing them, so that the same code runs one
 * at a time (`runSync`) and many in flight (`runAsync`). It yields a check and is resumed with whether
 * the signature holds.
 */
export type Verification<T> = Generator<SignatureCheck, T, boolean>

/** Runs a verification on this thread; quickest for one. */
export function runSync<T>(verification: Verification<T>): T {
  let step = verification.next()
  while (step.done !== true) {
    const check = step.value
    const key = importedKey(check)
    step = verification.next(
      key !== undefined && verify(algorithm(check), check.data, key, check.signature),
    )
  }
  return step.value
}

/** Runs a verification with its signature checks on libuv's threads. */
export async function runAsync<T>(verification: Verification<T>): Promise<T> {
  let step = verification.next()
  while (step.done !== true) {
    const check = step.value
    const key = importedKey(check)
    const holds =
      key !== undefined &&
      (await new Promise<boolean>((resolve, reject) => {
        verify(algorithm(check), check.data, key, check.signature, (error, result) => {
          if (error === null) resolve(result)
          else reject(error)
        })
      }))
    step = verification.next(holds)
  }
  return step.value
}

/** A key that is no point of its curve verifies nothing; one of the wrong kind neither. */
function importedKey(check: SignatureCheck): PublicKey['key'] | undefined {
  if ((check.hash === 'none') !== (check.key.type === 'ed25519')) return undefined
  try {
    return check.key.key
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

function algorithm(check: SignatureCheck): string | null {
  return check.hash === 'none' ? null : check.hash
}
