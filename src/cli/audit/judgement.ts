import type { Verdict } from '../../facts.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import type { Judgement } from '../../policy/judge-commit.ts'
import type { Policy } from '../../policy/model.ts'
import { codesOf } from '../../policy/reason.ts'
import type { VerdictDetails } from '../../report/result.ts'
import type { PolicySession } from '../../verification/policy-session.ts'
import { explainFacts } from './explain.ts'
import type { Judged } from './history-verdict.ts'

export interface JudgementPlace {
  readonly ref: string
  /** The policy's commit or digest, as reports name it. */
  readonly policy: string
  /** By whose roots and keys the facts that are shown were proven. */
  readonly by: Policy
  readonly explain: boolean
}

/** What a policy judged, as reports show it. */
export async function judgementVerdict(
  session: PolicySession,
  judgement: Judgement,
  place: JudgementPlace,
): Promise<Judged> {
  const { id, verdict, strength, reasons, person, rules, story } = judgement
  const facts = await session.facts(id, place.by)
  const result: Verdict = {
    schema: 'git-signet.verdict/1',
    object: facts.object,
    ref: place.ref,
    verdict,
    ...(strength !== undefined && { strength }),
    codes: codesOf(reasons),
    ...(person !== undefined && { person }),
    rules: [...rules],
    policy: place.policy,
  }
  const about = await describe(session, id, facts.object.type)
  const details = {
    ...about,
    facts,
    reasons,
    ...(place.explain && { story: [...story, ...explainFacts(facts, reasons, about)] }),
  }
  return { verdict: result, details }
}

type About = Pick<VerdictDetails, 'subject' | 'author' | 'authorTime' | 'isRoot'>

async function describe(session: PolicySession, id: string, type: string): Promise<About> {
  const nothing = { subject: '', author: '', authorTime: 0 }
  if (type === 'tag') {
    const tag = await session.context.git.tag(id)
    return isUnanswered(tag) ? nothing : described(tag.message, tag.tagger)
  }
  const commit = await session.context.git.commit(id)
  if (isUnanswered(commit)) return nothing
  return { ...described(commit.message, commit.author), isRoot: commit.parents.length === 0 }
}

/** From latin1, as git answers give it. */
function described(message: string, ident: string): About {
  const text = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')
  const [subject = ''] = text(message.slice(0, 4096)).split('\n')
  const [, author = '', time = '0'] = /^(.*?) ?<[^>]*> (\d{1,15})/s.exec(text(ident)) ?? []
  return { subject, author, authorTime: Number(time) }
}
