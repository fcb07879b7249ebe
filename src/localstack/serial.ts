import { randomBytes } from 'node:crypto'

/** A positive serial number of 159 random bits (RFC 5280 §4.1.2.2: at most 20 octets). */
export function randomSerial(): Buffer {
  const serial = randomBytes(20)
  // First octet 0x40-0x7f: positive, and without a leading zero in every encoding.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}
