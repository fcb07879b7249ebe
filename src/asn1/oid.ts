import { MalformedError } from '../errors.ts'

/** Object identifiers by their names in the standards. */
export const OID = {
  // CMS (RFC 5652) and PKCS #9 (RFC 2985)
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  // Time-Stamp Protocol (RFC 3161, RFC 5816)
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  timeStampToken: '1.2.840.113549.1.9.16.2.14',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
  // digests and signatures
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  rsaEncryption: '1.2.840.113549.1.1.1',
  sha1WithRsaEncryption: '1.2.840.113549.1.1.5',
  sha256WithRsaEncryption: '1.2.840.113549.1.1.11',
  sha384WithRsaEncryption: '1.2.840.113549.1.1.12',
  sha512WithRsaEncryption: '1.2.840.113549.1.1.13',
  ecPublicKey: '1.2.840.10045.2.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  ed25519: '1.3.101.112',
  secp256r1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',
  secp521r1: '1.3.132.0.35',
  // certificate extensions (RFC 5280) and key purposes
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  // Certificate Transparency (RFC 6962 §3.1, §3.3)
  sct: '1.3.6.1.4.1.11129.2.4.2',
  ctPoison: '1.3.6.1.4.1.11129.2.4.3',
  // sigstore: Fulcio's arc, its otherName, gitsign's log entry
  fulcio: '1.3.6.1.4.1.57264.1',
  fulcioUsername: '1.3.6.1.4.1.57264.1.7',
  timestampPolicy: '1.3.6.1.4.1.57264.2',
  gitsignLegacyEntry: '1.3.6.1.4.1.57264.3',
  rekorEntry: '1.3.6.1.4.1.57264.3.1',
} as const

/** Longest encoding read: no identifier in use comes near it, and decoding costs its square. */
const MAX_OID_BYTES = 128
/** Arcs from here on are gathered as bigint; every one in use is smaller. */
const MAX_SMALL_ARC = 2 ** 45

/**
 * @param content - content octets of an OBJECT IDENTIFIER
 * @returns dotted decimal
 * @throws MalformedError DER_MALFORMED
 */
export function decodeOid(content: Uint8Array): string {
  if (content.length === 0) throw malformed('an OBJECT IDENTIFIER is empty')
  if (content.length > MAX_OID_BYTES) throw malformed('an OBJECT IDENTIFIER is too long')
  if ((content.at(-1) ?? 0) >= 0x80) throw malformed('an OBJECT IDENTIFIER is cut off')
  let text = ''
  let arc = 0
  let large: bigint | undefined
  let begins = true
  for (const octet of content) {
    if (begins && octet === 0x80) throw malformed('an OBJECT IDENTIFIER is not minimal')
    if (large !== undefined) large = (large << 7n) | BigInt(octet & 0x7f)
    else if (arc >= MAX_SMALL_ARC) large = (BigInt(arc) << 7n) | BigInt(octet & 0x7f)
    else arc = arc * 128 + (octet & 0x7f)
    begins = octet < 0x80
    if (!begins) continue
    if (text === '') {
      const root = large !== undefined || arc >= 80 ? 2 : arc >= 40 ? 1 : 0
      text = `${String(root)}.${String(large === undefined ? arc - root * 40 : large - 80n)}`
    } else text += `.${String(large ?? arc)}`
    arc = 0
    large = undefined
  }
  return text
}

/** Identifiers that were read before, each in the place that its bytes lead to: few are in use. */
const known: { readonly content: Uint8Array; readonly text: string }[] = []
const KNOWN_PLACES = 256

/** `decodeOid` of the bytes from `from` up to `end`. */
export function readOid(bytes: Uint8Array, from: number, end: number): string {
  let place = 0
  for (let at = from; at < end; at += 1) place = (place * 31 + (bytes[at] ?? 0)) % KNOWN_PLACES
  const before = known[place]
  if (before !== undefined && isAt(before.content, bytes, from, end)) return before.text
  const content = bytes.slice(from, end)
  const text = decodeOid(content)
  known[place] = { content, text }
  return text
}

function isAt(content: Uint8Array, bytes: Uint8Array, from: number, end: number): boolean {
  const { length } = content
  if (length !== end - from) return false
  for (let i = 0; i < length; i += 1) if (content[i] !== bytes[from + i]) return false
  return true
}

/** Content octets of an OBJECT IDENTIFIER; `oid` is one of ours, not input. */
export function encodeOid(oid: string): Uint8Array {
  const [root = 0, second = 0, ...arcs] = oid.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [root * 40 + second, ...arcs]) {
    const group = [arc % 128]
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
      group.unshift((rest % 128) | 0x80)
    }
    octets.push(...group)
  }
  return Uint8Array.from(octets)
}

function malformed(why: string): MalformedError {
  return new MalformedError('DER_MALFORMED', `cannot read DER: ${why}`)
}
