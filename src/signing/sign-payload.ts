import {
  armorSignature,
  buildSignedAttrs,
  buildSignedData,
  logEntryAttribute,
  timestampAttribute,
} from '../cms/build.ts'
import { loadTrustRoots } from '../config/trust-root.ts'
import { readTextFile } from '../config/text-file.ts'
import type { Settings } from '../config/settings.ts'
import { sha256 } from '../crypto/digest.ts'
import { runSync } from '../crypto/verify.ts'
import { encodeHex } from '../encoding/hex.ts'
import { escapeText } from '../encoding/escape.ts'
import { RefusedError } from '../errors.ts'
import type { Signer } from '../facts.ts'
import type { HttpClient } from '../oidc/http-client.ts'
import type { Principal } from '../oidc/id-token.ts'
import { deadlineIn, requestService } from '../sigstore/retry.ts'
import type { RetryOptions } from '../sigstore/retry.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { encodeLogEntry } from '../tlog/entry.ts'
import { verifySignedPayload } from '../verification/signed-payload.ts'
import { checkCommitter } from './committer.ts'
import { obtainCredential } from './credential.ts'
import type { Credential } from './credential.ts'
import { obtainEvidence } from './evidence.ts'
import { obtainIdentity } from './identity.ts'
import { isPublicLog, notePublicLog } from './public-notice.ts'
import { chooseServices } from './services.ts'
import type { SigningServices } from './services.ts'

export interface SigningIo {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Somebody is at a terminal and can log in. */
  readonly isInteractive: boolean
  /** Tells the person, at the terminal or else on standard error. */
  readonly say: (text: string) => void
}

export interface SignedResult {
  /** DER ContentInfo. */
  readonly cms: Uint8Array
  /** What git stores. */
  readonly armor: string
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string
  /** The time that the signature claims, seconds since the epoch. */
  readonly signingTime: number
  readonly signer: Signer
}

/** A wait shorter than this needs no explanation. */
const QUIET_WAIT_MS = 1500

/** One login that signs several payloads with one certificate, for as long as that is valid. */
export interface SigningSession {
  /** Who the login says it is. */
  readonly principal: Principal
  /**
   * Signs one payload. Payloads may be signed side by side.
   *
   * @throws UsageError COMMITTER_MISMATCH; RefusedError, UnavailableError
   */
  sign(payload: Uint8Array): Promise<SignedResult>
}

/** A certificate that ends sooner than this is not begun with. */
const SPARE_S = 60

/**
 * Signs what git hands over: identity, committer check, a fresh key and its certificate, CMS, timestamp
 * and log entry, and our own verifier's word that the result is proven. Not logged is not signed. The
 * network has `signet.timeout` seconds in all; a person who logs in has time of their own.
 *
 * @throws UsageError, RefusedError, UnavailableError: nothing has been output then
 */
export async function signPayload(
  payload: Uint8Array,
  settings: Settings,
  io: SigningIo,
): Promise<SignedResult> {
  const session = await openSigningSession(settings, io)
  return session.sign(payload)
}

/**
 * Logs in. A certificate is asked for when the first payload has passed the committer check, and anew
 * when it is about to end.
 *
 * @throws UsageError, RefusedError, UnavailableError
 */
export async function openSigningSession(
  settings: Settings,
  io: SigningIo,
): Promise<SigningSession> {
  const roots = loadTrustRoots(settings.trustedRoot)
  const services = chooseServices(settings, io.clock() / 1000)
  const network = networkOptions(settings, io)
  const identity = await obtainIdentity({
    settings,
    issuer: services.issuer,
    env: io.env,
    http: httpClient(network()),
    clock: io.clock,
    isInteractive: io.isInteractive,
    say: io.say,
  })
  const { principal, claims } = identity.token
  const who = escapeText(principal.value)
  io.say(`git-signet: signing as ${who}, by ${escapeText(identity.from)}\n`)
  const workflow = claims['job_workflow_ref']
  const workflowUri = typeof workflow === 'string' ? `https://github.com/${workflow}` : undefined

  let held: Promise<Credential> | undefined
  const credential = async (options: RetryOptions): Promise<Credential> => {
    if (held === undefined) {
      if (isPublicLog(services.log.url)) notePublicLog(io.env, who, services.log.url, io.say)
    } else if ((await held).certificate.notAfter - SPARE_S > io.clock() / 1000) return held
    held = obtainCredential(services.fulcio, identity.token, roots, options)
    return held
  }
  return {
    principal,
    sign: async (payload) => {
      const mode = settings.matchCommitter.value
      const mismatch = checkCommitter(payload, principal, mode, workflowUri)
      if (mismatch !== undefined) io.say(`git-signet: ${mismatch}\n`)
      const options = network()
      const signer = await credential(options)
      const signingTime = Math.floor(io.clock() / 1000)
      return signWith(signer, payload, signingTime, services, roots, options)
    },
  }
}

async function signWith(
  { key, certificate }: Credential,
  payload: Uint8Array,
  signingTime: number,
  services: SigningServices,
  roots: TrustRoots,
  options: RetryOptions,
): Promise<SignedResult> {
  const signedAttrs = buildSignedAttrs(sha256(payload), signingTime)
  const signature = key.sign(signedAttrs)
  const { entry, timestamp } = await obtainEvidence(
    {
      signedAttrs,
      signature,
      certificate: certificate.der,
      publicKey: certificate.publicKey,
    },
    services,
    roots,
    options,
  )
  const cms = buildSignedData(certificate, signedAttrs, signature, [
    logEntryAttribute(encodeLogEntry(entry)),
    ...(timestamp === undefined ? [] : [timestampAttribute(timestamp)]),
  ])
  const armor = armorSignature(cms)
  const facts = runSync(verifySignedPayload({ payload, armor: Buffer.from(armor), roots }))
  if (facts.outcome !== 'proven' || facts.signer === null) {
    const failed = facts.checks.find(({ result }) => result === 'failed' || result === 'absent')
    const detail =
      failed === undefined ? '' : ` (${failed.name}: ${failed.detail ?? failed.result})`
    throw new RefusedError(
      'NOT_PROVEN',
      `the signature does not verify and was thrown away: ${facts.codes.join(', ')}${detail}`,
    )
  }
  return {
    cms,
    armor,
    fingerprint: encodeHex(sha256(certificate.der)),
    signingTime,
    signer: facts.signer,
  }
}

/** Each call starts the time anew: what a person took to log in is not the network's. */
function networkOptions({ caFile, timeout }: Settings, io: SigningIo): () => RetryOptions {
  const ca =
    caFile.value === undefined
      ? undefined
      : readTextFile(caFile.value, 'CA_FILE', `the CA file that ${caFile.source.name} names`)
  return () => ({
    env: io.env,
    ca,
    deadline: deadlineIn(timeout.value * 1000, io.clock),
    onWait: (why, waitMs) => {
      if (waitMs < QUIET_WAIT_MS) return
      io.say(`git-signet: ${why}; trying again in ${String(Math.round(waitMs / 1000))} s\n`)
    },
  })
}

const MAX_ANSWER_BYTES = 1 << 20
const ATTEMPT_MS = 20_000
/** What OAuth answers with, successes and refusals. */
const OAUTH_STATUSES = [200, 201, 400, 401, 403, 404]

function httpClient(options: RetryOptions): HttpClient {
  return {
    request: (request) =>
      requestService(
        {
          ...request,
          expected: request.expected ?? OAUTH_STATUSES,
          maxBytes: MAX_ANSWER_BYTES,
          attemptMs: ATTEMPT_MS,
        },
        options,
      ),
  }
}
