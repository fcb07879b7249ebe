import type { HookSession } from '../../hooks/policy.ts'
import { inForceNow } from '../../policy/context.ts'
import type { HookPlace } from './place.ts'
import type { HookFlags, HookName } from './flags.ts'

/** What else the owner of a server should set, each with the command that does. */
export function adviceFor(
  name: HookName,
  { config }: HookPlace,
  flags: HookFlags,
  opened: HookSession | undefined,
): string[] {
  const advice: string[] = []
  if (name !== 'pre-push') {
    const checks = config.boolean('receive.fsckObjects') ?? config.boolean('transfer.fsckObjects')
    if (checks !== true) {
      advice.push('let git check what arrives: git config receive.fsckObjects true')
    }
    if (config.get('receive.certNonceSeed') === undefined) {
      advice.push(
        'for signed pushes (push-cert): git config receive.certNonceSeed "$(openssl rand -hex 32)", and over http also: git config receive.certNonceSlop 60',
      )
    }
  }
  if (name === 'update') {
    advice.push('update sees one ref at a time and no push certificate: pre-receive is stricter')
  }
  if (flags.anchor !== undefined && flags.policy === undefined && name !== 'pre-push') {
    advice.push(
      'a floor, so that a stolen admin account cannot make another admin: --policy FILE on the server',
    )
  }
  const policy = opened === undefined ? undefined : inForceNow(opened.session.context).policy
  const tags = policy?.rules.find(
    ({ refs, on, unsignedTarget }) =>
      on === undefined && !unsignedTarget && refs.some((ref) => ref.text.startsWith('refs/tags/')),
  )
  if (tags !== undefined && flags.anchor === undefined) {
    advice.push(
      `the rule at line ${String(tags.line)} lets no tag in: without an anchor it has to name branches, on = ["refs/heads/main"]`,
    )
  }
  const hasForge = [...(policy?.entries.values() ?? [])].some(({ kind }) => kind === 'forge')
  if (policy !== undefined && !hasForge && name !== 'pre-push') {
    advice.push('if a forge merges on its web pages, it needs a [forges] entry in the policy')
  }
  return advice
}
