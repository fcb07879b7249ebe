import type { Facts } from '../../facts.ts'
import type { Reason } from '../../policy/reason.ts'
import { remedyFor, ROOT } from '../../report/reasons.ts'
import { shortId } from '../../report/result.ts'
import type { Run } from '../../report/result.ts'

/**
 * The part of a verdict's story that the signature tells: what was proven, the time and where it is
 * from, what would have to differ, and what to type. Not escaped.
 */
export function explainFacts(
  facts: Facts,
  reasons: readonly Reason[],
  { isRoot = false, run }: { readonly isRoot?: boolean | undefined; readonly run?: Run } = {},
): string[] {
  const lines = [`signature: ${facts.signature}, ${facts.outcome}`]
  const { signer } = facts
  if (signer !== null) {
    const by = signer.issuer === '' ? '' : `, vouched for by ${signer.issuer}`
    const root = signer.trust === '' ? '' : `, trust root ${signer.trust}`
    lines.push(`who: ${signer.value} (${signer.kind})${by}${root}`)
  }
  const times = [...facts.times].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const [first] = times
  if (first !== undefined) lines.push(`when: ${first.at}, from ${first.source} ${first.by}`)
  else if (facts.signature === 'x509') lines.push('when: nobody who can be trusted says')
  for (const { name, result, detail } of facts.checks) {
    if (result === 'failed' || (result === 'absent' && detail !== undefined)) {
      lines.push(`check ${name}: ${result}${detail === undefined ? '' : `, ${detail}`}`)
    }
  }
  for (const code of new Set(reasons.map((reason) => reason.code))) {
    const commit = shortId(facts.object.id)
    const { type } = facts.object
    const base = isRoot ? ROOT : `${commit}^`
    const { fix, command } = remedyFor(code, { commit, base, type, ...(run && { run }) })
    lines.push(`to pass, ${code} must go: ${fix}${command === undefined ? '' : ` (${command})`}`)
  }
  return lines
}
