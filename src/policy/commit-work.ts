import type { Facts, Strength } from '../facts.ts'
import { addressesOf } from './addresses.ts'
import type { CommitObject } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { parseIdent } from './ident.ts'
import { namesOf, who } from './identify.ts'
import type { Identification } from './identify.ts'
import type { Evidence, RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Bot, Forge, Policy, Rule } from './model.ts'
import { ownChanges } from './own-changes.ts'
import type { OwnChanges } from './own-changes.ts'
import { coversPath, touchesPath } from './patterns.ts'
import type { Reason } from './reason.ts'
import { findSquashSource, namesSource } from './squash.ts'

/** One commit under judgement: its own changes are found at most once, and only when asked for. */
export class CommitWork {
  strength: Strength = 'signed'
  readonly sources: string[] = []
  readonly #evidence: Evidence
  readonly #commit: CommitObject
  readonly #facts: Facts
  readonly #story: string[]
  readonly #own = new Map<string, Promise<OwnChanges | Reason>>()
  #squashed: ReturnType<typeof findSquashSource> | undefined

  constructor(evidence: Evidence, commit: CommitObject, facts: Facts, story: string[]) {
    this.#evidence = evidence
    this.#commit = commit
    this.#facts = facts
    this.#story = story
  }

  async askRules(set: RuleSet, signing: Identification): Promise<Reason[]> {
    const found: Reason[] = []
    let isAllowedOnRef = false
    const later: Rule[] = []
    for (const rule of set.rules) {
      if (isPathRule(rule)) later.push(rule)
      else {
        const reason = await this.#ask(set, rule, signing, undefined, found)
        if (reason === undefined) isAllowedOnRef = true
        else found.push(reason)
      }
    }
    for (const rule of later) {
      const own = await this.#ownFor(rule, signing)
      if ('code' in own) {
        found.push(own)
        continue
      }
      const paths = own.paths.filter((path) => concerns(rule, path))
      if (paths.length === 0) continue
      const reason = await this.#ask(set, rule, signing, paths, found)
      if (reason === undefined) continue
      const isElsewhere = isAllowedOnRef || set.isUnmatched
      found.push(
        reason.code === 'NOT_ALLOWED_HERE' && isElsewhere ? pathNotAllowed(signing, paths) : reason,
      )
    }
    if (set.isUnmatched && !set.isFloor) await this.#askOthers(set, signing, found)
    return found
  }

  /** Whether any rule with paths is about what the commit changes; what cannot be read is. */
  async isConcerned(set: RuleSet): Promise<boolean> {
    for (const rule of set.rules) {
      const own = await this.#changes(this.#parentsFor(rule), true)
      if ('code' in own || own.paths.some((path) => concerns(rule, path))) return true
    }
    return false
  }

