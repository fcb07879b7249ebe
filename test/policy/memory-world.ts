import { expect } from 'vitest'
import { PolicyError } from '../../src/errors.ts'
import type { Facts, ReasonCode, Signer, Strength, VerdictValue } from '../../src/facts.ts'
import { buildPolicyChain } from '../../src/policy/chain.ts'
import type { PolicyChain } from '../../src/policy/chain.ts'
import { isZero } from '../../src/policy/context.ts'
import type {
  PolicyContext,
  PushCertificateEvidence,
  StepOutcome,
  VerifiedTip,
} from '../../src/policy/context.ts'
import type { Judgement } from '../../src/policy/judge-commit.ts'
import type { Policy } from '../../src/policy/model.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { auditPolicyBranch, evaluateRange } from '../../src/policy/range.ts'
import { codesOf, verdictOf } from '../../src/policy/reason.ts'
import { evaluateStep } from '../../src/policy/steps.ts'
import { ident, MemoryGit } from './memory-git.ts'
import type { CommitParts, Files } from './memory-git.ts'

export const MAIN = 'refs/heads/main'
export const ZERO = '0'.repeat(40)
export const GOOGLE = 'https://accounts.google.com'
export const GITHUB = 'https://github.com/login/oauth'
export const FORGE_KEY = '968479a1aff927e37d1a566bb5690eeebb952194'
const HOUR = 3_600_000

/** Who signs: a name is `NAME@example.org` by google; `undefined` nobody; or any signer at all. */
export interface Signature {
  readonly by: string | Partial<Signer> | undefined
  /** Trusted time; null for none. Each object comes an hour after the one before. */
  readonly at?: string | null
  readonly codes?: readonly ReasonCode[]
  readonly certificate?: string
}

export interface Story extends Partial<Signature> {
  readonly parents?: readonly string[]
  /** Changes to the first parent's files; null removes one. */
  readonly files?: Readonly<Record<string, string | null>>
  readonly policy?: string
  readonly author?: string
  readonly committer?: string
  readonly message?: string
  readonly findings?: readonly string[]
  readonly payload?: string
}

export interface Result {
  readonly exit: number
  readonly codes: readonly ReasonCode[]
  readonly outcomes: readonly StepOutcome[]
  /** Verdict and strength of a commit that was judged. */
  of(id: string): { verdict: VerdictValue; codes: ReasonCode[]; strength: Strength | undefined }
}

/** Histories told as stories: commits by name, pushed step by step to a server in memory. */
export class MemoryWorld {
  readonly git = new MemoryGit()
  readonly facts = new Map<string, Facts>()
  readonly verified = new Map<string, VerifiedTip>()
  anchor = ''
  fixed: Policy | undefined
  floor: Policy | undefined
  certificate: PushCertificateEvidence | undefined
  squashSources: string[] = []
  #clock = Date.parse('2026-01-01T00:00:00Z')

  /** The anchor, with a policy, at the tip of main. */
  static async of(policy: string, files: Files = {}): Promise<MemoryWorld> {
    const world = new MemoryWorld()
    world.anchor = world.commit({ by: 'alice', policy, files: { 'README.md': 'hello', ...files } })
    world.git.refs.set(MAIN, world.anchor)
    world.verified.set(MAIN, { id: world.anchor })
    await Promise.resolve()
    return world
  }

  commit(story: Story): string {
    const { parents = [], files = {}, policy } = story
    const [first] = parents
    const all: Record<string, string> = { ...(first === undefined ? {} : this.git.filesOf(first)) }
    const changes: Record<string, string | null> = {
      ...files,
      ...(policy !== undefined && { '.signet/policy.toml': policy }),
    }
    for (const [path, content] of Object.entries(changes)) {
      if (content === null) Reflect.deleteProperty(all, path)
      else all[path] = content
    }
    return this.#store(story, all)
  }

  /** A merge as a machine makes it, and what the story adds. */
  merge(first: string, second: string, story: Story): string {
    const merged = this.git.merged(first, second)
    const all: Record<string, string> = { ...(merged?.files ?? this.git.filesOf(first)) }
    for (const [path, content] of Object.entries(story.files ?? {})) {
      if (content === null) Reflect.deleteProperty(all, path)
      else all[path] = content
    }
    if (story.policy !== undefined) all['.signet/policy.toml'] = story.policy
    return this.#store({ ...story, parents: [first, second] }, all)
  }

