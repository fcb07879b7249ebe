import { DerReader } from '../asn1/der.ts'
import { OID } from '../asn1/oid.ts'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { findExtension, malformed } from './certificate.ts'
import type { Certificate } from './certificate.ts'

/**
 * Fulcio's extensions 1.3.6.1.4.1.57264.1.x by name: those a policy can ask for by its names
 * (policy.md §3), the others by Fulcio's, `subject` for the token's. The issuer (.1, .8) is apart.
 */
const CLAIMS: readonly { arc: number; name: string }[] = [
  { arc: 2, name: 'github-workflow-trigger' },
  { arc: 3, name: 'github-workflow-sha' },
  { arc: 4, name: 'github-workflow-name' },
  { arc: 5, name: 'github-workflow-repository' },
  { arc: 6, name: 'github-workflow-ref' },
  { arc: 9, name: 'workflow' },
  { arc: 10, name: 'workflow-sha' },
  { arc: 11, name: 'runner' },
  { arc: 12, name: 'repository' },
  { arc: 13, name: 'source-repository-digest' },
  { arc: 14, name: 'ref' },
  { arc: 15, name: 'repository-id' },
  { arc: 16, name: 'source-repository-owner-uri' },
  { arc: 17, name: 'owner-id' },
  { arc: 18, name: 'caller' },
  { arc: 19, name: 'build-config-digest' },
  { arc: 20, name: 'trigger' },
  { arc: 21, name: 'run-invocation-uri' },
  { arc: 22, name: 'visibility-at-signing' },
  { arc: 23, name: 'environment' },
  { arc: 24, name: 'subject' },
]

/** Up to .6 the value is the text itself, later ones hold a DER UTF8String. */
const LAST_RAW_ARC = 6
const PREFIX = `${OID.fulcio}.`
const NAMES: ReadonlyMap<string, { arc: number; name: string }> = new Map(
  CLAIMS.map((claim) => [`${PREFIX}${String(claim.arc)}`, claim]),
)

export interface FulcioIdentity {
  /** OIDC issuer: .8, else .1 (all there is in certificates of 2022 and 2023). */
  readonly issuer: string | undefined
  readonly claims: Record<string, string>
}

/**
 * What Fulcio says about the token behind a certificate. Extensions of the arc that are not known
 * are left alone.
 *
 * @throws MalformedError DER_MALFORMED; CERTIFICATE_MALFORMED where one is there twice, is not
 *   UTF-8, or where .1 and .8 name two issuers
 */
export function fulcioIdentity(certificate: Certificate): FulcioIdentity {
  const first = findExtension(certificate, `${PREFIX}1`)
  const second = findExtension(certificate, `${PREFIX}8`)
  const rawIssuer = first && rawText(first.value)
  const issuer = second === undefined ? rawIssuer : utf8Text(second.value)
  if (rawIssuer !== undefined && rawIssuer !== issuer) {
    throw malformed('its extensions .1 and .8 name two issuers')
  }
  const claims: Record<string, string> = {}
  for (const { oid, value } of certificate.extensions) {
    const claim = NAMES.get(oid)
    if (claim === undefined) continue
    if (Object.hasOwn(claims, claim.name)) throw malformed(`extension ${oid} is there twice`)
    claims[claim.name] = claim.arc <= LAST_RAW_ARC ? rawText(value) : utf8Text(value)
  }
  return { issuer, claims }
}

function rawText(value: Uint8Array): string {
  const text = decodeUtf8(value)
  if (text === undefined) throw malformed('a Fulcio extension is not UTF-8')
  return text
}

function utf8Text(value: Uint8Array): string {
  const reader = new DerReader(value)
  const text = reader.utf8String()
  reader.end()
  return text
}
