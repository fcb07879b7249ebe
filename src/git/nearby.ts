import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ObjectFormat } from '../facts.ts'
import type { RepositoryPaths } from './refs.ts'
import type { GitPlace } from './run.ts'

/** With any of these git looks elsewhere than the git directory says. */
const MOVED = [
  'GIT_COMMON_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_SHALLOW_FILE',
  'GIT_NAMESPACE',
] as const

/**
 * As `repositoryPaths` without a process, where git has started us: it is then in the top of a work tree
 * or names its git directory. Whether git uses it at all (safe.directory, its version) is left to the
 * first git that is started. Undefined for every other shape: ask git.
 *
 * @param format - what the objects at hand say
 */
export function nearbyPaths(
  { cwd, env }: GitPlace,
  format: ObjectFormat,
): RepositoryPaths | undefined {
  if (MOVED.some((name) => env[name] !== undefined)) return undefined
  const named = env['GIT_DIR']
  if (named === '') return undefined
  try {
    const gitDir = resolve(cwd, named ?? '.git')
    const commonDir = commonOf(gitDir)
    const isRepository =
      existsSync(join(gitDir, 'HEAD')) &&
      ['objects', 'refs'].every((name) => statSync(join(commonDir, name)).isDirectory())
    if (!isRepository) return undefined
    return {
      format,
      gitDir,
      commonDir,
      objects: join(commonDir, 'objects'),
      shallow: join(commonDir, 'shallow'),
      bare: false,
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** Worktrees name the git directory they share. */
function commonOf(gitDir: string): string {
  const file = join(gitDir, 'commondir')
  return existsSync(file) ? resolve(gitDir, readFileSync(file, 'utf8').trimEnd()) : gitDir
}
