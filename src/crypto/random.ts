import { randomBytes as fill } from 'node:crypto'

/** Bytes nobody can guess: nonces, states. */
export function randomBytes(length: number): Uint8Array {
  return fill(length)
}
