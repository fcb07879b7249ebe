import { showIssuer } from './issuers.ts'
import type { Entry, Policy, RevocationTarget, Rule, Window } from './model.ts'
import { isoTime } from '../encoding/time.ts'

/**
 * What a policy gives and takes compared with another, in words: who gained or lost what, where. Empty
 * when nothing that decides differs (names of teams, comments and reasons do not). Not escaped.
 */
export function policyDiff(before: Policy, after: Policy): string[] {
  return [
    ...admins(before, after),
    ...settings(before, after),
    ...people(before, after),
    ...rules(before, after),
    ...listed(
      before.accept.map(({ commit, covers }) =>
        covers === 'one' ? `commit ${commit}` : `commit ${commit} and everything before it`,
      ),
      after.accept.map(({ commit, covers }) =>
        covers === 'one' ? `commit ${commit}` : `commit ${commit} and everything before it`,
      ),
      (text) => `${text} is accepted as it is`,
      (text) => `${text} is no longer accepted as it is`,
    ),
    ...listed(
      before.revoke.map(showRevocation),
      after.revoke.map(showRevocation),
      (text) => `${text} is revoked`,
      (text) => `${text} is no longer revoked`,
    ),
    ...listed(
      [...before.trust.values()].map(({ name, sha256 }) => `trust root ${name} (${sha256})`),
      [...after.trust.values()].map(({ name, sha256 }) => `trust root ${name} (${sha256})`),
      (text) => `${text} is trusted for those who name it`,
      (text) => `${text} is no longer trusted`,
    ),
  ]
}

function listed(
  before: Iterable<string>,
  after: Iterable<string>,
  gained: (text: string) => string,
  lost: (text: string) => string,
): string[] {
  const [old, now] = [new Set(before), new Set(after)]
  return [
    ...[...now].filter((text) => !old.has(text)).map(gained),
    ...[...old].filter((text) => !now.has(text)).map(lost),
  ]
}

function admins(before: Policy, after: Policy): string[] {
  return listed(
    before.admins,
    after.admins,
    (name) => `${name} becomes an admin: may change this policy`,
    (name) => `${name} is no longer an admin`,
  )
}

function settings(before: Policy, after: Policy): string[] {
  const lines: string[] = []
  if (before.otherRefs !== after.otherRefs) {
    lines.push(`refs that no rule is about: "${before.otherRefs}" becomes "${after.otherRefs}"`)
  }
  if (before.expires !== after.expires) {
    const shown = (time: number | undefined): string =>
      time === undefined ? 'never' : isoTime(time)
    lines.push(`to be looked at again: ${shown(before.expires)} becomes ${shown(after.expires)}`)
  }
  return lines
}

function people(before: Policy, after: Policy): string[] {
  const names = new Set([...after.entries.keys(), ...before.entries.keys()])
  return [...names].flatMap((name) => {
    const [old, now] = [before.entries.get(name), after.entries.get(name)]
    if (old === undefined) return (now ? facets(now) : []).map((text) => `${name} is new: ${text}`)
    if (now === undefined)
      return [`${name} (${old.kind}) is gone: nothing it signs counts any more`]
    const kind =
      old.kind === now.kind ? [] : [`${name} was a ${old.kind} and becomes a ${now.kind}`]
    return [
      ...kind,
      ...listed(
        facets(old),
        facets(now),
        (text) => `${name} now ${text}`,
        (text) => `${name} no longer ${text}`,
      ),
    ]
  })
}

/** Everything an entry says, a sentence each without its name. */
function facets(entry: Entry): string[] {
  const texts = windowTexts(entry).map((text) => `counts ${text}`)
  if (entry.kind === 'shared') {
    texts.push(`is everybody with *@${entry.domain} by ${showIssuer(entry.issuer)}${root(entry)}`)
    return texts
  }
  for (const key of entry.keys) {
    const kind = key.kind === 'ssh-key' ? 'ssh key' : 'OpenPGP key'
    texts.push(`signs with ${kind} ${key.value}${window(key)}`)
  }
  if (entry.kind === 'forge') {
    texts.push(`commits as ${entry.committer}`)
    for (const kind of entry.accept) texts.push(`counts for "${kind}"`)
    return texts
  }
  for (const identity of entry.identities) {
    const account = identity.account === undefined ? '' : `, account ${identity.account}`
    const issuer = showIssuer(identity.issuer)
    texts.push(
      `signs as ${identity.value} by ${issuer}${account}${root(identity)}${window(identity)}`,
    )
  }
  for (const address of entry.addresses) texts.push(`commits as ${address}`)
  if (entry.kind !== 'bot') return texts
  for (const [claim, value] of Object.entries(entry.claims)) texts.push(`needs ${claim} ${value}`)
  if (entry.forge !== undefined) {
    texts.push(`is vouched for by ${entry.forge.name} as author ${entry.forge.author}`)
  }
  if (entry.paths !== undefined) {
    texts.push(`is kept to ${entry.paths.map(({ text }) => text).join(', ')}`)
  }
  return texts
}

