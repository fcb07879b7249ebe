import { parseGitConfig } from './config.ts'
import type { GitConfig } from './config.ts'
import { runGitNow } from './run-now.ts'
import type { GitPlace } from './run.ts'

/**
 * As `readGitConfig`, waiting for git.
 *
 * @throws UnavailableError as runGitNow
 */
export function readGitConfigNow(place: GitPlace): GitConfig {
  return parseGitConfig(runGitNow(place, ['config', '--list', '-z']).toString('utf8'))
}
