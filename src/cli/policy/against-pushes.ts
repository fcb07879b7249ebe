import { isJsonObject, parseJson } from '../../encoding/json.ts'
import type { JsonObject, JsonValue } from '../../encoding/json.ts'
import { MalformedError, SignetError, UsageError } from '../../errors.ts'
import type { ObjectFormat, VerdictValue } from '../../facts.ts'
import { isObjectId } from '../../git/object-form.ts'
import { isZero, outcome } from '../../policy/context.ts'
import type { PolicyContext, Step, StepOutcome } from '../../policy/context.ts'
import { evaluateStep } from '../../policy/steps.ts'
import { escapeLine } from '../../report/media.ts'
import { shortId } from '../../report/result.ts'
import { linesOf } from '../audit/journal-file.ts'
import { refusalLines } from './against-range.ts'
import type { Comparison } from './against.ts'
import type { Candidate } from './candidate.ts'

/** What a hook wrote down about one push. */
interface ToldPush {
  readonly at: string
  readonly steps: readonly Step[]
  readonly isAccepted: boolean
  readonly codes: readonly string[]
}

/** A push of many refs with every commit's verdict. */
const MAX_LINE_BYTES = 64 << 20

/**
 * Judges the pushes of a hook's audit file (`signet.hook.auditFile`) or journal by the candidate, each
 * as if it came now; writes what would fare otherwise.
 *
 * @throws UsageError AGAINST where no line tells of a push
 */
export async function comparePushes(
  candidate: Candidate,
  path: string,
  line: (text: string) => void,
): Promise<Comparison> {
  const { repository, session } = candidate
  const { format } = repository
  await loadSteps(candidate, path)
  const counts = { total: 0, refused: 0, accepted: 0, unchecked: 0, stillRefused: 0, gone: 0 }
  let bad = 0
  for (const text of linesOf(path, MAX_LINE_BYTES)) {
    if (text === '') continue
    const push = readPush(text, format)
    if (push === undefined) bad++
    if (push === undefined || push.steps.length === 0) continue
    counts.total++
    const outcomes: StepOutcome[] = []
    for (const step of push.steps) outcomes.push(...(await judge(session.context, step)))
    const verdict = worst(outcomes.map((one) => one.verdict))
    const head = `push of ${push.at}, ${push.steps.map(showStep).join(', ')}`
    if (push.isAccepted && verdict !== 'pass') {
      counts[verdict === 'fail' ? 'refused' : 'unchecked']++
      line(`${verdict === 'fail' ? 'would refuse' : 'cannot check'}  ${head}`)
      for (const { reasons, judgements } of outcomes) {
        for (const { code, detail } of reasons) line(`    ${code}: ${escapeLine(detail, 400)}`)
        for (const one of judgements.filter((each) => each.verdict !== 'pass')) {
          for (const told of await refusalLines(session, one)) line(`    ${told}`)
        }
      }
    } else if (!push.isAccepted && verdict === 'pass') {
      counts.accepted++
      line(`would accept  ${head}  (then ${push.codes.join(' ')})`)
    } else if (!push.isAccepted) counts[verdict === 'fail' ? 'stillRefused' : 'gone']++
  }
  if (counts.total === 0 && bad > 0) {
    throw new UsageError('AGAINST', 'no line of the file tells of a push', {
      hint: 'signet.hook.auditFile names the file that a hook writes them to',
    })
  }
  if (bad > 0) line(`${String(bad)} lines tell of no push and were left out`)
  return { noun: 'push', ...counts }
}

async function judge(context: PolicyContext, step: Step): Promise<StepOutcome[]> {
  if (!isZero(step.after) && (await context.git.objectType(step.after)) === undefined) {
    const detail = 'what was pushed is not here'
    return [outcome(step, '', [{ code: 'MISSING_OBJECT', detail }], [])]
  }
  try {
    return await evaluateStep(context, step)
  } catch (error) {
    if (!(error instanceof SignetError)) throw error
    // The policy branch as it would be has no anchor, or cannot be read.
    return [outcome(step, '', [{ code: 'MISSING_OBJECT', detail: error.message }], [])]
  }
}

function worst(verdicts: readonly VerdictValue[]): VerdictValue {
  if (verdicts.includes('fail')) return 'fail'
  return verdicts.includes('unknown') ? 'unknown' : 'pass'
}

function showStep({ ref, before, after }: Step): string {
  const shown = (id: string): string => (isZero(id) ? 'nothing' : shortId(id))
  return `${escapeLine(ref)} ${shown(before)}..${shown(after)}`
}

async function loadSteps({ repository, session }: Candidate, path: string): Promise<void> {
  const { anchor } = session.context
  const ids = new Set<string>()
  for (const text of linesOf(path, MAX_LINE_BYTES)) {
    for (const { before, after } of readPush(text, repository.format)?.steps ?? []) {
      for (const id of [before, after]) if (!isZero(id)) ids.add(id)
    }
  }
  const include: string[] = []
  for (const id of ids) if ((await repository.objectType(id)) === 'commit') include.push(id)
  await session.load({ include, exclude: anchor === undefined ? [] : [anchor] })
}

function readPush(text: string, format: ObjectFormat): ToldPush | undefined {
  const value = objectOf(text)
  if (value === undefined) return undefined
  const { at = 'unknown time', steps, exit, codes, verdict, source } = value
  if (typeof at !== 'string') return undefined
  if (Array.isArray(steps) && typeof exit === 'number') {
    const read = stepsOf(steps, format)
    const told = isJsonObject(codes) ? Object.keys(codes) : []
    return read && { at, steps: read, isAccepted: exit === 0, codes: told }
  }
  // A line of the journal: what an audit found is no push.
  if (source === 'audit') return { at, steps: [], isAccepted: true, codes: [] }
  const read = typeof verdict === 'string' ? stepsOf([value], format) : undefined
  const told = Array.isArray(codes) ? codes.filter((code) => typeof code === 'string') : []
  return read && { at, steps: read, isAccepted: verdict === 'pass', codes: told }
}

/** A ref once, from where it was to where it came. */
function stepsOf(values: readonly JsonValue[], format: ObjectFormat): Step[] | undefined {
  const byRef = new Map<string, Step>()
  for (const value of values) {
    if (!isJsonObject(value)) return undefined
    const { ref, before, after } = value
    if (typeof ref !== 'string' || typeof before !== 'string' || typeof after !== 'string') {
      return undefined
    }
    if (![before, after].every((id) => isObjectId(id, format))) return undefined
    byRef.set(ref, { ref, before: byRef.get(ref)?.before ?? before, after })
  }
  return [...byRef.values()]
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const value = parseJson(text, 'audit file', MAX_LINE_BYTES)
    return isJsonObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
