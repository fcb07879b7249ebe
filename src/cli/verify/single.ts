import { EXIT } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { Facts, ReasonCode, Summary, Verdict } from '../../facts.ts'
import { commitFields } from '../../git/object-form.ts'
import { splitObject } from '../../git/split.ts'
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

/** Counts verdicts and gives the exit code by precedence (policy.md §5). */
export function summarize(verdicts: readonly Verdict[]): Summary & { exit: ExitCode } {
  const count = (value: Verdict['verdict']): number =>
    verdicts.filter(({ verdict }) => verdict === value).length
  const codes: Summary['codes'] = {}
  for (const code of verdicts.flatMap((verdict) => verdict.codes)) {
    codes[code] = (codes[code] ?? 0) + 1
  }
  const unknown = verdicts.filter(({ verdict }) => verdict === 'unknown')
  let exit: ExitCode = EXIT.ok
  if (count('fail') > 0) exit = EXIT.violation
  else if (unknown.some((verdict) => verdict.codes.length > 0)) exit = EXIT.unchecked
  else if (unknown.length > 0) exit = EXIT.policy
  return {
    schema: 'git-signet.summary/1',
    exit,
    checked: verdicts.length,
    pass: count('pass'),
    fail: count('fail'),
    unknown: unknown.length,
    codes,
    steps: [],
  }
}

/** What people are shown of an object besides its verdict. */
export function detailsOf(object: StoredObject | undefined, facts: Facts): VerdictDetails {
  if (object === undefined) return { subject: '', author: '', authorTime: 0, facts }
  const split = splitObject(object.type, object.bytes, object.format)
  const [subject = ''] = text(split.body.subarray(0, 4096)).split('\n')
  const person =
    commitFields(split)?.author ?? split.headers.find(({ name }) => name === 'tagger')?.value
  const [, author = '', time = '0'] =
    /^(.*?) ?<[^>]*> (\d{1,15})/s.exec(text(person ?? new Uint8Array())) ?? []
  return { subject, author, authorTime: Number(time), facts }
}

function text(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? latin1(bytes)
}
