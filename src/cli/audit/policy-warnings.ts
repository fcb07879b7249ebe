import { policyWarnings as doubtfulLines } from '../../policy/warnings.ts'
import type { PolicySession } from '../../verification/policy-session.ts'

/**
 * What people should look at twice in the policies in force: landings that failed, doubtful lines, what is
 * pinned and cannot be had so far. Not escaped throughout.
 */
export function policyWarnings(
  { context, problems }: PolicySession,
  { now, isServer = false }: { readonly now: number; readonly isServer?: boolean },
): string[] {
  const { chain, fixed, floor, policyBranch } = context
  const warnings = [...problems]
  for (const { commit, reasons } of chain?.failed ?? []) {
    const why = reasons.map(({ code, detail }) => `${code}, ${detail}`).join('; ')
    warnings.push(
      `the policy change at ${commit.slice(0, 10)} did not land (${why}): the policy before it stays in force`,
    )
  }
  const before = chain?.landings.at(-2)?.policy
  for (const policy of [chain?.landings.at(-1)?.policy, fixed?.policy, floor]) {
    if (policy === undefined) continue
    const isInTree = policy.name !== fixed?.policy.name
    for (const { line, key, message } of doubtfulLines(policy, {
      policyBranch,
      now,
      ...(isInTree && { before, isServerWithoutFloor: isServer && floor === undefined }),
    })) {
      // A landing is named as it is everywhere else.
      const name = policy.name.replace(/^([0-9a-f]{10})[0-9a-f]{30,54}:/, '$1:')
      const at = line === undefined ? '' : `:${String(line)}`
      warnings.push(`${name}${at}: ${key === '' ? '' : `${key}: `}${message}`)
    }
  }
  return [...new Set(warnings)]
}
