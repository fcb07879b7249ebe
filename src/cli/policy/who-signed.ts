import { isUnanswered } from '../../policy/git-answers.ts'
import { parseIdent } from '../../policy/ident.ts'
import type { SeenSigner } from '../../policy/draft.ts'
import type { HistoryProver } from '../audit/history-prover.ts'

/** Who has signed, and who has not. */
export interface WhoSigned {
  readonly seen: readonly SeenSigner[]
  readonly others: readonly { readonly address: string; readonly count: number }[]
}

/** More addresses than this say nothing more about anybody. */
const maxOthers = 50

/** Proves every commit below a tip and counts signers, most commits first. */
export async function whoSigned(history: HistoryProver, tip: string): Promise<WhoSigned> {
  const seen = new Map<string, SeenSigner & { count: number; addresses: string[] }>()
  const others = new Map<string, number>()
  for await (const { id, facts } of history.range({ include: [tip], exclude: [] })) {
    const commit = await history.repository.commit(id)
    const ident = isUnanswered(commit) ? undefined : parseIdent(commit.committer)
    const address = ident && Buffer.from(ident.address, 'latin1').toString('utf8')
    const { signer } = facts
    if (facts.outcome !== 'proven' || signer === null) {
      if (address !== undefined) others.set(address, (others.get(address) ?? 0) + 1)
      continue
    }
    const mark = JSON.stringify([signer.kind, signer.value, signer.issuer, signer.trust])
    const known = seen.get(mark)
    const entry = known ?? { signer, count: 0, addresses: [] }
    if (known === undefined) seen.set(mark, entry)
    entry.count++
    if (address !== undefined && !entry.addresses.includes(address)) entry.addresses.push(address)
  }
  const byCount = (a: { count: number }, b: { count: number }): number => b.count - a.count
  return {
    seen: [...seen.values()].sort(byCount),
    others: [...others]
      .map(([address, count]) => ({ address, count }))
      .sort(byCount)
      .slice(0, maxOthers),
  }
}
