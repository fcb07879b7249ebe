import { homedir } from 'node:os'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where this person's own data lies (launchers, what `setup` replaced, the last failure): absolute,
 * not created here. Relative values of XDG variables are ignored, as that specification asks.
 */
export function dataDirectory(env: Environment): string {
  return userDirectory(env, 'XDG_DATA_HOME', '.local/share')
}

/** Where things lie that can be had again. */
export function cacheDirectory(env: Environment): string {
  return userDirectory(env, 'XDG_CACHE_HOME', '.cache')
}

function userDirectory(env: Environment, variable: string, below: string): string {
  const chosen = env[variable]
  if (chosen?.startsWith('/') === true) return join(chosen, 'git-signet')
  const home = env['HOME']
  return join(home === undefined || home === '' ? ownHome() : home, below, 'git-signet')
}

/** A service may run as a user whom the system does not know: nothing can be kept for it then. */
function ownHome(): string {
  try {
    return homedir()
  } catch {
    return '/nonexistent'
  }
}
