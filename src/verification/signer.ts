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
import type { FulcioIdentity } from '../x509/fulcio.ts'
import { formatName } from '../x509/name.ts'
import { unknownCriticalExtension } from '../x509/path.ts'
import { isoTime } from '../encoding/time.ts'

/** What a certificate says, whoever vouches for it. Parts that cannot be read are left empty. */
export function certificateFacts(certificate: Certificate): CertificateFacts {
  return profileOf(certificate).facts
}

/**
 * Who a certificate names, where that is exactly one name of a kind that can sign here.
 *
 * @param trust - name of the trust root that vouches, `none` where none does
 */
export function signerFacts(certificate: Certificate, trust: string): Signer | null {
  const { name, identity } = profileOf(certificate)
  if (name === undefined) return null
  const { kind, value } = name
  return { kind, value, issuer: identity?.issuer ?? '', trust, claims: identity?.claims ?? {} }
}

/**
 * Why a certificate of a Fulcio CA may not sign code; undefined where it may: an end entity's key for
 * digital signatures and code signing, nothing critical that is not understood, one name, one issuer.
 */
export function whyNoSigner(certificate: Certificate): string | undefined {
  const { names, name, identity, why } = profileOf(certificate)
  if (why !== undefined) return why
  if (names.length !== 1) return `it has ${String(names.length)} names instead of one`
  if (name === undefined) return 'its name is of a kind that is not known'
  if (!identity?.issuer) return 'it names no issuer of its identity'
  return undefined
}

interface Profile {
  readonly facts: CertificateFacts
  readonly names: readonly AlternativeName[]
  readonly name: Pick<Signer, 'kind' | 'value'> | undefined
  readonly identity: FulcioIdentity | undefined
  /** Why it may not sign, apart from whom it names. */
  readonly why: string | undefined
}

const profiles = new WeakMap<Certificate, Profile>()

/** Everything that is read from one leaf, once. */
function profileOf(certificate: Certificate): Profile {
  const known = profiles.get(certificate)
  if (known !== undefined) return known
  const reasons: string[] = []
  const unfit = orElse(undefined, reasons, () => whyUnfit(certificate))
  if (unfit !== undefined) reasons.unshift(unfit)
  const names = orElse([], reasons, () => subjectAlternativeNames(certificate))
  const identity = orElse(undefined, reasons, () => fulcioIdentity(certificate))
  const profile = {
    names,
    identity,
    name: soleName(names),
    facts: {
      serial: encodeHex(certificate.serial),
      sha256: encodeHex(sha256(certificate.der)),
      not_before: isoTime(certificate.notBefore * 1000),
      not_after: isoTime(certificate.notAfter * 1000),
      issuer: orElse('', [], () => formatName(certificate.issuer)),
      san: names.map(({ text }) => text),
    },
    why: reasons[0],
  }
  profiles.set(certificate, profile)
  return profile
}

function soleName(names: readonly AlternativeName[]): Pick<Signer, 'kind' | 'value'> | undefined {
  const [name] = names
  if (name === undefined || names.length !== 1 || name.value === '') return undefined
  const { kind, value } = name
  return kind === 'email' || kind === 'uri' || kind === 'username' ? { kind, value } : undefined
}

function whyUnfit(certificate: Certificate): string | undefined {
  const unknown = unknownCriticalExtension(certificate)
  if (unknown !== undefined) return `it has the unknown critical extension ${unknown}`
  if (basicConstraints(certificate)?.ca === true) return 'it is that of a CA'
  if (keyUsage(certificate)?.digitalSignature !== true) return 'its key may not sign'
  const purposes = extendedKeyUsage(certificate)?.purposes ?? []
  return purposes.includes(OID.codeSigning) ? undefined : 'it is not for code signing'
}

/** What `read` gives; where the certificate is malformed there `fallback`, and the reason is kept. */
function orElse<T>(fallback: T, reasons: string[], read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    reasons.push(error.message)
    return fallback
  }
}
