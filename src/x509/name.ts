import { DerReader, TAG } from '../asn1/der.ts'
import { decodeUtf8, latin1 } from '../encoding/bytes.ts'
import { encodeHex } from '../encoding/hex.ts'

const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
}

/** Few CAs issue many leaves. */
const MAX_KNOWN = 64
const known = new Map<string, string>()

/**
 * A DER Name as text, most specific part first, special characters escaped; for people, never for
 * comparing. Controls are not escaped.
 *
 * @throws MalformedError DER_MALFORMED
 * @see RFC 4514 §2
 */
export function formatName(name: Uint8Array): string {
  const key = latin1(name)
  let text = known.get(key)
  if (text === undefined) {
    text = format(name)
    if (known.size < MAX_KNOWN && key.length < 1024) known.set(key, text)
  }
  return text
}

function format(name: Uint8Array): string {
  const outer = new DerReader(name)
  const sequence = outer.sequence()
  const parts: string[] = []
  while (!sequence.done) {
    const set = sequence.set()
    const attributes: string[] = []
    while (!set.done) {
      const fields = set.sequence()
      const type = fields.oid()
      const { tag, content, bytes } = fields.next()
      const text = decodeString(tag, content)
      attributes.push(
        `${SHORT_NAMES[type] ?? type}=${text === undefined ? `#${encodeHex(bytes)}` : escapeValue(text)}`,
      )
    }
    parts.unshift(attributes.join('+'))
  }
  return parts.join(',')
}

function decodeString(tag: number, content: Uint8Array): string | undefined {
  switch (tag) {
    case TAG.utf8String:
      return decodeUtf8(content)
    case 0x13: // PrintableString
    case 0x14: // TeletexString, in practice Latin-1
    case 0x16: // IA5String
      return latin1(content)
    default:
      return undefined
  }
}

function escapeValue(text: string): string {
  return text.replace(/[,+"\\<>;]|^[ #]| $/g, '\\$&')
}
