import { EXIT } from '../../errors.ts'
import type { Facts, ReasonCode, Verdict } from '../../facts.ts'
import { commitFields } from '../../git/object-form.ts'
import { splitObject } from '../../git/split.ts'
import type { SplitObject } from '../../git/split.ts'
import { decodeUtf8, latin1 } from '../../encoding/bytes.ts'
import { REASONS } from '../../report/reasons.ts'
import type { VerdictDetails } from '../../report/result.ts'
import { matchSigner } from '../../verification/signer-match.ts'
import type { SignerMatch, WantedSigner } from '../../verification/signer-match.ts'
import type { StoredObject } from '../../verification/object.ts'

/** Judges a signer that is proven. */
export type JudgeSigner = (facts: Facts) => SignerMatch

/** A code that is no fact, with what exactly it is about. */
export interface Reason {
  readonly code: ReasonCode
  readonly detail: string
}

export function judgeBy(wanted: WantedSigner): JudgeSigner {
  return ({ signer }) => matchSigner(signer, wanted)
}

/**
 * The verdict on one object without a policy: what was proven, and whether the signer is the one that
 * was named. Nobody named: `unknown` with no codes.
 *
 * @param reasons - further reasons to refuse it
 */
export function singleVerdict(
  facts: Facts,
  judge: JudgeSigner | undefined,
  reasons: readonly Reason[] = [],
): { verdict: Verdict; reasons: Reason[] } {
  const found: Reason[] = [...reasons]
  if (facts.outcome === 'proven') {
    const match = judge?.(facts)
    if (match?.code !== undefined) found.push({ code: match.code, detail: match.detail })
  }
  const codes = [...facts.codes, ...found.map(({ code }) => code)]
  const isViolation = codes.some((code) => REASONS[code].exit === EXIT.violation)
  const isJudged = facts.outcome === 'proven' && judge !== undefined
  const isPass = isJudged && codes.length === 0
  return {
    reasons: found,
    verdict: {
      schema: 'git-signet.verdict/1',
      object: facts.object,
      ref: '',
      verdict: isViolation ? 'fail' : isPass ? 'pass' : 'unknown',
      ...(isPass && { strength: 'signed' as const }),
      codes,
      rules: [],
      policy: '',
    },
  }
}

/** What people are shown of an object besides its verdict. */
export function detailsOf(object: StoredObject | undefined, facts: Facts): VerdictDetails {
  const split = object && splitObject(object.type, object.bytes, object.format)
  return splitDetails(split, facts)
}

/** As `detailsOf`, for an object that is split already. */
export function splitDetails(split: SplitObject | undefined, facts: Facts): VerdictDetails {
  if (split === undefined) return { subject: '', author: '', authorTime: 0, facts }
  const [subject = ''] = text(split.body.subarray(0, 4096)).split('\n')
  const person =
    commitFields(split)?.author ?? split.headers.find(({ name }) => name === 'tagger')?.value
  const [, author = '', time = '0'] =
    /^(.*?) ?<[^>]*> (\d{1,15})/s.exec(text(person ?? new Uint8Array())) ?? []
  const isRoot =
    facts.object.type === 'commit' && !split.headers.some(({ name }) => name === 'parent')
  return { subject, author, authorTime: Number(time), isRoot, facts }
}

function text(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? latin1(bytes)
}
