import { foldPath, isPolicyDirectoryTwin, POLICY_DIRECTORY } from './fold.ts'
import type { GitAnswers, Unanswered } from './git-answers.ts'
import { isUnanswered } from './git-answers.ts'
import type { Policy } from './model.ts'
import { MAX_POLICY_BYTES, readPolicy } from './parse.ts'
import { showProblem } from './problem.ts'
import type { Reason } from './reason.ts'

/** `mode id name` of every root entry that is, or folds to, `.signet`; undefined for none. */
export async function policyEntry(
  git: GitAnswers,
  id: string,
): Promise<string | undefined | Unanswered> {
  const commit = await git.commit(id)
  if (isUnanswered(commit)) return commit
  const tree = await git.tree(commit.tree)
  if (isUnanswered(tree)) return tree
  const entries = tree.entries.filter(({ name }) => foldPath(name) === POLICY_DIRECTORY)
  return entries.length === 0
    ? undefined
    : entries.map(({ mode, id: entryId, name }) => `${mode} ${entryId} ${name}`).join('\n')
}

export type ReadPolicy = { readonly policy: Policy } | (Reason & { readonly policy?: never })

/** The policy that a tree's `.signet` holds. */
export async function readEntry(
  { git, policyBranch }: { readonly git: GitAnswers; readonly policyBranch: string },
  commit: string,
  entry: string | undefined,
): Promise<ReadPolicy> {
  const bad = (detail: string): ReadPolicy => ({ code: 'POLICY_INVALID', detail })
  if (entry === undefined) return bad('there is no .signet')
  const [mode = '', id = '', name = '', ...more] = entry.split(/[ \n]/)
  if (more.length > 0 || isPolicyDirectoryTwin(name)) {
    return bad('a name in the tree is .signet only to some file systems')
  }
  if (mode !== '040000') return bad('.signet is not a directory')
  const tree = await git.tree(id)
  if (isUnanswered(tree)) return { code: tree.unanswered, detail: tree.detail }
  if (tree.findings.length > 0) return bad(`.signet is malformed: ${tree.findings[0] ?? ''}`)
  const files = tree.entries.filter((file) => foldPath(file.name) === 'policy.toml')
  const [file] = files
  if (file === undefined) return bad('there is no .signet/policy.toml')
  if (files.length > 1 || file.name !== 'policy.toml') {
    return bad('a name in .signet is policy.toml only to some file systems')
  }
  if (file.mode !== '100644')
    return bad(`.signet/policy.toml is not a regular file (mode ${file.mode})`)
  const bytes = await git.blob(file.id, MAX_POLICY_BYTES + 1)
  if (isUnanswered(bytes)) {
    return bytes.unanswered === 'LIMIT'
      ? bad('.signet/policy.toml is too large')
      : { code: bytes.unanswered, detail: bytes.detail }
  }
  const policyName = `${commit}:.signet/policy.toml`
  const { policy, problems } = readPolicy(bytes, policyName, { policyBranch })
  const [problem] = problems
  if (policy !== undefined) return { policy }
  return bad(
    problem === undefined ? 'it is malformed' : showProblem('.signet/policy.toml', problem),
  )
}
