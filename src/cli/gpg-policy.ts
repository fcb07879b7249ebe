import { loadTrustRoots } from '../config/trust-root.ts'
import { readSetting } from '../config/settings.ts'
import type { SettingSources } from '../config/settings.ts'
import { runSync } from '../crypto/verify.ts'
import { SignetError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import { tagFields } from '../git/object-form.ts'
import { splitObject } from '../git/split.ts'
import type { SplitObject } from '../git/split.ts'
import { inForceNow } from '../policy/context.ts'
import { isUnanswered } from '../policy/git-answers.ts'
import type { Judgement } from '../policy/judge-commit.ts'
import { evaluateRange } from '../policy/range.ts'
import type { Reason } from '../policy/reason.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { KeptEntries } from '../verification/kept-entries.ts'
import { LogCompletion } from '../verification/online-keep.ts'
import type { PolicySession } from '../verification/policy-session.ts'
import { verifySignedPayload } from '../verification/signed-payload.ts'
import type { SignatureFacts } from '../verification/signed-payload.ts'
import { openPolicy } from './audit/policy-source.ts'
import type { OpenPolicy } from './audit/policy-source.ts'
import { PolicyVerdicts } from './audit/policy-verdicts.ts'
import { RefView } from './audit/ref-view.ts'
import type { IdentityVerdict } from './gpg-identity.ts'
import { openGpgRepository, rebuildObject } from './gpg-object.ts'
import type { GpgRepository, SignedObject } from './gpg-object.ts'

export interface PolicyAnswer {
  readonly facts: SignatureFacts
  readonly verdict: IdentityVerdict
  readonly roots: TrustRoots
}

type Signature = { readonly armor: Uint8Array } | { readonly cmsDer: Uint8Array }

/**
 * What a policy says about a payload that git hands over: the object it is of is judged as `verify`
 * judges it, a commit for the policy branch, a tag for the ref of its name. A policy that cannot be
 * used, or an object that is not here, leaves it undecided; never accepted.
 */
export async function judgePayload(
  payload: Uint8Array,
  signature: Signature,
  sources: SettingSources,
): Promise<PolicyAnswer> {
  // No object of git holds anything but armor.
  const object = 'armor' in signature ? rebuildObject(payload, signature.armor) : undefined
  const roots = loadTrustRoots(readSetting('trustedRoot', sources))
  const undecided = async (why: string): Promise<PolicyAnswer> => {
    const facts = runSync(verifySignedPayload({ payload, ...signature, roots }))
    const verdict = { kind: 'undecided', why } as const
    return { facts: await completeFacts(payload, signature, facts, roots), verdict, roots }
  }
  let policy: OpenPolicy | undefined
  try {
    const repository = object && (await openGpgRepository(object, policyNames(sources)))
    if (object === undefined || repository?.isHere !== true) {
      return await undecided('the signed object is not here')
    }
    const { place } = repository
    const completion = (): Promise<LogCompletion> =>
      Promise.resolve(completionBy(repository, roots))
    const proving = { sources, roots, completion, single: repository }
    policy = await openPolicy(place, proving, { policy: undefined, anchor: undefined })
    if (policy === undefined) return await undecided('no policy is configured')
    const judged = await judgeObject(object, policy)
    if (judged === undefined) return await undecided('the policy does not look at it')
    await policy.session.keepChain()
    return { ...judged, roots }
  } catch (error) {
    if (!(error instanceof SignetError)) throw error
    return await undecided(error.message)
  } finally {
    await policy?.close()
  }
}

/** What opening the policy asks for whatever the policy says. */
function policyNames(sources: SettingSources): string[] {
  const anchor = readSetting('anchor', sources).value
  const isAnchor = anchor !== undefined && /^[0-9a-f]{40,64}$/.test(anchor)
  return [...RefView.policyRefs(sources), ...(isAnchor ? [anchor] : [])]
}

/**
 * Facts that lack nothing but a log entry, with the one that was kept for the object, where there is
 * one; else as they are.
 */
export async function completeFacts(
  payload: Uint8Array,
  signature: Signature,
  facts: SignatureFacts,
  roots: TrustRoots,
): Promise<SignatureFacts> {
  const isLacking = facts.codes.includes('NOT_LOGGED')
  const object =
    isLacking && 'armor' in signature ? rebuildObject(payload, signature.armor) : undefined
  if (object === undefined) return facts
  const { id, type, format } = object
  try {
    const repository = await openGpgRepository(object)
    const whole: Facts = { schema: 'git-signet.facts/1', object: { id, type, format }, ...facts }
    return await completionBy(repository, roots).complete(object, whole)
  } catch (error) {
    // Without a repository nothing is kept.
    if (!(error instanceof SignetError)) throw error
    return facts
  }
}

function completionBy({ place, paths, reader }: GpgRepository, roots: TrustRoots): LogCompletion {
  return new LogCompletion({
    roots,
    kept: new KeptEntries({ place, paths, reader, notes: false }),
    lookup: undefined,
    onFailure: () => undefined,
  })
}

type Verdict = Pick<PolicyAnswer, 'facts' | 'verdict'>

async function judgeObject(
  object: SignedObject,
  { session, refs }: OpenPolicy,
): Promise<Verdict | undefined> {
  const { id, type, bytes, format } = object
  const alone = type === 'commit' ? await acceptAlone(session, id, refs.policyBranch) : undefined
  if (alone !== undefined) return { facts: alone, verdict: { kind: 'accepted' } }
  const verdicts = new PolicyVerdicts(session, false)
  const found =
    type === 'commit'
      ? verdicts.commit(id, refs.policyBranch)
      : verdicts.tag(id, tagRef(splitObject('tag', bytes, format)))
  const first = await found.next()
  // A commit that an [[accept]] covers is not looked at; nobody then says that it is good.
  if (first.done === true) return undefined
  const { verdict, details } = first.value
  const { facts, reasons = [] } = details
  return facts && { facts, verdict: verdictOf(verdict.verdict, reasons) }
}

/** A tag is judged as what it calls itself. */
function tagRef(tag: SplitObject): string {
  const { name = new Uint8Array() } = tagFields(tag) ?? {}
  return `refs/tags/${Buffer.from(name).toString('utf8')}`
}

/**
 * Facts about a commit that the rules accept by themselves: whether it is older than the anchor, which
 * git would have to walk far to tell, then makes no difference. Undefined where it may make one.
 */
async function acceptAlone(
  session: PolicySession,
  id: string,
  ref: string,
): Promise<Facts | undefined> {
  const { context } = session
  const commit = await context.git.commit(id)
  if (isUnanswered(commit)) return undefined
  const everywhere = { ...context, anchor: undefined }
  const judgements: Judgement[] = []
  const question = { ref, include: [id], exclude: commit.parents }
  for await (const one of evaluateRange(everywhere, question)) judgements.push(one)
  const [own, ...more] = judgements
  if (own?.verdict !== 'pass' || own.sources.length > 0 || more.length > 0) return undefined
  return session.facts(id, inForceNow(context).policy)
}

function verdictOf(
  verdict: 'pass' | 'fail' | 'unknown',
  reasons: readonly Reason[],
): IdentityVerdict {
  const why = reasons.map(({ code, detail }) => `${code}, ${detail}`).join('; ')
  switch (verdict) {
    case 'pass':
      return { kind: 'accepted' }
    case 'fail':
      return { kind: 'refused', wanted: '', why }
    case 'unknown':
      return { kind: 'undecided', why }
  }
}
