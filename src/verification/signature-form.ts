import { DerReader, TAG, readDer } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { derSet } from '../asn1/write.ts'
import { singleValue } from '../cms/attributes.ts'
import { berToDer } from '../cms/ber.ts'
import { parseSignedData, signerCertificate } from '../cms/signed-data.ts'
import type { SignedData } from '../cms/signed-data.ts'
import type { DigestName } from '../crypto/digest.ts'
import type { SignatureCheck, Verification } from '../crypto/verify.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import { isNull, signatureScheme } from '../x509/algorithm.ts'
import type { AlgorithmIdentifier, SignatureScheme } from '../x509/algorithm.ts'
import { parseCertificate } from '../x509/certificate.ts'
import type { Certificate } from '../x509/certificate.ts'

/** A detached CMS signature in gitsign's form, or in one that comes near enough to be judged. */
export interface SignatureForm {
  readonly signedData: SignedData
  readonly certificate: Certificate
  readonly digest: DigestName
  readonly messageDigest: Uint8Array
  /** Undefined: an algorithm that is not built. */
  readonly scheme: SignatureScheme | undefined
  /**
   * Deviations from the one form, by name: `ber`, `unsorted-certificates`, `unsorted-signed-attributes`,
   * `unsorted-unsigned-attributes`, `more-signed-attributes`, `digest-algorithm`, `null-parameters`,
   * `id-ecPublicKey`, `signature-algorithm`.
   */
  readonly tolerated: readonly string[]
}

/** How certificates are read; a cache may stand in (`LeafCache`). */
export type ReadCertificate = (der: Uint8Array) => Certificate

const DIGESTS: Readonly<Record<string, DigestName>> = {
  [OID.sha1]: 'sha1',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
}

/**
 * Reads a detached signature and holds it against gitsign's form (gitsign.md §7.3): one signer, named
 * by issuer and serial number, whose certificate is embedded once; signed attributes contentType,
 * signingTime and messageDigest once each; SHA-256 and ECDSA on P-256. What real signatures of others
 * have instead is named in `tolerated`. Proves nothing.
 *
 * @throws MalformedError for any other form; ALGORITHM_UNSUPPORTED, KEY_UNSUPPORTED where it may be good
 */
export function readSignatureForm(cms: Uint8Array, read: ReadCertificate): SignatureForm {
  const tolerated: string[] = []
  const signedData = readTolerantly(cms, tolerated)
  const { signer } = signedData
  if (signedData.version !== 1) throw malformed('its version is not 1')
  if (signedData.contentType !== OID.data) throw malformed('its content is not plain data')
  if (signedData.content !== undefined) throw malformed('it brings content of its own')
  const der = signerCertificate(signedData)
  if (der === undefined) throw malformed('the certificate of its signer is not embedded')
  const certificate = read(der)
  const messageDigest = readSignedAttributes(signedData, tolerated)
  const digest = DIGESTS[signer.digestAlgorithm.oid]
  if (digest === undefined)
    throw malformed('its digest algorithm is not known', 'ALGORITHM_UNSUPPORTED')
  const [named, ...more] = signedData.digestAlgorithms
  if (named?.oid !== signer.digestAlgorithm.oid || more.length > 0) {
    throw malformed('it does not name the one digest that its signer uses')
  }
  if (digest !== 'sha256') tolerated.push('digest-algorithm')
  if (![named, signer.digestAlgorithm].every(hasNoParameters)) tolerated.push('null-parameters')
  const scheme = schemeOf(signer.signatureAlgorithm, certificate, digest, tolerated)
  return { signedData, certificate, digest, messageDigest, scheme, tolerated }
}

function readTolerantly(cms: Uint8Array, tolerated: string[]): SignedData {
  let signedData: SignedData
  try {
    signedData = parseSignedData(cms)
  } catch (error) {
    if (!(error instanceof MalformedError) || error.code !== 'DER_MALFORMED') throw error
    const der = berToDer(cms)
    if (equalBytes(der, cms)) throw error
    signedData = parseSignedData(der)
    tolerated.push('ber')
  }
  for (const set of signedData.unsorted) tolerated.push(`unsorted-${set}`)
  return signedData
}

/** Returns messageDigest. */
function readSignedAttributes({ signer }: SignedData, tolerated: string[]): Uint8Array {
  const attributes = signer.signedAttributes
  const contentType = singleValue(attributes, OID.contentType, 'contentType')
  const signingTime = singleValue(attributes, OID.signingTime, 'signingTime')
  const messageDigest = singleValue(attributes, OID.messageDigest, 'messageDigest')
  if (!contentType || !signingTime || !messageDigest) {
    throw malformed('it does not sign content type, time and digest')
  }
  const type = new DerReader(contentType)
  if (type.oid() !== OID.data) throw malformed('it signs another content type')
  type.end()
  const time = new DerReader(signingTime)
  time.time()
  time.end()
  if (attributes.length > 3) tolerated.push('more-signed-attributes')
  return readDer(messageDigest, TAG.octetString).content
}

function schemeOf(
  algorithm: AlgorithmIdentifier,
  { publicKey }: Certificate,
  digest: DigestName,
  tolerated: string[],
): SignatureScheme | undefined {
  const { oid } = algorithm
  const isStrict = oid === OID.ecdsaWithSha256 && publicKey.curve === 'P-256'
  const isKeyType = oid === OID.rsaEncryption || oid === OID.ecPublicKey
  // Identifiers of a kind of key, written where a signature's belongs: the digest is the signer's.
  const named: SignatureScheme | undefined = isKeyType
    ? { type: oid === OID.rsaEncryption ? 'rsa' : 'ec', hash: digest }
    : signatureScheme(algorithm)
  if (oid === OID.ecPublicKey) tolerated.push('id-ecPublicKey')
  else if (!isStrict) tolerated.push('signature-algorithm')
  if (named === undefined || named.type === 'ed25519') return undefined
  if (!hasNoParameters(algorithm)) {
    if (!isNull(algorithm.parameters)) throw malformed('its signature algorithm has parameters')
    if (named.type !== 'rsa') tolerated.push('null-parameters')
  }
  if (named.type !== publicKey.type) throw malformed('its algorithm does not fit the key')
  if (named.hash !== digest) throw malformed('it names two digests')
  return named
}

function hasNoParameters({ parameters }: AlgorithmIdentifier): boolean {
  return parameters === undefined
}

/**
 * The signature over the signed attributes, as they are encoded; where that fails and they are not
 * sorted, over the sorted SET, as RFC 5652 §5.4 has it.
 */
export function* verifySigner(form: SignatureForm, scheme: SignatureScheme): Verification<boolean> {
  const { signer, unsorted } = form.signedData
  const check: SignatureCheck = {
    key: form.certificate.publicKey,
    hash: scheme.hash,
    data: signer.signedBytes,
    signature: signer.signature,
  }
  if (yield check) return true
  if (!unsorted.includes('signed-attributes')) return false
  return yield { ...check, data: derSet(...signer.signedAttributes.map(({ bytes }) => bytes)) }
}

/** @throws MalformedError as `parseCertificate` */
export function readCertificate(der: Uint8Array): Certificate {
  return parseCertificate(der)
}

function malformed(why: string, code = 'SIGNATURE_FORM'): MalformedError {
  return new MalformedError(code, `cannot accept signature: ${why}`)
}
