import type { Facts, StepVerdict, Summary, Verdict, VerdictValue } from '../facts.ts'
import { evidenceLines } from './evidence.ts'
import { escapeLine } from './media.ts'
import { remedyFor, REASONS, resignBase } from './reasons.ts'
import type { ReportOutput, ResultSink, Run, TextStyle, VerdictDetails } from './result.ts'
import { askedAgain, shortId, signerName } from './result.ts'
import type { ReasonGroup } from './tally.ts'
import { headline, outcomeWord, STRENGTH_WORDS, Tally } from './tally.ts'
import type { Colour } from './terminal.ts'
import {
  ageText,
  countText,
  fitText,
  labelled,
  padText,
  paint,
  plural,
  textWidth,
  wrapText,
} from './terminal.ts'

const EXAMPLES_PER_CODE = 5
const WHO_WIDTH = 24
/** Workflows have long names. */
const MAX_WHO_WIDTH = 60
const NARROW = 72

/** The sign that stands before a verdict's word. */
export const VERDICT_SIGNS: Readonly<
  Record<VerdictValue, { unicode: string; ascii: string; colour: Colour }>
> = {
  pass: { unicode: '✓', ascii: '+', colour: 'green' },
  fail: { unicode: '✗', ascii: 'x', colour: 'red' },
  unknown: { unicode: '?', ascii: '?', colour: 'yellow' },
}

/** `✓ pass`, `✗ fail`, `? unknown`, all of one width: the word carries the meaning, not the colour. */
export function verdictMark(value: VerdictValue, style: TextStyle): string {
  const sign = VERDICT_SIGNS[value]
  return paint(
    style,
    sign.colour,
    `${style.unicode ? sign.unicode : sign.ascii} ${value.padEnd(7)}`,
  )
}

/** One line about one object: verdict, id, signer, codes or strength, subject. Without newline. */
export function verdictLine(verdict: Verdict, details: VerdictDetails, style: TextStyle): string {
  const width = style.width
  const narrow = width !== undefined && width < NARROW
  const facts = details.facts ?? verdict.facts
  const who = escapeLine(signerName(verdict, facts) || (style.unicode ? '–' : '-'), 120)
  const note = verdictNote(verdict)
  const head = `${verdictMark(verdict.verdict, style)} ${shortId(verdict.object.id)}  `
  const headWidth = 9 + 1 + shortId(verdict.object.id).length + 2
  const whoText = narrow ? fitText(who, 16, style) : padText(who, whoWidthIn(width, who), style)
  const whoWidth = textWidth(whoText)
  const parts = [head, whoText]
  let used = headWidth + whoWidth
  if (note !== '') {
    const text = width === undefined ? note : fitText(note, Math.max(width - used - 2, 8), style)
    parts.push('  ', paint(style, VERDICT_SIGNS[verdict.verdict].colour, text))
    used += 2 + textWidth(text)
  }
  const subject = escapeLine(details.subject)
  const room = width === undefined ? Infinity : width - used - 2
  if (subject !== '' && room >= 8) parts.push('  ', fitText(subject, room, style))
  return parts.join('').trimEnd()
}

/** Nobody's name is cut where no terminal is. */
function whoWidthIn(width: number | undefined, who: string): number {
  if (width === undefined) return Math.max(WHO_WIDTH, textWidth(who))
  return Math.min(Math.max(Math.floor(width * 0.3), WHO_WIDTH), MAX_WHO_WIDTH)
}

function verdictNote(verdict: Verdict): string {
  if (verdict.verdict === 'pass') {
    const strength = verdict.strength ?? 'signed'
    return strength === 'signed' ? '' : STRENGTH_WORDS[strength]
  }
  return verdict.codes.length > 0 ? verdict.codes.join(' ') : 'signer not checked'
}

export interface TextOptions {
  style: TextStyle
  /** Show under each object what its signature says (one object asked for, or `--facts`). */
  evidence: boolean
}

