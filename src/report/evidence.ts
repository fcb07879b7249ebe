import type { Facts } from '../facts.ts'
import { escapeLine } from './media.ts'
import type { Run } from './result.ts'
import { ageText } from './terminal.ts'

/** What a signature says, a line each: signer, issuer, trust root, times, log entries, certificate. */
export function evidenceLines(facts: Facts, run: Pick<Run, 'now' | 'trustRoots'>): string[] {
  const lines: string[] = []
  const { signer, certificate } = facts
  if (signer !== null) {
    lines.push(`signer      ${escapeLine(signer.value)} (${signer.kind})`)
    if (signer.issuer !== '') lines.push(`vouched by  ${escapeLine(signer.issuer)}`)
    lines.push(`root        ${rootText(signer.trust, run)}`)
  }
  for (const time of facts.times) {
    lines.push(`signed      ${escapeLine(time.at)} (${time.source}, ${escapeLine(time.by)})`)
  }
  for (const entry of facts.log) {
    lines.push(`log         entry ${escapeLine(entry.index)} of ${escapeLine(entry.by)}`)
  }
  if (certificate !== null) {
    lines.push(`certificate ${escapeLine(certificate.sha256)}`)
  }
  for (const check of facts.checks) {
    if (check.result !== 'failed') continue
    const detail = check.detail === undefined ? '' : `: ${escapeLine(check.detail, 400)}`
    lines.push(`failed      ${check.name}${detail}`)
  }
  if (facts.tolerated.length > 0)
    lines.push(`tolerated   ${facts.tolerated.map((name) => escapeLine(name)).join(', ')}`)
  return lines
}

function rootText(name: string, run: Pick<Run, 'now' | 'trustRoots'>): string {
  const root = run.trustRoots.find((each) => each.name === name)
  const label = root?.local === true || name === 'local' ? `LOCAL ${name}` : name
  const age = root?.asOf === undefined ? '' : ` (${ageText(run.now - root.asOf)} old)`
  return `${escapeLine(label)}${age}`
}
