import type { AnyCommand, CommandGroup } from './command.ts'

export interface CommandEntry {
  readonly name: string
  /** Works but is not listed: what git, hooks and other programs type. */
  readonly isHidden?: true
  load(): Promise<AnyCommand | CommandGroup>
}

/** Every word that may follow `git-signet`, in the order of help. A file is loaded when its word is typed. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'setup', load: async () => (await import('./commands/setup.ts')).setup },
  { name: 'status', load: async () => (await import('./commands/status.ts')).status },
  { name: 'verify', load: async () => (await import('./commands/verify.ts')).verify },
  { name: 'verify-tag', load: async () => (await import('./commands/verify-tag.ts')).verifyTag },
  { name: 'audit', load: async () => (await import('./commands/audit.ts')).audit },
  { name: 'log', load: async () => (await import('./commands/log.ts')).log },
  { name: 'resign', load: async () => (await import('./commands/resign.ts')).resign },
  { name: 'policy', load: async () => (await import('./commands/policy.ts')).policy },
  { name: 'hook', load: async () => (await import('./commands/hook.ts')).hook },
  { name: 'inspect', load: async () => (await import('./commands/inspect.ts')).inspect },
  { name: 'stack', load: async () => (await import('./commands/stack.ts')).stack },
  { name: 'export', load: async () => (await import('./commands/export.ts')).exportCommand },
  {
    name: 'verify-bundle',
    isHidden: true,
    load: async () => (await import('./commands/verify-bundle.ts')).verifyBundleCommand,
  },
  { name: 'completion', load: async () => (await import('./commands/completion.ts')).completion },
  { name: 'help', load: async () => (await import('./commands/help.ts')).help },
  { name: 'version', load: async () => (await import('./commands/version.ts')).version },
]
