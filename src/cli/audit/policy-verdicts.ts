import type { StepVerdict } from '../../facts.ts'
import type { CommitRange } from '../../git/refs.ts'
import { inForceNow } from '../../policy/context.ts'
import type { StepOutcome } from '../../policy/context.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import type { Judgement } from '../../policy/judge-commit.ts'
import { evaluateRange, inForceFor } from '../../policy/range.ts'
import { codesOf, verdictOf } from '../../policy/reason.ts'
import type { Reason } from '../../policy/reason.ts'
import { evaluateRef } from '../../policy/steps.ts'
import { shortId } from '../../report/result.ts'
import type { PolicySession } from '../../verification/policy-session.ts'
import type { Judged } from './history-verdict.ts'
import { judgementVerdict } from './judgement.ts'

/** Verdicts by a policy, and the steps of refs that are at fault themselves. */
export class PolicyVerdicts {
  readonly steps: StepVerdict[] = []
  readonly #session: PolicySession
  readonly #explain: boolean

  constructor(session: PolicySession, explain: boolean) {
    this.#session = session
    this.#explain = explain
  }

  /** Commits of a range as arriving at a ref; no rules about its movement. */
  async *range(range: CommitRange, ref: string): AsyncGenerator<Judged, void, undefined> {
    const { context } = this.#session
    await this.#session.load(range)
    for await (const one of evaluateRange(context, { ref, ...range })) yield this.#show(one, ref)
  }

  /** One commit; what the anchor has was there before trust began. */
  async *commit(id: string, ref: string): AsyncGenerator<Judged, void, undefined> {
    const { git, anchor } = this.#session.context
    if (anchor !== undefined && (await git.isAncestor(id, anchor)) === true) {
      yield this.#show(beforeAnchor(id), ref)
      return
    }
    const commit = await git.commit(id)
    const exclude = isUnanswered(commit) ? [] : commit.parents
    const question = { ref, include: [id], exclude }
    for await (const one of evaluateRange(this.#session.context, question)) {
      yield this.#show(one, ref)
    }
  }

  /**
   * A tag as it stands: its own rules, and `on`. Where no rule is about its ref, what it brings is judged
   * with it.
   *
   * @param more - what is wrong with it whatever rules say
   */
  async *tag(
    id: string,
    ref: string,
    more: readonly Reason[] = [],
  ): AsyncGenerator<Judged, void, undefined> {
    const { context } = this.#session
    const step = { ref, before: '0'.repeat(id.length), after: id }
    const outcome = await evaluateRef(context, step, await inForceFor(context, id))
    const own = outcome.judgements.find((judgement) => judgement.id === id)
    const base = own ?? { ...beforeAnchor(id), strength: undefined }
    const reasons = [...base.reasons, ...outcome.reasons]
    const told = new Set(reasons.map(({ code }) => code))
    const below = outcome.judgements
      .filter((judgement) => judgement.id !== id)
      .flatMap((one) => one.reasons.map((reason) => reasonBelow(one.id, reason)))
    for (const reason of [...more, ...below]) {
      if (told.has(reason.code)) continue
      told.add(reason.code)
      reasons.push(reason)
    }
    const verdict = verdictOf(reasons)
    const strength = verdict === 'pass' ? base.strength : undefined
    yield this.#show({ ...base, reasons, verdict, strength }, ref)
  }

  /** Every step of a ref, and the commits it brought. */
  async *audit(ref: string, tip: string): AsyncGenerator<Judged, void, undefined> {
    for await (const outcome of this.#session.audit(ref, tip)) yield* this.outcome(outcome)
  }

  /** What one step brought; the step itself is noted where it is at fault. */
  async *outcome(outcome: StepOutcome): AsyncGenerator<Judged, void, undefined> {
    this.#note(outcome)
    for (const one of outcome.judgements) yield this.#show(one, outcome.ref, outcome.policy)
  }

  addStep(step: StepVerdict): void {
    this.steps.push(step)
  }

  #note({ reasons, judgements, ref, before, after, policy, certificate }: StepOutcome): void {
    // What a commit brings is told with the commit.
    const told = new Set(judgements.flatMap((one) => one.reasons.map(({ code }) => code)))
    const own = reasons.filter(({ code }) => !told.has(code))
    if (own.length === 0) return
    const step = { ref, before, after, policy, ...(certificate !== undefined && { certificate }) }
    this.steps.push({ ...step, verdict: verdictOf(own), codes: codesOf(own) })
  }

  #show(judgement: Judgement, ref: string, policy?: string): Promise<Judged> {
    const inForce = inForceNow(this.#session.context)
    return judgementVerdict(this.#session, judgement, {
      ref,
      policy: policy ?? inForce.id,
      by: inForce.policy,
      explain: this.#explain,
    })
  }
}

function reasonBelow(id: string, { code, detail }: Reason): Reason {
  return { code, detail: `${shortId(id)}, which it brings: ${detail}` }
}

function beforeAnchor(id: string): Judgement {
  return {
    id,
    verdict: 'pass',
    strength: 'before-anchor',
    reasons: [],
    person: undefined,
    rules: [],
    story: ['the anchor has it: trust starts there'],
    sources: [],
  }
}
