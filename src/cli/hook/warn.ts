import { escapeText } from '../../encoding/escape.ts'

/** Behind git's `remote: ` in 80 columns. */
const WIDTH = 72
/** More would drown what the push is about. */
const SHOWN = 2

/** What a pusher reads about the policy below the verdict: a line each, few, and where all of it is. */
export function renderWarnings(warnings: readonly string[]): string {
  if (warnings.length === 0) return ''
  const lines = warnings.slice(0, SHOWN).map((warning) => {
    // Where the policy lies on the server is no pusher's business.
    const text = `warning: ${escapeText(warning.replace(/^\S*\/(?=[^/\s:]+:)/, ''), 400)}`
    return text.length > WIDTH ? `${text.slice(0, WIDTH - 3)}...` : text
  })
  const isCut = warnings.length > SHOWN || lines.some((line) => line.endsWith('...'))
  const left = warnings.length - SHOWN
  const more = left > 0 ? `and ${String(left)} more; ` : ''
  if (isCut) lines.push(`warning: ${more}in full: git signet policy check`)
  return lines.map((line) => `${line}\n`).join('')
}
