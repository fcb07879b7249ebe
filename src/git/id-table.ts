/** Numbers object ids from 0 in the order they are added, in about 30 bytes each. */
export class IdTable {
  readonly #idBytes: number
  #ids: Buffer
  #size = 0
  #slots = new Int32Array(4096).fill(-1)

  constructor(idBytes: 20 | 32) {
    this.#idBytes = idBytes
    this.#ids = Buffer.alloc(1024 * idBytes)
  }

  get size(): number {
    return this.#size
  }

  /** The id's number, or -1. */
  find(id: string): number {
    const raw = Buffer.from(id, 'hex')
    return raw.length === this.#idBytes ? (this.#slots[this.#slotOf(raw)] ?? -1) : -1
  }

  /** The number of an id, a new one where it had none. */
  add(id: string): number {
    const known = this.find(id)
    if (known >= 0) return known
    this.#grow()
    const raw = Buffer.from(id, 'hex')
    raw.copy(this.#ids, this.#size * this.#idBytes)
    this.#slots[this.#slotOf(raw)] = this.#size
    return this.#size++
  }

  idOf(number: number): string {
    return this.#ids.toString('hex', number * this.#idBytes, (number + 1) * this.#idBytes)
  }

  /** The slot that holds these bytes, or the empty one where they belong. */
  #slotOf(raw: Buffer): number {
    const mask = this.#slots.length - 1
    let slot = raw.readUInt32LE(0) & mask
    for (;;) {
      const at = (this.#slots[slot] ?? -1) * this.#idBytes
      if (at < 0 || raw.compare(this.#ids, at, at + this.#idBytes) === 0) return slot
      slot = (slot + 1) & mask
    }
  }

  #grow(): void {
    if ((this.#size + 1) * this.#idBytes > this.#ids.length) {
      this.#ids = Buffer.concat([this.#ids, Buffer.alloc(this.#ids.length)])
    }
    if ((this.#size + 1) * 2 <= this.#slots.length) return
    this.#slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (let number = 0; number < this.#size; number++) {
      const at = number * this.#idBytes
      this.#slots[this.#slotOf(this.#ids.subarray(at, at + this.#idBytes))] = number
    }
  }
}
