import { equalBytes } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import type { ObjectFormat, ObjectType, SignatureKind } from '../facts.ts'

/** One header of an object with its continuation lines. */
export interface ObjectHeader {
  /** Bytes before the first space, one character a byte; the whole line where there is no space. */
  readonly name: string
  /** Bytes after the first space without the last LF; each continuation is kept as LF, space, line. */
  readonly value: Uint8Array
  /** Whether the first line has a space at all. */
  readonly hasValue: boolean
  /** Whether the last line ends in LF. */
  readonly terminated: boolean
}

/** What lies where in a signed object. It is the one reading that display, policy and payload share. */
export interface SplitObject {
  readonly type: ObjectType
  readonly format: ObjectFormat
  /** What git hands to `gpg.x509.program` on stdin. */
  readonly payload: Uint8Array
  /** What git hands over as the signature file, armor and all that follows it; undefined: unsigned. */
  readonly signature: Uint8Array | undefined
  /** By the armor's first line as git tells it; `unknown`: git refuses to go on. */
  readonly signatureKind: SignatureKind | 'unknown'
  readonly headers: readonly ObjectHeader[]
  /** Everything after the blank line; of tags and push certificates without the signature. */
  readonly body: Uint8Array
  /** Whether a blank line ends the headers. */
  readonly hasBlankLine: boolean
}

const LF = 0x0a
const SPACE = 0x20

/** git's armors (gpg-interface.c): a line that starts with one starts a signature. */
const armors: readonly (readonly [SignatureKind, Buffer])[] = [
  ['x509', Buffer.from('-----BEGIN SIGNED MESSAGE-----')],
  ['openpgp', Buffer.from('-----BEGIN PGP SIGNATURE-----')],
  ['openpgp', Buffer.from('-----BEGIN PGP MESSAGE-----')],
  ['ssh', Buffer.from('-----BEGIN SSH SIGNATURE-----')],
]

/** Header that holds the signature over a commit's form in the repository's own hash. */
export function signatureHeader(format: ObjectFormat): 'gpgsig' | 'gpgsig-sha256' {
  return format === 'sha1' ? 'gpgsig' : 'gpgsig-sha256'
}

/**
 * Splits a commit, tag or push certificate into payload and signature exactly as git does, on raw
 * bytes. It refuses nothing: whether the object may have this form is `objectFindings`' question.
 *
 * @see git: commit.c parse_buffer_signed_by_header, remove_signature; gpg-interface.c parse_signature
 */
export function splitObject(
  type: ObjectType,
  bytes: Uint8Array,
  format: ObjectFormat,
): SplitObject {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return type === 'commit' ? splitCommit(buffer, format) : splitAppended(type, buffer, format)
}

function splitCommit(bytes: Buffer, format: ObjectFormat): SplitObject {
  const headers: ObjectHeader[] = []
  const own = signatureHeader(format)
  const kept: Uint8Array[] = []
  const signature: Uint8Array[] = []
  let keptFrom = 0
  const bodyAt = eachHeader(bytes, (header, start, end) => {
    headers.push(header)
    if (!header.name.startsWith('gpgsig')) return
    // git drops every header whose name only starts with gpgsig, and joins repeated signatures.
    if (header.name === own && header.hasValue)
      signature.push(unfold(bytes, start, end, own.length))
    if (keptFrom < start) kept.push(bytes.subarray(keptFrom, start))
    keptFrom = end
  })
  kept.push(bytes.subarray(keptFrom))
  const armor = signature.length > 1 ? Buffer.concat(signature) : signature[0]
  return {
    type: 'commit',
    format,
    payload: kept.length === 1 ? bytes.subarray(keptFrom) : Buffer.concat(kept),
    signature: armor,
    signatureKind: armorKind(armor),
    headers,
    body: bytes.subarray(Math.min(bodyAt + 1, bytes.length)),
    hasBlankLine: bodyAt < bytes.length,
  }
}

function splitAppended(
  type: 'tag' | 'push-certificate',
  bytes: Buffer,
  format: ObjectFormat,
): SplitObject {
  const headers: ObjectHeader[] = []
  const signatureAt = lastArmor(bytes)
  const signed = bytes.subarray(0, signatureAt)
  const bodyAt = eachHeader(signed, (header) => {
    headers.push(header)
  })
  const signature = signatureAt === bytes.length ? undefined : bytes.subarray(signatureAt)
  return {
    type,
    format,
    payload: type === 'tag' ? withoutSignatureHeaders(signed) : signed,
    signature,
    signatureKind: armorKind(signature),
    headers,
    body: signed.subarray(Math.min(bodyAt + 1, signed.length)),
    hasBlankLine: bodyAt < signed.length,
  }
}

