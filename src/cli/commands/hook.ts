import { resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import { escapeText } from '../../encoding/escape.ts'
import { defineCommand, defineGroup } from '../command.ts'
import { HOOK_NAMES, HOOK_OPTIONS } from '../hook/flags.ts'
import type { HookName } from '../hook/flags.ts'
import { POLICY_OPTIONS } from '../verify/options.ts'

const install = defineCommand({
  name: 'install',
  summary: 'Refuse pushes that the policy does not accept',
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  options: {
    policy: POLICY_OPTIONS.policy,
    anchor: POLICY_OPTIONS.anchor,
    'accept-existing': {
      type: 'boolean',
      summary: 'print the [[accept]] lines by which a policy leaves existing history alone',
    },
    audit: { type: 'boolean', summary: 'report everything, refuse nothing' },
    'dry-run': { type: 'boolean', summary: 'show the hook, write nothing' },
  },
  examples: [
    'git signet hook install pre-receive --policy /srv/git/policy.toml',
    'git signet hook install pre-receive --anchor 8f0e…',
  ],
  async run(context, { options, positionals }) {
    const { installHook } = await import('../hook/install.ts')
    return installHook(hookName(positionals[0]), context, options)
  },
})

const uninstall = defineCommand({
  name: 'uninstall',
  summary: 'Remove the hook, and put back what was there before',
  operands: 'NAME',
  operandCount: { min: 1, max: 1 },
  options: {},
  async run(context, { positionals }) {
    const { uninstallHook } = await import('../hook/uninstall.ts')
    return uninstallHook(hookName(positionals[0]), context)
  },
})

const status = defineCommand({
  name: 'status',
  summary: 'Show which hooks are installed and what they enforce',
  operands: '[NAME]',
  operandCount: { max: 1 },
  options: {},
  async run(context, { positionals: [name] }) {
    const { hookStatus } = await import('../hook/uninstall.ts')
    return hookStatus(name === undefined ? undefined : hookName(name), context)
  },
})

const forget = defineCommand({
  name: 'forget',
  summary: 'Let a ref go back: forget the verified tip that the hook remembers',
  operands: 'REF',
  operandCount: { min: 1, max: 1 },
  options: {},
  async run(context, { positionals: [ref = ''] }) {
    const { forgetTip } = await import('../hook/forget.ts')
    return forgetTip(ref, context)
  },
})

/** What git starts: the hook's own arguments come after `--`. */
function program(name: HookName) {
  return defineCommand({
    name,
    summary: `Judge a push as git’s ${name} hook`,
    operands: '[-- ARGUMENT…]',
    options: HOOK_OPTIONS,
    async run(context, { options, positionals }) {
      const { runHook } = await import('../hook/run.ts')
      const { streams, cwd, env, clock } = context
      return runHook(name, {
        flags: options,
        args: positionals,
        cwd: resolve(cwd),
        env,
        clock,
        stdin: () => streams.stdin.chunks(),
        stderr: streams.stderr,
        told: () => import('../hook/told.ts'),
      })
    },
  })
}

export const hook = defineGroup({
  name: 'hook',
  summary: 'Hooks that refuse pushes the policy does not accept',
  description: `NAME is pre-receive (on a server: judges a whole push before any ref moves), update (on a server that allows nothing else: one ref at a time, no push certificates) or pre-push (on your side: the same verdict before the push).

The policy is a file on the server (--policy), or .signet/policy.toml in the project from a commit on that you name (--anchor); with both, the file is the floor. Anything that cannot be checked is refused. A hook that was there is kept, and runs when the push has passed.

Settings of the repository: signet.helpUrl is shown with each refusal. signet.hook.format is text, json, jsonl, github or html, with =FILE to write it there. signet.hook.auditFile gets one JSON line a push. signet.hook.pushee names the URLs of this repository that push certificates may bear; without it, its folder's name counts.

Limits: a push of at most 1,000,000 commits (signet.hook.maxCommits) and 100,000 refs, judged within 1,800 seconds (signet.hook.maxSeconds); a commit, tag or tree of at most 32 MiB, a signature of at most 1 MiB. What is above one could not be checked, and is refused.

The hook remembers the newest verified tip of each ref, and refuses pushes to one that was moved back past it (ROLLBACK). Where that was meant, type git signet hook forget REF in the server's repository.

Forges: Gitea and Forgejo run what lies in hooks/pre-receive.d/ of the repository's folder, GitLab what lies in custom_hooks/pre-receive.d/. Install it there, in the repository's folder: git -c core.hooksPath=custom_hooks/pre-receive.d signet hook install pre-receive --policy FILE. Pull requests on GitHub and GitLab are judged in CI: scripts/ci has an action and a template.`,
  commands: [install, uninstall, status],
  hidden: [forget, ...HOOK_NAMES.map(program)],
})

function hookName(text = ''): HookName {
  const name = HOOK_NAMES.find((each) => each === text)
  if (name !== undefined) return name
  throw new UsageError('HOOK_NAME', `there is no hook "${escapeText(text)}"`, {
    hint: `one of ${HOOK_NAMES.join(', ')}`,
  })
}
