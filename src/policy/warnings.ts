import { CONSUMER_ISSUERS, GITHUB_ACTIONS_ISSUER, showIssuer } from './issuers.ts'
import { NO_REASON, isPathRule, tableOf } from './model.ts'
import type { Bot, Entry, Policy, RefPattern, Rule } from './model.ts'
import { matchesRef, touchesPath } from './patterns.ts'
import { quote } from './problem.ts'
import { showPath, type TomlPath } from './toml-positions.ts'

/** A doubtful line of a policy that is valid. The message says why; it is escaped. */
export interface PolicyWarning {
  /** 1-based; undefined where it is about something that is not in the file, or nobody knows. */
  readonly line: number | undefined
  readonly key: string
  readonly message: string
}

export interface WarningContext {
  readonly policyBranch: string
  /** The policy that this one is to follow. */
  readonly before?: Policy | undefined
  /** Milliseconds; for `expires`. */
  readonly now?: number | undefined
  /** It is judged on a server by the policy in the tree alone. */
  readonly isServerWithoutFloor?: boolean
  /** Of `readPolicy`; without it lines are those of whole tables. */
  readonly lineOf?: ((path: TomlPath) => number) | undefined
}

/** What people should look at twice (policy.md §2), by line. */
export function policyWarnings(policy: Policy, context: WarningContext): PolicyWarning[] {
  const warnings = [
    ...aboutFile(policy, context),
    ...[...policy.entries.values()].flatMap((entry) => aboutEntry(policy, entry, context)),
    ...policy.rules.flatMap((rule, index) => aboutRule(policy, rule, index, context)),
    ...withoutReason(policy),
    ...(context.before === undefined ? [] : deleted(policy, context.before)),
  ]
  return warnings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
}

function aboutFile(policy: Policy, context: WarningContext): PolicyWarning[] {
  const { now, isServerWithoutFloor, lineOf } = context
  const warnings: PolicyWarning[] = []
  const add = (key: string, message: string): void => {
    warnings.push({ line: key === '' ? undefined : lineOf?.([key]), key, message })
  }
  if (policy.admins.length === 1) {
    const [admin = ''] = policy.admins
    add(
      'admins',
      `${quote(admin)} is the only admin: if that account is lost, nobody can change this policy; if it is stolen, nobody can take it back`,
    )
  }
  if (policy.expires !== undefined && now !== undefined && now > policy.expires) {
    add('expires', `was to be looked at again before ${new Date(policy.expires).toISOString()}`)
  }
  if (isServerWithoutFloor === true) {
    add(
      '',
      'there is no floor on this server: whoever steals an admin’s account for ten minutes can make another admin for good',
    )
  }
  return warnings
}

function aboutEntry(policy: Policy, entry: Entry, context: WarningContext): PolicyWarning[] {
  const warnings: PolicyWarning[] = []
  const add = (key: string, message: string): void => {
    const path = [tableOf(entry), entry.name, ...(key === '' ? [] : [key])]
    const line = context.lineOf?.(path) ?? entry.line
    warnings.push({ line, key: showPath(path), message })
  }
  switch (entry.kind) {
    case 'shared':
      if (CONSUMER_ISSUERS.includes(entry.issuer)) {
        add(
          'issuer',
          `anybody may have an account at ${showIssuer(entry.issuer)}, and what stands behind *@${entry.domain} is for it alone to say`,
        )
      }
      break
    case 'forge':
      for (const kind of ['any-squash', 'edit'] as const) {
        if (!entry.accept.includes(kind)) continue
        add(
          'accept',
          `${quote(kind)} lets the forge vouch for what it wrote itself: nobody checks it, and whoever controls the forge or an account there can write it`,
        )
      }
      break
    case 'bot':
      for (const message of aboutBot(policy, entry, context)) add('', message)
      break
    case 'person':
  }
  if (entry.kind !== 'shared' && entry.keys.length > 0 && entry.since !== undefined) {
    add('since', 'signatures by ssh and OpenPGP keys have no trusted time: none by its keys counts')
  }
  return warnings
}

function aboutBot(policy: Policy, bot: Bot, context: WarningContext): string[] {
  const messages: string[] = []
  const isGithub = bot.identities.some(({ issuer }) => issuer === GITHUB_ACTIONS_ISSUER)
  if (isGithub && !('repository-id' in bot.claims || 'owner-id' in bot.claims)) {
    messages.push(
      'has neither repository-id nor owner-id: whoever registers the name after a rename or deletion becomes this bot',
    )
  }
  if ('workflow-sha' in bot.claims) return messages
  for (const { kind, value } of bot.identities) {
    const workflow = kind === 'uri' ? workflowOf(value) : undefined
    if (workflow === undefined) continue
    const ref = workflow.ref ?? context.policyBranch
    if (policy.rules.some((rule) => keepsToAdmins(policy, rule, ref, workflow.path))) continue
    messages.push(
      `whoever edits ${quote(workflow.path)} becomes this bot: give ${quote(ref)} a rule with that path whose "by" are admins, or pin workflow-sha`,
    )
  }
  return messages
}

