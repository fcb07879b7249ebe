import { OID } from '../asn1/oid.ts'
import type { Verification } from '../crypto/verify.ts'
import { equalBytes } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import { hasStandardParameters, signatureScheme } from './algorithm.ts'
import type { Certificate } from './certificate.ts'
import {
  authorityKeyId,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  subjectKeyId,
} from './extensions.ts'

/** A CA as a trust root names it. */
export interface CertificateAuthority {
  readonly uri: string
  /** The issuing certificate first, the anchor last; never empty. */
  readonly certificates: readonly Certificate[]
  /** Seconds, inclusive; fractions count. */
  readonly validFrom: number
  /** Seconds, inclusive. */
  readonly validUntil: number | undefined
}

/** Whether `at` (seconds) lies in a window; both ends are inside. */
export function isInWindow(
  window: { readonly validFrom: number; readonly validUntil: number | undefined },
  at: number,
): boolean {
  return window.validFrom <= at && (window.validUntil === undefined || at <= window.validUntil)
}

/** Whether `at` (seconds) lies in the certificate's validity; both ends are inside. */
export function isValidAt(certificate: Certificate, at: number): boolean {
  return certificate.notBefore <= at && at <= certificate.notAfter
}

/** Why a path was refused, for people. */
export interface PathFailure {
  readonly why: string
}

/**
 * Whether `issuer` signed `certificate`: names, key identifiers where both are there, signature.
 * Says nothing about whether `issuer` may issue.
 *
 * @throws MalformedError of either certificate's extensions
 */
export function* verifyIssuedBy(
  certificate: Certificate,
  issuer: Certificate,
): Verification<boolean> {
  if (!mayBeIssuedBy(certificate, issuer)) return false
  const scheme = signatureScheme(certificate.signatureAlgorithm)
  if (scheme === undefined || scheme.hash === 'sha1') return false
  if (scheme.type !== issuer.publicKey.type) return false
  if (!hasStandardParameters(certificate.signatureAlgorithm)) return false
  return yield {
    key: issuer.publicKey,
    hash: scheme.hash,
    data: certificate.tbs,
    signature: certificate.signature,
  }
}

/** The part of `verifyIssuedBy` that needs no key: names, and key identifiers where both are there. */
export function mayBeIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!equalBytes(certificate.issuer, issuer.subject)) return false
  const wanted = authorityKeyId(certificate)
  const actual = wanted && subjectKeyId(issuer)
  return wanted === undefined || actual === undefined || equalBytes(wanted, actual)
}

/**
 * Whether certificates of a trust root may together issue leaves for `purpose`: CA constraints, path
 * lengths, purposes, critical extensions, the signatures among them. The last one is trusted by being
 * there. Signatures are checked once per certificate object.
 *
 * @param issuers - the leaf's issuer first, the anchor last
 * @returns undefined where they may
 * @throws MalformedError of their extensions
 */
export function* verifyIssuers(
  issuers: readonly Certificate[],
  purpose: string,
): Verification<PathFailure | undefined> {
  for (const [depth, issuer] of issuers.entries()) {
    const why = whyNoAuthority(issuer, depth, purpose)
    if (why !== undefined) return { why }
    const next = issuers[depth + 1]
    if (next !== undefined && !(yield* verifyLink(issuer, next))) {
      return { why: 'a CA certificate of the trust root is not signed by the next one' }
    }
  }
  return undefined
}

/** Why none of `issuers` could issue at `at` (seconds); undefined where all were valid. */
export function whyNotValidAt(issuers: readonly Certificate[], at: number): string | undefined {
  return issuers.every((issuer) => isValidAt(issuer, at))
    ? undefined
    : 'a CA certificate was not valid then'
}

const links = new WeakMap<Certificate, { issuer: Certificate; holds: boolean }>()

/**
 * Takes the signatures among certificates as checked: for those that ship with us, where a test of ours
 * checks the same bytes. Nothing else about them is taken for granted.
 *
 * @param issuers - as `verifyIssuers`
 */
export function assumeLinks(issuers: readonly Certificate[]): void {
  for (const [depth, certificate] of issuers.entries()) {
    const issuer = issuers[depth + 1]
    if (issuer !== undefined) links.set(certificate, { issuer, holds: true })
  }
}

function* verifyLink(certificate: Certificate, issuer: Certificate): Verification<boolean> {
  const known = links.get(certificate)
  if (known?.issuer === issuer) return known.holds
  const holds = yield* verifyIssuedBy(certificate, issuer)
  links.set(certificate, { issuer, holds })
  return holds
}

const KNOWN_CRITICAL: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectAltName,
  OID.subjectKeyIdentifier,
  OID.authorityKeyIdentifier,
])

/** The first critical extension that is not understood here (RFC 5280 §4.2), if any. */
export function unknownCriticalExtension(certificate: Certificate): string | undefined {
  return certificate.extensions.find(({ oid, critical }) => critical && !KNOWN_CRITICAL.has(oid))
    ?.oid
}

function whyNoAuthority(issuer: Certificate, depth: number, purpose: string): string | undefined {
  const unknown = unknownCriticalExtension(issuer)
  if (unknown !== undefined) return `a CA certificate has the unknown critical extension ${unknown}`
  const constraints = basicConstraints(issuer)
  if (constraints?.ca !== true) return 'an issuer is not a CA'
  if (constraints.pathLength !== undefined && constraints.pathLength < depth) {
    return 'a CA allows no path of this length'
  }
  if (keyUsage(issuer)?.keyCertSign === false) return 'a CA may not sign certificates'
  const purposes = extendedKeyUsage(issuer)?.purposes
  if (purposes !== undefined && !purposes.includes(purpose)) return 'a CA is for other purposes'
  return undefined
}

/** Runs `read` and turns what an extension reader refuses into the reason. */
export function whyMalformed(read: () => string | undefined): string | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
}
