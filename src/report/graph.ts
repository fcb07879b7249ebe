import type { Facts, Verdict } from '../facts.ts'
import { escapeLine } from './media.ts'
import type { TextStyle } from './result.ts'
import { shortId, signerName } from './result.ts'
import type { Colour } from './terminal.ts'
import { fitText, paint, textWidth } from './terminal.ts'
import { VERDICT_SIGNS } from './text.ts'

/**
 * What to give `git log --graph` as `--format`: id, ref names and subject between NULs, which can
 * occur in none of them nor in the graph.
 */
export const GRAPH_FORMAT = '%x00%H%x00%D%x00%s'

export interface GraphLine {
  /** `| * | `, as git drew it. */
  graph: string
  /** Absent on lines that only continue the graph. */
  commit?: { id: string; refs: string; subject: string }
}

/** Reads one line of `git log --graph --format=GRAPH_FORMAT`, without its newline. */
export function parseGraphLine(line: string): GraphLine {
  const [graph = '', id, refs = '', ...subject] = line.split('\0')
  return id === undefined ? { graph } : { graph, commit: { id, refs, subject: subject.join('\0') } }
}

/** What is known about a commit of the graph. */
export interface GraphVerdict {
  verdict: Verdict
  facts?: Facts
}

/**
 * One line of the history with its proven signer and verdict merged in:
 * `* 3f2a9c1d00 ✓ alice  (HEAD -> main) Fix it`. Commits that nothing is known about say so.
 */
export function renderGraphLine(
  line: GraphLine,
  known: GraphVerdict | undefined,
  style: TextStyle,
): string {
  const { commit } = line
  if (commit === undefined) return line.graph.trimEnd()
  const room = style.width === undefined ? Infinity : style.width
  const id = shortId(commit.id)
  const said = known === undefined ? 'not checked' : saying(known, style)
  const signer = fitText(said, room === Infinity ? 120 : Math.max(Math.floor(room / 3), 16), style)
  const colour: Colour = known === undefined ? 'dim' : VERDICT_SIGNS[known.verdict.verdict].colour
  const refs = commit.refs === '' ? '' : `(${escapeLine(commit.refs)}) `
  const used = textWidth(line.graph) + id.length + 1 + textWidth(signer) + 2
  const rest = `${refs}${escapeLine(commit.subject)}`
  const shown = room === Infinity ? rest : fitText(rest, Math.max(room - used, 0), style)
  return `${line.graph}${paint(style, 'dim', id)} ${paint(style, colour, signer)}  ${shown}`.trimEnd()
}

function saying(known: GraphVerdict, style: TextStyle): string {
  const { verdict, facts } = known
  const mark = VERDICT_SIGNS[verdict.verdict]
  const sign = style.unicode ? mark.unicode : mark.ascii
  const name = signerName(verdict, facts)
  const who = name === undefined || name === '' ? '' : ` ${escapeLine(name, 80)}`
  if (verdict.verdict === 'pass') {
    const strength = verdict.strength ?? 'signed'
    return `${sign} pass${who}${strength === 'signed' ? '' : ` (${strength})`}`
  }
  // Valid, and nobody said who may sign: the name alone; the caller says once what it is worth.
  if (verdict.codes.length === 0) return `${sign}${who}`
  return `${sign} ${verdict.verdict}${who} ${verdict.codes.join(' ')}`
}