/** Path and ref of the workflow in a SAN of GitHub (`…/OWNER/REPO/PATH@REF`) or GitLab (`…//PATH@REF`). */
export function workflowOf(uri: string): { path: string; ref: string | undefined } | undefined {
  const match =
    /^https:\/\/[^/]+\/[^@]+?\/\/([^@]+)(?:@(.+))?$/.exec(uri) ??
    /^https:\/\/[^/]+\/[^/@]+\/[^/@]+\/([^@]+)(?:@(.+))?$/.exec(uri)
  const path = match?.[1]
  return path === undefined ? undefined : { path, ref: match?.[2] }
}

function keepsToAdmins(policy: Policy, rule: Rule, ref: string, path: string): boolean {
  if (!matchesRef(rule.refs, ref)) return false
  if (rule.paths !== undefined && !touchesPath(rule.paths, path)) return false
  if (rule.exceptPaths !== undefined && touchesPath(rule.exceptPaths, path)) return false
  return [...rule.by].every((name) => policy.admins.includes(name))
}

function aboutRule(
  policy: Policy,
  rule: Rule,
  index: number,
  { lineOf }: WarningContext,
): PolicyWarning[] {
  const warnings: PolicyWarning[] = []
  const add = (key: string, message: string): void => {
    const path = ['protect', index, key]
    warnings.push({ line: lineOf?.(path) ?? rule.line, key: showPath(path), message })
  }
  if (isPathRule(rule)) {
    for (const pattern of rule.refs) {
      if (hasWholeRule(policy, pattern)) continue
      add(
        rule.paths === undefined ? 'except-paths' : 'paths',
        `no rule without paths is about ${quote(pattern.text)}: everything but these paths is left to other-refs, which is ${quote(policy.otherRefs)}`,
      )
    }
    for (const key of ['rewrite', 'delete', 'on', 'unsignedTarget'] as const) {
      if (rule[key] === undefined || rule[key] === false) continue
      const message = 'has no effect: a rule with paths never decides about the movement of a ref'
      add(key === 'unsignedTarget' ? 'unsigned-target' : key, message)
    }
  }
  if (!isPathRule(rule) && !rule.refs.some(mayBeTag)) {
    for (const key of ['on', 'unsignedTarget'] as const) {
      if (rule[key] === undefined || rule[key] === false) continue
      add(
        key === 'on' ? 'on' : 'unsigned-target',
        'is about tags, and none of the refs of this rule is one: it has no effect',
      )
    }
  }
  return warnings
}

/** Patterns are compared by an example of the one: enough to warn by. */
function hasWholeRule(policy: Policy, { text }: RefPattern): boolean {
  const example = text.replaceAll('**', 'x/y').replaceAll('*', 'x')
  return policy.rules.some(
    (rule) =>
      !isPathRule(rule) &&
      (matchesRef(rule.refs, example) || rule.refs.some((other) => other.text === text)),
  )
}

function mayBeTag({ text }: RefPattern): boolean {
  const start = text.split('*')[0] ?? ''
  return start.startsWith('refs/tags/') || (text.includes('*') && 'refs/tags/'.startsWith(start))
}

function withoutReason(policy: Policy): PolicyWarning[] {
  const message = 'has no reason: those who read this policy later will not know why'
  return (['accept', 'revoke'] as const).flatMap((table) =>
    policy[table].flatMap(({ reason, line }, index) =>
      reason === NO_REASON ? [{ line, key: `${table}[${String(index)}]`, message }] : [],
    ),
  )
}

/** Identities and keys that the policy before had and this one has nowhere. */
function deleted(policy: Policy, before: Policy): PolicyWarning[] {
  const has = new Set([...policy.entries.values()].flatMap((entry) => marksOf(entry)))
  return [...before.entries.values()].flatMap((entry) => {
    const gone = marksOf(entry).filter((mark) => !has.has(mark))
    if (gone.length === 0) return []
    const isWhole = !policy.entries.has(entry.name)
    const what = isWhole ? 'is deleted' : `has lost ${gone.map((mark) => quote(mark)).join(', ')}`
    const message = `${what}: what was signed by it and arrives later, or is audited again on another ref, is by nobody; keep it and give it "until"`
    const line = policy.entries.get(entry.name)?.line
    return [{ line, key: showPath([tableOf(entry), entry.name]), message }]
  })
}

function marksOf(entry: Entry): string[] {
  if (entry.kind === 'shared') return [`*@${entry.domain} by ${entry.issuer}, ${entry.trust}`]
  const keys = entry.keys.map(({ value }) => value)
  if (entry.kind === 'forge') return keys
  const identities = entry.identities.map(
    ({ kind, value, issuer, trust }) => `${kind} ${value} by ${issuer}, ${trust}`,
  )
  const vouched =
    entry.kind === 'bot' && entry.forge ? [`${entry.forge.author} by ${entry.forge.name}`] : []
  return [...keys, ...identities, ...vouched]
}
