import { isUnanswered } from '../../policy/git-answers.ts'
import { parseIdent } from '../../policy/ident.ts'
import type { ClaimedKey, SeenSigner } from '../../policy/draft.ts'
import type { ProvedCommit } from '../../verification/history.ts'
import { claimedOpenpgpKey } from '../../verification/openpgp-signature.ts'
import type { HistoryProver } from '../audit/history-prover.ts'

/** Who has signed, and who has not. */
export interface WhoSigned {
  readonly seen: readonly SeenSigner[]
  /** OpenPGP keys that signatures name: without a policy none is known. */
  readonly claimed: readonly ClaimedKey[]
  readonly others: readonly { readonly address: string; readonly count: number }[]
}

/** More addresses than this say nothing more about anybody. */
const maxOthers = 50

/** Proves every commit below a tip and counts signers, most commits first. */
export async function whoSigned(history: HistoryProver, tip: string): Promise<WhoSigned> {
  const seen = new Map<string, SeenSigner & { count: number; addresses: string[] }>()
  const others = new Map<string, number>()
  const claimed = new Map<string, ClaimedKey & { count: number; addresses: string[] }>()
  for await (const proved of history.range({ include: [tip], exclude: [] })) {
    const { id, facts } = proved
    const commit = await history.repository.commit(id)
    const ident = isUnanswered(commit) ? undefined : parseIdent(commit.committer)
    const address = ident && Buffer.from(ident.address, 'latin1').toString('utf8')
    const { signer } = facts
    if (facts.outcome !== 'proven' || signer === null) {
      const key = claimedKey(proved)
      if (key !== undefined && (claimed.has(key) || claimed.size < maxOthers)) {
        const entry = claimed.get(key) ?? { key, count: 0, addresses: [] }
        claimed.set(key, entry)
        note(entry, address)
      } else if (address !== undefined) others.set(address, (others.get(address) ?? 0) + 1)
      continue
    }
    const mark = JSON.stringify([signer.kind, signer.value, signer.issuer, signer.trust])
    const known = seen.get(mark)
    const entry = known ?? { signer, count: 0, addresses: [] }
    if (known === undefined) seen.set(mark, entry)
    note(entry, address)
  }
  const byCount = (a: { count: number }, b: { count: number }): number => b.count - a.count
  return {
    seen: [...seen.values()].sort(byCount),
    claimed: [...claimed.values()].sort(byCount),
    others: [...others]
      .map(([address, count]) => ({ address, count }))
      .sort(byCount)
      .slice(0, maxOthers),
  }
}

function note(entry: { count: number; addresses: string[] }, address: string | undefined): void {
  entry.count++
  if (address !== undefined && !entry.addresses.includes(address)) entry.addresses.push(address)
}

/** The OpenPGP key that a commit's signature says it is by. */
function claimedKey({ facts, split }: ProvedCommit): string | undefined {
  if (facts.signature !== 'openpgp' || facts.outcome === 'bad') return undefined
  return split?.signature && claimedOpenpgpKey(split.signature)
}
