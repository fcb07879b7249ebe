import { lstatSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readGitConfig } from '../../git/config.ts'
import type { GitConfig } from '../../git/config.ts'
import { repositoryPaths } from '../../git/refs.ts'
import type { RepositoryPaths } from '../../git/refs.ts'
import { gitLine } from '../../git/run.ts'
import type { GitPlace } from '../../git/run.ts'
import type { Context } from '../context.ts'
import type { HookName } from './flags.ts'
import { isOurHook } from './script.ts'

/** Where a repository's hooks lie. */
export interface HookPlace {
  readonly place: GitPlace
  readonly paths: RepositoryPaths
  readonly config: GitConfig
  /** Absolute; `core.hooksPath` if it is set. */
  readonly folder: string
}

export interface HookFile {
  readonly path: string
  /** Where a hook that was there before is kept. */
  readonly keptPath: string
  /** Undefined where there is none. */
  readonly text: string | undefined
  readonly isOurs: boolean
  readonly isExecutable: boolean
  readonly hasKept: boolean
}

/** @throws UnavailableError as runGit */
export async function openHookPlace(context: Context): Promise<HookPlace> {
  const place = { cwd: context.cwd, env: context.env }
  const [paths, config] = await Promise.all([repositoryPaths(place), readGitConfig(place)])
  // git itself resolves core.hooksPath; the reading commands of ours have it switched off.
  const configured = config.get('core.hookspath')
  const folder =
    configured === undefined || configured === null
      ? join(paths.commonDir, 'hooks')
      : await hooksPath(place, paths)
  return { place, paths, config, folder }
}

/** Relative to where hooks run: the top of the work tree, else the git directory. */
async function hooksPath(place: GitPlace, paths: RepositoryPaths): Promise<string> {
  const path = await gitLine(place, ['config', '--type=path', 'core.hooksPath'], { plain: true })
  const top = paths.bare
    ? paths.gitDir
    : await gitLine(place, ['rev-parse', '--show-toplevel'], { plain: true })
  return resolve(top, path)
}

export function readHookFile({ folder }: HookPlace, name: HookName): HookFile {
  const path = join(folder, name)
  const keptPath = `${path}.before-signet`
  const found = lstatSync(path, { throwIfNoEntry: false })
  const hasKept = lstatSync(keptPath, { throwIfNoEntry: false }) !== undefined
  if (found === undefined) {
    return { path, keptPath, text: undefined, isOurs: false, isExecutable: false, hasKept }
  }
  const text = found.isFile() ? readFileSync(path, 'utf8') : ''
  const isExecutable = (found.mode & 0o111) !== 0
  return { path, keptPath, text, isOurs: isOurHook(text), isExecutable, hasKept }
}
