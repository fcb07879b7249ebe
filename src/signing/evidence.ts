import { sha256 } from '../crypto/digest.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { randomBytes } from '../crypto/random.ts'
import { runSync } from '../crypto/verify.ts'
import { RefusedError } from '../errors.ts'
import { createEntryV1 } from '../sigstore/rekor-v1.ts'
import { createEntryV2 } from '../sigstore/rekor-v2.ts'
import type { RetryOptions } from '../sigstore/retry.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { requestTimestamp } from '../sigstore/tsa.ts'
import { displayUrl } from '../sigstore/url.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { hashedrekordBodyV1, hashedrekordBodyV2 } from '../tlog/hashedrekord.ts'
import { verifyLogEntry } from '../tlog/verify-entry.ts'
import type { SigningServices } from './services.ts'

/** A signature and what it is over. */
export interface MadeSignature {
  /** DER SET OF signed attributes. */
  readonly signedAttrs: Uint8Array
  readonly signature: Uint8Array
  /** DER. */
  readonly certificate: Uint8Array
  readonly publicKey: PublicKey
}

export interface Evidence {
  /** Proven, without its body: a reader makes that anew. */
  readonly entry: TransparencyLogEntry
  /** DER TimeStampToken; undefined where no authority is configured. */
  readonly timestamp: Uint8Array | undefined
}

const NONCE_BYTES = 16

/**
 * Has a signature logged and, where an authority is configured, timestamped, both at once. What the
 * services answer is checked in full.
 *
 * @throws RefusedError LOG_ENTRY_WRONG, SERVICE_REFUSED, SERVICE_ANSWER, …; UnavailableError
 */
export async function obtainEvidence(
  made: MadeSignature,
  { log, timestampUrl }: SigningServices,
  roots: TrustRoots,
  options: RetryOptions,
): Promise<Evidence> {
  const [entry, timestamp] = await Promise.all([
    logSignature(made, log, roots, options),
    timestampUrl &&
      requestTimestamp(
        {
          url: timestampUrl,
          data: made.signature,
          nonce: randomBytes(NONCE_BYTES),
          authorities: roots.flatMap((root) => root.timestampAuthorities),
        },
        options,
      ),
  ])
  return { entry, timestamp }
}

async function logSignature(
  made: MadeSignature,
  { url, version }: SigningServices['log'],
  roots: TrustRoots,
  options: RetryOptions,
): Promise<TransparencyLogEntry> {
  const logs = roots.flatMap((root) => root.tlogs)
  const digest = sha256(made.signedAttrs)
  const request = { url, digest, signature: made.signature, certificate: made.certificate }
  const entry =
    version === 1
      ? await createEntryV1(request, options)
      : await createEntryV2(request, logs, options)
  const content = {
    algorithm: 'sha256',
    digest,
    signature: made.signature,
    verifier: { der: made.certificate, isCertificate: true, publicKey: made.publicKey },
  } as const
  // Ours, whatever the log calls it: an entry of another version would not be about this request.
  const body =
    version === 1
      ? { kind: '0.0.1', bytes: hashedrekordBodyV1(content) }
      : { kind: '0.0.2', bytes: hashedrekordBodyV2(content) }
  const kindVersion = { kind: 'hashedrekord', version: body.kind }
  const proof = runSync(
    verifyLogEntry(
      { entry: { ...entry, kindVersion }, bodies: [{ kindVersion, bytes: body.bytes }] },
      logs,
    ),
  )
  const why =
    proof.outcome === 'proven'
      ? version === 1 && proof.integratedTime === undefined
        ? 'it has no promise'
        : undefined
      : (proof.checks.find(({ result, detail }) => result !== 'passed' && detail !== undefined)
          ?.detail ?? 'its proof does not hold')
  if (why !== undefined) {
    throw new RefusedError(
      'LOG_ENTRY_WRONG',
      `the log (${displayUrl(url)}) gave an entry that does not prove anything: ${why}`,
      proof.outcome === 'unknown-log'
        ? { hint: 'name the trusted root of your instance: git config signet.trustedRoot FILE' }
        : {},
    )
  }
  return { ...entry, kindVersion, canonicalizedBody: undefined }
}
