import type { Verdict } from '../../facts.ts'
import { commitFields } from '../../git/object-form.ts'
import type { VerdictDetails } from '../../report/result.ts'
import type { ProvedCommit } from '../../verification/history.ts'
import { singleVerdict, splitDetails } from '../verify/single.ts'
import type { JudgeSigner } from '../verify/single.ts'

export interface Judged {
  readonly verdict: Verdict
  readonly details: VerdictDetails
}

/**
 * The verdict on one commit of a history without a policy. A commit whose parents were never fetched
 * cannot vouch that nothing of the range is missing.
 */
export function historyVerdict(proved: ProvedCommit, judge: JudgeSigner | undefined): Judged {
  const { facts } = proved
  const parents = proved.isShallow && proved.split ? commitFields(proved.split)?.parents : undefined
  const isCutOff = parents !== undefined && parents.length > 0
  const { verdict, reasons } = singleVerdict(
    facts,
    judge,
    isCutOff ? [{ code: 'SHALLOW', detail: 'its parents were never fetched' }] : [],
  )
  return { verdict, details: { ...splitDetails(proved.split, facts), reasons } }
}
