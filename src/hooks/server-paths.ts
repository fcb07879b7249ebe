import { existsSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import type { ObjectFormat } from '../facts.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import type { Environment } from '../git/run.ts'

/**
 * The paths of the repository in whose git directory git started a hook, without asking git.
 *
 * @param gitDir - absolute
 * @param env - as `serverEnvironment` gives it
 * @returns undefined where it is not that simple: a linked work tree, no repository
 */
export function serverPaths(
  gitDir: string,
  env: Environment,
  format: ObjectFormat,
): RepositoryPaths | undefined {
  const objects = env['GIT_OBJECT_DIRECTORY'] ?? join(gitDir, 'objects')
  const isPlain =
    isAbsolute(objects) &&
    existsSync(objects) &&
    existsSync(join(gitDir, 'HEAD')) &&
    !existsSync(join(gitDir, 'commondir'))
  if (!isPlain) return undefined
  const shallow = join(gitDir, 'shallow')
  return { format, gitDir, commonDir: gitDir, objects, shallow, bare: basename(gitDir) !== '.git' }
}