/** The kind git would tell an armor for. */
export function armorKind(armor: Uint8Array | undefined): SignatureKind | 'unknown' {
  if (armor === undefined) return 'none'
  for (const [kind, start] of armors) {
    if (equalBytes(armor.subarray(0, start.length), start)) return kind
  }
  return 'unknown'
}

/** A header's value with its continuation lines joined by LF. */
export function unfoldedValue(header: ObjectHeader): Uint8Array {
  const raw = Buffer.from(header.value).toString('latin1')
  return Buffer.from(raw.replaceAll('\n ', '\n'), 'latin1')
}

/**
 * Calls `visit` for each header with where it starts and ends. Returns where the blank line is, or the
 * length where there is none.
 */
function eachHeader(
  bytes: Buffer,
  visit: (header: ObjectHeader, start: number, end: number) => void,
): number {
  let start = 0
  for (let count = 0; start < bytes.length && bytes[start] !== LF; count += 1) {
    // What follows is not read: `objectFindings` refuses an object with so many.
    if (count > LIMITS.headers) return bytes.length
    const firstEnd = lineEnd(bytes, start)
    let end = firstEnd
    while (end < bytes.length && bytes[end] === SPACE) end = lineEnd(bytes, end)
    const terminated = bytes[end - 1] === LF
    const space = spaceIn(bytes, start, firstEnd)
    const last = terminated ? end - 1 : end
    const nameEnd = space === -1 ? firstEnd - (bytes[firstEnd - 1] === LF ? 1 : 0) : space
    visit(
      {
        name: bytes.toString('latin1', start, nameEnd),
        value: bytes.subarray(Math.min(nameEnd + 1, last), last),
        hasValue: space !== -1,
        terminated,
      },
      start,
      end,
    )
    start = end
  }
  return start
}

/** Where the first space of a line is, or -1. */
function spaceIn(bytes: Buffer, start: number, end: number): number {
  const near = Math.min(start + 32, end)
  for (let at = start; at < near; at += 1) if (bytes[at] === SPACE) return at
  const at = bytes.subarray(near, end).indexOf(SPACE)
  return at === -1 ? -1 : near + at
}

/** Where the line after this one starts. */
function lineEnd(bytes: Buffer, from: number): number {
  // Short lines are not worth a call into the runtime, which looks at long ones four times as fast.
  const near = Math.min(from + 16, bytes.length)
  for (let at = from; at < near; at += 1) if (bytes[at] === LF) return at + 1
  const at = bytes.indexOf(LF, near)
  return at === -1 ? bytes.length : at + 1
}

/** The lines of a signature header without its name and the space before each continuation. */
function unfold(bytes: Buffer, start: number, end: number, nameLength: number): Buffer {
  const from = start + nameLength + 1
  const lines = Buffer.allocUnsafe(end - from)
  let length = 0
  for (let at = from; at < end; at += 1) {
    if (bytes[at] === SPACE && bytes[at - 1] === LF) continue
    lines[length] = bytes[at] ?? 0
    length += 1
  }
  return lines.subarray(0, length)
}

/** Where the last line starts that starts with a known armor, or the length where there is none. */
function lastArmor(bytes: Buffer): number {
  let last = -1
  for (const [, armor] of armors) {
    let at = bytes.lastIndexOf(armor)
    while (at > 0 && bytes[at - 1] !== LF) at = at <= last ? -1 : bytes.lastIndexOf(armor, at - 1)
    last = Math.max(last, at)
  }
  return last === -1 ? bytes.length : last
}

/**
 * What git's remove_signature leaves of a tag: it takes out `gpgsig` and `gpgsig-sha256`, but of
 * several in a row only the last, and leaves other names that start with gpgsig.
 */
function withoutSignatureHeaders(bytes: Buffer): Buffer {
  const found: { start: number; end: number }[] = []
  let current: { start: number; end: number } | undefined
  let line = 0
  while (line < bytes.length && bytes[line] !== LF) {
    const next = lineEnd(bytes, line)
    const text = bytes.toString('latin1', line, Math.min(next, line + 14))
    if (current !== undefined && text.startsWith(' ')) current.end = next
    else if (text.startsWith('gpgsig')) {
      if (text.startsWith('gpgsig ') || text.startsWith('gpgsig-sha256 ')) {
        if (current === undefined) found.push((current = { start: line, end: next }))
        else Object.assign(current, { start: line, end: next })
      }
    } else current = undefined
    line = next
  }
  if (found.length === 0) return bytes
  let kept = bytes
  // git remembers two; objects with more are refused, whatever git's payload is.
  for (const { start, end } of found.slice(0, 2).reverse()) {
    kept = Buffer.concat([kept.subarray(0, start), kept.subarray(end)])
  }
  return kept
}
