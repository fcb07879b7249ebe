import { decodeBase64, encodeBase64 } from '../encoding/base64.ts'
import { concatBytes, encodeUtf8 } from '../encoding/bytes.ts'
import { sha256 } from '../crypto/digest.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { MalformedError } from '../errors.ts'

/** As Go's note package: the longest note, and the most signatures on one. */
export const MAX_NOTE_LENGTH = 1_000_000
const MAX_SIGNATURES = 100
const KEY_HINT_LENGTH = 4
const SIGNATURE_PREFIX = '\u2014 '
const NEWLINE = Uint8Array.of(0x0a)
const ED25519_TYPE = Uint8Array.of(0x01)
const OTHER_TYPE = Uint8Array.of(0xff)
const RSA_TYPE_NAME = encodeUtf8('PKIX-RSA-PKCS#1v1.5')

export interface NoteSignature {
  /** Name of the key, as the signer calls it. */
  name: string
  /** First four bytes of the key ID. */
  keyHint: Uint8Array
  /** Raw signature; its form depends on the key. */
  signature: Uint8Array
}

/** A signed note; parsing one checks no signature. */
export interface Note {
  /** What is signed, with its last newline. */
  text: string
  signatures: NoteSignature[]
}

/**
 * Splits a note into text and signatures. Checks no signature.
 *
 * @throws MalformedError `NOTE_MALFORMED`
 * @see https://c2sp.org/signed-note
 */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_LENGTH) throw malformed('it is too long')
  if (!isPlain(note)) throw malformed('it has control characters')
  // The text may hold blank lines; signature lines cannot, so the last one is the separator.
  const separator = note.lastIndexOf('\n\n')
  if (separator <= 0) throw malformed('there is no blank line before signatures')
  const lines = note.slice(separator + 2).split('\n')
  if (lines.pop() !== '') throw malformed('the last line is not terminated')
  if (lines.length === 0) throw malformed('it has no signature')
  if (lines.length > MAX_SIGNATURES) throw malformed('it has more than 100 signatures')
  return { text: note.slice(0, separator + 1), signatures: lines.map(parseSignatureLine) }
}

/** No control characters but newlines, no half of a surrogate pair. Classes of Unicode compile slowly. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i)
    if ((unit < 0x20 && unit !== 0x0a) || (unit >= 0x7f && unit < 0xa0)) return false
    if ((unit & 0xf800) !== 0xd800) continue
    i += 1
    if (unit >= 0xdc00 || (text.charCodeAt(i) & 0xfc00) !== 0xdc00) return false
  }
  return true
}

function parseSignatureLine(line: string): NoteSignature {
  const [name = '', base64 = '', ...rest] = line.slice(SIGNATURE_PREFIX.length).split(' ')
  if (!line.startsWith(SIGNATURE_PREFIX) || !isKeyName(name) || rest.length > 0) {
    throw malformed('a signature line has another form')
  }
  const bytes = decodeBase64(base64)
  if (bytes === undefined || bytes.length <= KEY_HINT_LENGTH) {
    throw malformed('a signature is not base64')
  }
  return {
    name,
    keyHint: bytes.subarray(0, KEY_HINT_LENGTH),
    signature: bytes.subarray(KEY_HINT_LENGTH),
  }
}

/** The note's bytes as text; the inverse of `parseNote`. */
export function encodeNote(note: Note): string {
  const lines = note.signatures.map(({ name, keyHint, signature }) => {
    return `${SIGNATURE_PREFIX}${name} ${encodeBase64(concatBytes(keyHint, signature))}\n`
  })
  return `${note.text}\n${lines.join('')}`
}

/** Not empty, without white space and `+` (c2sp.org/signed-note, "key name"). */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+]/u.test(name)
}

/**
 * Key ID of a log's key, 32 bytes; a note carries the first four, Rekor v2 names itself by all.
 *
 * ECDSA: SHA-256 of the SPKI, whatever the name (as Rekor has always done). Ed25519 and RSA bind the
 * name as c2sp.org/signed-note prescribes.
 */
export function noteKeyId(key: PublicKey, name: string): Uint8Array {
  switch (key.type) {
    case 'ec':
      return key.spkiDigest
    case 'ed25519':
      return sha256(encodeUtf8(name), NEWLINE, ED25519_TYPE, key.raw)
    case 'rsa':
      return sha256(encodeUtf8(name), NEWLINE, OTHER_TYPE, RSA_TYPE_NAME, key.spki)
  }
}

function malformed(why: string): MalformedError {
  return new MalformedError('NOTE_MALFORMED', `cannot read signed note: ${why}`)
}
