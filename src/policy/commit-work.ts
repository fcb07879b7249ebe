import type { Facts, Strength } from '../facts.ts'
import { addressesOf } from './addresses.ts'
import type { CommitObject } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import { parseIdent } from './ident.ts'
import { namesOf, who } from './identify.ts'
import type { Identification } from './identify.ts'
import type { Evidence, RuleSet } from './judge-commit.ts'
import { isPathRule } from './model.ts'
import type { Bot, Policy, Rule } from './model.ts'
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
      const [path = ''] = paths
      found.push(
        reason.code === 'NOT_ALLOWED_HERE' && isElsewhere
          ? { code: 'PATH_NOT_ALLOWED', detail: `${who(signing)} may not change "${path}"` }
          : reason,
      )
    }
    if (set.isUnmatched && !set.isFloor) await this.#askOthers(set, signing, found)
    return found
  }

  /** Whether any rule with paths is about what the commit changes; what cannot be read is. */
  async isConcerned(set: RuleSet): Promise<boolean> {
    for (const rule of set.rules) {
      const { parents } = this.#commit
      const own = await this.#changes(rule.commits === 'mainline' ? parents.slice(0, 1) : parents)
      if ('code' in own || own.paths.some((path) => concerns(rule, path))) return true
    }
    return false
  }

  /** Refs that no rule without paths matches: any listed identity, forges for what merges cleanly. */
  async #askOthers({ policy }: RuleSet, signing: Identification, found: Reason[]): Promise<void> {
    if (policy.otherRefs !== 'signed') return
    if (signing.exact?.kind !== 'forge' || signing.vouched !== undefined) return
    const kind = await this.#forgeKind(signing)
    if (kind !== undefined) found.push(kind)
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
      reason = bot?.paths === undefined ? undefined : await this.#keptTo(bot, signing)
      if (rule.commits === 'mainline') this.#weaken('vouched-by-merger')
      if (signing.vouched !== undefined) this.#weaken('vouched-by-forge')
    } else reason = await this.#askMerge(rule, signing, names)
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
  ): Promise<Reason | undefined> {
    if (!names.some((name) => rule.mergeBy.has(name))) {
      return {
        code: 'NOT_ALLOWED_HERE',
        detail: `${who(signing)} is not in "by" of the rule at line ${String(rule.line)}`,
      }
    }
    if (signing.exact?.kind === 'forge') return this.#forgeKind(signing)
    if (this.#commit.parents.length < 2) {
      return { code: 'NOT_ALLOWED_HERE', detail: `${who(signing)} may merge here, not commit` }
    }
    const own = await this.#changes(this.#commit.parents)
    if ('code' in own) return own
    if (own.isMechanical) {
      this.#weaken('mechanical')
      return undefined
    }
    return {
      code: 'MERGE_ADDS_CHANGES',
      detail: `${who(signing)} may merge here, and this merge changes ${quoted(own.paths)}`,
    }
  }

  /** What a forge's own commit is, and whether `accept` names it. */
  async #forgeKind(signing: Identification): Promise<Reason | undefined> {
    const forge = signing.exact
    if (forge?.kind !== 'forge') return undefined
    const { parents, message } = this.#commit
    if (parents.length >= 2) {
      const own = await this.#changes(parents)
      if ('code' in own) return own
      if (own.isMechanical && forge.accept.includes('clean-merge')) {
        this.#weaken('mechanical')
        return undefined
      }
      return {
        code: 'MERGE_ADDS_CHANGES',
        detail: `${forge.name} merged, and the merge changes ${quoted(own.paths)}`,
      }
    }
    if (forge.accept.includes('matching-squash')) {
      const answer = await findSquashSource(
        this.#evidence.git,
        this.#commit,
        this.#evidence.squashSources,
      )
      if ('unanswered' in answer) return { code: answer.unanswered, detail: answer.detail }
      if (answer.kind === 'matches') {
        this.#story.push(`squash of ${answer.source}`)
        this.sources.push(answer.source)
        this.#weaken('mechanical')
        return undefined
      }
      if (answer.kind === 'differs' && !forge.accept.includes('any-squash')) {
        return {
          code: 'SQUASH_NOT_REPRODUCIBLE',
          detail: `it is not what merging ${answer.source} makes`,
        }
      }
      if (
        answer.kind === 'no-source' &&
        namesSource(message) &&
        !forge.accept.includes('any-squash')
      ) {
        return { code: 'SQUASH_SOURCE_MISSING', detail: 'the branch that was squashed is not here' }
      }
    }
    const isVouched =
      forge.accept.includes('edit') || (forge.accept.includes('any-squash') && namesSource(message))
    if (isVouched) {
      this.#weaken('vouched-by-forge')
      return undefined
    }
    return {
      code: 'FORGE_EDIT',
      detail: `${forge.name} made this commit itself, for whoever was logged in`,
    }
  }

  /** A bot with `paths` changes nothing else. */
  async #keptTo(bot: Bot, signing: Identification): Promise<Reason | undefined> {
    const own = await this.#changes(this.#commit.parents)
    if ('code' in own) return own
    const outside = own.paths.find((path) => !coversPath(bot.paths ?? [], path))
    if (outside === undefined) return undefined
    return {
      code: 'PATH_NOT_ALLOWED',
      detail: `${who(signing)} is kept to its paths and changes "${outside}"`,
    }
  }

  /** Committer and author against the signer, raw bytes, no mailmap. */
  #askIdents(rule: Rule, signing: Identification): Reason | undefined {
    const addresses = addressesOf(signing, this.#facts)
    if (addresses === undefined) return undefined
    for (const [kind, code] of [
      ['committer', 'COMMITTER_MISMATCH'],
      ['author', 'AUTHOR_MISMATCH'],
    ] as const) {
      if (rule[kind] !== 'match') continue
      const address = parseIdent(this.#commit[kind])?.address
      if (address !== undefined && addresses.has(address)) continue
      const shown = address === undefined ? 'malformed' : `"${address}"`
      return { code, detail: `the ${kind} is ${shown}, not an address of ${who(signing)}` }
    }
    return undefined
  }

  /** Own changes as a rule sees them: the merger's whole difference under `mainline`. */
  #ownFor(rule: Rule, signing: Identification): Promise<OwnChanges | Reason> {
    const { parents } = this.#commit
    if (rule.commits === 'mainline') return this.#changes(parents.slice(0, 1))
    const [source] = this.sources
    const isSquash = source !== undefined && signing.exact?.kind === 'forge'
    return this.#changes(isSquash ? [...parents, source] : parents)
  }

  #changes(parents: readonly string[]): Promise<OwnChanges | Reason> {
    const key = parents.join(' ')
    const known = this.#own.get(key)
    if (known !== undefined) return known
    const asked = ownChanges(this.#evidence.git, this.#commit, parents).then(
      (own): OwnChanges | Reason =>
        isUnanswered(own)
          ? { code: own.unanswered, detail: own.detail }
          : own.findings.length > 0
            ? { code: 'MALFORMED', detail: own.findings.slice(0, 3).join('; ') }
            : own,
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
