import type { ReasonCode, VerdictValue } from '../../facts.ts'
import type { CommitRange } from '../../git/refs.ts'
import type { PolicyContext } from '../../policy/context.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import type { Judgement } from '../../policy/judge-commit.ts'
import { evaluateRange } from '../../policy/range.ts'
import { codesOf } from '../../policy/reason.ts'
import { escapeLine } from '../../report/media.ts'
import { shortId } from '../../report/result.ts'
import type { PolicySession } from '../../verification/policy-session.ts'
import type { Comparison } from './against.ts'
import type { Candidate } from './candidate.ts'

interface Refusal {
  readonly verdict: VerdictValue
  readonly codes: readonly ReasonCode[]
}

/** Judges a range by both policies; writes a line for each commit that fares otherwise. */
export async function compareRange(
  { session, baseline, refs }: Candidate,
  range: CommitRange,
  line: (text: string) => void,
): Promise<Comparison> {
  const question = { ref: refs.policyBranch, ...range }
  await session.load(range)
  const before = new Map<string, Refusal>()
  const judged = new Set<string>()
  if (baseline !== undefined) {
    for await (const one of evaluateRange(baseline.session.context, question)) {
      judged.add(one.id)
      if (one.verdict !== 'pass') before.set(one.id, refusalOf(one))
    }
  }
  const counts = { refused: 0, unchecked: 0, stillRefused: 0 }
  for await (const one of evaluateRange(await withLandings(session.context), question)) {
    judged.add(one.id)
    if (one.verdict === 'pass') continue
    const was = before.get(one.id)
    before.delete(one.id)
    // A hook rejects both; what could not be checked and now is a violation is no new refusal.
    if (was !== undefined) counts.stillRefused++
    else {
      counts[one.verdict === 'fail' ? 'refused' : 'unchecked']++
      for (const text of await refusalLines(session, one)) line(text)
    }
  }
  for (const [id, { codes }] of before) {
    line(`would accept  ${shortId(id)}  ${await subjectOf(session, id)}  (now ${codes.join(' ')})`)
  }
  return { noun: 'commit', total: judged.size, ...counts, accepted: before.size, gone: 0 }
}

/** Changes of the policy in the range land, or do not, as if the candidate had been in force before each. */
async function withLandings(context: PolicyContext): Promise<PolicyContext> {
  const { chain } = context
  return chain === undefined ? context : { ...context, chain: await context.chainTo(chain.tip) }
}

function refusalOf({ verdict, reasons }: Judgement): Refusal {
  return { verdict, codes: codesOf(reasons) }
}

/** A commit that would be refused, and why. */
export async function refusalLines(
  session: PolicySession,
  { id, verdict, reasons }: Judgement,
): Promise<string[]> {
  const what = verdict === 'fail' ? 'would refuse ' : 'cannot check '
  return [
    `${what} ${shortId(id)}  ${await subjectOf(session, id)}`,
    ...reasons.map(({ code, detail }) => `    ${code}: ${escapeLine(detail, 400)}`),
  ]
}

async function subjectOf({ context }: PolicySession, id: string): Promise<string> {
  const { git } = context
  const found = (await git.objectType(id)) === 'tag' ? await git.tag(id) : await git.commit(id)
  if (isUnanswered(found)) return ''
  const text = Buffer.from(found.message.slice(0, 4096), 'latin1').toString('utf8')
  return escapeLine(text.split('\n')[0] ?? '', 72)
}
