import type { ReasonCode, Signer } from '../facts.ts'

/** A text that one member of a signer must have; `matches` decides. */
export interface Wanted {
  /** As it was asked for. */
  readonly text: string
  /** It is this text and no pattern. */
  readonly isExact?: true
  matches(actual: string): boolean
}

/** Who may sign, as the command line or the settings name them. */
export interface WantedSigner {
  readonly identity: Wanted
  readonly issuer: Wanted
  /** By claim name. */
  readonly claims: Readonly<Record<string, string>>
}

export type SignerMatch =
  | { readonly code: undefined }
  | {
      readonly code: Extract<ReasonCode, 'UNKNOWN_SIGNER' | 'WRONG_ISSUER' | 'CLAIM_MISMATCH'>
      readonly detail: string
    }

/** Whether a proven signer is the one that is wanted; which code it is where not: policy.md §5. */
export function matchSigner(signer: Signer | null, wanted: WantedSigner): SignerMatch {
  if (
    signer === null ||
    !isKindOf(signer, wanted.identity) ||
    !wanted.identity.matches(signer.value)
  ) {
    return { code: 'UNKNOWN_SIGNER', detail: `wanted ${wanted.identity.text}` }
  }
  if (!wanted.issuer.matches(signer.issuer)) {
    return {
      code: 'WRONG_ISSUER',
      detail: `vouched for by ${signer.issuer}, wanted ${wanted.issuer.text}`,
    }
  }
  for (const [name, text] of Object.entries(wanted.claims)) {
    const actual = Object.hasOwn(signer.claims, name) ? signer.claims[name] : undefined
    if (actual === text) continue
    const found = actual === undefined ? 'not in the certificate' : `is ${actual}`
    return { code: 'CLAIM_MISMATCH', detail: `${name} ${found}, wanted ${text}` }
  }
  return { code: undefined }
}

/** Whether two proven signers are the same: kind, name and issuer. */
export function isSameSigner(one: Signer, other: Signer): boolean {
  return one.kind === other.kind && one.value === other.value && one.issuer === other.issuer
}

/** Exactly this text. */
export function exactly(text: string): Wanted {
  return { text, isExact: true, matches: (actual) => actual === text }
}

/** Whether a signer has exactly this name, an address never standing for a URI or the other way round. */
export function isNamed(signer: Signer, text: string): boolean {
  return signer.value === text && isKindOf(signer, exactly(text))
}

function isKindOf({ kind }: Signer, { text, isExact }: Wanted): boolean {
  return isExact !== true || (kind === 'uri') === text.includes('://')
}
