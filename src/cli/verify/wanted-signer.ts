import { escapeText } from '../../encoding/escape.ts'
import { readSetting } from '../../config/settings.ts'
import type { Setting, SettingSources } from '../../config/settings.ts'
import { UsageError } from '../../errors.ts'
import { resolveIssuer } from '../../policy/issuers.ts'
import { exactly } from '../../verification/signer-match.ts'
import type { Wanted, WantedSigner } from '../../verification/signer-match.ts'

/** What was typed, by option name. */
export interface SignerFlags {
  readonly identity: string | undefined
  readonly issuer: string | undefined
  readonly 'certificate-identity-regexp': string | undefined
  readonly 'certificate-oidc-issuer-regexp': string | undefined
  readonly 'certificate-github-workflow-trigger': string | undefined
  readonly 'certificate-github-workflow-sha': string | undefined
  readonly 'certificate-github-workflow-name': string | undefined
  readonly 'certificate-github-workflow-repository': string | undefined
  readonly 'certificate-github-workflow-ref': string | undefined
}

const CLAIMS = [
  'github-workflow-trigger',
  'github-workflow-sha',
  'github-workflow-name',
  'github-workflow-repository',
  'github-workflow-ref',
] as const

const HINT = 'git signet verify --identity WHO --issuer URL REV'

/**
 * Who must have signed: flags, else `signet.identity` with `signet.identityIssuer`.
 *
 * @returns undefined where nobody is named
 * @throws UsageError SIGNER_INCOMPLETE where only half of an identity is named; SIGNER_PATTERN,
 *   SIGNER_ISSUER
 */
export async function wantedSigner(
  flags: SignerFlags,
  sources: SettingSources,
): Promise<WantedSigner | undefined> {
  const claims = wantedClaims(flags)
  const identityPattern = flags['certificate-identity-regexp']
  const issuerPattern = flags['certificate-oidc-issuer-regexp']
  if (flags.identity !== undefined && identityPattern !== undefined) throw twice('identity')
  if (flags.issuer !== undefined && issuerPattern !== undefined) throw twice('issuer')
  const given = [flags.identity, flags.issuer, identityPattern, issuerPattern]
  const isTyped = given.some((value) => value !== undefined)
  // A flag never meets half of a configured identity: who signs is said in one place.
  const identity = isTyped ? flags.identity : valueOf(readSetting('identity', sources))
  const issuer = isTyped ? flags.issuer : valueOf(readSetting('identityIssuer', sources))
  const who =
    identityPattern === undefined ? text(identity, 'identity') : await pattern(identityPattern)
  const voucher =
    issuerPattern === undefined ? issuerNamed(text(issuer, 'issuer')) : await pattern(issuerPattern)
  if (who === undefined && voucher === undefined) {
    if (Object.keys(claims).length === 0) return undefined
    throw incomplete('a workflow’s claims mean nothing without its identity and issuer')
  }
  if (who === undefined) throw incomplete('an issuer vouches for many: name the identity too')
  if (voucher === undefined) {
    throw incomplete('a name means nothing without who vouches for it: name the issuer too')
  }
  return { identity: who, issuer: voucher, claims }
}

function valueOf({ value }: Setting<string | undefined>): string | undefined {
  return value === '' ? undefined : value
}

function text(value: string | undefined, name: string): Wanted | undefined {
  if (value === '') throw incomplete(`--${name} is empty`)
  return value === undefined ? undefined : exactly(value)
}

function issuerNamed(wanted: Wanted | undefined): Wanted | undefined {
  if (wanted === undefined) return undefined
  const url = resolveIssuer(wanted.text)
  if (url === undefined) {
    throw new UsageError(
      'SIGNER_ISSUER',
      `cannot use issuer "${escapeText(wanted.text)}": it is neither a URL nor a known name`,
      { hint: 'an https URL, or github, google, microsoft, github-actions, gitlab, buildkite' },
    )
  }
  return exactly(url)
}

/** RE2, found anywhere in the text: what gitsign's flags of this name mean. */
async function pattern(source: string): Promise<Wanted> {
  if (source === '') throw incomplete('an empty pattern matches everybody')
  const { RE2JS } = await import('re2js')
  try {
    const compiled = RE2JS.compile(source)
    return { text: `/${source}/`, matches: (actual) => compiled.matcher(actual).find() }
  } catch (error) {
    throw new UsageError('SIGNER_PATTERN', `cannot use pattern "${escapeText(source)}"`, {
      cause: error,
      hint: 'RE2 syntax, such as ^.*@example\\.org$',
    })
  }
}

function wantedClaims(flags: SignerFlags): Record<string, string> {
  const claims: Record<string, string> = {}
  for (const name of CLAIMS) {
    const value = flags[`certificate-${name}`]
    if (value !== undefined) claims[name] = value
  }
  return claims
}

function twice(name: string): UsageError {
  return new UsageError('SIGNER_TWICE', `${name} is given exactly and as a pattern`, { hint: HINT })
}

function incomplete(why: string): UsageError {
  return new UsageError('SIGNER_INCOMPLETE', why, { hint: HINT })
}
