import { escapeStatus } from '../encoding/escape.ts'
import { isoTime } from '../encoding/time.ts'

/** OpenPGP algorithm numbers that GnuPG's protocol wants: 19 is ECDSA, 8 is SHA-256. */
const ECDSA_SHA256 = '19 8'

/** What git is told about a signature; one of these, and never two (git takes two for an error). */
export type VerifyStatus =
  | {
      readonly kind: 'good'
      /** SHA-256 of the signer's certificate, lower-case hex. */
      readonly fingerprint: string
      /** The signer's name as the certificate has it; escaped here. */
      readonly signer: string
      /** Trusted time of the signature, seconds since the epoch. */
      readonly time: number
      /** `fully`: a policy accepts the signer; `never`: it refuses; `undefined`: nobody said. */
      readonly trust: 'fully' | 'never' | 'undefined'
    }
  | {
      readonly kind: 'bad'
      readonly fingerprint: string | undefined
      readonly signer: string | undefined
    }
  /** Could not be checked, or nothing vouches for the certificate. */
  | { readonly kind: 'error'; readonly fingerprint: string | undefined }

/**
 * The status lines of one verification. A TRUST_ line is in every one: git 2.26 to 2.40 aborts at
 * `%GT` without.
 *
 * @see GnuPG doc/DETAILS, "General status codes": NEWSIG, GOODSIG, VALIDSIG, BADSIG, ERRSIG, TRUST_
 */
export function verifyStatusLines(status: VerifyStatus): string {
  switch (status.kind) {
    case 'good': {
      const date = isoTime(status.time * 1000).slice(0, 10)
      return lines(
        'NEWSIG',
        // Never an empty name: git would take the next line for it.
        `GOODSIG ${status.fingerprint} ${userId(status.signer)}`,
        `VALIDSIG ${status.fingerprint} ${date} ${String(status.time)} 0 0 0 ${ECDSA_SHA256} 00`,
        `TRUST_${status.trust.toUpperCase()} 0 shell`,
      )
    }
    case 'bad':
      return lines(
        'NEWSIG',
        `BADSIG ${status.fingerprint ?? '0'} ${userId(status.signer)}`,
        'TRUST_NEVER 0 shell',
      )
    case 'error':
      return lines(
        'NEWSIG',
        `ERRSIG ${status.fingerprint ?? '0'} 0 0 00 0 9`,
        'TRUST_UNDEFINED 0 shell',
      )
  }
}

/** Before SIG_CREATED some other line must come: git before 2.36 looks for it after a line feed. */
export function beginSigningLine(): string {
  return lines('BEGIN_SIGNING')
}

/**
 * Says that a detached signature was made: what git waits for.
 *
 * @param time - claimed time of signing, seconds since the epoch
 * @param fingerprint - SHA-256 of the certificate, lower-case hex
 */
export function signatureCreatedLine(time: number, fingerprint: string): string {
  return lines(`SIG_CREATED D ${ECDSA_SHA256} 00 ${String(time)} ${fingerprint}`)
}

function userId(signer: string | undefined): string {
  const escaped = escapeStatus(signer ?? '').trim()
  return escaped === '' ? '?' : escaped
}

function lines(...contents: readonly string[]): string {
  return contents.map((content) => `[GNUPG:] ${content}\n`).join('')
}
