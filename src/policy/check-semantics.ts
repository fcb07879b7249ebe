import type { Bot, Entry, Person, Policy, Rule } from './model.ts'
import { isPathRule, tableOf } from './model.ts'
import type { PolicyUse } from './parse.ts'
import { matchesRef } from './patterns.ts'
import { quote, type Problems } from './problem.ts'
import type { TomlPath } from './toml-positions.ts'

/** What only the whole file shows: names, duplicates, rules of the policy branch, addresses. */
export function checkSemantics(policy: Policy, use: PolicyUse, problems: Problems): void {
  checkForges(policy, problems)
  checkTrust(policy, problems)
  checkDuplicates(policy, problems)
  policy.rules.forEach((rule, index) => {
    checkPolicyBranch(rule, ['protect', index], use, problems)
    checkAddresses(policy, rule, ['protect', index], problems)
  })
  // A rule that could not be read may be the one.
  const isRuleBroken = problems.found.some(({ key }) => /^protect\b/.test(key))
  if (
    use.use !== 'floor' &&
    !isRuleBroken &&
    !policy.rules.some((rule) => coversBranch(rule, use.policyBranch))
  ) {
    problems.add(
      'MISSING_KEY',
      [],
      `needs a [[protect]] without paths whose refs match the policy branch ${quote(use.policyBranch)}`,
    )
  }
}

function coversBranch(rule: Rule, branch: string): boolean {
  return !isPathRule(rule) && matchesRef(rule.refs, branch)
}

function checkPolicyBranch(rule: Rule, at: TomlPath, use: PolicyUse, problems: Problems): void {
  if (!matchesRef(rule.refs, use.policyBranch)) return
  for (const key of ['rewrite', 'delete'] as const) {
    if (!rule[key]) continue
    problems.add(
      'CONFLICT',
      [...at, key],
      `the rule matches the policy branch ${quote(use.policyBranch)}, which only grows`,
    )
  }
}

function checkForges(policy: Policy, problems: Problems): void {
  for (const entry of policy.entries.values()) {
    if (entry.kind !== 'bot' || entry.forge === undefined) continue
    const path = ['bots', entry.name, 'forge']
    const forge = policy.entries.get(entry.forge.name)
    if (forge === undefined) {
      problems.add('UNDEFINED_NAME', path, `${quote(entry.forge.name)} is not defined in [forges]`)
    } else if (forge.kind !== 'forge') {
      problems.add('WRONG_VALUE', path, `${quote(forge.name)} is no forge but a ${forge.kind}`)
    }
  }
}

function checkTrust(policy: Policy, problems: Problems): void {
  for (const entry of policy.entries.values()) {
    if (entry.kind === 'forge') continue
    const used =
      entry.kind === 'shared'
        ? [{ trust: entry.trust, at: [tableOf(entry), entry.name] }]
        : entry.identities
    for (const { trust, at } of used) {
      if (trust === 'public' || policy.trust.has(trust)) continue
      problems.add('UNDEFINED_NAME', [...at, 'trust'], `${quote(trust)} is not defined in [trust]`)
    }
  }
}

/** No two exact identities, keys or forge-vouched authors are equal, whoever has them. */
function checkDuplicates(policy: Policy, problems: Problems): void {
  const seen = new Map<string, string>()
  for (const entry of policy.entries.values()) {
    for (const { key, text, line, at } of marks(entry)) {
      const owner = seen.get(key)
      seen.set(key, owner ?? entry.name)
      if (owner === undefined) continue
      problems.found.push({
        code: 'DUPLICATE',
        line,
        key: `${tableOf(entry)}.${entry.name}.${at}`,
        message: `${quote(text)} already stands at ${quote(owner)}`,
      })
    }
  }
}

interface Mark {
  readonly key: string
  readonly text: string
  readonly line: number
  readonly at: string
}

function marks(entry: Entry): Mark[] {
  if (entry.kind === 'shared') return []
  const keys = entry.keys.map(({ kind, value, line }) => ({
    key: JSON.stringify([kind, value]),
    text: value,
    line,
    at: kind === 'ssh-key' ? 'ssh' : 'pgp',
  }))
  if (entry.kind === 'forge') return keys
  const identities = entry.identities.map(({ kind, value, issuer, trust, line }) => ({
    key: JSON.stringify([kind, value, issuer, trust]),
    text: value,
    line,
    at: kind,
  }))
  const vouched =
    entry.kind === 'bot' && entry.forge !== undefined
      ? [
          {
            key: JSON.stringify(['author', entry.forge.name, entry.forge.author]),
            text: entry.forge.author,
            line: entry.line,
            at: 'author',
          },
        ]
      : []
  return [...identities, ...keys, ...vouched]
}

/** With `committer = "match"` whoever may commit must have an address to match. */
function checkAddresses(policy: Policy, rule: Rule, at: TomlPath, problems: Problems): void {
  if (rule.committer !== 'match') return
  for (const name of new Set([...rule.by, ...rule.mergeBy])) {
    const entry = policy.entries.get(name)
    if (entry === undefined || !needsAddress(entry)) continue
    problems.add(
      'MISSING_KEY',
      [tableOf(entry), name],
      `needs "git": the addresses it commits with, because the rule at line ${String(problems.line(at))} has committer = "match"`,
    )
  }
}

function needsAddress(entry: Entry): entry is Person | Bot {
  if (entry.kind === 'shared' || entry.kind === 'forge') return false
  // Without identity and key it is broken in another way, or known by its forge.
  return entry.addresses.length === 0 && entry.identities.length + entry.keys.length > 0
}
