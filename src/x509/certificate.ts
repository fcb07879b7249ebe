import { DerReader, TAG, contextTag, readDer } from '../asn1/der.ts'
import { parsePublicKey } from '../crypto/keys.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { LIMITS } from '../encoding/limits.ts'
import { MalformedError } from '../errors.ts'
import { readAlgorithm } from './algorithm.ts'
import type { AlgorithmIdentifier } from './algorithm.ts'

/** One extension; `value` is the content of its OCTET STRING. */
export interface Extension {
  readonly oid: string
  readonly critical: boolean
  readonly value: Uint8Array
  /** The whole element. */
  readonly bytes: Uint8Array
}

/** An X.509 certificate; every byte field is a slice of `der`. */
export interface Certificate {
  readonly der: Uint8Array
  /** TBSCertificate: what the issuer signs. */
  readonly tbs: Uint8Array
  /** Content of the INTEGER. */
  readonly serial: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signature: Uint8Array
  /** DER Name. */
  readonly issuer: Uint8Array
  /** DER Name; empty in a Fulcio leaf. */
  readonly subject: Uint8Array
  /** Seconds since the epoch, inclusive. */
  readonly notBefore: number
  /** Seconds since the epoch, inclusive. */
  readonly notAfter: number
  readonly publicKey: PublicKey
  /** In their order; one may be there twice (`findExtension` refuses that). None in version 1. */
  readonly extensions: readonly Extension[]
}

/**
 * Reads an X.509 certificate of version 3 or 1. Proves nothing: neither its signature nor what its
 * extensions say.
 *
 * @throws MalformedError DER_MALFORMED, CERTIFICATE_MALFORMED, KEY_MALFORMED, KEY_UNSUPPORTED
 * @see RFC 5280 §4.1
 */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > LIMITS.certificateBytes) throw malformed('it is too long')
  const certificate = new DerReader(readDer(der, TAG.sequence).content)
  const tbs = certificate.next(TAG.sequence)
  const signatureAlgorithm = readAlgorithm(certificate)
  const signature = certificate.bitString()
  certificate.end()

  const fields = new DerReader(tbs.content)
  const version = fields.tryEnter(contextTag(0))
  if (version !== undefined && version.smallInteger() !== 2) throw malformed('it is not version 3')
  version?.end()
  const serial = fields.integer()
  const inner = readAlgorithm(fields)
  if (!equalBytes(inner.content, signatureAlgorithm.content)) {
    throw malformed('it names two signature algorithms')
  }
  const issuer = fields.element(TAG.sequence)
  const validity = fields.sequence()
  const notBefore = validity.time()
  const notAfter = validity.time()
  validity.end()
  const subject = fields.element(TAG.sequence)
  const publicKey = parsePublicKey(fields.element(TAG.sequence))
  // Unique identifiers ([1], [2]) are refused: RFC 5280 forbids issuing them.
  // Version 1, which leaves its number out, has no extensions: such a one issues nothing and names nobody.
  const extensions = version === undefined ? [] : readExtensions(fields.enter(contextTag(3)))
  fields.end()
  return {
    der,
    tbs: tbs.bytes,
    serial,
    signatureAlgorithm,
    signature,
    issuer,
    subject,
    notBefore,
    notAfter,
    publicKey,
    extensions,
  }
}

function readExtensions(outer: DerReader): Extension[] {
  const list = outer.sequence()
  outer.end()
  const extensions: Extension[] = []
  while (!list.done) {
    if (extensions.length === LIMITS.extensions) throw malformed('it has too many extensions')
    const element = list.next(TAG.sequence)
    const fields = new DerReader(element.content)
    const oid = fields.oid()
    // An explicit FALSE is not DER, but CAs that people use write it, and it is signed.
    const critical = fields.peek() === TAG.boolean && fields.boolean()
    const value = fields.octetString()
    fields.end()
    extensions.push({ oid, critical, value, bytes: element.bytes })
  }
  if (extensions.length === 0) throw malformed('its list of extensions is empty')
  return extensions
}

/**
 * The extension of this type.
 *
 * @returns undefined where there is none
 * @throws MalformedError CERTIFICATE_MALFORMED where it is there twice (RFC 5280 §4.2)
 */
export function findExtension(certificate: Certificate, oid: string): Extension | undefined {
  let found: Extension | undefined
  for (const extension of certificate.extensions) {
    if (extension.oid !== oid) continue
    if (found !== undefined) throw malformed(`extension ${oid} is there twice`)
    found = extension
  }
  return found
}

export function malformed(why: string): MalformedError {
  return new MalformedError('CERTIFICATE_MALFORMED', `cannot read certificate: ${why}`)
}
