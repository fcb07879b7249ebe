import { decodeHex, encodeHex } from '../encoding/hex.ts'

const idsInBlock = 4096

/** Object ids in a row, 20 or 32 bytes each: strings of a million commits would be 100 MiB. */
export class IdList {
  readonly #blocks: Uint8Array[] = []
  #idBytes = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Ids of one list have one length. */
  push(id: string): void {
    const raw = decodeHex(id)
    if (raw === undefined) throw new TypeError('not an object id')
    this.#idBytes = raw.length
    const index = this.#length % idsInBlock
    if (index === 0) this.#blocks.push(new Uint8Array(idsInBlock * raw.length))
    this.#blocks.at(-1)?.set(raw, index * raw.length)
    this.#length += 1
  }

  at(index: number): string | undefined {
    if (index < 0 || index >= this.#length) return undefined
    const at = (index % idsInBlock) * this.#idBytes
    const block = this.#blocks[Math.floor(index / idsInBlock)]
    return block && encodeHex(block.subarray(at, at + this.#idBytes))
  }
}
