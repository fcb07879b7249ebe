import { isoTime } from '../encoding/time.ts'
import type { Facts, Signer } from '../facts.ts'
import type { CommitObject } from './git-answers.ts'
import { identBytes, parseIdent } from './ident.ts'
import type {
  Bot,
  Entry,
  Forge,
  Identity,
  Person,
  PinnedKey,
  Policy,
  Shared,
  Window,
} from './model.ts'
import type { Reason } from './reason.ts'

/** Who a signer is by one policy: at most one exact entry, plus any shared ones; rights add up. */
export interface Identification {
  readonly exact: Person | Bot | Forge | undefined
  readonly shared: readonly Shared[]
  /** A bot vouched for by the forge whose key signed. */
  readonly vouched: Bot | undefined
  /** Why nobody counts; empty when somebody does. */
  readonly reasons: readonly Reason[]
}

/** What of an object decides about forges and their bots. */
export interface SignedObject {
  /** Ident lines, latin1; of a tag both are the tagger. */
  readonly author: string
  readonly committer: string
  /** Of a commit; 0 for a tag. */
  readonly parents: number
}

export function signedObject({ author, committer, parents }: CommitObject): SignedObject {
  return { author, committer, parents: parents.length }
}

/** The earliest trusted time of an object, in milliseconds. */
export function trustedTime(facts: Facts): number | undefined {
  const times = facts.times.map(({ at }) => Date.parse(at))
  return times.length === 0 ? undefined : Math.min(...times)
}

/**
 * Matches a proven signer against a policy (policy.md §4.2). Windows are looked at; denials of a newer
 * policy are not.
 */
export function identify(policy: Policy, facts: Facts, object: SignedObject): Identification {
  if (facts.outcome !== 'proven' || facts.signer === null) return nobody(unproven(facts))
  const { signer } = facts
  const time = trustedTime(facts)
  const found = findExact(policy, signer)
  if (found.entry !== undefined) {
    const { entry, mark } = found
    const reason = outsideWindow(entry, mark, signer, time)
    if (reason !== undefined) return nobody([reason])
    if (entry.kind === 'forge') return byForge(policy, entry, object, signer, time)
    // An exact entry overrides shared ones: its address never matches them.
    return { exact: entry, shared: [], vouched: undefined, reasons: [] }
  }
  const shared = sharedEntries(policy, signer)
  const open = shared.filter((entry) => outsideWindow(entry, {}, signer, time) === undefined)
  if (open.length > 0) return { exact: undefined, shared: open, vouched: undefined, reasons: [] }
  const [closed] = shared
  const reason = closed && outsideWindow(closed, {}, signer, time)
  return nobody([reason ?? found.reason ?? unknown(signer)])
}

/** Names that may stand in a rule's `by` and `merge-by`. */
export function namesOf({ exact, shared, vouched }: Identification): string[] {
  return [
    ...(exact ? [exact.name] : []),
    ...(vouched ? [vouched.name] : []),
    ...shared.map(({ name }) => name),
  ]
}

/** The same without groups, which may commit but neither administer nor create. */
export function creatorsOf({ exact, vouched }: Identification): string[] {
  return namesOf({ exact, vouched, shared: [], reasons: [] })
}

function nobody(reasons: readonly Reason[]): Identification {
  return { exact: undefined, shared: [], vouched: undefined, reasons }
}

function unproven(facts: Facts): Reason[] {
  const failed = facts.checks.find(
    ({ result, detail }) => result !== 'passed' && detail !== undefined,
  )
  const detail =
    failed?.detail ?? (facts.signature === 'none' ? 'it is not signed' : 'it is not proven')
  // Whatever is not proven has a reason, even where it is not told.
  const codes = facts.codes.length > 0 ? facts.codes : (['BAD_SIGNATURE'] as const)
  return codes.map((code) => ({ code, detail }))
}

function unknown(signer: Signer): Reason {
  return { code: 'UNKNOWN_SIGNER', detail: `${showSigner(signer)} is not in the policy` }
}

/** For messages; not escaped. */
export function showSigner({ kind, value, issuer, trust }: Signer): string {
  if (issuer === '') return `${kind} ${value}`
  return `${value} by ${issuer}${trust === 'public' ? '' : `, trust root ${trust}`}`
}

interface Found {
  readonly entry?: Person | Bot | Forge
  /** The identity or key that fits: it may have a window of its own. */
  readonly mark: Window
  readonly reason?: Reason
}

function findExact(policy: Policy, signer: Signer): Found {
  let reason: Reason | undefined
  for (const entry of policy.entries.values()) {
    if (entry.kind === 'shared') continue
    const key = entry.keys.find((pinned) => isKey(pinned, signer))
    if (key !== undefined) return { entry, mark: key }
    if (entry.kind === 'forge') continue
    for (const identity of entry.identities) {
      if (identity.kind !== signer.kind || identity.value !== signer.value) continue
      if (identity.issuer !== signer.issuer) {
        reason ??= {
          code: 'WRONG_ISSUER',
          detail: `${signer.value} is listed under ${identity.issuer}, not under ${signer.issuer}`,
        }
        continue
      }
      if (identity.trust !== signer.trust) {
        const detail = `${showSigner(signer)}: the policy has it under trust root ${identity.trust}, not ${signer.trust}`
        reason ??= { code: 'UNKNOWN_SIGNER', detail }
        continue
      }
      const claim = wrongClaim(entry, identity, signer)
      if (claim === undefined) return { entry, mark: identity }
      reason = { code: 'CLAIM_MISMATCH', detail: claim }
    }
  }
  return reason === undefined ? { mark: {} } : { mark: {}, reason }
}