/** Renders for people: a line each as they come, then reasons with what to type, then the counts. */
export function textSink(output: ReportOutput, run: Run, options: TextOptions): ResultSink {
  const { style } = options
  const tally = new Tally(EXAMPLES_PER_CODE, run)
  let isAfterBlank = true
  const line = (text: string): void => {
    output.write(`${text}\n`)
    isAfterBlank = text === ''
  }
  const gap = (): void => {
    if (!isAfterBlank) line('')
  }
  for (const text of headerLines(run, style)) line(text)
  let ref = run.ref
  return {
    verdict(verdict, details) {
      tally.add(verdict, details)
      // Whoever asked for one ref knows which.
      if (ref !== undefined && verdict.ref !== '' && verdict.ref !== ref) {
        ref = verdict.ref
        line(paint(style, 'bold', `for ${escapeLine(ref)}`))
      }
      const facts = details.facts ?? verdict.facts
      line(verdictLine(verdict, details, style))
      for (const text of underLines(details, facts, run, options)) {
        for (const part of hanging(text, 4, style)) line(part)
      }
    },
    end(summary, faults = summary.steps) {
      tally.addSteps(faults)
      tally.addCodes(summary)
      for (const group of tally.sortedGroups()) {
        gap()
        for (const text of groupLines(group, run, style)) line(text)
      }
      gap()
      if (tally.localUses > 0) line(localWarning(tally.localUses, style))
      for (const text of summaryLines(summary, tally, run, style)) line(text)
    },
    abort() {
      // Lines that were printed stay: they are true, and the command says that it failed.
    },
  }
}

/** What is judged and by what; the first lines of a report. */
export function headerLines(run: Run, style: TextStyle): string[] {
  const lines: string[] = []
  if (run.ref !== undefined) {
    const policy = run.policy === undefined ? '' : ` by ${escapeLine(run.policy)}`
    const anchor = run.anchor === undefined ? '' : `, anchor ${shortId(run.anchor)}`
    const ref = escapeLine(run.ref)
    const [first = '', ...more] = hanging(`judged for ${ref}${policy}${anchor}`, 0, style)
    lines.push(
      first.replace(ref, () => paint(style, 'bold', ref)),
      ...more,
    )
  } else if (run.policy !== undefined) {
    lines.push(...hanging(`judged by ${escapeLine(run.policy)}`, 0, style))
  }
  const roots = run.trustRoots.filter((root) => !root.local)
  if (roots.length > 0) {
    const names = roots.map((root) =>
      root.asOf === undefined
        ? `${escapeLine(root.name)} (age unknown)`
        : `${escapeLine(root.name)} (${ageText(run.now - root.asOf)} old)`,
    )
    lines.push(`trust root ${names.join(', ')}`)
  }
  for (const root of run.trustRoots.filter((each) => each.local)) {
    const text = `LOCAL TRUST ROOT ${escapeLine(root.name)}: a test stack may vouch here; proves nothing to others`
    lines.push(...hanging(text, 0, style).map((part) => paint(style, 'yellow', part)))
  }
  for (const warning of run.warnings) {
    const [first = '', ...more] = hanging(`warning: ${escapeLine(warning, 1000)}`, 0, style)
    lines.push(first.replace('warning:', paint(style, 'yellow', 'warning:')), ...more)
  }
  if (run.auditOnly === true) {
    lines.push(paint(style, 'yellow', 'AUDIT ONLY: nothing is refused, whatever is found'))
  }
  if (lines.length > 0) lines.push('')
  return lines
}

/** Escaped text kept to the width of a terminal, what goes on indented by two more. */
export function hanging(text: string, indent: number, { width }: TextStyle): string[] {
  const start = ' '.repeat(indent)
  if (width === undefined || textWidth(text) + indent <= width) return [`${start}${text}`]
  const [first = '', ...more] = wrapText(text, Math.max(width - indent - 2, 20))
  return [`${start}${first}`, ...more.map((part) => `${start}  ${part}`)]
}

/** ` (3)`; nothing for what is about the run as a whole. */
function counted(count: number): string {
  return count === 0 ? '' : ` (${countText(count)})`
}

function localWarning(uses: number, style: TextStyle): string {
  const signatures = plural(uses, 'signature')
  return paint(
    style,
    'yellow',
    `LOCAL: ${signatures} made on a local test stack, proof of nothing to others`,
  )
}

