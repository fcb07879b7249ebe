import { malformed as malformedDer } from '../asn1/der.ts'
import { der } from '../asn1/write.ts'
import { LIMITS } from '../encoding/limits.ts'

const OCTET_STRING = 0x04
const CONSTRUCTED = 0x20

/**
 * Turns BER into DER as far as lengths and pieced-together OCTET STRINGs go; the strict reader then
 * reads the result. Only for signatures that it refused: what goes through here is reported as
 * tolerated and never proven. Elements that were DER come out byte for byte.
 *
 * @throws MalformedError DER_MALFORMED; above LIMITS.berDepth and LIMITS.berElements too
 * @see X.690 §8.1.3, §8.7
 */
export function berToDer(bytes: Uint8Array): Uint8Array {
  const converter = new Converter(bytes)
  const element = converter.element(0, bytes.length, 0)
  if (converter.at !== bytes.length) throw malformedDer('there are bytes after the last element')
  return element
}

class Converter {
  readonly #bytes: Uint8Array
  #elements = 0
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  element(start: number, limit: number, depth: number): Uint8Array {
    if (depth > LIMITS.berDepth) throw malformedDer('it is nested too deep')
    this.#elements += 1
    if (this.#elements > LIMITS.berElements) throw malformedDer('it has too many elements')
    const tag = this.#bytes[start]
    if (tag === undefined || start >= limit) throw malformedDer('an element is cut off')
    if ((tag & 0x1f) === 0x1f) throw malformedDer('a tag number is above 30')
    this.at = start + 1
    const length = this.#length(limit)
    const constructed = (tag & CONSTRUCTED) !== 0
    if (!constructed) {
      if (length === undefined) throw malformedDer('a primitive element has no length')
      const content = this.#bytes.subarray(this.at, this.at + length)
      this.at += length
      return der(tag, content)
    }
    const parts = this.#parts(length, limit, depth)
    if (tag !== (OCTET_STRING | CONSTRUCTED)) return der(tag, ...parts)
    return der(OCTET_STRING, ...parts.map(octets))
  }

  #parts(length: number | undefined, limit: number, depth: number): Uint8Array[] {
    const end = length === undefined ? limit : this.at + length
    const parts: Uint8Array[] = []
    for (;;) {
      if (length === undefined) {
        if (this.#bytes[this.at] === 0 && this.#bytes[this.at + 1] === 0 && this.at + 2 <= limit) {
          this.at += 2
          return parts
        }
      } else if (this.at === end) return parts
      parts.push(this.element(this.at, end, depth + 1))
    }
  }

  /** Reads a length; undefined for an indefinite one. */
  #length(limit: number): number | undefined {
    const first = this.#bytes[this.at]
    if (first === undefined) throw malformedDer('a length is cut off')
    this.at += 1
    if (first === 0x80) return undefined
    let length = first
    if (first > 0x80) {
      length = 0
      for (let i = first & 0x7f; i > 0; i -= 1) {
        length = length * 256 + (this.#bytes[this.at] ?? 0)
        this.at += 1
        if (length > limit) throw malformedDer('an element is longer than what holds it')
      }
    }
    if (this.at + length > limit) throw malformedDer('an element is longer than what holds it')
    return length
  }
}

/** What one piece of a constructed OCTET STRING holds; the piece is DER by now. */
function octets(piece: Uint8Array): Uint8Array {
  if (piece[0] !== OCTET_STRING) throw malformedDer('an OCTET STRING is pieced from something else')
  const first = piece[1] ?? 0
  return piece.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f))
}