function isKey(pinned: PinnedKey, signer: Signer): boolean {
  return pinned.kind === signer.kind && pinned.value === signer.value
}

function wrongClaim(entry: Person | Bot, identity: Identity, signer: Signer): string | undefined {
  const wanted = entry.kind === 'bot' ? Object.entries(entry.claims) : []
  if (identity.account !== undefined) wanted.push(['subject', identity.account])
  for (const [name, value] of wanted) {
    const actual = signer.claims[name]
    if (actual === value) continue
    const has = actual === undefined ? 'has none' : `has "${actual}"`
    const shown = name === 'subject' ? 'account' : name
    return `${entry.name} needs ${shown} "${value}", the certificate ${has}`
  }
  return undefined
}

/** Why a time lies outside the window (from `since`, before `until`) of the entry and of the identity in it. */
function outsideWindow(
  entry: Entry,
  mark: Window,
  signer: Signer,
  time: number | undefined,
): Reason | undefined {
  for (const { since, until } of [entry, mark] as readonly Window[]) {
    if (time === undefined) {
      // A key's signature has no time: that it was early enough cannot be known, so it was not.
      if (since !== undefined) {
        return {
          code: 'BEFORE_SINCE',
          detail: `${entry.name} counts since a time, and ${signer.kind} has none`,
        }
      }
      if (until !== undefined) {
        return {
          code: 'AFTER_UNTIL',
          detail: `${entry.name} counted until a time, and ${signer.kind} has none`,
        }
      }
      continue
    }
    if (since !== undefined && time < since) {
      return {
        code: 'BEFORE_SINCE',
        detail: `${entry.name} counts since ${isoTime(since)}; signed ${isoTime(time)}`,
      }
    }
    if (until !== undefined && time >= until) {
      return {
        code: 'AFTER_UNTIL',
        detail: `${entry.name} counted until ${isoTime(until)}; signed ${isoTime(time)}`,
      }
    }
  }
  return undefined
}

/**
 * Shared entries a signer falls under: one whole local part without `+`, and no address that an exact
 * entry has, under any issuer, as SAN or as address of git. Most mail systems ignore case, so another
 * spelling of such an address is it too.
 */
export function sharedEntries(policy: Policy, signer: Signer): Shared[] {
  if (signer.kind !== 'email') return []
  const [local, domain, ...rest] = signer.value.split('@')
  if (!local || local.includes('+') || domain === undefined || rest.length > 0) return []
  const found: Shared[] = []
  for (const entry of policy.entries.values()) {
    if (entry.kind !== 'shared') {
      if (hasAddress(entry, signer.value)) return []
    } else if (
      entry.domain === domain &&
      entry.issuer === signer.issuer &&
      entry.trust === signer.trust
    ) {
      found.push(entry)
    }
  }
  return found
}

function hasAddress(entry: Person | Bot | Forge, address: string): boolean {
  if (entry.kind === 'forge') return false
  const wanted = address.toLowerCase()
  return (
    entry.addresses.some((one) => one.toLowerCase() === wanted) ||
    entry.identities.some(({ kind, value }) => kind === 'email' && value.toLowerCase() === wanted)
  )
}

/** A forge counts for commits with its own committer line; its bots by the exact author as well. */
function byForge(
  policy: Policy,
  forge: Forge,
  object: SignedObject,
  signer: Signer,
  time: number | undefined,
): Identification {
  const committer = parseIdent(object.committer)?.address
  if (committer !== identBytes(forge.committer)) {
    return nobody([
      {
        code: 'COMMITTER_MISMATCH',
        detail: `${forge.name} signs as committer ${forge.committer} only`,
      },
    ])
  }
  const vouched = vouchedBot(policy, forge, object)
  const reason = vouched && outsideWindow(vouched, {}, signer, time)
  return reason === undefined
    ? { exact: forge, shared: [], vouched, reasons: [] }
    : nobody([reason])
}

/** The bot whose commit a forge signed: its exact author, one parent. */
function vouchedBot(policy: Policy, forge: Forge, object: SignedObject): Bot | undefined {
  if (object.parents !== 1) return undefined
  const author = parseIdent(object.author)?.address
  return [...policy.entries.values()].find(
    (entry): entry is Bot =>
      entry.kind === 'bot' &&
      entry.forge?.name === forge.name &&
      identBytes(entry.forge.author) === author,
  )
}

/** An entry under which a signer stands, and what of it fits. */
export interface Owner {
  readonly entry: Entry
  readonly mark: Window
}

/**
 * The entries a signer falls under by another policy, windows and claims aside: an exact one, with the
 * bot it vouches for, or else shared ones.
 */
export function ownersOf(policy: Policy, signer: Signer, object?: SignedObject): Owner[] {
  for (const entry of policy.entries.values()) {
    if (entry.kind === 'shared') continue
    const key = entry.keys.find((pinned) => isKey(pinned, signer))
    if (key !== undefined) {
      const bot =
        entry.kind === 'forge' && object !== undefined
          ? vouchedBot(policy, entry, object)
          : undefined
      return [{ entry, mark: key }, ...(bot === undefined ? [] : [{ entry: bot, mark: {} }])]
    }
    if (entry.kind === 'forge') continue
    const identity = entry.identities.find(
      ({ kind, value, issuer, trust }) =>
        kind === signer.kind &&
        value === signer.value &&
        issuer === signer.issuer &&
        trust === signer.trust,
    )
    if (identity !== undefined) return [{ entry, mark: identity }]
  }
  return sharedEntries(policy, signer).map((entry) => ({ entry, mark: {} }))
}

/** Names for messages; not escaped. */
export function who(signing: Identification): string {
  return namesOf(signing).join(', ')
}
