import { UnavailableError, UsageError } from '../errors.ts'
import { readGitConfigNow } from '../git/config-now.ts'
import type { GitConfig } from '../git/config.ts'

/**
 * git's configuration where git has started us.
 *
 * @throws UsageError GIT_CONFIG git itself cannot read it
 */
export function readConfiguration(): GitConfig {
  try {
    return readGitConfigNow({ cwd: process.cwd(), env: process.env })
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    throw new UsageError('GIT_CONFIG', `cannot read git's configuration: ${error.message}`, {
      hint: 'git config --list --show-origin',
      cause: error,
    })
  }
}
