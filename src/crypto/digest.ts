import { createHash, createHmac, hash } from 'node:crypto'
import { concatBytes } from '../encoding/bytes.ts'

export type DigestName = 'sha1' | 'sha256' | 'sha384' | 'sha512'

const SHORT = 8192

export function digest(name: DigestName, ...parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return digestOf(name, only)
  let length = 0
  for (const part of parts) length += part.length
  // One call without a stream object is half the time for what is short.
  if (length <= SHORT) return digestOf(name, concatBytes(...parts))
  const stream = createHash(name)
  for (const part of parts) stream.update(part)
  return stream.digest()
}

function digestOf(name: DigestName, data: Uint8Array): Uint8Array {
  // As text and back: a Buffer with memory of its own costs more than hashing what is short.
  return Buffer.from(hash(name, data, 'binary'), 'binary')
}

/** In lower-case hex. */
export function hexDigest(name: DigestName, data: Uint8Array): string {
  return hash(name, data, 'hex')
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', ...parts)
}

/** HMAC over parts as they come (RFC 2104). */
export interface KeyedDigest {
  update(part: Uint8Array): void
  digest(): Uint8Array
}

export function keyedDigest(name: DigestName, key: Uint8Array): KeyedDigest {
  const hmac = createHmac(name, key)
  return {
    update: (part) => {
      hmac.update(part)
    },
    digest: () => hmac.digest(),
  }
}
