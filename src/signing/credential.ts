import { generateSigningKey } from '../crypto/keys.ts'
import type { SigningKey } from '../crypto/keys.ts'
import { runSync } from '../crypto/verify.ts'
import { encodeUtf8, equalBytes } from '../encoding/bytes.ts'
import { escapeText } from '../encoding/escape.ts'
import { MalformedError, RefusedError } from '../errors.ts'
import type { IdToken, Principal } from '../oidc/id-token.ts'
import { requestCertificate } from '../sigstore/fulcio.ts'
import type { RetryOptions } from '../sigstore/retry.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { displayUrl } from '../sigstore/url.ts'
import { findChain, verifyScts, whyChainNotValid } from '../verification/certificate-chain.ts'
import { whyNoSigner } from '../verification/signer.ts'
import { parseCertificate } from '../x509/certificate.ts'
import type { Certificate } from '../x509/certificate.ts'
import { subjectAlternativeNames } from '../x509/extensions.ts'

/** A key and the certificate for it; both are forgotten after one signature. */
export interface Credential {
  readonly key: SigningKey
  readonly certificate: Certificate
}

/**
 * Makes a key and has it certified. The certificate is checked before it is used: our key, our name,
 * issued by a CA of a trust root, logged by its certificate log.
 *
 * @throws RefusedError SERVICE_REFUSED, SERVICE_ANSWER, CERTIFICATE_UNTRUSTED; UnavailableError
 */
export async function obtainCredential(
  fulcio: URL,
  token: IdToken,
  roots: TrustRoots,
  options: RetryOptions,
): Promise<Credential> {
  const key = generateSigningKey()
  const { principal } = token
  const [leaf] = await requestCertificate(
    {
      url: fulcio,
      idToken: token.jwt,
      spki: key.spki,
      proofOfPossession: key.sign(encodeUtf8(principal.value)),
    },
    options,
  )
  const where = `Fulcio (${displayUrl(fulcio)})`
  const certificate = leaf === undefined ? undefined : readCertificate(leaf)
  if (certificate === undefined) {
    throw new RefusedError('SERVICE_ANSWER', `${where} gave a wrong answer: no certificate`)
  }
  const why = whyNotOurs(certificate, key, principal)
  if (why !== undefined) {
    throw new RefusedError('SERVICE_ANSWER', `${where} gave a wrong answer: ${why}`)
  }
  checkTrusted(certificate, roots, where)
  return { key, certificate }
}

function readCertificate(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der)
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

function whyNotOurs(
  certificate: Certificate,
  key: SigningKey,
  principal: Principal,
): string | undefined {
  if (!equalBytes(certificate.publicKey.spki, key.spki)) return 'the certificate is for another key'
  const why = whyNoSigner(certificate)
  if (why !== undefined) return `the certificate cannot sign: ${why}`
  const [name] = subjectAlternativeNames(certificate)
  // A workflow's name is made by Fulcio from claims; an address is taken as it is.
  if (principal.kind === 'email' && name?.value !== principal.value) {
    return `the certificate is for ${escapeText(name?.value ?? '')}`
  }
  return undefined
}

function checkTrusted(certificate: Certificate, roots: TrustRoots, where: string): void {
  let why = 'no trust root names its issuer'
  for (const root of roots) {
    const found = runSync(findChain(certificate, root))
    if (found.chain === undefined) {
      why = found.why
      continue
    }
    const untimely = whyChainNotValid(found.chain, certificate.notBefore)
    if (untimely !== undefined) {
      why = untimely
      continue
    }
    const scts = runSync(verifyScts(certificate, found.chain, root))
    if (scts.result !== 'failed') return
    why = scts.why
  }
  throw new RefusedError(
    'CERTIFICATE_UNTRUSTED',
    `${where} gave a certificate that cannot be trusted: ${why}`,
    { hint: 'name the trusted root of your instance: git config signet.trustedRoot FILE' },
  )
}
