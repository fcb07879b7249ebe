import { OID } from '../asn1/oid.ts'
import { derBoolean, derInteger, derOctetString, derOid, derSequence } from '../asn1/write.ts'
import { sha256 } from '../crypto/digest.ts'

const VERSION = 1

/**
 * A TimeStampReq over SHA-256 of `data`, asking for the authority's certificates. As gitsign writes it:
 * no parameters beside the digest's OID, no policy.
 *
 * @param data - what is stamped: for a signature its raw bytes
 * @param nonce - random bytes, unsigned, most significant first
 * @see RFC 3161 §2.4.1
 */
export function buildTimestampRequest(data: Uint8Array, nonce: Uint8Array): Uint8Array {
  return derSequence(
    derInteger(VERSION),
    derSequence(derSequence(derOid(OID.sha256)), derOctetString(sha256(data))),
    derInteger(nonce),
    derBoolean(true),
  )
}
