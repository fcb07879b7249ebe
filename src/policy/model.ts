import type { SignerKind } from '../facts.ts'
import type { TomlPath } from './toml-positions.ts'
import type { WildcardPattern } from './wildcard.ts'

/** A policy file, read and checked (policy.md §2). Instants are milliseconds since 1970. */
export interface Policy {
  /** What messages call the file. */
  readonly name: string
  /** Names of people; teams are already opened. */
  readonly admins: readonly string[]
  readonly otherRefs: 'signed' | 'any' | 'deny'
  readonly expires?: number
  readonly entries: ReadonlyMap<string, Entry>
  readonly teams: ReadonlyMap<string, readonly string[]>
  readonly rules: readonly Rule[]
  readonly accept: readonly Accept[]
  readonly revoke: readonly Revocation[]
  readonly trust: ReadonlyMap<string, TrustPin>
}

export type Entry = Person | Shared | Bot | Forge

/** Trusted time must be at or after `since` and before `until`. */
export interface Window {
  readonly since?: number
  readonly until?: number
}

interface EntryBase extends Window {
  readonly name: string
  readonly line: number
}

export interface Person extends EntryBase {
  readonly kind: 'person'
  readonly identities: readonly Identity[]
  readonly keys: readonly PinnedKey[]
  /** Committer (and with `author = "match"` author) addresses. */
  readonly addresses: readonly string[]
}

/** Whoever an issuer vouches for under one mail domain. */
export interface Shared extends EntryBase {
  readonly kind: 'shared'
  readonly domain: string
  readonly issuer: string
  readonly trust: string
}

export interface Bot extends EntryBase {
  readonly kind: 'bot'
  readonly identities: readonly Identity[]
  readonly keys: readonly PinnedKey[]
  readonly addresses: readonly string[]
  /** By policy name; each must be equal in the certificate. */
  readonly claims: Readonly<Record<string, string>>
  readonly paths?: readonly PathPattern[]
  /** Vouched for by this forge's key instead of an identity of its own. */
  readonly forge?: { readonly name: string; readonly author: string }
}

export const FORGE_KINDS = ['clean-merge', 'matching-squash', 'any-squash', 'edit'] as const
export type ForgeKind = (typeof FORGE_KINDS)[number]

export interface Forge extends EntryBase {
  readonly kind: 'forge'
  readonly keys: readonly PinnedKey[]
  readonly committer: string
  readonly accept: readonly ForgeKind[]
}

/** (trust root, issuer, SAN kind, SAN value), compared exactly. */
export interface Identity extends Window {
  readonly kind: Extract<SignerKind, 'email' | 'uri' | 'username'>
  readonly value: string
  readonly issuer: string
  readonly trust: string
  /** Exact token subject (extension .24). */
  readonly account?: string
  readonly line: number
  /** Its table in the file. */
  readonly at: TomlPath
}

export interface PinnedKey extends Window {
  readonly kind: Extract<SignerKind, 'ssh-key' | 'openpgp-key'>
  /** ssh: `type base64` without comment; OpenPGP: 40 lower-case hex digits. */
  readonly value: string
  readonly line: number
}

/** Pattern as written, and compiled raw and folded. */
export interface PathPattern {
  readonly text: string
  readonly raw: WildcardPattern
  readonly folded: WildcardPattern
}

export interface RefPattern {
  readonly text: string
  readonly pattern: WildcardPattern
}

export interface Rule {
  readonly line: number
  readonly refs: readonly RefPattern[]
  readonly paths?: readonly PathPattern[]
  readonly exceptPaths?: readonly PathPattern[]
  /** Names of people, shared and bots; teams are already opened. */
  readonly by: ReadonlySet<string>
  /** The same, and forges. Empty with `mainline`. */
  readonly mergeBy: ReadonlySet<string>
  readonly commits: 'all' | 'mainline'
  readonly committer: 'match' | 'any'
  readonly author: 'match' | 'any'
  /** `undefined`: the default of policy.md §2. */
  readonly from?: readonly RefPattern[]
  readonly rewrite: boolean
  readonly delete: boolean
  readonly on?: readonly RefPattern[]
  readonly unsignedTarget: boolean
  readonly pushCert: boolean
}

export interface Accept {
  readonly commit: string
  /** `NO_REASON` where the file gives none. */
  readonly reason: string
  readonly covers: 'one' | 'ancestors'
  readonly line: number
}

export const NO_REASON = 'the policy gives no reason'

export type RevocationTarget =
  | { readonly kind: 'person'; readonly name: string }
  /** SHA-256 of the certificate, lower-case hex. */
  | { readonly kind: 'cert'; readonly sha256: string }
  /** Decimal index, in any log or in the one named. */
  | { readonly kind: 'log-entry'; readonly index: string; readonly log?: string }
  | { readonly kind: 'key'; readonly value: string }
  | { readonly kind: 'commit'; readonly id: string }

export interface Revocation {
  readonly target: RevocationTarget
  /** `from` ≤ trusted time ≤ `to`. */
  readonly from?: number
  readonly to?: number
  readonly except: ReadonlySet<string>
  /** `NO_REASON` where the file gives none. */
  readonly reason: string
  readonly line: number
}

export interface TrustPin {
  readonly name: string
  /** Path in the tree, below `.signet/trust/`. */
  readonly root: string
  readonly sha256: string
  readonly line: number
}

/** The table of the file an entry stands in. */
export function tableOf(entry: Entry): string {
  return { person: 'people', shared: 'shared', bot: 'bots', forge: 'forges' }[entry.kind]
}

export function isPathRule(rule: Rule): boolean {
  return rule.paths !== undefined || rule.exceptPaths !== undefined
}
