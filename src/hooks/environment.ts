import type { Environment } from '../git/run.ts'

/** What git tells a hook about objects that are not in the repository yet. */
export const QUARANTINE: readonly string[] = [
  'GIT_QUARANTINE_PATH',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
]
/** Where a person's repository is, said by the git that started a client's hook. */
const CLIENT = new Set(['GIT_DIR', 'GIT_WORK_TREE', 'GIT_COMMON_DIR'])

/**
 * The environment of everything a hook on a server does: of git's variables only the quarantine's, none
 * of our own settings, and the repository is the folder that git started the hook in.
 */
export function serverEnvironment(env: Environment, gitDir: string): Record<string, string> {
  return { ...filtered(env, (name) => QUARANTINE.includes(name)), GIT_DIR: gitDir }
}

/** As `serverEnvironment` for a hook on the pusher's side, whose repository git may have named. */
export function clientEnvironment(env: Environment): Record<string, string> {
  return filtered(env, (name) => QUARANTINE.includes(name) || CLIENT.has(name))
}

function filtered(env: Environment, keeps: (name: string) => boolean): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue
    if (/^(?:GIT|SIGNET|GITSIGN|SIGSTORE|NODE)_/.test(name) && !keeps(name)) continue
    kept[name] = value
  }
  return kept
}
