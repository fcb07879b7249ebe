import type { ReportOutput, TextStyle } from './result.ts'

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'bold' | 'dim'

const sgr: Readonly<Record<Colour, string>> = {
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  bold: '1',
  dim: '2',
}

/** `text` in a colour, or as it is where colours are off. Never the only bearer of a meaning. */
export function paint(style: TextStyle, colour: Colour, text: string): string {
  return style.colour && text !== '' ? `\u001b[${sgr[colour]}m${text}\u001b[0m` : text
}

/**
 * The style that suits an output: colours only on a terminal and without NO_COLOR (no-color.org:
 * present and not empty) or TERM=dumb, signs outside ASCII only in a UTF-8 locale.
 */
export function styleFor(
  output: ReportOutput,
  env: Readonly<Record<string, string | undefined>>,
): TextStyle {
  const terminal = output.isTerminal === true
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  const columns = output.columns ?? 80
  return {
    colour: terminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    unicode: /utf-?8/i.test(locale),
    ...(terminal ? { width: Math.max(columns, 40) } : {}),
  }
}

const zeroWidth = /^[\p{Mn}\p{Me}]$/u
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u

function characterWidth(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  if (zeroWidth.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** Columns that escaped text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** Cuts escaped text to at most `width` columns, with an ellipsis when something is missing. */
export function fitText(text: string, width: number, style: TextStyle): string {
  if (textWidth(text) <= width) return text
  const ellipsis = style.unicode ? '…' : '...'
  const room = width - ellipsis.length
  if (room <= 0) return ellipsis.slice(0, Math.max(width, 0))
  let used = 0
  let kept = ''
  for (const character of text) {
    used += characterWidth(character)
    if (used > room) break
    kept += character
  }
  return kept + ellipsis
}

/** Escaped text cut or padded to exactly `width` columns. */
export function padText(text: string, width: number, style: TextStyle): string {
  const fitted = fitText(text, width, style)
  return fitted + ' '.repeat(Math.max(width - textWidth(fitted), 0))
}

/** Breaks text at spaces into lines of at most `width` columns; longer words keep a line each. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  if (line !== '' || lines.length === 0) lines.push(line)
  return lines
}

/** Text beside its label, in lines of at most `width` columns. */
export function labelled(label: string, text: string, width: number): string[] {
  return wrapText(text, width - label.length).map(
    (line, index) => (index === 0 ? label : ' '.repeat(label.length)) + line,
  )
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** An age in the one unit that suits it: `5 minutes`, `3 hours`, `12 days`, `3 years`. */
export function ageText(seconds: number): string {
  const units: [number, string][] = [
    [365 * DAY, 'year'],
    [DAY, 'day'],
    [HOUR, 'hour'],
    [MINUTE, 'minute'],
  ]
  for (const [length, name] of units) {
    const count = Math.floor(seconds / length)
    if (count >= 1) return plural(count, name)
  }
  return plural(Math.max(Math.floor(seconds), 0), 'second')
}

/** `1 commit`, `2 commits`, `1,200 commits`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : nouns}`
}

export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
