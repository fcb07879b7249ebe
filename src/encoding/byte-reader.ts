import type { MalformedError } from '../errors.ts'

/**
 * Reads big-endian integers and runs of bytes, one after the other; what does not fit is refused with
 * the error of the format that is read. Nothing is copied.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #malformed: (why: string) => MalformedError
  #at = 0

  constructor(bytes: Uint8Array, malformed: (why: string) => MalformedError) {
    this.#bytes = bytes
    this.#malformed = malformed
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.#malformed('it is cut off')
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  /** An unsigned integer of so many octets; from seven on it may lose precision. */
  uint(octets: number): number {
    let value = 0
    for (const octet of this.take(octets)) value = value * 256 + octet
    return value
  }

  /** The bytes not read yet. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  end(): void {
    if (!this.done) throw this.#malformed('there are bytes after its end')
  }
}
