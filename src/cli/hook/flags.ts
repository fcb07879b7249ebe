import type { HookPolicy } from '../../hooks/policy.ts'

/** What an installed hook is told; hooks do not listen to anything else. */
export interface HookFlags {
  readonly policy: string | undefined
  readonly anchor: string | undefined
  readonly 'policy-branch': string | undefined
  readonly 'trusted-root': readonly string[]
  readonly audit: boolean
}

export const HOOK_OPTIONS = {
  policy: { type: 'string', value: 'FILE', summary: 'the policy, or the floor beside the tree’s' },
  anchor: { type: 'string', value: 'COMMIT', summary: 'full id of the commit where trust starts' },
  'policy-branch': { type: 'string', value: 'REF', summary: 'full name of the policy branch' },
  'trusted-root': { type: 'string', value: 'FILE', multiple: true, summary: 'who vouches' },
  audit: { type: 'boolean', summary: 'report everything, refuse nothing' },
} as const

export const HOOK_NAMES = ['pre-receive', 'update', 'pre-push'] as const
export type HookName = (typeof HOOK_NAMES)[number]

/** Full name of the branch the policy lies on. */
export function branchOf(flags: Pick<HookFlags, 'policy-branch'>): string {
  return flags['policy-branch'] ?? 'refs/heads/main'
}

/** The policy that an installed hook is told. */
export function policyOf(flags: HookFlags): HookPolicy {
  return { policyFile: flags.policy, anchor: flags.anchor, policyBranch: branchOf(flags) }
}
