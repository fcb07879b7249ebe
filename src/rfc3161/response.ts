import { DerReader, TAG, readDer } from '../asn1/der.ts'
import { derInteger, derSequence } from '../asn1/write.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { escapeText } from '../encoding/escape.ts'
import { MalformedError, RefusedError } from '../errors.ts'
import type { TimestampToken } from './token.ts'

const GRANTED = 0

/** PKIFailureInfo by bit (RFC 3161 §2.4.2). */
const FAILURES: Readonly<Record<number, string>> = {
  0: 'badAlg',
  2: 'badRequest',
  5: 'badDataFormat',
  14: 'timeNotAvailable',
  15: 'unacceptedPolicy',
  16: 'unacceptedExtension',
  17: 'addInfoNotAvailable',
  25: 'systemFailure',
}

/**
 * The token (a ContentInfo) in a TimeStampResp that was granted. Status 0 only: what is granted with
 * modifications is not what was asked for. The token itself is not read.
 *
 * @throws MalformedError `DER_MALFORMED`, `TIMESTAMP_MALFORMED`; RefusedError `TIMESTAMP_REFUSED`
 * @see RFC 3161 §2.4.2
 */
export function parseTimestampResponse(der: Uint8Array): Uint8Array {
  const response = new DerReader(readDer(der, TAG.sequence).content)
  const info = response.sequence()
  const status = info.smallInteger()
  const texts = info.tryEnter(TAG.sequence)
  const text = texts?.utf8String()
  const failure = info.optional(TAG.bitString)
  info.end()
  if (status !== GRANTED) {
    const why = [`status ${status}`, failure && failureName(failure), text && escapeText(text)]
    throw new RefusedError(
      'TIMESTAMP_REFUSED',
      `the timestamp authority refused: ${why.filter(Boolean).join(', ')}`,
    )
  }
  if (response.done) {
    throw new MalformedError(
      'TIMESTAMP_MALFORMED',
      'cannot read timestamp response: it has no token',
    )
  }
  const token = response.element(TAG.sequence)
  response.end()
  return token
}

/** A token as a granted TimeStampResp, which is what Sigstore bundles hold. */
export function encodeTimestampResponse(token: Uint8Array): Uint8Array {
  return derSequence(derSequence(derInteger(GRANTED)), token)
}

/** Whether a token answers the request made with this nonce (unsigned, most significant first). */
export function answersNonce(token: TimestampToken, nonce: Uint8Array): boolean {
  const { content } = readDer(derInteger(nonce), TAG.integer)
  return token.info.nonce !== undefined && equalBytes(token.info.nonce, content)
}

function failureName(bits: Uint8Array): string | undefined {
  const [, ...octets] = bits
  for (const [index, octet] of octets.entries()) {
    for (let bit = 0; bit < 8; bit += 1) {
      if ((octet & (0x80 >> bit)) !== 0) return FAILURES[index * 8 + bit]
    }
  }
  return undefined
}
