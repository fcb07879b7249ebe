/**
 * Facts and verdicts, member by member as `inspect --json` and `verify --format jsonl` print them
 * (facts.md, schemas git-signet.facts/1, git-signet.verdict/1, git-signet.summary/1). Times are
 * RFC 3339 in UTC, numbers that can pass 2^53 are decimal strings, bytes are lower-case hex.
 */

export type ObjectType = 'commit' | 'tag' | 'push-certificate'
export type ObjectFormat = 'sha1' | 'sha256'
export type SignatureKind = 'x509' | 'ssh' | 'openpgp' | 'none'
export type Outcome = 'proven' | 'incomplete' | 'untrusted' | 'bad' | 'unsigned'
export type SignerKind = 'email' | 'uri' | 'username' | 'ssh-key' | 'openpgp-key'

export const REASON_CODES = [
  'UNSIGNED',
  'BAD_SIGNATURE',
  'MALFORMED',
  'UNKNOWN_SIGNER',
  'WRONG_ISSUER',
  'CLAIM_MISMATCH',
  'UNTRUSTED_CERTIFICATE',
  'CERTIFICATE_INVALID',
  'SCT_INVALID',
  'NOT_LOGGED',
  'LOG_ENTRY_INVALID',
  'TIMESTAMP_INVALID',
  'NO_TRUSTED_TIME',
  'UNSUPPORTED',
  'OUTSIDE_CERTIFICATE_VALIDITY',
  'BEFORE_SINCE',
  'AFTER_UNTIL',
  'REVOKED',
  'COMMITTER_MISMATCH',
  'AUTHOR_MISMATCH',
  'NOT_ALLOWED_HERE',
  'PATH_NOT_ALLOWED',
  'MERGE_ADDS_CHANGES',
  'SQUASH_NOT_REPRODUCIBLE',
  'SQUASH_SOURCE_MISSING',
  'FORGE_EDIT',
  'POLICY_CHANGE_NOT_ADMIN',
  'POLICY_INVALID',
  'POLICY_LOCKOUT',
  'FOXTROT',
  'NOT_DESCENDANT',
  'REWRITTEN',
  'DELETED',
  'CREATED',
  'REF_NOT_ALLOWED',
  'TAG_NOT_ANNOTATED',
  'TAG_NAME',
  'TAG_TARGET',
  'TAG_MOVED',
  'PUSH_CERT',
  'SHALLOW',
  'MISSING_OBJECT',
  'LIMIT',
  'ROLLBACK',
  'NOTHING_TO_CHECK',
] as const
export type ReasonCode = (typeof REASON_CODES)[number]

export const CHECK_NAMES = [
  'object-id',
  'object-form',
  'armor',
  'cms-form',
  'content-digest',
  'signature',
  'chain',
  'key-usage',
  'sct',
  'log-entry',
  'log-inclusion',
  'log-checkpoint',
  'log-promise',
  'timestamp',
  'trusted-time',
] as const
export type CheckName = (typeof CHECK_NAMES)[number]

export interface Check {
  name: CheckName
  result: 'passed' | 'failed' | 'absent' | 'not-checked'
  detail?: string
}

export interface Signer {
  kind: SignerKind
  /** The SAN's exact text; not escaped. */
  value: string
  /** OIDC issuer (extension .8, else .1); empty for keys. */
  issuer: string
  /** Name of the trust root that vouches: `public`, `local`, or the name it was given. */
  trust: string
  claims: Record<string, string>
}

export interface CertificateFacts {
  serial: string
  sha256: string
  not_before: string
  not_after: string
  issuer: string
  san: string[]
}

export interface TrustedTime {
  source: 'rekor-v1' | 'rfc3161'
  at: string
  by: string
}

export interface LogFacts {
  by: string
  index: string
  kind: string
  version: string
}

export interface Facts {
  schema: 'git-signet.facts/1'
  object: { id: string; type: ObjectType; format: ObjectFormat }
  signature: SignatureKind
  outcome: Outcome
  codes: ReasonCode[]
  signer: Signer | null
  certificate: CertificateFacts | null
  times: TrustedTime[]
  log: LogFacts[]
  checks: Check[]
  tolerated: string[]
  /** SHA-256 of the signed payload (what revocation by commit matches); absent when unsigned. */
  payload_sha256?: string
}

export type VerdictValue = 'pass' | 'fail' | 'unknown'
export type Strength =
  'signed' | 'mechanical' | 'vouched-by-forge' | 'vouched-by-merger' | 'accepted' | 'before-anchor'

export interface Verdict {
  schema: 'git-signet.verdict/1'
  object: Facts['object']
  ref: string
  verdict: VerdictValue
  strength?: Strength
  codes: ReasonCode[]
  person?: string
  rules: string[]
  policy: string
  facts?: Facts
}

export interface StepVerdict {
  ref: string
  before: string
  after: string
  policy: string
  certificate?: string
  verdict: VerdictValue
  codes: ReasonCode[]
}

export interface Summary {
  schema: 'git-signet.summary/1'
  exit: number
  checked: number
  pass: number
  fail: number
  unknown: number
  codes: Partial<Record<ReasonCode, number>>
  steps: StepVerdict[]
  /** What people should look at twice, such as a policy that did not land; absent where there is nothing. */
  warnings?: readonly string[]
}
