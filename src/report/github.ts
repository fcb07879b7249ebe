import type { Summary, Verdict } from '../facts.ts'
import { escapeLine, escapeWorkflowData, escapeWorkflowProperty } from './media.ts'
import { remedyFor, REASONS, resignBase } from './reasons.ts'
import type { ReportOutput, ResultSink, Run, VerdictDetails } from './result.ts'
import { shortId, signerName } from './result.ts'
import { headline, Tally } from './tally.ts'
import { countText, plural } from './terminal.ts'
import { stepText } from './text.ts'

/**
 * GitHub shows ten annotations of each level for a step and drops the rest in silence: two are kept
 * for how many more there are and for the summary.
 */
const PER_LEVEL = 8

type Level = 'error' | 'warning' | 'notice'

/** A workflow command; `title` and `message` may hold anything. */
export function annotation(level: Level, title: string, message: string): string {
  return `::${level} title=${escapeWorkflowProperty(title)}::${escapeWorkflowData(message)}\n`
}

/** Annotations for the ones that do not pass, the rest as counts; what does not fit, as plain lines. */
export function githubSink(output: ReportOutput, run: Run): ResultSink {
  const tally = new Tally(0, run)
  const used: Record<Level, number> = { error: 0, warning: 0, notice: 0 }
  const say = (level: Level, title: string, message: string): void => {
    used[level]++
    output.write(
      used[level] <= PER_LEVEL
        ? annotation(level, title, message)
        : `${level} ${escapeLine(title)}: ${message.replaceAll('\n', ' / ')}\n`,
    )
  }
  for (const root of run.trustRoots.filter((each) => each.local)) {
    const name = escapeLine(root.name)
    say('warning', 'git-signet LOCAL', `LOCAL trust root ${name}: a test stack may vouch here`)
  }
  for (const warning of run.warnings) say('warning', 'git-signet', escapeLine(warning, 1000))
  return {
    verdict(verdict, details) {
      tally.add(verdict, details)
      if (verdict.verdict === 'pass') return
      const title = `git-signet ${verdict.codes.join(' ') || 'signer not checked'}`
      say(verdict.verdict === 'fail' ? 'error' : 'warning', title, message(verdict, details, run))
    },
    end(summary, faults = summary.steps) {
      for (const step of faults) {
        if (step.verdict === 'pass' || step.codes.length === 0) continue
        const meanings = step.codes.map((code) => `${code}: ${REASONS[code].meaning}`)
        const level = step.verdict === 'fail' ? 'error' : 'warning'
        say(level, `git-signet ${step.codes.join(' ')}`, [stepText(step), ...meanings].join('\n'))
      }
      for (const level of ['error', 'warning'] as const) {
        const left = used[level] - PER_LEVEL
        if (left <= 0) continue
        const text = `${plural(left, `more ${level}`)} in this step’s log`
        output.write(annotation(level, 'git-signet', text))
      }
      output.write(annotation(levelOf(summary), 'git-signet', summaryText(summary, tally, run)))
    },
    abort() {
      // Annotations that were printed stay: they are true, and the command says that it failed.
    },
  }
}

function message(verdict: Verdict, details: VerdictDetails, run: Run): string {
  const name = signerName(verdict, details.facts ?? verdict.facts)
  const signer = name === undefined ? '' : `, signed by ${escapeLine(name)}`
  const lines = [`${shortId(verdict.object.id)} “${escapeLine(details.subject)}”${signer}`]
  for (const code of verdict.codes) {
    const { fix, command } = remedyFor(code, {
      base: resignBase(run, { verdict, details }),
      commit: shortId(verdict.object.id),
      type: verdict.object.type,
      run,
    })
    const what = command === undefined ? fix : `${fix} — ${command}`
    lines.push(`${code}: ${REASONS[code].meaning}. Fix: ${what}`)
  }
  for (const reason of details.reasons ?? [])
    lines.push(escapeLine(`${reason.code}: ${reason.detail}`, 400))
  return lines.join('\n')
}

/** Not an error by itself unless nothing else said so: each error above is one already. */
function levelOf(summary: Summary): Level {
  return summary.exit === 0 ? 'notice' : summary.exit === 4 ? 'warning' : 'error'
}

function summaryText(summary: Summary, tally: Tally, run: Run): string {
  const where = run.ref === undefined ? '' : ` for ${escapeLine(run.ref)}`
  const policy = run.policy === undefined ? '' : ` by ${escapeLine(run.policy)}`
  const counts = `${plural(summary.checked, 'object')} checked${where}${policy}: ${countText(summary.pass)} pass, ${countText(summary.fail)} fail, ${countText(summary.unknown)} unknown`
  const help =
    run.helpUrl === undefined || summary.exit === 0 ? '' : `\nhelp: ${escapeLine(run.helpUrl)}`
  const local =
    tally.localUses === 0
      ? ''
      : `\nLOCAL: ${plural(tally.localUses, 'signature')} made on a local test stack, proof of nothing to others`
  return `${counts}\n${headline(summary, tally.unnamed)} (exit ${summary.exit})${local}${help}`
}
