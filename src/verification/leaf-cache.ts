import { latin1 } from '../encoding/bytes.ts'
import { parseCertificate } from '../x509/certificate.ts'
import type { Certificate } from '../x509/certificate.ts'

/** Each keeps about 20 KiB; certificates that sign several objects do so close together. */
const maxEntries = 512

/**
 * Reads each certificate once, so that what was verified about it (its chain, its timestamps) is found
 * again with it. Keyed by its bytes; bounded.
 */
export class LeafCache {
  readonly #certificates = new Map<string, Certificate>()

  /** @throws MalformedError as `parseCertificate` */
  readonly read = (der: Uint8Array): Certificate => {
    const key = latin1(der)
    const known = this.#certificates.get(key)
    if (known !== undefined) return known
    if (this.#certificates.size >= maxEntries) {
      const oldest = this.#certificates.keys().next()
      if (oldest.done !== true) this.#certificates.delete(oldest.value)
    }
    // A copy: the slice would keep the whole chunk it was read from.
    const certificate = parseCertificate(new Uint8Array(der))
    this.#certificates.set(key, certificate)
    return certificate
  }
}
