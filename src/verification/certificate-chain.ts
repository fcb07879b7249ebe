import { OID } from '../asn1/oid.ts'
import { sha256 } from '../crypto/digest.ts'
import type { Verification } from '../crypto/verify.ts'
import { encodeHex } from '../encoding/hex.ts'
import { MalformedError } from '../errors.ts'
import type { TrustedRoot } from '../sigstore/trusted-root.ts'
import type { Certificate } from '../x509/certificate.ts'
import {
  isInWindow,
  mayBeIssuedBy,
  verifyIssuedBy,
  verifyIssuers,
  whyNotValidAt,
} from '../x509/path.ts'
import type { CertificateAuthority, PathFailure } from '../x509/path.ts'
import { verifyEmbeddedScts } from '../x509/sct.ts'
import type { SctResult } from '../x509/sct.ts'

/** A leaf's path to a CA of one trust root: signatures and constraints, no times. */
export interface CertificateChain {
  readonly authority: CertificateAuthority
  /** The leaf's issuer first, the anchor last. */
  readonly issuers: readonly Certificate[]
}

export type ChainResult =
  | { readonly chain: CertificateChain }
  /** Not this root's. */
  | { readonly chain: undefined; readonly why: string }

/** Finds the CA of a root that issued a leaf, be it directly by a certificate above the first. */
export function* findChain(leaf: Certificate, root: TrustedRoot): Verification<ChainResult> {
  let why = 'no trust root names its issuer'
  for (const authority of root.certificateAuthorities) {
    for (const [i, issuer] of authority.certificates.entries()) {
      try {
        if (!mayBeIssuedBy(leaf, issuer)) continue
        why = 'the issuer it names did not sign it'
        if (!(yield* verifyIssuedBy(leaf, issuer))) continue
        const { issuers, unfit } = yield* issuersFrom(authority, i)
        if (unfit === undefined) return { chain: { authority, issuers } }
        why = unfit.why
      } catch (error) {
        if (!(error instanceof MalformedError)) throw error
        why = error.message
      }
    }
  }
  return { chain: undefined, why }
}

interface VerifiedIssuers {
  readonly issuers: readonly Certificate[]
  readonly unfit: PathFailure | undefined
}

/** By authority and the place of the leaf's issuer in it: the same few for every leaf. */
const verifiedIssuers = new WeakMap<CertificateAuthority, VerifiedIssuers[]>()

function* issuersFrom(
  authority: CertificateAuthority,
  place: number,
): Verification<VerifiedIssuers> {
  const known = verifiedIssuers.get(authority)?.[place]
  if (known !== undefined) return known
  const issuers = authority.certificates.slice(place)
  const verified = { issuers, unfit: yield* verifyIssuers(issuers, OID.codeSigning) }
  const all = verifiedIssuers.get(authority) ?? []
  all[place] = verified
  verifiedIssuers.set(authority, all)
  return verified
}

/** Why a chain did not count at `at` (seconds); undefined where it did. */
export function whyChainNotValid(chain: CertificateChain, at: number): string | undefined {
  if (!isInWindow(chain.authority, at)) return 'the trust root does not name this CA for that time'
  return whyNotValidAt(chain.issuers, at)
}

/**
 * The one public root that issued leaves itself, before June 2022, without embedding timestamps,
 * although its log existed; every later leaf has one.
 */
const ISSUED_WITHOUT_SCT: ReadonlyMap<string, number> = new Map([
  ['3ba7b6cc4e95469d4d334b49cb257ad8537076fa84b0ca87ff4ecfe6a54680c1', Date.UTC(2022, 6) / 1000],
])

/** Timestamps in a leaf; where there are none, whether there had to be. */
export function* verifyScts(
  leaf: Certificate,
  chain: CertificateChain,
  root: TrustedRoot,
): Verification<SctResult> {
  const [issuer] = chain.issuers
  if (issuer === undefined) return { result: 'absent' }
  // A log that cannot be used (`unusable`) is still one that the CA had.
  const hasUnusable = (): boolean => root.unusable.some((part) => part.startsWith('ctlogs'))
  if (root.ctlogs.length === 0 && !hasUnusable()) return { result: 'absent' }
  const result = yield* verifyEmbeddedScts(leaf, issuer, root.ctlogs)
  if (result.result !== 'absent') return result
  const hadLog = root.ctlogs.some((log) => log.validFrom <= leaf.notBefore) || hasUnusable()
  if (!hadLog) return result
  const until = ISSUED_WITHOUT_SCT.get(encodeHex(sha256(issuer.der)))
  if (until !== undefined && leaf.notBefore < until) return result
  return { result: 'failed', why: 'it has no certificate timestamp, but its CA had a log by then' }
}