  /** Refs that no rule without paths matches: any listed identity, forges for what merges cleanly. */
  async #askOthers({ policy }: RuleSet, signing: Identification, found: Reason[]): Promise<void> {
    if (policy.otherRefs === 'any') return
    if (policy.otherRefs === 'deny') {
      found.push({
        code: 'REF_NOT_ALLOWED',
        detail: 'no rule is about it, and other-refs = "deny"',
      })
      return
    }
    const bot = botOf(policy, namesOf(signing))
    let reason: Reason | undefined
    if (bot !== undefined) reason = await this.#keptTo(bot, this.#commit.parents, signing)
    else if (signing.exact?.kind === 'forge') {
      const kind = await this.#forgeKind(signing.exact)
      if (typeof kind !== 'string') reason = kind
    } else if (signing.exact === undefined) reason = this.#askIdent('committer', signing)
    if (reason !== undefined) found.push(reason)
  }

  /** Why one rule does not accept; undefined where it does. */
  async #ask(
    set: RuleSet,
    rule: Rule,
    signing: Identification,
    paths: readonly string[] | undefined,
    found: Reason[],
  ): Promise<Reason | undefined> {
    const names = namesOf(signing)
    const allowed = names.filter((name) => rule.by.has(name))
    const bot = botOf(set.policy, allowed)
    let reason: Reason | undefined
    if (allowed.length > 0) {
      reason = bot && (await this.#keptTo(bot, this.#parentsFor(rule), signing))
      if (rule.commits === 'mainline') this.#weaken('vouched-by-merger')
      if (signing.vouched !== undefined) this.#weaken('vouched-by-forge')
    } else reason = await this.#askMerge(rule, signing, names, paths)
    if (reason !== undefined) return reason
    const ident = this.#askIdents(rule, signing)
    this.#story.push(
      `rule at line ${String(rule.line)}${paths === undefined ? '' : ` for ${paths[0] ?? ''}`}: ${ident === undefined ? 'accepts' : ident.detail}`,
    )
    if (ident !== undefined) found.push(ident)
    return undefined
  }

  async #askMerge(
    rule: Rule,
    signing: Identification,
    names: readonly string[],
    paths: readonly string[] | undefined,
  ): Promise<Reason | undefined> {
    if (!names.some((name) => rule.mergeBy.has(name))) {
      return {
        code: 'NOT_ALLOWED_HERE',
        detail: `${who(signing)} is not in "by" of the rule at line ${String(rule.line)}`,
      }
    }
    if (signing.exact?.kind === 'forge') {
      const kind = await this.#forgeKind(signing.exact)
      if (typeof kind !== 'string') return kind
      // A merge that would have to add nothing has paths of its own only where a rename carried an edit.
      if (kind === 'mechanical' && paths !== undefined) return pathNotAllowed(signing, paths)
      this.#weaken(kind)
      return undefined
    }
    const { parents } = this.#commit
    const own = await this.#changes(parents, false)
    if ('code' in own) return own
    const addsNothing = parents.length < 2 ? own.paths.length === 0 : own.isMechanical
    if (addsNothing) {
      if (paths !== undefined) return pathNotAllowed(signing, paths)
      this.#weaken('mechanical')
      return undefined
    }
    if (parents.length < 2) {
      return { code: 'NOT_ALLOWED_HERE', detail: `${who(signing)} may merge here, not commit` }
    }
    return {
      code: 'MERGE_ADDS_CHANGES',
      detail: `${who(signing)} may merge here, and this merge changes ${quoted(own.paths)}`,
    }
  }

  /** How a forge's own commit counts, or why `accept` does not name what it is. */
  async #forgeKind(forge: Forge): Promise<Strength | Reason> {
    const { parents, message } = this.#commit
    const { accept } = forge
    if (parents.length >= 2) {
      const own = await this.#changes(parents, false)
      if ('code' in own) return own
      if (own.isMechanical && accept.includes('clean-merge')) return 'mechanical'
      const what = own.isMechanical ? 'its merges do not count' : `changes ${quoted(own.paths)}`
      return { code: 'MERGE_ADDS_CHANGES', detail: `${forge.name} merged, and the merge ${what}` }
    }
    if (accept.includes('matching-squash')) {
      const answer = await this.#squash()
      if ('unanswered' in answer) return { code: answer.unanswered, detail: answer.detail }
      if (answer.kind === 'matches') return 'mechanical'
      const isVouchedAnyway = accept.includes('any-squash')
      if (answer.kind === 'differs' && !isVouchedAnyway) {
        return {
          code: 'SQUASH_NOT_REPRODUCIBLE',
          detail: `it is not what merging ${answer.source} makes`,
        }
      }
      if (answer.kind === 'no-source' && namesSource(message) && !isVouchedAnyway) {
        return { code: 'SQUASH_SOURCE_MISSING', detail: 'the branch that was squashed is not here' }
      }
    }
    if (accept.includes('edit') || (accept.includes('any-squash') && namesSource(message))) {
      return 'vouched-by-forge'
    }
    return {
      code: 'FORGE_EDIT',
      detail: `${forge.name} made this commit itself, for whoever was logged in`,
    }
  }

  /** What the commit squashes; its commits arrive with it. */
  #squash(): ReturnType<typeof findSquashSource> {
    return (this.#squashed ??= findSquashSource(
      this.#evidence.git,
      this.#commit,
      this.#evidence.squashSources,
    ).then((answer) => {
      if ('kind' in answer && answer.kind === 'matches') {
        this.#story.push(`squash of ${answer.source}`)
        this.sources.push(answer.source)
      }
      return answer
    }))
  }

  /** A bot with `paths` changes nothing else. */
  async #keptTo(
    { paths }: Bot,
    parents: readonly string[],
    signing: Identification,
  ): Promise<Reason | undefined> {
    if (paths === undefined) return undefined
    const own = await this.#changes(parents, true)
    if ('code' in own) return own
    const outside = own.paths.find((path) => !coversPath(paths, path))
    if (outside === undefined) return undefined
    return {
      code: 'PATH_NOT_ALLOWED',
      detail: `${who(signing)} is kept to its paths and changes "${outside}"`,
    }
  }

  /** Committer and author against the signer, raw bytes, no mailmap. */
  #askIdents(rule: Rule, signing: Identification): Reason | undefined {
    for (const kind of ['committer', 'author'] as const) {
      // Whoever is known only as one of a group must have committed under the very name that signed.
      const isGroup = kind === 'committer' && signing.exact === undefined
      if (rule[kind] !== 'match' && !isGroup) continue
      const reason = this.#askIdent(kind, signing)
      if (reason !== undefined) return reason
    }
    return undefined
  }

  #askIdent(kind: 'committer' | 'author', signing: Identification): Reason | undefined {
    const address = parseIdent(this.#commit[kind])?.address
    if (address !== undefined && addressesOf(signing, this.#facts).has(address)) return undefined
    const shown = address === undefined ? 'malformed' : `"${address}"`
    return {
      code: kind === 'committer' ? 'COMMITTER_MISMATCH' : 'AUTHOR_MISMATCH',
      detail: `the ${kind} is ${shown}, not an address of ${who(signing)}`,
    }
  }

  /** Parents as a rule sees them: under `mainline` the merger's whole difference to the first. */
  #parentsFor({ commits }: Rule): readonly string[] {
    const { parents } = this.#commit
    return commits === 'mainline' ? parents.slice(0, 1) : parents
  }

  /** Own changes for a rule with paths; a squash has those of the merge it was made of. */
  async #ownFor(rule: Rule, signing: Identification): Promise<OwnChanges | Reason> {
    const parents = this.#parentsFor(rule)
    const forge = signing.exact?.kind === 'forge' ? signing.exact : undefined
    const mayBeSquash =
      forge?.accept.includes('matching-squash') === true &&
      signing.vouched === undefined &&
      rule.commits === 'all' &&
      parents.length === 1
    const answer = mayBeSquash ? await this.#squash() : undefined
    const isSquash = answer !== undefined && 'kind' in answer && answer.kind === 'matches'
    return this.#changes(isSquash ? [...parents, answer.source] : parents, true)
  }

  #changes(parents: readonly string[], isCarryingAsked: boolean): Promise<OwnChanges | Reason> {
    const key = `${String(isCarryingAsked)} ${parents.join(' ')}`
    const known = this.#own.get(key)
    if (known !== undefined) return known
    const asked = ownChanges(this.#evidence.git, this.#commit, parents, isCarryingAsked).then(
      (own): OwnChanges | Reason => {
        if (isUnanswered(own)) return { code: own.unanswered, detail: own.detail }
        if (own.findings.length > 0) {
          return { code: 'MALFORMED', detail: own.findings.slice(0, 3).join('; ') }
        }
        const odd =
          own.tolerated.length === 0
            ? ''
            : `odd in its trees, and let pass: ${own.tolerated.join(', ')}`
        if (odd !== '' && !this.#story.includes(odd)) this.#story.push(odd)
        return own
      },
    )
    this.#own.set(key, asked)
    return asked
  }

  #weaken(strength: Strength): void {
    const order: readonly Strength[] = [
      'signed',
      'mechanical',
      'vouched-by-merger',
      'vouched-by-forge',
    ]
    if (order.indexOf(strength) > order.indexOf(this.strength)) this.strength = strength
  }
}

/** Whether a rule with paths is about a change of `path`. */
export function concerns(rule: Rule, path: string): boolean {
  if (rule.paths !== undefined) return touchesPath(rule.paths, path)
  return rule.exceptPaths !== undefined && !coversPath(rule.exceptPaths, path)
}

function pathNotAllowed(signing: Identification, [path = '']: readonly string[]): Reason {
  return { code: 'PATH_NOT_ALLOWED', detail: `${who(signing)} may not change "${path}"` }
}

function botOf(policy: Policy, names: readonly string[]): Bot | undefined {
  for (const name of names) {
    const entry = policy.entries.get(name)
    if (entry?.kind === 'bot') return entry
  }
  return undefined
}

function quoted(paths: readonly string[]): string {
  const shown = paths
    .slice(0, 3)
    .map((path) => `"${path}"`)
    .join(', ')
  return paths.length > 3 ? `${shown} and ${String(paths.length - 3)} more` : shown
}
