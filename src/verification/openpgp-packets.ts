import { derBitString, derInteger, derNull, derOid, derSequence } from '../asn1/write.ts'
import { OID, decodeOid } from '../asn1/oid.ts'
import { digest } from '../crypto/digest.ts'
import { parsePublicKey } from '../crypto/keys.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { decodeBase64 } from '../encoding/base64.ts'
import { ByteReader } from '../encoding/byte-reader.ts'
import { concatBytes, equalBytes } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'
import { MalformedError } from '../errors.ts'

/** A key that a policy pins by its own fingerprint; user ids, bindings and expiry mean nothing here. */
export interface OpenpgpKey {
  /** 40 lower-case hex digits (version 4). */
  readonly fingerprint: string
  readonly publicKey: PublicKey
}

export interface Packet {
  readonly tag: number
  readonly body: Uint8Array
}

export const PACKET = { signature: 2, publicKey: 6, publicSubkey: 14 } as const

/** Public-key algorithms that are read (RFC 9580 §9.1). */
export const ALGORITHM = { rsa: 1, rsaSign: 3, ecdsa: 19, eddsaLegacy: 22, ed25519: 27 } as const
const ED25519_LEGACY = '1.3.6.1.4.1.11591.15.1'

/**
 * Every key and subkey of a key file, armored or not, that is version 4 and of a kind that is read.
 *
 * @throws MalformedError OPENPGP_MALFORMED
 * @see RFC 9580 §5.5.2, §5.5.4
 */
export function parseOpenpgpKeys(file: Uint8Array): OpenpgpKey[] {
  const text = Buffer.from(file).toString('latin1')
  const bytes = text.startsWith('-----BEGIN ') ? readArmor(text, 'PGP PUBLIC KEY BLOCK') : file
  const keys: OpenpgpKey[] = []
  for (const { tag, body } of readPackets(bytes)) {
    if (tag !== PACKET.publicKey && tag !== PACKET.publicSubkey) continue
    const publicKey = readKey(body)
    if (publicKey === undefined) continue
    const length = Uint8Array.of(body.length >> 8, body.length & 0xff)
    const fingerprint = encodeHex(digest('sha1', Uint8Array.of(0x99), length, body))
    keys.push({ fingerprint, publicKey })
  }
  return keys
}

function readKey(body: Uint8Array): PublicKey | undefined {
  const reader = new PacketReader(body)
  if (reader.uint(1) !== 4) return undefined
  reader.uint(4)
  const spki = readKeyMaterial(reader.uint(1), reader)
  if (spki === undefined) return undefined
  reader.end()
  try {
    return parsePublicKey(spki)
  } catch (error) {
    // A key that is too short or of another curve pins nothing: no signature by it counts.
    if (error instanceof MalformedError && error.code === 'KEY_UNSUPPORTED') return undefined
    throw error
  }
}

function readKeyMaterial(algorithm: number, reader: PacketReader): Uint8Array | undefined {
  switch (algorithm) {
    case ALGORITHM.rsa:
    case ALGORITHM.rsaSign: {
      const modulus = derInteger(reader.number())
      const key = derBitString(derSequence(modulus, derInteger(reader.number())))
      return derSequence(derSequence(derOid(OID.rsaEncryption), derNull()), key)
    }
    case ALGORITHM.ecdsa: {
      const curve = decodeOid(reader.take(reader.uint(1)))
      const point = derBitString(reader.number())
      return derSequence(derSequence(derOid(OID.ecPublicKey), derOid(curve)), point)
    }
    case ALGORITHM.eddsaLegacy: {
      if (decodeOid(reader.take(reader.uint(1))) !== ED25519_LEGACY) return undefined
      const point = reader.number()
      if (point[0] !== 0x40 || point.length !== 33) throw malformed('a key’s point is malformed')
      return derSequence(derSequence(derOid(OID.ed25519)), derBitString(point.subarray(1)))
    }
    case ALGORITHM.ed25519:
      return derSequence(derSequence(derOid(OID.ed25519)), derBitString(reader.take(32)))
    default:
      return undefined
  }
}

