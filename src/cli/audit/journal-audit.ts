import type { StepVerdict } from '../../facts.ts'
import { isZero } from '../../policy/context.ts'
import type { StepOutcome } from '../../policy/context.ts'
import { shortId } from '../../report/result.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import type { Judged } from './history-verdict.ts'
import { readPushes } from './journal-file.ts'
import type { RecordedPush } from './journal-file.ts'
import { JournalWarnings } from './journal-warnings.ts'
import type { OpenPolicy } from './policy-source.ts'
import type { PolicyVerdicts } from './policy-verdicts.ts'
import { Replay } from './replay.ts'
import type { ReplayedPush, ReplayedStep } from './replay.ts'
import type { RefState } from './ref-state.ts'

export interface JournalAuditOptions {
  readonly policy: OpenPolicy
  readonly verdicts: PolicyVerdicts
  readonly roots: TrustRoots
  /** A hook's journal. */
  readonly path: string
  /** The one ref that is told about; undefined: all. */
  readonly only: string | undefined
}

/**
 * Audits refs by a hook's journal: every push judged again by what stood before it, the history from
 * before the journal and whatever moved past the hook as audits without one do.
 */
export class JournalAudit {
  /** Every step that was judged, as the journal has them. */
  readonly steps: StepVerdict[] = []
  readonly warnings = new JournalWarnings()
  /** Refs that the journal is about. */
  readonly refs = new Set<string>()
  readonly #options: JournalAuditOptions

  constructor(options: JournalAuditOptions) {
    this.#options = options
  }

  /** @throws UsageError STEPS_FILE; PolicyError, UnavailableError as `PolicySession.audit` */
  async *run(): AsyncGenerator<Judged, void, undefined> {
    const { policy, roots, path } = this.#options
    const { format } = policy.repository
    const { starts, ids } = await this.#readAhead()
    const replay = new Replay({ policy, roots, starts })
    for (const [ref, id] of starts) {
      const state = replay.state(ref)
      if (state !== undefined) yield* this.#before(state, ref, id)
    }
    // Audits of what was there before load their own.
    await this.#load(ids)
    for (const push of readPushes(path, format, () => undefined)) {
      if (push.isForgotten) {
        this.#forget(replay, push)
        continue
      }
      for (const { ref, before } of push.movements) yield* this.#catchUp(replay, ref, before)
      yield* this.#push(replay, push)
    }
    for (const ref of starts.keys()) {
      const state = replay.state(ref)
      if (state === undefined) continue
      const now = (await policy.refs.tipOf(ref)) ?? '0'.repeat(format === 'sha1' ? 40 : 64)
      const last = state.newest
      if (state.seen === now && last !== undefined && last !== now) {
        this.warnings.notThere(ref, last, now)
      }
      yield* this.#catchUp(replay, ref, now)
    }
    this.warnings.policies(replay.doubtfulPolicies)
  }

  /** Every step, and of others those at fault. */
  withOthers(faults: readonly StepVerdict[]): StepVerdict[] {
    const keyOf = ({ ref, before, after }: StepVerdict): string => `${before} ${after} ${ref}`
    const own = new Set(this.steps.map(keyOf))
    return [...this.steps, ...faults.filter((step) => !own.has(keyOf(step)))]
  }

