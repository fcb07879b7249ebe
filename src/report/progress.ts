import type { VerdictValue } from '../facts.ts'
import type { ReportOutput } from './result.ts'
import { countText, plural } from './terminal.ts'

const REDRAW_MS = 100
/** Runs shorter than this show nothing: a line that only flashes disturbs. */
const QUIET_MS = 400
const ERASE_LINE = '\r\u001b[K'

export interface Progress {
  /** Counts one verdict; redraws now and then. */
  add(verdict: VerdictValue): void
  /** Says how many there will be, once that is known. */
  expect(total: number): void
  /** `output` with the progress line taken away before each write to the same terminal. */
  around(output: ReportOutput): ReportOutput
  /** Takes the line away for good. */
  end(): void
}

/**
 * A line on a terminal that says how far a long run is: how many, how fast, how long still, what was
 * found so far. Silent where the output is not a terminal.
 *
 * @param clock - milliseconds
 */
export function startProgress(
  output: ReportOutput,
  options: { noun: string; total?: number; clock: () => number },
): Progress {
  const { noun, clock } = options
  let { total } = options
  const began = clock()
  const found: Record<VerdictValue, number> = { pass: 0, fail: 0, unknown: 0 }
  let drawnAt = began
  let isDrawn = false

  const erase = (): void => {
    if (isDrawn) output.write(ERASE_LINE)
    isDrawn = false
  }
  const draw = (now: number): void => {
    const text = progressText(found, noun, total, now - began).slice(0, (output.columns ?? 80) - 1)
    output.write(`${ERASE_LINE}${text}`)
    isDrawn = true
    drawnAt = now
  }
  return {
    add(verdict) {
      found[verdict]++
      if (output.isTerminal !== true) return
      const now = clock()
      if (now - began >= QUIET_MS && now - drawnAt >= REDRAW_MS) draw(now)
    },
    expect(count) {
      total = count
    },
    around(other) {
      return {
        get isTerminal() {
          return other.isTerminal ?? false
        },
        get columns() {
          return other.columns
        },
        write(text) {
          // Only a terminal shares its lines with ours.
          if (other.isTerminal === true) erase()
          return other.write(text)
        },
      }
    },
    end() {
      erase()
    },
  }
}

/** `1,234 of 9,000 commits  410/s  19 s left  2 fail, 1 unknown` */
export function progressText(
  found: Readonly<Record<VerdictValue, number>>,
  noun: string,
  total: number | undefined,
  elapsedMs: number,
): string {
  const done = found.pass + found.fail + found.unknown
  const perSecond = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0
  const parts = [
    total === undefined ? plural(done, noun) : `${countText(done)} of ${plural(total, noun)}`,
    `${countText(Math.round(perSecond))}/s`,
  ]
  if (total !== undefined && total > done && perSecond > 0) {
    parts.push(`${remainingText((total - done) / perSecond)} left`)
  }
  const findings = [
    found.fail > 0 ? `${countText(found.fail)} fail` : '',
    found.unknown > 0 ? `${countText(found.unknown)} unknown` : '',
  ].filter((text) => text !== '')
  if (findings.length > 0) parts.push(findings.join(', '))
  return parts.join('  ')
}

function remainingText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.ceil(whole / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
