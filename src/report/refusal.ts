import { quoteShell } from '../encoding/shell.ts'
import type { ObjectType, ReasonCode, StepVerdict, Verdict } from '../facts.ts'
import { REASON_CODES } from '../facts.ts'
import { escapeLine } from './media.ts'
import { remedyFor, REASONS } from './reasons.ts'
import type { ReportOutput, ResultSink, VerdictDetails } from './result.ts'
import { shortId } from './result.ts'
import { countText, fitText, labelled, plural, wrapText } from './terminal.ts'

/** What git puts before each line is 8 columns of the usual 80. */
const WIDTH = 72
const LINES = 24
const plain = { colour: false, unicode: false } as const

export interface Refusal {
  /** The steps of this push that did not pass; `why` is about the first code. */
  steps: readonly (StepVerdict & { why?: string })[]
  /** Commits that did not pass, in order; the first few hundred are enough. */
  findings: readonly { verdict: Verdict; details: VerdictDetails; own?: boolean }[]
  /** How many commits did not pass in all, and how many were looked at. */
  failed: number
  checked: number
  /** How many refs did not pass in all, where that is known. */
  refs?: number
  /** Codes of the whole push, where neither a commit nor a step has one. */
  codes?: readonly ReasonCode[]
  /** What resign's range starts after, or ROOT; `undefined` prints BASE. */
  base?: string
  /** Nothing is refused (`hook install --audit`). */
  auditOnly?: boolean
  helpUrl?: string
  /** A message when the push could not be judged at all: no policy, no root, a crash. */
  failure?: { message: string; hint?: string }
  /** Where the full report is, if it was written: a file name or a command. */
  more?: string
}

/**
 * What a pusher reads: first what was refused and why in one sentence, then each commit with what
 * mends it. At most 24 lines of 72 columns, so that it fits on a screen behind git's `remote: `.
 * ASCII and no colour: it may end up in any client.
 */
export function renderRefusal(refusal: Refusal): string {
  const head = wrapText(headline(refusal), WIDTH)
  const tail = tailLines(refusal)
  const room = LINES - head.length - tail.length
  const body = bodyLines(refusal, room)
  return [...head, ...body, ...tail].map((line) => `${fitText(line, WIDTH, plain)}\n`).join('')
}

/** More findings than this are only counted. */
const MAX_FINDINGS = 200

export interface RefusalOptions extends Pick<Refusal, 'base' | 'auditOnly' | 'helpUrl' | 'more'> {
  /** Whether the pusher made this commit and so can sign it again; default: yes. */
  isOwn?: (verdict: Verdict, details: VerdictDetails) => boolean
}

/** Writes nothing while all is well, else the refusal at the end. */
export function refusalSink(output: ReportOutput, options: RefusalOptions): ResultSink {
  const { isOwn, ...rest } = options
  const findings: { verdict: Verdict; details: VerdictDetails; own: boolean }[] = []
  let failed = 0
  return {
    verdict(verdict, details) {
      if (verdict.verdict === 'pass') return
      failed++
      if (findings.length >= MAX_FINDINGS) return
      findings.push({ verdict, details, own: isOwn?.(verdict, details) ?? true })
    },
    end(summary) {
      if (summary.exit === 0) return
      const steps = summary.steps.filter((step) => step.verdict !== 'pass')
      const codes = REASON_CODES.filter((code) => summary.codes[code] !== undefined)
      output.write(
        renderRefusal({ ...rest, steps, findings, failed, checked: summary.checked, codes }),
      )
    },
    abort() {
      // What failed is said by `renderRefusal` with `failure`.
    },
  }
}