/**
 * Splits bytes into packets; partial and indeterminate lengths are refused.
 *
 * @throws MalformedError OPENPGP_MALFORMED
 * @see RFC 9580 §4.2
 */
export function* readPackets(bytes: Uint8Array): Generator<Packet> {
  const reader = new PacketReader(bytes)
  while (!reader.done) {
    const header = reader.uint(1)
    if ((header & 0x80) === 0) throw malformed('a packet does not begin as one')
    let tag = header & 0x3f
    let length: number
    if ((header & 0x40) === 0) {
      tag >>= 2
      if ((header & 3) === 3) throw malformed('a packet has no length')
      length = reader.uint(1 << (header & 3))
    } else length = reader.newLength()
    yield { tag, body: reader.take(length) }
  }
}

/** Reads the fields inside packets (RFC 9580 §3). */
export class PacketReader extends ByteReader {
  constructor(bytes: Uint8Array) {
    super(bytes, malformed)
  }

  /** Length of a new-format packet or of a signature subpacket; partial ones are refused. */
  newLength(isSubpacket = false): number {
    const first = this.uint(1)
    if (first < 192) return first
    if (first < (isSubpacket ? 255 : 224)) return ((first - 192) << 8) + this.uint(1) + 192
    if (first === 255) return this.uint(4)
    throw malformed('a packet comes in parts')
  }

  /** A multiprecision integer: its magnitude. */
  number(): Uint8Array {
    const bits = this.uint(2)
    const value = this.take(Math.ceil(bits / 8))
    const top = value[0] ?? 0
    if (bits > 0 && 32 - Math.clz32(top) !== ((bits - 1) & 7) + 1) {
      throw malformed('a number is not as long as it says')
    }
    return value
  }
}

/**
 * The bytes of one armored block with nothing around it. Headers are allowed and unread; the checksum
 * must be right where there is one.
 *
 * @throws MalformedError OPENPGP_MALFORMED
 * @see RFC 9580 §6
 */
export function readArmor(text: string, label: string): Uint8Array {
  // GitHub ends its signatures with an empty line.
  const whole = `${text.replace(/\n{1,2}$/, '')}\n`
  const begin = `-----BEGIN ${label}-----\n`
  const end = `-----END ${label}-----\n`
  if (!whole.startsWith(begin) || !whole.endsWith(end)) {
    throw malformed('there is not one block and nothing else')
  }
  const inside = whole.slice(begin.length, whole.length - end.length)
  const blank = inside.startsWith('\n') ? 0 : inside.indexOf('\n\n') + 1
  if (!/^(?:[A-Za-z]+: [^\n]*\n)*$/.test(inside.slice(0, blank))) {
    throw malformed('its headers are malformed')
  }
  const lines = inside.slice(blank + 1).split('\n')
  if (lines.pop() !== '') throw malformed('its last line is not terminated')
  const checksum = lines.at(-1)?.startsWith('=') === true ? lines.pop()?.slice(1) : undefined
  if (!lines.every((line) => /^[A-Za-z0-9+/=]{1,76}$/.test(line))) {
    throw malformed('its lines are not base64')
  }
  const bytes = decodeBase64(lines.join(''))
  if (bytes === undefined) throw malformed('it is not canonical base64')
  if (
    checksum !== undefined &&
    !equalBytes(decodeBase64(checksum) ?? new Uint8Array(), crc24(bytes))
  ) {
    throw malformed('its checksum is wrong')
  }
  return bytes
}

/** RFC 9580 §6.1. */
function crc24(bytes: Uint8Array): Uint8Array {
  let crc = 0xb704ce
  for (const byte of bytes) {
    crc ^= byte << 16
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb
    }
  }
  return Uint8Array.of((crc >> 16) & 0xff, (crc >> 8) & 0xff, crc & 0xff)
}

/** `bytes` with zeros before them, `length` in all. */
export function leftPad(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length > length) throw malformed('a number is too long')
  return concatBytes(new Uint8Array(length - bytes.length), bytes)
}

export function malformed(why: string): MalformedError {
  return new MalformedError('OPENPGP_MALFORMED', `cannot read OpenPGP: ${why}`)
}
