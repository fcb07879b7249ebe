import { createHash } from 'node:crypto'

export type DigestName = 'sha1' | 'sha256' | 'sha384' | 'sha512'

export function digest(name: DigestName, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(name)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', ...parts)
}