/** All codes, most frequent first. */
function countCodes(refusal: Refusal): [ReasonCode, number][] {
  const counts = new Map<ReasonCode, number>()
  for (const { codes } of [...refusal.findings.map((each) => each.verdict), ...refusal.steps]) {
    for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1)
  }
  if (counts.size === 0) for (const code of refusal.codes ?? []) counts.set(code, 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

function headline(refusal: Refusal): string {
  const lead =
    refusal.auditOnly === true ? 'AUDIT ONLY, NOTHING IS REFUSED: would refuse' : 'refused'
  if (refusal.failure !== undefined) {
    return `${lead}: could not check this push: ${escapeLine(refusal.failure.message, 300)}`
  }
  const places = [...refusal.steps, ...refusal.findings.map((each) => each.verdict)]
  const refs = [...new Set(places.map((each) => each.ref))].filter((ref) => ref !== '')
  const count = Math.max(refs.length, refusal.refs ?? 0)
  const ref = count === 1 ? escapeLine(refs[0] ?? '', 60) : plural(count, 'ref')
  const where = refs.length === 0 ? '' : ` to ${ref}`
  const codes = countCodes(refusal)
  const unchecked = codes.length > 0 && codes.every(([code]) => REASONS[code].exit === 4)
  const verb = unchecked ? `${lead}: could not check` : `${lead}:`
  const first = codes[0]?.[0]
  const why =
    first === undefined
      ? 'has a valid signature, but no policy says who may sign'
      : REASONS[first].meaning
  if (refusal.failed === 0) return `${verb} the push${where}: it ${why}`
  const only = refusal.findings[0]
  if (refusal.failed === 1 && only !== undefined) {
    return `${verb} commit ${shortId(only.verdict.object.id)}${where}: it ${why}`
  }
  const commits = `${countText(refusal.failed)} of ${plural(refusal.checked, 'commit')}`
  if (codes.length <= 1) return `${verb} ${commits}${where}: each ${why}`
  const listed = codes.slice(0, 3).map(([code]) => code)
  return `${verb} ${commits}${where} (${listed.join(', ')}${codes.length > 3 ? ', ...' : ''})`
}

interface MendGroup {
  code: ReasonCode | undefined
  command: string | undefined
  fix: string
  lines: string[]
  count: number
  /** The same for all of them; else empty. */
  why: string
}

function group(refusal: Refusal): MendGroup[] {
  const groups = new Map<string, MendGroup>()
  const base = refusal.base === undefined ? undefined : shortId(refusal.base)
  const add = (
    code: ReasonCode | undefined,
    line: string,
    object: { id: string; type?: ObjectType },
    own: boolean,
    why = '',
    ref = 'REF',
  ): void => {
    const atServer = code === undefined ? undefined : REASONS[code].atServer
    const remedy =
      code === undefined
        ? { fix: 'the owner of this repository must say who may sign' }
        : (atServer ?? remedyFor(code, { base, commit: shortId(object.id), type: object.type }))
    const { fix } = remedy
    // Whoever pushes names the ref, and the owner of the server types this.
    const word = quoteShell(escapeLine(ref, 100))
    const typed = atServer?.command?.replace('REF', () => word) ?? remedy.command
    const command = own ? typed : undefined
    const key = `${code ?? ''} ${command ?? ''}`
    const found = groups.get(key)
    if (found === undefined) groups.set(key, { code, command, fix, lines: [line], count: 1, why })
    else {
      found.lines.push(line)
      found.count++
      if (found.why !== why) found.why = ''
    }
  }
  for (const step of refusal.steps) {
    const code = step.codes[0]
    if (code === undefined) continue
    const codes = step.codes.join(' ')
    const line = `${shortId(step.after)} ${codes}  ${escapeLine(step.ref, 100)}`
    add(code, line, { id: step.after }, true, step.why, step.ref)
  }
  for (const { verdict, details, own } of refusal.findings) {
    const codes = verdict.codes.join(' ') || 'signer not checked'
    const line = `${shortId(verdict.object.id)} ${codes}  ${escapeLine(details.subject, 120)}`
    const code = verdict.codes[0]
    const why = details.reasons?.find((reason) => reason.code === code)?.detail
    // That there is no signature says it all.
    add(code, line, verdict.object, own !== false, code === 'UNSIGNED' ? '' : why)
  }
  return [...groups.values()]
}

/** As many commits as fit, each group with its remedy; says how many are left out. */
function bodyLines(refusal: Refusal, room: number): string[] {
  const groups = group(refusal)
  const shown: string[] = []
  let left = refusal.failed
  let hidden = 0
  for (const [index, each] of groups.entries()) {
    const remedy = remedyLines(each)
    // A line is kept for "and N more", and a fair share for the groups that follow.
    const free = room - shown.length - 1
    const share = Math.max(Math.floor(free / (groups.length - index)), remedy.length + 1)
    if (share > free) {
      hidden += each.count
      continue
    }
    const lines = each.lines.slice(0, share - remedy.length)
    hidden += each.count - lines.length
    shown.push(...lines.map((line) => `  ${line}`), ...remedy)
  }
  const listed =
    refusal.findings.length + refusal.steps.filter((step) => step.codes.length > 0).length
  left = hidden + Math.max(refusal.failed - refusal.findings.length, 0)
  if (listed > 0 && left > 0) shown.push(`  and ${countText(left)} more`)
  return shown
}

function remedyLines({ command, fix, why }: MendGroup): string[] {
  return [
    ...(why === '' ? [] : labelled('why: ', escapeLine(why, 200), WIDTH - 4)),
    ...labelled('fix: ', fix, WIDTH - 4),
    ...(command === undefined ? [] : [`  ${command}`]),
  ].map((line) => `    ${line}`)
}

function tailLines(refusal: Refusal): string[] {
  const lines: string[] = []
  if (refusal.failure?.hint !== undefined) {
    lines.push(...wrapText(`fix: ${escapeLine(refusal.failure.hint, 300)}`, WIDTH))
  }
  if (refusal.more !== undefined) lines.push(`everything: ${escapeLine(refusal.more, 400)}`)
  lines.push('git signet not found? npm install -g git-signet')
  if (refusal.helpUrl !== undefined) lines.push(`help: ${escapeLine(refusal.helpUrl, 400)}`)
  return lines
}