function root({ trust }: { readonly trust: string }): string {
  return trust === 'public' ? '' : ` under trust root ${trust}`
}

function window(times: Window): string {
  const texts = windowTexts(times)
  return texts.length === 0 ? '' : `, ${texts.join(' and ')}`
}

function windowTexts({ since, until }: Window): string[] {
  return [
    ...(since === undefined ? [] : [`since ${isoTime(since)}`]),
    ...(until === undefined ? [] : [`until ${isoTime(until)}`]),
  ]
}

function rules(before: Policy, after: Policy): string[] {
  const [old, now] = [byScope(before), byScope(after)]
  return [...new Set([...now.keys(), ...old.keys()])].flatMap((scope) => {
    const [was, is] = [old.get(scope), now.get(scope)]
    if (was === undefined) {
      return [
        `${scope}: a rule is new`,
        ...(is ? rights(is) : []).map((text) => `${scope}: ${text}`),
      ]
    }
    if (is === undefined) {
      return [`${scope}: a rule is gone (${rights(was).join('; ')})`]
    }
    return listed(
      rights(was),
      rights(is),
      (text) => `${scope}: now ${text}`,
      (text) => `${scope}: no longer ${text}`,
    )
  })
}

/** Rules by what they are about; several about the same are told apart by a number. */
function byScope({ rules: all }: Policy): Map<string, Rule> {
  const found = new Map<string, Rule>()
  for (const rule of all) {
    const list = (patterns: readonly { text: string }[] | undefined): string =>
      patterns?.map(({ text }) => text).join(', ') ?? ''
    const paths = rule.paths === undefined ? '' : ` for ${list(rule.paths)}`
    const except = rule.exceptPaths === undefined ? '' : ` except for ${list(rule.exceptPaths)}`
    const scope = `${list(rule.refs)}${paths}${except}`
    let name = scope
    for (let count = 2; found.has(name); count++) name = `${scope} (rule ${String(count)})`
    found.set(name, rule)
  }
  return found
}

/** Everything a rule allows or asks, a sentence each. */
function rights(rule: Rule): string[] {
  const patterns = (list: readonly { text: string }[]): string =>
    list.map(({ text }) => text).join(', ')
  return [
    ...[...rule.by].map((name) => `${name} may commit`),
    ...[...rule.mergeBy]
      .filter((name) => !rule.by.has(name))
      .map((name) => `${name} may merge what adds nothing`),
    ...(rule.commits === 'mainline'
      ? ['only the first-parent chain is looked at: who merges vouches for the rest']
      : []),
    ...(rule.committer === 'any' ? ['committers may be anybody'] : []),
    ...(rule.author === 'match' ? ['authors must be the signer'] : []),
    ...(rule.rewrite ? ['it may be rewritten'] : []),
    ...(rule.delete ? ['it may be deleted'] : []),
    ...(rule.unsignedTarget ? ['tags may point anywhere'] : []),
    ...(rule.pushCert ? ['a signed push certificate is needed'] : []),
    ...(rule.from === undefined
      ? []
      : [`verified commits arrive unjudged from ${patterns(rule.from)}`]),
    ...(rule.on === undefined ? [] : [`tags point below ${patterns(rule.on)}`]),
  ]
}

function showRevocation({ target, from, to, except }: Policy['revoke'][number]): string {
  const start = from === undefined ? '' : ` from ${isoTime(from)}`
  const end = to === undefined ? '' : ` to ${isoTime(to)}`
  const but = except.size === 0 ? '' : ` except for ${[...except].join(', ')}`
  return `${showTarget(target)}${start}${end}${but}`
}

function showTarget(target: RevocationTarget): string {
  switch (target.kind) {
    case 'person':
      return `what ${target.name} signed`
    case 'commit':
      return `commit ${target.id}`
    case 'cert':
      return `what certificate ${target.sha256} signed`
    case 'key':
      return `what key ${target.value} signed`
    case 'log-entry':
      return `log entry ${target.log === undefined ? '' : `${target.log}#`}${target.index}`
  }
}
