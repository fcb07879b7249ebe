import { decodeHex, encodeHex } from '../encoding/hex.ts'

/** Object ids in a row, 20 or 32 bytes each: strings of a million commits would be 100 MiB. */
export class IdList {
  #bytes = new Uint8Array(4096)
  #idBytes = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Ids of one list have one length. */
  push(id: string): void {
    const raw = decodeHex(id)
    if (raw === undefined) throw new TypeError('not an object id')
    const end = (this.#length + 1) * raw.length
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(raw, end - raw.length)
    this.#idBytes = raw.length
    this.#length += 1
  }

  at(index: number): string | undefined {
    if (index < 0 || index >= this.#length) return undefined
    const at = index * this.#idBytes
    return encodeHex(this.#bytes.subarray(at, at + this.#idBytes))
  }
}
