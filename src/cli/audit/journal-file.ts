import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { isJsonObject, parseJson } from '../../encoding/json.ts'
import type { JsonObject } from '../../encoding/json.ts'
import { escapeText } from '../../encoding/escape.ts'
import { MalformedError, UsageError } from '../../errors.ts'
import { REASON_CODES } from '../../facts.ts'
import type { ObjectFormat, ReasonCode, StepVerdict } from '../../facts.ts'
import { isObjectId } from '../../git/object-form.ts'
import type { Step } from '../../policy/context.ts'

/** One line of a hook's journal (facts.md), as far as an audit reads it. */
export interface RecordedStep extends StepVerdict {
  readonly line: number
  /** What the ref was when the push came; of several steps of one ref only the first starts there. */
  readonly from: string
}

/** A ref that one push moved, with the lines that say so. */
export interface Movement extends Step {
  readonly recorded: readonly RecordedStep[]
}

/** What one run of a hook let through. */
export interface RecordedPush {
  readonly line: number
  readonly movements: readonly Movement[]
  /** The hook only reported: what it let through counts for nothing by that. */
  readonly isReport: boolean
  /** No push: the owner of the server moved the ref back, and meant it. */
  readonly isForgotten: boolean
  readonly certificate: string | undefined
}

interface JournalLine extends RecordedStep {
  readonly at: string | undefined
  readonly source: string
}

/** Ten times what the longest names and every code make. */
const MAX_LINE_BYTES = 1 << 20
const BLOCK = 1 << 20

/**
 * The pushes of a journal in its order, in bounded memory. What an audit found for the hook is no
 * movement and is left out.
 *
 * @param onBad - is told of lines that are none
 * @throws UsageError STEPS_FILE
 */
export function* readPushes(
  path: string,
  format: ObjectFormat,
  onBad: (line: number) => void,
): Generator<RecordedPush, void, undefined> {
  let open: JournalLine[] = []
  let line = 0
  for (const text of linesOf(path)) {
    line++
    if (text === '') continue
    const step = readLine(text, line, format)
    if (step === undefined) onBad(line)
    if (step === undefined || step.source === 'audit') continue
    if (!belongs(step, open)) {
      yield* pushOf(open)
      open = []
    }
    open.push(step)
  }
  yield* pushOf(open)
}

/** One push is what was decided at one moment, each ref moved once. */
function belongs(step: JournalLine, open: readonly JournalLine[]): boolean {
  const last = open.at(-1)
  if (last === undefined) return true
  if (step.at === undefined || step.at !== last.at || step.source !== last.source) return false
  const same = open.findLast(({ ref }) => ref === step.ref)
  return same === undefined || (same === last && same.from === step.from)
}

function* pushOf(lines: readonly JournalLine[]): Generator<RecordedPush, void, undefined> {
  const [first] = lines
  if (first === undefined) return
  const byRef = new Map<string, JournalLine[]>()
  for (const step of lines) byRef.set(step.ref, [...(byRef.get(step.ref) ?? []), step])
  const movements = [...byRef].map(([ref, recorded]) => ({
    ref,
    before: recorded[0]?.from ?? '',
    after: recorded.at(-1)?.after ?? '',
    recorded,
  }))
  yield {
    line: first.line,
    movements,
    isReport: first.source === 'report',
    isForgotten: first.source === 'forget',
    certificate: lines.find(({ certificate }) => certificate !== undefined)?.certificate,
  }
}

function readLine(text: string, line: number, format: ObjectFormat): JournalLine | undefined {
  const value = objectOf(text)
  if (value === undefined) return undefined
  const { ref, before, after, policy, verdict, codes, from = before, certificate } = value
  const { at, source = 'hook' } = value
  if (typeof ref !== 'string' || !ref.startsWith('refs/')) return undefined
  if (!isId(before, format) || !isId(after, format) || !isId(from, format)) return undefined
  if (typeof policy !== 'string' || typeof source !== 'string') return undefined
  if (verdict !== 'pass' && verdict !== 'fail' && verdict !== 'unknown') return undefined
  if (!Array.isArray(codes) || !codes.every(isCode)) return undefined
  return {
    line,
    ref,
    before,
    after,
    from,
    policy,
    verdict,
    codes,
    source,
    at: typeof at === 'string' ? at : undefined,
    ...(isId(certificate, format) && { certificate }),
  }
}

function isId(value: unknown, format: ObjectFormat): value is string {
  return typeof value === 'string' && isObjectId(value, format)
}

function isCode(value: unknown): value is ReasonCode {
  return REASON_CODES.some((code) => code === value)
}

function objectOf(text: string): JsonObject | undefined {
  try {
    const value = parseJson(text, 'journal')
    return isJsonObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}

/** The lines of a file, after those of the files it became when it was full: FILE.2, FILE.1, FILE. */
export function* linesOf(path: string, maxBytes = MAX_LINE_BYTES): Generator<string> {
  const older: string[] = []
  let part = `${path}.1`
  for (let next = 2; existsSync(part); next++) {
    older.unshift(part)
    part = `${path}.${String(next)}`
  }
  for (const one of older) yield* linesOfPart(one, maxBytes)
  if (older.length === 0 || existsSync(path)) yield* linesOfPart(path, maxBytes)
}

/** Lines by their bytes: names of refs may hold what other readers take for the end of a line. */
function* linesOfPart(path: string, maxBytes: number): Generator<string> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw unreadable(path, error)
  }
  try {
    let rest = Buffer.alloc(0)
    const block = Buffer.alloc(BLOCK)
    for (;;) {
      const read = readSync(file, block, 0, block.length, null)
      if (read === 0) break
      rest = Buffer.concat([rest, block.subarray(0, read)])
      for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
        yield rest.toString('utf8', 0, end)
        rest = rest.subarray(end + 1)
      }
      if (rest.length > maxBytes) {
        throw new UsageError('STEPS_FILE', `cannot read ${escapeText(path)}: a line has no end`)
      }
    }
    if (rest.length > 0) yield rest.toString('utf8')
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    closeSync(file)
  }
}

function unreadable(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof UsageError) return error
  return new UsageError('STEPS_FILE', `cannot read ${escapeText(path)}: ${String(error.code)}`, {
    cause: error,
    hint: 'a hook keeps its journal in signet/journal.jsonl of the repository it guards',
  })
}