  tag(name: string, target: string, story: Signature & { type?: string; tagger?: string }): string {
    const tagger = ident(story.tagger ?? addressOf(story.by))
    const id = this.git.addTag({ target, targetType: story.type ?? 'commit', name, tagger })
    this.facts.set(id, this.#factsOf(id, 'tag', story))
    return id
  }

  certify(story: Signature & { problems?: readonly string[] }): PushCertificateEvidence {
    const id = `certificate ${String(this.facts.size)}`
    this.facts.set(id, this.#factsOf(id, 'push-certificate', story))
    const pusher = ident(addressOf(story.by))
    return (this.certificate = { id, problems: story.problems ?? [], pusher })
  }

  async chainTo(tip: string): Promise<PolicyChain> {
    const question = {
      git: this.git,
      facts: (id: string) => this.#factsFor(id),
      policyBranch: MAIN,
      anchor: this.anchor,
      tip,
      floor: this.floor,
    }
    const whole = await buildPolicyChain(question)
    // Whoever goes on from an earlier tip finds the same.
    const earlier = whole.commits.at(whole.commits.length >> 1) ?? tip
    const known = await buildPolicyChain({ ...question, tip: earlier })
    const cut = await buildPolicyChain({ ...question, tip: earlier, known: whole })
    expect(cut).toEqual(known)
    expect(await buildPolicyChain({ ...question, known })).toEqual(whole)
    return whole
  }

  async context(): Promise<PolicyContext> {
    const tip = this.git.refs.get(MAIN)
    const isWaiting = tip === undefined || (await this.git.isAncestor(this.anchor, tip)) !== true
    return {
      git: this.git.answers(),
      facts: (id) => this.#factsFor(id),
      squashSources: this.squashSources,
      policyBranch: MAIN,
      anchor: this.anchor === '' ? undefined : this.anchor,
      chain:
        this.fixed !== undefined ? undefined : await this.chainTo(isWaiting ? this.anchor : tip),
      fixed: this.fixed && { policy: this.fixed, id: 'file' },
      floor: this.floor,
      chainTo: (to) => this.chainTo(to),
      verifiedTip: (ref) => Promise.resolve(this.verified.get(ref) ?? 'none'),
      pushCertificate: this.certificate,
    }
  }

  /** Pushes as to a server with the hook: what passes moves the ref and its verified tip. */
  async push(ref: string, after: string): Promise<Result> {
    const before = this.git.refs.get(ref) ?? ZERO
    let outcomes: StepOutcome[]
    try {
      outcomes = await evaluateStep(await this.context(), { ref, before, after })
    } catch (error) {
      if (error instanceof PolicyError) return { ...resultOf([]), exit: 3 }
      throw error
    }
    const result = resultOf(outcomes)
    if (result.exit !== 0) return result
    if (isZero(after)) {
      this.git.refs.delete(ref)
      this.verified.delete(ref)
    } else {
      this.git.refs.set(ref, after)
      const isNew = isZero(before) || ref === MAIN
      const known = this.verified.get(ref)
      if (isNew || (typeof known === 'object' && known.id === before)) {
        this.verified.set(ref, { id: after })
      }
    }
    return result
  }

  /** Puts a ref somewhere past the hook. */
  force(ref: string, id: string): void {
    this.git.refs.set(ref, id)
  }

  async audit(tip = this.git.refs.get(MAIN) ?? ''): Promise<Result> {
    try {
      const context = { ...(await this.context()), pushCertificate: 'unknown' as const }
      const chain = await this.chainTo(tip)
      const outcomes: StepOutcome[] = []
      for await (const one of auditPolicyBranch({ ...context, chain }, chain)) outcomes.push(one)
      return resultOf(outcomes)
    } catch (error) {
      if (error instanceof PolicyError) return { ...resultOf([]), exit: 3 }
      throw error
    }
  }

  async range(ref: string, include: string, exclude: readonly string[]): Promise<Result> {
    const judgements: Judgement[] = []
    const question = { ref, include: [include], exclude }
    for await (const one of evaluateRange(await this.context(), question)) judgements.push(one)
    const reasons = judgements.flatMap((one) => one.reasons)
    const step = { ref, before: '', after: include, policy: '', reasons: [] }
    const codes = codesOf(reasons)
    const result = resultOf([{ ...step, judgements, codes, verdict: verdictOf(reasons) }])
    return judgements.length === 0 ? { ...result, exit: 4 } : result
  }

  #store(story: Story, files: Files): string {
    const { parents, author, committer, message, findings, payload } = story
    const address = addressOf(story.by)
    const parts: CommitParts = {
      files,
      committer: committer ?? ident(address),
      author: author ?? ident(address),
      ...(parents && { parents }),
      ...(message !== undefined && { message }),
      ...(findings && { findings }),
      ...(payload !== undefined && { payload }),
    }
    const id = this.git.addCommit(parts)
    this.facts.set(id, this.#factsOf(id, 'commit', { by: undefined, ...story }))
    return id
  }

  #factsFor(id: string): Promise<Facts> {
    const facts = this.facts.get(id)
    if (facts === undefined) throw new Error(`no facts about ${id}`)
    return Promise.resolve(facts)
  }

  #factsOf(
    id: string,
    type: Facts['object']['type'],
    { by, at, codes, certificate }: Signature,
  ): Facts {
    this.#clock += HOUR
    const signer = signerOf(by)
    const isKey = signer?.kind === 'ssh-key' || signer?.kind === 'openpgp-key'
    const time = at === null || isKey || signer === null ? undefined : (at ?? iso(this.#clock))
    const found: ReasonCode[] = [...(codes ?? [])]
    if (signer === null) found.push('UNSIGNED')
    else if (time === undefined && !isKey && found.length === 0) found.push('NO_TRUSTED_TIME')
    return {
      schema: 'git-signet.facts/1',
      object: { id, type, format: 'sha1' },
      signature: signer === null ? 'none' : isKey ? 'ssh' : 'x509',
      outcome: found.length === 0 ? 'proven' : signer === null ? 'unsigned' : 'bad',
      codes: found,
      signer,
      certificate:
        certificate === undefined
          ? null
          : {
              serial: '01',
              sha256: certificate,
              not_before: '',
              not_after: '',
              issuer: '',
              san: [],
            },
      times: time === undefined ? [] : [{ source: 'rekor-v1', at: time, by: 'log' }],
      log: [],
      checks: [],
      tolerated: [],
    }
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function signerOf(by: Signature['by']): Signer | null {
  if (by === undefined) return null
  if (by === 'forge') {
    return { kind: 'openpgp-key', value: FORGE_KEY, issuer: '', trust: 'public', claims: {} }
  }
  const base = { kind: 'email', issuer: GOOGLE, trust: 'public', claims: {}, value: '' } as const
  return typeof by === 'string' ? { ...base, value: `${by}@example.org` } : { ...base, ...by }
}

function addressOf(by: Signature['by']): string {
  if (by === 'forge') return 'noreply@github.com'
  if (typeof by === 'string') return `${by}@example.org`
  return by?.kind === undefined || by.kind === 'email'
    ? (by?.value ?? 'x@example.org')
    : 'key@example.org'
}

function resultOf(outcomes: readonly StepOutcome[]): Result {
  const codes = [...new Set(outcomes.flatMap((one) => one.codes))]
  const verdicts = outcomes.map(({ verdict }) => verdict)
  const exit = verdicts.includes('fail') ? 1 : verdicts.includes('unknown') ? 4 : 0
  const of: Result['of'] = (id) => {
    const found = outcomes.flatMap((one) => one.judgements).find((one) => one.id === id)
    if (found === undefined) throw new Error(`${id} was not judged`)
    return { verdict: found.verdict, codes: codesOf(found.reasons), strength: found.strength }
  }
  return { exit, codes, outcomes, of }
}

/** A policy from the text of its rules; people sign by google, under their name at example.org. */
export function policyOf(
  people: readonly string[],
  rest: string,
  { admins = ['alice'], top = '' }: { admins?: readonly string[]; top?: string } = {},
): string {
  const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
  return `version = 1
admins = [${list(admins)}]
${top}
${people
  .map((name) =>
    name.includes('\n')
      ? name
      : `[people.${name}]\nemail = "${name}@example.org"\nissuer = "google"\n`,
  )
  .join('\n')}
${rest}`
}

/** A rule of main. */
export function rule(by: string, rest = '', refs = MAIN): string {
  const names = by.split(' ').map((name) => `"${name}"`)
  return `[[protect]]\nrefs = ["${refs}"]\nby = [${names.join(', ')}]\n${rest}\n`
}

export function read(text: string, use?: 'floor'): Policy {
  return parsePolicy(new TextEncoder().encode(text), 'policy.toml', {
    policyBranch: MAIN,
    ...(use && { use }),
  })
}
