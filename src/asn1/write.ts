import { compareBytes, concatBytes, encodeUtf8 } from '../encoding/bytes.ts'
import { isoTime } from '../encoding/time.ts'
import { TAG, contextTag } from './der.ts'
import { encodeOid } from './oid.ts'

/** One element: identifier, minimal definite length, the parts as content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  return concatBytes(header(tag, length), ...parts)
}

function header(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length)
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Uint8Array.of(tag, 0x80 | octets.length, ...octets)
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...parts)
}

/** SET OF: the elements sorted by encoding (X.690 §11.6). */
export function derSet(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAG.set, ...[...parts].sort(compareBytes))
}

/** `[number]` EXPLICIT, or IMPLICIT constructed. */
export function derExplicit(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return der(contextTag(number), ...parts)
}

/** A non-negative INTEGER; bytes are its unsigned magnitude, most significant first. */
export function derInteger(value: bigint | number | Uint8Array): Uint8Array {
  let magnitude: Uint8Array
  if (value instanceof Uint8Array) magnitude = value
  else {
    const hex = value.toString(16)
    magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  }
  let from = 0
  while (from < magnitude.length - 1 && magnitude[from] === 0) from += 1
  const minimal = magnitude.subarray(from)
  const sign =
    (minimal[0] ?? 0) >= 0x80 || minimal.length === 0 ? Uint8Array.of(0) : new Uint8Array()
  return der(TAG.integer, sign, minimal)
}

export function derBoolean(value: boolean): Uint8Array {
  return der(TAG.boolean, Uint8Array.of(value ? 0xff : 0))
}

export function derNull(): Uint8Array {
  return der(TAG.null)
}

export function derOid(oid: string): Uint8Array {
  return der(TAG.oid, encodeOid(oid))
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return der(TAG.octetString, bytes)
}

/** A BIT STRING without unused bits. */
export function derBitString(bytes: Uint8Array): Uint8Array {
  return der(TAG.bitString, Uint8Array.of(0), bytes)
}

export function derUtf8String(text: string): Uint8Array {
  return der(TAG.utf8String, encodeUtf8(text))
}

/** UTCTime before 2050, GeneralizedTime from then on (RFC 5280 §4.1.2.5); seconds since the epoch. */
export function derTime(seconds: number): Uint8Array {
  const iso = isoTime(seconds * 1000)
  const digits = `${iso.slice(0, 19).replace(/[-T:]/g, '')}Z`
  return iso < '2050'
    ? der(TAG.utcTime, encodeUtf8(digits.slice(2)))
    : der(TAG.generalizedTime, encodeUtf8(digits))
}