  /** What refs were at first, and every object that pushes name. */
  async #readAhead(): Promise<{ starts: Map<string, string>; ids: Set<string> }> {
    const { policy, path } = this.#options
    const { repository } = policy
    const starts = new Map<string, string>()
    const ids = new Set<string>()
    const pushes = readPushes(path, repository.format, (line) => {
      this.warnings.badLine(line)
    })
    for (const { movements, isForgotten } of pushes) {
      if (isForgotten) continue
      for (const { ref, before, after } of movements) {
        if (!starts.has(ref)) starts.set(ref, before)
        this.refs.add(ref)
        for (const id of [before, after]) if (!isZero(id)) ids.add(id)
      }
    }
    const tip = await policy.refs.tipOf(policy.refs.policyBranch)
    if (tip !== undefined) ids.add(tip)
    return { starts, ids }
  }

  /** So that walks cost no process. */
  async #load(ids: ReadonlySet<string>): Promise<void> {
    const { repository, anchor } = this.#options.policy
    const include: string[] = []
    for (const id of ids) if ((await repository.objectType(id)) === 'commit') include.push(id)
    await repository.load({ include, exclude: anchor === undefined ? [] : [anchor] })
  }

  /** Judges how a ref came to where a push starts, where no push before it says. */
  async *#catchUp(
    replay: Replay,
    ref: string,
    id: string,
  ): AsyncGenerator<Judged, void, undefined> {
    const state = replay.state(ref)
    if (state === undefined || state.see(id)) return
    const { git } = this.#options.policy.session.context
    const { newest = '', seen = '' } = state
    const follows = !isZero(newest) && !isZero(id) && (await git.isAncestor(newest, id)) === true
    const before = follows ? newest : seen
    this.warnings.pastHook(ref, before, id)
    const push = { steps: [{ ref, before, after: id }], isPastHook: true }
    const judged = await replay.judge(push)
    state.see(before)
    replay.note(push, judged)
    state.see(id)
    yield* this.#tell(push, judged)
  }

  /** From here on the ref is what it was moved back to, as the hook takes it. */
  #forget(replay: Replay, { movements }: RecordedPush): void {
    for (const { ref, before, after } of movements) {
      replay.state(ref)?.start(after, undefined)
      this.warnings.movedBack(ref, before, after)
    }
  }

  /** The history that was there before the journal. */
  async *#before(
    state: RefState,
    ref: string,
    id: string,
  ): AsyncGenerator<Judged, void, undefined> {
    const { policy, verdicts } = this.#options
    const { session, anchor } = policy
    const { git } = session.context
    const isExempt = /^refs\/(?:notes|replace)\//.test(ref)
    if (isZero(id) || isExempt || id === anchor) {
      state.start(id, id === anchor ? id : undefined)
      return
    }
    if (anchor !== undefined && (await git.isAncestor(id, anchor)) === true) {
      state.start(id, undefined)
      return
    }
    if (ref.startsWith('refs/tags/')) {
      if (this.#isAsked(ref)) yield* verdicts.tag(id, ref)
      state.start(id, undefined)
      return
    }
    let verified = anchor
    let isGood = true
    for await (const outcome of session.audit(ref, id)) {
      isGood &&= outcome.verdict === 'pass'
      if (isGood) verified = outcome.after
      if (this.#isAsked(ref)) yield* verdicts.outcome(outcome)
    }
    state.start(id, isGood ? id : verified)
  }

  async *#push(replay: Replay, recorded: RecordedPush): AsyncGenerator<Judged, void, undefined> {
    const { movements, certificate, isReport } = recorded
    const policy = movements.flatMap((one) => one.recorded).findLast((one) => one.policy !== '')
    const push = { steps: movements, policy: policy?.policy, certificate, isReport }
    const { chain, fixed } = this.#options.policy.session.context
    if (chain === undefined && policy !== undefined && policy.policy !== fixed?.id) {
      this.warnings.otherFile(policy.policy)
    }
    let judged = await replay.judge(push)
    let differing = differences(recorded, judged)
    let then = judged
    if (differing.length > 0 && (await replay.isLaterDifferent(push))) {
      then = await replay.judge(push, false)
      judged = await replay.judge(push, true, passedOf(then))
      differing = differences(recorded, judged)
    }
    const isLater = then !== judged && differences(recorded, then).length === 0
    if (isLater) this.warnings.later(differing)
    else if (differing.length > 0) this.warnings.differs(differing)
    // Later denials do not move a verified tip back.
    replay.note(push, then)
    yield* this.#tell(push, judged)
  }

  async *#tell(
    { certificate }: ReplayedPush,
    judged: readonly ReplayedStep[],
  ): AsyncGenerator<Judged, void, undefined> {
    for (const { step, outcomes } of judged) {
      if (!this.#isAsked(step.ref)) continue
      for (const [index, outcome] of outcomes.entries()) {
        // A first push starts at the anchor, and what was there before is no object.
        const before = index === 0 && isZero(step.before) ? step.before : outcome.before
        const own = { ...outcome, before, ...(certificate !== undefined && { certificate }) }
        this.steps.push(stepOf(own))
        yield* this.#options.verdicts.outcome(own)
      }
    }
  }

  #isAsked(ref: string): boolean {
    const { only } = this.#options
    return only === undefined || only === ref
  }
}

function stepOf({
  ref,
  before,
  after,
  policy,
  certificate,
  verdict,
  codes,
}: StepOutcome): StepVerdict {
  return {
    ref,
    before,
    after,
    policy,
    ...(certificate !== undefined && { certificate }),
    verdict,
    codes: [...codes],
  }
}

function passedOf(judged: readonly ReplayedStep[]): Set<string> {
  const good = judged.filter(({ outcomes }) => outcomes.every(({ verdict }) => verdict === 'pass'))
  return new Set(good.map(({ step }) => step.ref))
}

/** Steps that the hook judged otherwise, in words. */
function differences(
  { movements }: RecordedPush,
  judged: readonly ReplayedStep[],
): { line: number; text: string }[] {
  const found: { line: number; text: string }[] = []
  for (const { ref, recorded } of movements) {
    const outcomes = judged.flatMap(({ step, outcomes: all }) => (step.ref === ref ? all : []))
    for (let index = 0; index < Math.max(recorded.length, outcomes.length); index++) {
      const [was, is] = [recorded[index], outcomes[index]]
      const [then, now] = [shown(was), shown(is)]
      if (then === now) continue
      const at = shortId(was?.after ?? is?.after ?? '')
      const line = (was ?? recorded.at(-1))?.line ?? 0
      found.push({ line, text: `${ref} at ${at}: ${then}, now ${now}` })
    }
  }
  return found
}

function shown(step: Pick<StepVerdict, 'verdict' | 'codes' | 'after'> | undefined): string {
  if (step === undefined) return 'no step'
  return [step.verdict, ...[...step.codes].sort()].join(' ')
}
