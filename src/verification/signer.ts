import { OID } from '../asn1/oid.ts'
import { sha256 } from '../crypto/digest.ts'
import { encodeHex } from '../encoding/hex.ts'
import { MalformedError } from '../errors.ts'
import type { CertificateFacts, Signer } from '../facts.ts'
import type { Certificate } from '../x509/certificate.ts'
import {
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectAlternativeNames,
} from '../x509/extensions.ts'
import type { AlternativeName } from '../x509/extensions.ts'
import { fulcioIdentity } from '../x509/fulcio.ts'
import { formatName } from '../x509/name.ts'
import { unknownCriticalExtension } from '../x509/path.ts'
import { formatTime } from './time.ts'

/** What a certificate says, whoever vouches for it. Parts that cannot be read are left empty. */
export function certificateFacts(certificate: Certificate): CertificateFacts {
  return {
    serial: encodeHex(certificate.serial),
    sha256: encodeHex(sha256(certificate.der)),
    not_before: formatTime(certificate.notBefore),
    not_after: formatTime(certificate.notAfter),
    issuer: orElse('', () => formatName(certificate.issuer)),
    san: orElse([], () => subjectAlternativeNames(certificate)).map(({ text }) => text),
  }
}

/**
 * Who a certificate names, where that is exactly one name of a kind that can sign here.
 *
 * @param trust - name of the trust root that vouches, `none` where none does
 */
export function signerFacts(certificate: Certificate, trust: string): Signer | null {
  const name = orElse(undefined, () => soleName(subjectAlternativeNames(certificate)))
  if (name === undefined) return null
  const identity = orElse(undefined, () => fulcioIdentity(certificate))
  return {
    ...name,
    issuer: identity?.issuer ?? '',
    trust,
    claims: identity?.claims ?? {},
  }
}

function soleName(names: readonly AlternativeName[]): Pick<Signer, 'kind' | 'value'> | undefined {
  const [name] = names
  if (name === undefined || names.length !== 1 || name.value === '') return undefined
  const { kind, value } = name
  return kind === 'email' || kind === 'uri' || kind === 'username' ? { kind, value } : undefined
}

/**
 * Why a certificate of a Fulcio CA may not sign code; undefined where it may: an end entity's key for
 * digital signatures and code signing, nothing critical that is not understood, one name, one issuer.
 */
export function whyNoSigner(certificate: Certificate): string | undefined {
  try {
    const unknown = unknownCriticalExtension(certificate)
    if (unknown !== undefined) return `it has the unknown critical extension ${unknown}`
    if (basicConstraints(certificate)?.ca === true) return 'it is that of a CA'
    if (keyUsage(certificate)?.digitalSignature !== true) return 'its key may not sign'
    const purposes = extendedKeyUsage(certificate)?.purposes ?? []
    if (!purposes.includes(OID.codeSigning)) return 'it is not for code signing'
    const names = subjectAlternativeNames(certificate)
    if (names.length !== 1) return `it has ${String(names.length)} names instead of one`
    if (soleName(names) === undefined) return 'its name is of a kind that is not known'
    if (!fulcioIdentity(certificate).issuer) return 'it names no issuer of its identity'
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
  return undefined
}

/** What `read` gives, or `fallback` where the certificate is malformed there. */
function orElse<T>(fallback: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedError) return fallback
    throw error
  }
}
