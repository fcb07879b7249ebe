import { listRefs } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import { countCommits } from '../../git/walk.ts'
import { escapeText } from '../../encoding/escape.ts'

/**
 * The `[[accept]]` lines by which a policy leaves the past of a repository alone, one for each commit
 * that a branch or tag stands on, with how much it covers.
 *
 * @throws UnavailableError as runGit
 */
export async function acceptExisting(place: GitPlace): Promise<string> {
  const byCommit = new Map<string, string[]>()
  for (const { name, id, type, peeled } of await listRefs(place, ['refs/heads', 'refs/tags'])) {
    const commit = type === 'commit' ? id : type === 'tag' ? peeled : undefined
    if (commit === undefined) continue
    byCommit.set(commit, [...(byCommit.get(commit) ?? []), name])
  }
  const blocks: string[] = []
  for (const [commit, names] of byCommit) {
    const count = await countCommits(place, { include: [commit], exclude: [] })
    const shown = names
      .slice(0, 3)
      .map((name) => escapeText(name))
      .join(', ')
    const more = names.length > 3 ? ` and ${String(names.length - 3)} more` : ''
    const commits = count === 1 ? '1 commit' : `${String(count)} commits`
    blocks.push(
      `# ${shown}${more}: ${commits}\n[[accept]]\ncommit = "${commit}"\ncovers = "ancestors"\nreason = "was here before the policy"\n`,
    )
  }
  return blocks.join('\n')
}
