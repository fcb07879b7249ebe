import { PolicyError, UnavailableError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { RepositoryAnswers } from '../git/answers.ts'
import { countCommits } from '../git/walk.ts'
import { runAsync } from '../crypto/verify.ts'
import { inForceNow, isZero, outcome, rulesOf } from '../policy/context.ts'
import type { PolicyContext, Step, StepOutcome, VerifiedTip } from '../policy/context.ts'
import { isPathRule } from '../policy/model.ts'
import type { Policy } from '../policy/model.ts'
import { mayGoBack } from '../policy/range.ts'
import type { Reason } from '../policy/reason.ts'
import { StepMemo } from '../policy/step-memo.ts'
import { evaluateStep } from '../policy/steps.ts'
import { verifyObject } from '../verification/object.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { PolicySession } from '../verification/policy-session.ts'
import type { ReceivedCertificate } from './certificate.ts'
import type { HookLimits } from './limits.ts'
import type { HookSession } from './policy.ts'

export interface PushQuestion extends HookSession {
  readonly repository: RepositoryAnswers
  /** Refs as what they resolve to here. */
  readonly steps: readonly Step[]
  /** `unknown`: nobody wrote down whether there was one, so nothing is asked of it. */
  readonly certificate: ReceivedCertificate | 'unknown' | undefined
  readonly roots: TrustRoots
  /** A ref's verified tip before this push. */
  readonly verifiedTip: (ref: string) => Promise<VerifiedTip>
  /** The last verified tip that a ref was seen to have; undefined: nobody remembers. */
  readonly remembered: (ref: string) => string | undefined
  /** Refs whose steps passed when they came, where that is known and later denials are not to change it. */
  readonly passed?: ReadonlySet<string> | undefined
  /** Undefined in an audit, which has read the history ahead and lets no number of commits pass for an answer. */
  readonly limits: HookLimits | undefined
}

/** More refs than this: who descends from whom is answered from memory, of the whole history. */
const FEW_REFS = 8

/**
 * Judges every ref of a push: the policy branch first, tags last, so that a tag may stand on what came
 * with it. Yields each judged step; the policy branch has one for each first-parent commit.
 *
 * @throws PolicyError POLICY_BRANCH before the policy branch was pushed, POLICY_INVALID;
 *   UnavailableError LIMIT, as runGit
 */
export async function* judgePush(
  question: PushQuestion,
): AsyncGenerator<{ readonly step: Step; readonly outcomes: StepOutcome[] }, void, undefined> {
  const { session, isWaiting, isInTree } = question
  const certificate = question.certificate === 'unknown' ? undefined : question.certificate
  const { policyBranch } = session.context
  const first = question.steps.find(({ ref }) => ref === policyBranch)
  if (isWaiting && question.steps.some((step) => step !== first && needsPolicy(step))) {
    throw new PolicyError('POLICY_BRANCH', `${policyBranch} has to be pushed first, and alone`, {
      hint: `git push REMOTE ${policyBranch}, with the anchor in its history`,
    })
  }
  await prepare(question)
  /** Branches whose steps passed, once it is the tags' turn. */
  const passed = new Map<string, Step>()
  const tipNow = async (ref: string): Promise<VerifiedTip> => {
    const before = await question.verifiedTip(ref)
    const step = passed.get(ref)
    if (step === undefined) return before
    if (isZero(step.after)) return 'none'
    const isNew = isZero(step.before) || (isInTree && ref === policyBranch)
    const follows = typeof before === 'object' && before.id === step.before
    return isNew || follows ? { id: step.after } : before
  }
  const facts = certificateFacts(certificate, session)
  const context: PolicyContext = {
    ...session.context,
    facts: (id, policy) =>
      id === certificate?.evidence.id ? facts(policy) : session.facts(id, policy),
    pushCertificate: question.certificate === 'unknown' ? 'unknown' : certificate?.evidence,
    verifiedTip: tipNow,
    ...(question.steps.length > 1 && { memo: new StepMemo() }),
  }
  const { branches, tags } = inTurn(question.steps, policyBranch)
  const good: Step[] = []
  for (const step of branches) {
    const outcomes = await judgeStep(question, context, step)
    const passes = outcomes.every(({ verdict }) => verdict === 'pass')
    if (question.passed?.has(step.ref) ?? passes) good.push(step)
    yield { step, outcomes }
  }
  for (const step of good) passed.set(step.ref, step)
  const forTags = withRefs(context, good)
  for (const step of tags) yield { step, outcomes: await judgeStep(question, forTags, step) }
}

/** Branches that a push creates are there for its tags. */
function withRefs(context: PolicyContext, good: readonly Step[]): PolicyContext {
  const created = good.filter(({ before, after }) => isZero(before) && !isZero(after))
  if (created.length === 0) return context
  const { git } = context
  const refNames = async (): Promise<string[]> => [
    ...new Set([...(await git.refNames()), ...created.map(({ ref }) => ref)]),
  ]
  return { ...context, git: { ...git, refNames } }
}

function needsPolicy({ ref }: Step): boolean {
  return !ref.startsWith('refs/notes/') && !ref.startsWith('refs/replace/')
}

function inTurn(steps: readonly Step[], policyBranch: string): { branches: Step[]; tags: Step[] } {
  const isTag = ({ ref }: Step): boolean => ref.startsWith('refs/tags/')
  const others = steps.filter((step) => step.ref !== policyBranch)
  return {
    branches: [
      ...steps.filter((step) => step.ref === policyBranch),
      ...others.filter((step) => !isTag(step)),
    ],
    tags: others.filter(isTag),
  }
}

async function judgeStep(
  question: PushQuestion,
  context: PolicyContext,
  step: Step,
): Promise<StepOutcome[]> {
  const outcomes = await evaluateStep(context, step)
  const back = await rollback(question, context, step)
  if (back === undefined) return outcomes
  const policy = outcomes.at(-1)?.policy ?? ''
  return [...outcomes, outcome(step, policy, [back], [])]
}

/** A ref that may only grow was moved back behind its last verified tip, past this hook. */
async function rollback(
  { remembered }: PushQuestion,
  context: PolicyContext,
  { ref, before, after }: Step,
): Promise<Reason | undefined> {
  const tip = remembered(ref)
  if (tip === undefined || tip === before || isZero(after)) return undefined
  if (mayGoBack(context, ref)) return undefined
  const { policy } = inForceNow(context)
  const rules = rulesOf(policy, ref, false).rules.filter((rule) => !isPathRule(rule))
  if (isZero(before) && rules.every((rule) => rule.delete)) return undefined
  if ((await context.git.isAncestor(tip, after)) === true) return undefined
  const detail = `it was at ${tip} before, which passed, and this does not follow it`
  return { code: 'ROLLBACK', detail }
}

/** Counts what arrives, and reads ahead what is asked about again and again. */
async function prepare({ repository, session, steps, limits }: PushQuestion): Promise<void> {
  if (limits === undefined) return
  const { anchor, chain } = session.context
  const include = steps.map(({ after }) => after).filter((id) => !isZero(id))
  if (include.length === 0) return
  const before = steps.map((step) => step.before).filter((id) => !isZero(id))
  const known = [...new Set([...before, ...(anchor === undefined ? [] : [anchor])])]
  let few: number | undefined
  let commits: number
  try {
    const range = { include, exclude: [...known, ...(chain === undefined ? [] : [chain.tip])] }
    few = await repository.countAtOnce(range)
    commits = few ?? (await countCommits(repository.place, range))
  } catch (error) {
    // Objects are missing, or it is no commit: evaluation says which and how.
    if (error instanceof UnavailableError && error.code === 'GIT_FAILED') return
    throw error
  }
  if (commits > limits.commits) {
    throw new UnavailableError(
      'LIMIT',
      `over a limit of the hook: ${String(commits)} commits in one push, and ${String(limits.commits)} are allowed`,
      {
        hint: 'push in smaller parts (git push REMOTE COMMIT:refs/heads/BRANCH), or on the server: git config signet.hook.maxCommits',
      },
    )
  }
  if (few !== undefined) return
  if (steps.length > FEW_REFS) {
    const tips = chain === undefined ? [] : [chain.tip]
    await repository.load({ include: [...new Set([...include, ...before, ...tips])], exclude: [] })
  } else if (commits > 1) await repository.load({ include, exclude: known })
}

/** Facts about the certificate's signature, by the roots and keys that a policy pins. */
function certificateFacts(
  certificate: ReceivedCertificate | undefined,
  session: PolicySession,
): (policy: Policy) => Promise<Facts> {
  return async (policy) => {
    const object = certificate?.object
    if (object === undefined) throw new Error('a certificate without facts was asked for')
    const { roots, openpgpKeys } = await session.materialOf(policy)
    return runAsync(verifyObject(object, roots, { openpgpKeys }))
  }
}
