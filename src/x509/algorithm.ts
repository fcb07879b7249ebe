import { DerReader, TAG } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import type { PublicKey } from '../crypto/keys.ts'
import type { SignatureCheck } from '../crypto/verify.ts'

/** AlgorithmIdentifier (RFC 5280 §4.1.1.2); what it names need not be known. */
export interface AlgorithmIdentifier {
  readonly oid: string
  /** Content of the SEQUENCE. */
  readonly content: Uint8Array
  /** DER of the parameters; undefined where absent. */
  readonly parameters: Uint8Array | undefined
}

export type SignatureHash = SignatureCheck['hash']

/** A kind of key together with the digest it signs. */
export interface SignatureScheme {
  readonly type: PublicKey['type']
  readonly hash: SignatureHash
}

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  [OID.ecdsaWithSha256]: { type: 'ec', hash: 'sha256' },
  [OID.ecdsaWithSha384]: { type: 'ec', hash: 'sha384' },
  [OID.ecdsaWithSha512]: { type: 'ec', hash: 'sha512' },
  [OID.sha1WithRsaEncryption]: { type: 'rsa', hash: 'sha1' },
  [OID.sha256WithRsaEncryption]: { type: 'rsa', hash: 'sha256' },
  [OID.sha384WithRsaEncryption]: { type: 'rsa', hash: 'sha384' },
  [OID.sha512WithRsaEncryption]: { type: 'rsa', hash: 'sha512' },
  [OID.ed25519]: { type: 'ed25519', hash: 'none' },
}

/** @throws MalformedError DER_MALFORMED */
export function readAlgorithm(reader: DerReader): AlgorithmIdentifier {
  const content = reader.take(TAG.sequence)
  const fields = new DerReader(content)
  const oid = fields.oid()
  const parameters = fields.done ? undefined : fields.element()
  fields.end()
  return { oid, content, parameters }
}

/** The scheme an identifier names; undefined for one we do not know. Parameters are not looked at. */
export function signatureScheme(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  return SCHEMES[algorithm.oid]
}

/**
 * Whether the parameters are as they must be: absent, or with RSA NULL, whose absence RFC 4055 §5 has
 * readers accept as well (Go's timestamp authorities leave it out).
 */
export function hasStandardParameters({ oid, parameters }: AlgorithmIdentifier): boolean {
  if (parameters === undefined) return true
  const isRsa = oid === OID.rsaEncryption || SCHEMES[oid]?.type === 'rsa'
  return isRsa && isNull(parameters)
}

export function isNull(parameters: Uint8Array | undefined): boolean {
  return parameters?.length === 2 && parameters[0] === 0x05 && parameters[1] === 0
}
