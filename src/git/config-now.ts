import { spawnSync } from 'node:child_process'
import { UnavailableError } from '../errors.ts'
import { parseGitConfig } from './config.ts'
import type { GitConfig } from './config.ts'
import { gitEnvironment, gitError, gitReason } from './run.ts'
import type { GitPlace } from './run.ts'

const ARGUMENTS = ['config', '--list', '-z']
const TIMEOUT_MS = 10_000

/**
 * As `readGitConfig`, waiting for git: where nothing else is to be done meanwhile that is 3 ms quicker,
 * a tenth of what git may wait for us.
 *
 * @throws UnavailableError GIT_MISSING, GIT_FAILED
 */
export function readGitConfigNow({ cwd, env }: GitPlace): GitConfig {
  const { status, stdout, stderr, error } = spawnSync('git', ARGUMENTS, {
    cwd,
    env: gitEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    timeout: TIMEOUT_MS,
    windowsHide: true,
  })
  if (error !== undefined) {
    const isMissing = 'code' in error && error.code === 'ENOENT'
    throw isMissing
      ? new UnavailableError('GIT_MISSING', 'git cannot be started: not found', {
          hint: 'install git and make sure it is on PATH',
        })
      : gitError('GIT_FAILED', ARGUMENTS, error.message)
  }
  if (status !== 0) throw gitError('GIT_FAILED', ARGUMENTS, gitReason(status, stderr))
  return parseGitConfig(stdout)
}
