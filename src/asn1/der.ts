import { decodeUtf8 } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import { readOid } from './oid.ts'
import { parseTime } from './time.ts'

/** One element: a slice of the original bytes, nothing copied or re-encoded. */
export interface Der {
  /** Identifier octet; tag numbers above 30 are refused. */
  readonly tag: number
  /** The whole element: identifier, length, content. */
  readonly bytes: Uint8Array
  readonly content: Uint8Array
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Identifier octet of `[number]`, constructed. */
export function contextTag(number: number): number {
  return 0xa0 | number
}

/**
 * Reads elements one after the other, DER only: definite, minimal lengths and low tag numbers
 * (X.690 §10.1). It knows no structure; whoever reads one calls `end()` so that every byte counts.
 *
 * Every method throws MalformedError DER_MALFORMED.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number
  /** Where the content of the element read last starts. */
  #content = 0

  /** Reads `bytes` from `from` up to `end`, by default all of them. */
  constructor(bytes: Uint8Array, from = 0, end = bytes.length) {
    // Slices of a Buffer are Buffers, which cost several times as much to make.
    this.#bytes = Buffer.isBuffer(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      : bytes
    this.#at = from
    this.#end = end
  }

  get done(): boolean {
    return this.#at === this.#end
  }

  /** The next identifier octet; undefined at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined
  }

  /** The bytes not read yet. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end)
  }

  /** The next element, of the given tag where one is given. */
  next(tag?: number): Der {
    const start = this.#at
    this.#pass(tag)
    return {
      tag: this.#bytes[start] ?? 0,
      bytes: this.#bytes.subarray(start, this.#at),
      content: this.#bytes.subarray(this.#content, this.#at),
    }
  }

  /** The whole next element, of the given tag where one is given. */
  element(tag?: number): Uint8Array {
    const start = this.#at
    this.#pass(tag)
    return this.#bytes.subarray(start, this.#at)
  }

  /** Content of the next element, which must have this tag. */
  take(tag: number): Uint8Array {
    this.#pass(tag)
    return this.#bytes.subarray(this.#content, this.#at)
  }

  /** Goes behind the next element; its content lies from `#content` up to there. */
  #pass(tag: number | undefined): void {
    const bytes = this.#bytes
    const start = this.#at
    const limit = this.#end
    if (limit - start < 2) throw malformed('an element is cut off')
    const identifier = bytes[start] ?? 0
    const first = bytes[start + 1] ?? 0
    if (tag !== undefined && identifier !== tag) {
      throw malformed(`expected tag ${hex(tag)}, found ${hex(identifier)}`)
    }
    if ((identifier & 0x1f) === 0x1f) throw malformed('a tag number is above 30')
    let at = start + 2
    let length = first
    if (first >= 0x80) {
      const octets = first & 0x7f
      if (octets === 0) throw malformed('a length is indefinite')
      if (octets > 4) throw malformed('a length has more than four octets')
      if (at + octets > limit) throw malformed('a length is cut off')
      length = 0
      for (const end = at + octets; at < end; at += 1) length = length * 256 + (bytes[at] ?? 0)
      if (length < 0x80 || length < 2 ** (8 * (octets - 1))) {
        throw malformed('a length is not minimal')
      }
    }
    if (length > limit - at) throw malformed('an element is longer than what holds it')
    this.#content = at
    this.#at = at + length
  }

  /** Content of the next element if it has this tag; absent is undefined. */
  optional(tag: number): Uint8Array | undefined {
    return this.peek() === tag ? this.take(tag) : undefined
  }

  enter(tag: number): DerReader {
    this.#pass(tag)
    return new DerReader(this.#bytes, this.#content, this.#at)
  }

  tryEnter(tag: number): DerReader | undefined {
    return this.peek() === tag ? this.enter(tag) : undefined
  }

  sequence(): DerReader {
    return this.enter(TAG.sequence)
  }

  set(): DerReader {
    return this.enter(TAG.set)
  }

  /** Content octets of an INTEGER: two's complement, minimal (X.690 §8.3.2). */
  integer(): Uint8Array {
    const content = this.take(TAG.integer)
    const first = content[0]
    const second = content[1]
    if (first === undefined) throw malformed('an INTEGER is empty')
    if (
      second !== undefined &&
      ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
    ) {
      throw malformed('an INTEGER is not minimal')
    }
    return content
  }

  bigInteger(): bigint {
    const content = this.integer()
    return BigInt.asIntN(content.length * 8, BigInt(`0x${Buffer.from(content).toString('hex')}`))
  }

  /** An INTEGER from 0 to 2^31 - 1. */
  smallInteger(): number {
    const content = this.integer()
    if (content.length > 4 || (content[0] ?? 0) >= 0x80)
      throw malformed('an INTEGER is out of range')
    let value = 0
    for (const octet of content) value = value * 256 + octet
    return value
  }

  boolean(): boolean {
    const content = this.take(TAG.boolean)
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw malformed('a BOOLEAN is neither 00 nor FF')
    }
    return content[0] === 0xff
  }

  null(): void {
    if (this.take(TAG.null).length !== 0) throw malformed('a NULL has content')
  }

  /** Dotted decimal. */
  oid(): string {
    this.#pass(TAG.oid)
    return readOid(this.#bytes, this.#content, this.#at)
  }

  octetString(): Uint8Array {
    return this.take(TAG.octetString)
  }

  /** Octets of a BIT STRING with no unused bits, as every key and signature is. */
  bitString(): Uint8Array {
    const content = this.take(TAG.bitString)
    if (content[0] !== 0) throw malformed('a BIT STRING has unused bits')
    return content.subarray(1)
  }

  utf8String(): string {
    const text = decodeUtf8(this.take(TAG.utf8String))
    if (text === undefined) throw malformed('a UTF8String is not UTF-8')
    return text
  }

  /** UTCTime or GeneralizedTime without fraction (RFC 5280 §4.1.2.5), in seconds since the epoch. */
  time(): number {
    const tag = this.peek()
    if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw malformed('expected a time')
    return parseTime(this.next())
  }

  /** Everything must have been read. */
  end(): void {
    if (!this.done) throw malformed('there are bytes after the last element')
  }
}

/** The one element that `bytes` are; nothing may follow it. */
export function readDer(bytes: Uint8Array, tag?: number): Der {
  const reader = new DerReader(bytes)
  const element = reader.next(tag)
  reader.end()
  return element
}

export function malformed(why: string): MalformedError {
  return new MalformedError('DER_MALFORMED', `cannot read DER: ${why}`)
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`
}
