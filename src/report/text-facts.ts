import type { Check, Facts } from '../facts.ts'
import { evidenceLines } from './evidence.ts'
import { escapeLine } from './media.ts'
import { REASONS } from './reasons.ts'
import type { Run, TextStyle } from './result.ts'
import type { Colour } from './terminal.ts'
import { paint } from './terminal.ts'

const OUTCOMES: Readonly<Record<Facts['outcome'], { words: string; colour: Colour }>> = {
  proven: { words: 'proven: every check that applies passed', colour: 'green' },
  incomplete: {
    words: 'incomplete: nothing wrong was found, but something is missing',
    colour: 'yellow',
  },
  untrusted: {
    words: 'untrusted: a signature by somebody no trust root vouches for',
    colour: 'red',
  },
  bad: { words: 'bad', colour: 'red' },
  unsigned: { words: 'unsigned', colour: 'red' },
}

const MARKS: Readonly<Record<Check['result'], string>> = {
  passed: 'ok',
  failed: 'FAILED',
  absent: 'absent',
  'not-checked': 'not checked',
}

/** Everything that one object's signature says, for people; it judges nobody. Ends in a newline. */
export function factsText(
  facts: Facts,
  run: Pick<Run, 'now' | 'trustRoots'>,
  style: TextStyle,
): string {
  const { object, certificate } = facts
  const outcome = OUTCOMES[facts.outcome]
  const lines = [
    `${paint(style, 'bold', object.type)} ${object.id}`,
    `    ${paint(style, outcome.colour, outcome.words)}`,
    ...facts.codes.map((code) => `    ${code}: it ${REASONS[code].meaning}`),
    ...evidenceLines(facts, run).map((line) => `    ${line}`),
  ]
  if (certificate !== null) {
    lines.push(
      `    valid       ${certificate.not_before} to ${certificate.not_after}`,
      `    issued by   ${escapeLine(certificate.issuer)}, serial ${certificate.serial}`,
    )
    for (const name of certificate.san) lines.push(`    name        ${escapeLine(name)}`)
  }
  for (const [name, value] of Object.entries(facts.signer?.claims ?? {})) {
    lines.push(`    claim       ${name}: ${escapeLine(value)}`)
  }
  const checks = facts.checks.map(({ name, result, detail }) => {
    const note = detail === undefined ? '' : ` (${escapeLine(detail, 400)})`
    const colour = result === 'failed' ? 'red' : 'dim'
    return `    ${paint(style, colour, `check       ${name}: ${MARKS[result]}${note}`)}`
  })
  return [...lines, ...checks, ''].join('\n')
}
