import { MalformedError } from '../errors.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'

/** PEM as Go and OpenSSL write it: 64 columns, LF, a final LF (RFC 7468 §2). */
export function encodePem(label: string, bytes: Uint8Array): string {
  const base64 = encodeBase64(bytes)
  let lines = ''
  for (let at = 0; at < base64.length; at += 64) lines += `${base64.slice(at, at + 64)}\n`
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`
}

/**
 * Reads exactly one PEM block in its one canonical spelling; nothing before or after it. The final
 * LF may be missing, as git drops it from an object's header.
 *
 * @throws MalformedError PEM_MALFORMED
 */
export function parsePem(text: string, label: string): Uint8Array {
  const begin = `-----BEGIN ${label}-----\n`
  const end = `-----END ${label}-----\n`
  const whole = text.endsWith('\n') ? text : `${text}\n`
  if (!whole.startsWith(begin) || !whole.endsWith(end)) {
    throw malformed(`expected one ${label} block and nothing else`)
  }
  const body = whole.slice(begin.length, whole.length - end.length)
  const lines = Math.ceil(body.length / 65)
  let base64 = ''
  for (let line = 0; line < lines; line += 1) {
    const from = line * 65
    const to = line === lines - 1 ? body.length - 1 : from + 64
    if (body[to] !== '\n' || to === from) throw malformed('body is not in lines of 64 columns')
    base64 += body.slice(from, to)
  }
  // Whatever is no base64, a line break in the wrong place too, does not come back the same.
  const bytes = decodeBase64(base64)
  if (bytes === undefined || bytes.length === 0) throw malformed('body is not canonical base64')
  return bytes
}

/**
 * Reads every block of a PEM file a person keeps: text between blocks, CRLF and other line lengths
 * are accepted, a block of another label is not.
 *
 * @returns at least one block
 * @throws MalformedError PEM_MALFORMED
 */
export function parsePemBundle(text: string, label: string): Uint8Array[] {
  const blocks: Uint8Array[] = []
  let body: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('-----BEGIN ')) {
      if (body !== undefined) throw malformed('a block begins inside another')
      if (line !== `-----BEGIN ${label}-----`) throw malformed(`expected only ${label} blocks`)
      body = ''
    } else if (line.startsWith('-----END ')) {
      if (body === undefined || line !== `-----END ${label}-----`) {
        throw malformed('a block ends that did not begin')
      }
      const bytes = decodeBase64(body)
      if (bytes === undefined || bytes.length === 0) throw malformed('body is not base64')
      blocks.push(bytes)
      body = undefined
    } else if (body !== undefined) body += line.trim()
  }
  if (body !== undefined) throw malformed('the last block does not end')
  if (blocks.length === 0) throw malformed(`no ${label} block`)
  return blocks
}

function malformed(why: string): MalformedError {
  return new MalformedError('PEM_MALFORMED', `cannot read PEM: ${why}`)
}
