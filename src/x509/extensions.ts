import { DerReader, TAG, contextTag } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { encodeHex } from '../encoding/hex.ts'
import { LIMITS } from '../encoding/limits.ts'
import { findExtension, malformed } from './certificate.ts'
import type { Certificate, Extension } from './certificate.ts'

/** Readers of single extensions. All throw MalformedError DER_MALFORMED, CERTIFICATE_MALFORMED. */

export interface AlternativeName {
  /** `username` is Fulcio's otherName; `other` any other kind, its text is lower-case hex. */
  readonly kind: 'email' | 'uri' | 'username' | 'dns' | 'other'
  readonly value: string
  /** As facts print it: `email:…`, `uri:…`, `dns:…`, `other:<hex of the name's content>`. */
  readonly text: string
}

/** Names of the subject (RFC 5280 §4.2.1.6); empty where the extension is absent. */
export function subjectAlternativeNames(certificate: Certificate): AlternativeName[] {
  const extension = findExtension(certificate, OID.subjectAltName)
  if (extension === undefined) return []
  const list = enterSequence(extension)
  const names: AlternativeName[] = []
  while (!list.done) {
    if (names.length === LIMITS.alternativeNames) throw malformed('it has too many names')
    const { tag, content } = list.next()
    switch (tag) {
      case 0x81:
        names.push(plainName('email', content))
        break
      case 0x82:
        names.push(plainName('dns', content))
        break
      case 0x86:
        names.push(plainName('uri', content))
        break
      case 0xa0:
        names.push(otherName(content))
        break
      default: {
        const value = encodeHex(content)
        names.push({ kind: 'other', value, text: `other:${value}` })
      }
    }
  }
  if (names.length === 0) throw malformed('its alternative name is empty')
  return names
}

function plainName(kind: 'email' | 'uri' | 'dns', content: Uint8Array): AlternativeName {
  const value = ia5(content)
  return { kind, value, text: `${kind}:${value}` }
}

function otherName(content: Uint8Array): AlternativeName {
  const text = `other:${encodeHex(content)}`
  const fields = new DerReader(content)
  if (fields.oid() !== OID.fulcioUsername) return { kind: 'other', value: text.slice(6), text }
  const outer = fields.enter(contextTag(0))
  fields.end()
  const value = outer.utf8String()
  outer.end()
  return { kind: 'username', value, text }
}

/** IA5String: ASCII. A NUL is kept: it makes the name unlike every name it imitates. */
function ia5(content: Uint8Array): string {
  let text = ''
  for (const octet of content) {
    if (octet >= 0x80) throw malformed('an alternative name is not ASCII')
    text += String.fromCharCode(octet)
  }
  return text
}

/** Key purposes (RFC 5280 §4.2.1.12); undefined where the extension is absent. */
export function extendedKeyUsage(
  certificate: Certificate,
): { purposes: string[]; critical: boolean } | undefined {
  const extension = findExtension(certificate, OID.extendedKeyUsage)
  if (extension === undefined) return undefined
  const list = enterSequence(extension)
  const purposes: string[] = []
  while (!list.done) {
    if (purposes.length === LIMITS.alternativeNames) throw malformed('it has too many purposes')
    purposes.push(list.oid())
  }
  if (purposes.length === 0) throw malformed('its list of purposes is empty')
  return { purposes, critical: extension.critical }
}

export interface KeyUsage {
  readonly digitalSignature: boolean
  /** Since 2005 also called contentCommitment. */
  readonly nonRepudiation: boolean
  readonly keyCertSign: boolean
}

/** The usages that matter here (RFC 5280 §4.2.1.3); undefined where the extension is absent. */
export function keyUsage(certificate: Certificate): KeyUsage | undefined {
  const extension = findExtension(certificate, OID.keyUsage)
  if (extension === undefined) return undefined
  const reader = new DerReader(extension.value)
  const [unused, first = 0, second, more] = reader.take(TAG.bitString)
  reader.end()
  if (unused === undefined || unused > 7 || more !== undefined || (second ?? 0) & 0x7f) {
    throw malformed('its key usage is not a list of nine bits')
  }
  return {
    digitalSignature: (first & 0x80) !== 0,
    nonRepudiation: (first & 0x40) !== 0,
    keyCertSign: (first & 0x04) !== 0,
  }
}

export interface BasicConstraints {
  readonly ca: boolean
  readonly pathLength: number | undefined
}

/** RFC 5280 §4.2.1.9; undefined where the extension is absent. */
export function basicConstraints(certificate: Certificate): BasicConstraints | undefined {
  const extension = findExtension(certificate, OID.basicConstraints)
  if (extension === undefined) return undefined
  const fields = enterSequence(extension)
  const ca = fields.peek() === TAG.boolean && fields.boolean()
  const pathLength = fields.peek() === TAG.integer ? fields.smallInteger() : undefined
  fields.end()
  if (pathLength !== undefined && !ca) throw malformed('it limits a path but is no CA')
  return { ca, pathLength }
}

/** RFC 5280 §4.2.1.2; undefined where the extension is absent. */
export function subjectKeyId(certificate: Certificate): Uint8Array | undefined {
  const extension = findExtension(certificate, OID.subjectKeyIdentifier)
  if (extension === undefined) return undefined
  const reader = new DerReader(extension.value)
  const id = reader.octetString()
  reader.end()
  return id
}

/** keyIdentifier of RFC 5280 §4.2.1.1; undefined where the extension or the member is absent. */
export function authorityKeyId(certificate: Certificate): Uint8Array | undefined {
  const extension = findExtension(certificate, OID.authorityKeyIdentifier)
  if (extension === undefined) return undefined
  return enterSequence(extension).optional(0x80)
}

/** The content of an extension that is one SEQUENCE. */
function enterSequence(extension: Extension): DerReader {
  const reader = new DerReader(extension.value)
  const fields = reader.sequence()
  reader.end()
  return fields
}
