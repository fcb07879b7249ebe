import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { escapeText } from '../../encoding/escape.ts'
import { UsageError } from '../../errors.ts'
import type { RepositoryAnswers } from '../../git/answers.ts'
import { resolveRevision, unknownRevision } from '../../git/refs.ts'
import { POLICY_DIRECTORY, POLICY_FILE } from '../../policy/fold.ts'
import { isUnanswered } from '../../policy/git-answers.ts'
import { MAX_POLICY_BYTES } from '../../policy/parse.ts'
import { policyFilesInFolder, policyFilesInTree } from '../../verification/policy-files.ts'
import type { PolicyFiles } from '../../verification/policy-files.ts'
import type { Context } from '../context.ts'

/** A policy as it is written somewhere, not read yet. */
export interface PolicyText {
  /** For messages; not escaped. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly files: PolicyFiles
}

export function policyBranchOf(sources: SettingSources): string {
  const value = readSetting('policyBranch', sources).value
  if (value === undefined || value === '') return 'refs/heads/main'
  return value.startsWith('refs/') ? value : `refs/heads/${value}`
}

/** @throws UsageError POLICY_FILE */
export function policyInFile(context: Context, path: string): PolicyText {
  const place = resolve(context.cwd, path)
  try {
    // What is larger is refused by the reader, and need not be read to the end.
    if (!statSync(place).isFile())
      throw new UsageError('POLICY_FILE', `${escapeText(path)} is no file`)
    const bytes = readFileSync(place).subarray(0, MAX_POLICY_BYTES + 1)
    return { name: path, bytes, files: policyFilesInFolder(dirname(place)) }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('POLICY_FILE', `cannot read ${escapeText(path)}`, {
      cause: error,
      hint: 'git signet policy init -o .signet/policy.toml',
    })
  }
}

/** The policy file in the tree of a commit; undefined where it has none. */
export async function policyInCommit(
  repository: RepositoryAnswers,
  commit: string,
  name: string,
): Promise<PolicyText | undefined> {
  const files = policyFilesInTree(repository, commit)
  const bytes = await files.read(POLICY_FILE)
  return bytes === undefined ? undefined : { name: `${name}:${POLICY_FILE}`, bytes, files }
}

/**
 * What an operand names: a file where there is one, else a revision whose tree has a policy.
 *
 * @throws UsageError REVISION_UNKNOWN, POLICY_FILE
 */
export async function policyNamed(
  context: Context,
  repository: RepositoryAnswers,
  operand: string,
): Promise<PolicyText> {
  const isFile = /[/\\]|\.toml$/.test(operand) && existsSync(resolve(context.cwd, operand))
  if (isFile) return policyInFile(context, operand)
  const commit = await resolveRevision(repository.place, `${operand}^{commit}`)
  if (commit === undefined) throw unknownRevision(operand)
  const found = await policyInCommit(repository, commit, operand)
  if (found !== undefined) return found
  const tree = await repository.commit(commit)
  const why = isUnanswered(tree) ? tree.detail : `it has no ${POLICY_FILE}`
  throw new UsageError('POLICY_FILE', `cannot read a policy in ${escapeText(operand)}: ${why}`)
}

/** Where the policy of a work tree lies, as it is best shown; undefined outside of one. */
export function workTreePolicyPath(context: Context, topLevel: string | undefined): string {
  const path = join(topLevel ?? context.cwd, POLICY_DIRECTORY, 'policy.toml')
  return relative(context.cwd, path)
}