function underLines(
  details: VerdictDetails,
  facts: Facts | undefined,
  run: Run,
  options: TextOptions,
): string[] {
  const lines: string[] = []
  for (const reason of details.reasons ?? []) {
    lines.push(`${reason.code}: ${escapeLine(reason.detail, 400)}`)
  }
  if (options.evidence && facts !== undefined) {
    lines.push(...evidenceLines(facts, run))
  }
  for (const text of details.story ?? []) lines.push(escapeLine(text, 1000))
  return lines
}

function groupLines(group: ReasonGroup, run: Run, style: TextStyle): string[] {
  const width = style.width ?? 100
  if (group.code === undefined) {
    const command = askedAgain(run.asked ?? 'verify REV', '--identity WHO --issuer URL')
    return [
      `${paint(style, 'yellow', 'signer not checked')}${counted(group.count)}: nobody said who may sign`,
      `  say who: ${command}`,
      '  or write a policy: git signet policy init',
    ]
  }
  const reason = REASONS[group.code]
  const colour = reason.exit === 1 ? 'red' : 'yellow'
  const count = counted(group.count + group.steps.length)
  const head = wrapText(`${group.code}${count}: ${reason.meaning}`, width)
  const first = (head[0] ?? '').replace(group.code, paint(style, colour, group.code))
  const lines = [first, ...head.slice(1).map((text) => `  ${text}`)]
  for (const step of group.steps) lines.push(`  ${stepText(step)}`)
  for (const { verdict, details } of group.examples) {
    const subject = escapeLine(details.subject)
    const example = `${shortId(verdict.object.id)}  ${subject}`
    lines.push(`  ${style.width === undefined ? example : fitText(example, width - 2, style)}`)
  }
  const left = group.count - group.examples.length
  if (left > 0) lines.push(`  and ${countText(left)} more`)
  const only = group.count === 1 ? group.examples[0] : undefined
  const { fix, command } = remedyFor(group.code, {
    type: group.examples[0]?.verdict.object.type,
    base: resignBase(run, only),
    commit: only && shortId(only.verdict.object.id),
    run,
  })
  lines.push(...labelled('fix: ', fix, width - 2).map((text) => `  ${text}`))
  if (command !== undefined) lines.push(`  ${paint(style, 'bold', command)}`)
  return lines
}

/** `refs/heads/main 1234567890..abcdef0123`, escaped. */
export function stepText(step: StepVerdict): string {
  return `${escapeLine(step.ref)} ${shortId(step.before)}..${shortId(step.after)}`
}

function summaryLines(summary: Summary, tally: Tally, run: Run, style: TextStyle): string[] {
  const colour: Colour = summary.exit === 0 ? 'green' : summary.exit === 1 ? 'red' : 'yellow'
  const words = [
    `${plural(summary.checked, 'object')} checked`,
    `${countText(summary.pass)} pass`,
    `${countText(summary.fail)} fail`,
    `${countText(summary.unknown)} unknown`,
  ]
  const lines = [words.join(', ')]
  const strengths = tally
    .sortedStrengths()
    .map(([strength, count]) => `${countText(count)} ${STRENGTH_WORDS[strength]}`)
  if (tally.strengths.size > 1 || (tally.strengths.size === 1 && !tally.strengths.has('signed'))) {
    lines.push(`of those that pass: ${strengths.join(', ')}`)
  }
  const badSteps = summary.steps.filter((step) => step.verdict !== 'pass').length
  if (summary.steps.length > 0) {
    const all = plural(summary.steps.length, 'movement')
    const how =
      badSteps === 0
        ? ', all pass'
        : badSteps === summary.steps.length
          ? ' did not pass'
          : `, ${countText(badSteps)} did not pass`
    lines.push(`${all} of refs${how}`)
  }
  if (run.helpUrl !== undefined && summary.exit !== 0)
    lines.push(`help: ${escapeLine(run.helpUrl)}`)
  lines.push(
    paint(
      style,
      colour,
      `${outcomeWord(summary)}: ${headline(summary, tally.unnamed)} (exit ${summary.exit})`,
    ),
  )
  return lines
}
