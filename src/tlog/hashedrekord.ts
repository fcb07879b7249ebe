import { encodeBase64 } from '../encoding/base64.ts'
import { encodeAscii, encodeUtf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { encodeHex } from '../encoding/hex.ts'
import type { JsonValue } from '../encoding/json.ts'
import { encodePem } from '../encoding/pem.ts'
import type { PublicKey } from '../crypto/keys.ts'
import type { KindVersion, TransparencyLogEntry } from './entry.ts'

export type LoggedDigest = 'sha256' | 'sha384' | 'sha512'

/** What makes a signature: the certificate or bare key it verifies with. */
export interface LogVerifier {
  /** DER of the certificate, or SubjectPublicKeyInfo. */
  der: Uint8Array
  isCertificate: boolean
  publicKey: PublicKey
}

/** What a hashedrekord entry says: this signature over this digest by this key. */
export interface Hashedrekord {
  algorithm: LoggedDigest
  digest: Uint8Array
  signature: Uint8Array
  verifier: LogVerifier
}

/** Bytes that a log may hold for an entry, and what kind they are. */
export interface LogBody {
  kindVersion: KindVersion
  bytes: Uint8Array
}

const V2_ALGORITHM: Record<LoggedDigest, string> = {
  sha256: 'SHA2_256',
  sha384: 'SHA2_384',
  sha512: 'SHA2_512',
}

/** The canonical body that Rekor v1 hashes into its tree: hashedrekord 0.0.1. */
export function hashedrekordBodyV1(content: Hashedrekord): Uint8Array {
  const { verifier } = content
  const pem = encodePem(verifier.isCertificate ? 'CERTIFICATE' : 'PUBLIC KEY', verifier.der)
  // RFC 8785 form written out: every value is hex, base64 or a name, so nothing needs escaping.
  return encodeAscii(
    `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"${content.algorithm}",` +
      `"value":"${encodeHex(content.digest)}"}},"signature":{"content":"${encodeBase64(content.signature)}",` +
      `"publicKey":{"content":"${encodeBase64(encodeAscii(pem))}"}}}}`,
  )
}

/** The canonical body that Rekor v2 hashes into its tree: hashedrekord 0.0.2. */
export function hashedrekordBodyV2(content: Hashedrekord): Uint8Array {
  const { verifier } = content
  const key: JsonValue = { rawBytes: encodeBase64(verifier.der) }
  return encodeUtf8(
    canonicalJson({
      apiVersion: '0.0.2',
      kind: 'hashedrekord',
      spec: {
        hashedRekordV002: {
          data: {
            algorithm: V2_ALGORITHM[content.algorithm],
            digest: encodeBase64(content.digest),
          },
          signature: {
            content: encodeBase64(content.signature),
            verifier: {
              keyDetails: keyDetails(verifier.publicKey),
              ...(verifier.isCertificate ? { x509Certificate: key } : { publicKey: key }),
            },
          },
        },
      },
    }),
  )
}

/** Name of the signature algorithm that a key signs log entries with (PublicKeyDetails). */
export function keyDetails(key: PublicKey): string {
  switch (key.type) {
    case 'ed25519':
      return 'PKIX_ED25519_PH'
    case 'rsa':
      return `PKIX_RSA_PKCS1V15_${key.bits ?? 0}_SHA256`
    case 'ec':
      if (key.curve === 'P-384') return 'PKIX_ECDSA_P384_SHA_384'
      return key.curve === 'P-521' ? 'PKIX_ECDSA_P521_SHA_512' : 'PKIX_ECDSA_P256_SHA_256'
  }
}

/**
 * Bodies that an entry without one may stand for, the stated version first. gitsign 0.17 stamps 0.0.1
 * on what Rekor v2 holds as 0.0.2, so where nothing comes from v1 (no promise, no integrated time)
 * both are tried; the Merkle proof decides. Another kind or version has none.
 */
export function hashedrekordBodies(
  entry: Pick<TransparencyLogEntry, 'kindVersion' | 'integratedTime' | 'inclusionPromise'>,
  content: Hashedrekord,
): LogBody[] {
  const { kind, version } = entry.kindVersion
  if (kind !== 'hashedrekord') return []
  const v2 = (): LogBody => ({
    kindVersion: { kind, version: '0.0.2' },
    bytes: hashedrekordBodyV2(content),
  })
  if (version === '0.0.2') return [v2()]
  if (version !== '0.0.1') return []
  const v1 = { kindVersion: { kind, version }, bytes: hashedrekordBodyV1(content) }
  const mayBeV2 = entry.inclusionPromise === undefined && entry.integratedTime === 0n
  return mayBeV2 ? [v1, v2()] : [v1]
}
