import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { DerReader } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { MalformedError } from '../errors.ts'
import { sha256 } from './digest.ts'

export type Curve = 'P-256' | 'P-384' | 'P-521'

/** A public key as a SubjectPublicKeyInfo; parsing one proves nothing. */
export interface PublicKey {
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly type: 'ec' | 'ed25519' | 'rsa'
  /** Of an `ec` key. */
  readonly curve: Curve | undefined
  /** Modulus length of an `rsa` key. */
  readonly bits: number | undefined
  /** The raw point (`ec`, uncompressed) or key (`ed25519`); for `rsa` the RSAPublicKey. */
  readonly raw: Uint8Array
  /** SHA-256 of `spki`, what logs call a key by; made at first use. */
  readonly spkiDigest: Uint8Array
  /** Imported at first use: 0.1 ms that a key which is never used should not cost. */
  readonly key: KeyObject
}

const CURVES: Readonly<Record<string, { curve: Curve; length: number }>> = {
  [OID.secp256r1]: { curve: 'P-256', length: 65 },
  [OID.secp384r1]: { curve: 'P-384', length: 97 },
  [OID.secp521r1]: { curve: 'P-521', length: 133 },
}

/**
 * Reads a SubjectPublicKeyInfo: ECDSA on P-256, P-384, P-521 (uncompressed points, named curves),
 * Ed25519, RSA of 2048 to 8192 bits. That a point lies on its curve is found at first use of `key`.
 *
 * @throws MalformedError KEY_MALFORMED, KEY_UNSUPPORTED
 * @see RFC 5280 §4.1.2.7, RFC 5480 §2, RFC 8410 §4, RFC 3279 §2.3.1
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  const reader = new DerReader(spki)
  const info = reader.sequence()
  reader.end()
  const algorithm = info.sequence()
  const raw = info.bitString()
  info.end()
  const oid = algorithm.oid()
  switch (oid) {
    case OID.ecPublicKey: {
      const named = CURVES[algorithm.oid()]
      algorithm.end()
      if (named === undefined) throw unsupported('its curve is not P-256, P-384 or P-521')
      if (raw.length !== named.length || raw[0] !== 4)
        throw malformed('its point is not uncompressed')
      return new LazyKey(spki, 'ec', raw, named.curve, undefined)
    }
    case OID.ed25519:
      algorithm.end()
      if (raw.length !== 32) throw malformed('an Ed25519 key has 32 bytes')
      return new LazyKey(spki, 'ed25519', raw, undefined, undefined)
    case OID.rsaEncryption: {
      algorithm.null()
      algorithm.end()
      const outer = new DerReader(raw)
      const key = outer.sequence()
      outer.end()
      const modulus = key.integer()
      const exponent = key.smallInteger()
      key.end()
      const bits = modulus[0] === 0 ? (modulus.length - 1) * 8 : 0
      if (bits < 2048 || bits > 8192) throw unsupported('an RSA key has 2048 to 8192 bits')
      if (exponent < 3 || exponent % 2 === 0) throw unsupported('its RSA exponent is not odd')
      return new LazyKey(spki, 'rsa', raw, undefined, bits)
    }
    default:
      throw unsupported('it is neither ECDSA, Ed25519 nor RSA')
  }
}

class LazyKey implements PublicKey {
  readonly spki: Uint8Array
  readonly type: PublicKey['type']
  readonly raw: Uint8Array
  readonly curve: Curve | undefined
  readonly bits: number | undefined
  #key: KeyObject | undefined
  #digest: Uint8Array | undefined

  constructor(
    spki: Uint8Array,
    type: PublicKey['type'],
    raw: Uint8Array,
    curve: Curve | undefined,
    bits: number | undefined,
  ) {
    this.spki = spki
    this.type = type
    this.raw = raw
    this.curve = curve
    this.bits = bits
  }

  get spkiDigest(): Uint8Array {
    this.#digest ??= sha256(this.spki)
    return this.#digest
  }

  get key(): KeyObject {
    this.#key ??= importKey(this)
    return this.#key
  }
}

function importKey(key: LazyKey): KeyObject {
  try {
    if (key.curve !== 'P-256') {
      return createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' })
    }
    // As JWK: Node 20 imports P-256 in half the time that SPKI takes (P-384 it takes three times).
    const half = (key.raw.length - 1) / 2
    const coordinate = (from: number): string =>
      Buffer.from(key.raw.subarray(from, from + half)).toString('base64url')
    return createPublicKey({
      key: { kty: 'EC', crv: key.curve, x: coordinate(1), y: coordinate(1 + half) },
      format: 'jwk',
    })
  } catch (error) {
    // OpenSSL refuses a point that is not on its curve; the form was checked before.
    throw new MalformedError('KEY_MALFORMED', 'cannot read public key: it is not a valid key', {
      cause: error,
    })
  }
}

/** An ephemeral ECDSA P-256 key; the private half never leaves it. */
export interface SigningKey {
  readonly spki: Uint8Array
  /** DER Ecdsa-Sig-Value over SHA-256 of `data`. */
  sign(data: Uint8Array): Uint8Array
}

export function generateSigningKey(): SigningKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    spki: pair.publicKey.export({ format: 'der', type: 'spki' }),
    sign: (data) => sign('sha256', data, pair.privateKey),
  }
}

function malformed(why: string): MalformedError {
  return new MalformedError('KEY_MALFORMED', `cannot read public key: ${why}`)
}

function unsupported(why: string): MalformedError {
  return new MalformedError('KEY_UNSUPPORTED', `cannot use public key: ${why}`)
}
