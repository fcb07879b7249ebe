import type { ObjectFormat } from '../../facts.ts'
import { IdTable } from '../../git/id-table.ts'
import type { CommitRange } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import { countCommits } from '../../git/walk.ts'
import type { ProvedCommit } from '../../verification/history.ts'
import type { HistoryProver } from './history-prover.ts'

/** Every commit of several ranges once, range by range. */
export async function* provedRanges(
  history: HistoryProver,
  ranges: readonly CommitRange[],
): AsyncGenerator<ProvedCommit, void, undefined> {
  const { format } = history.repository
  const seen = ranges.length > 1 ? new IdTable(idBytes(format)) : undefined
  for (const range of ranges) {
    for await (const proved of history.range(range)) {
      if (seen !== undefined) {
        if (seen.find(proved.id) >= 0) continue
        seen.add(proved.id)
      }
      yield proved
    }
  }
}

/** How many commits there will be at most. @throws UnavailableError as runGit */
export async function countRanges(
  place: GitPlace,
  ranges: readonly CommitRange[],
): Promise<number> {
  let total = 0
  for (const range of ranges) total += await countCommits(place, range)
  return total
}

function idBytes(format: ObjectFormat): 20 | 32 {
  return format === 'sha1' ? 20 : 32
}
