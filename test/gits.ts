import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface InstalledGit {
  /** `git version` without the words, e.g. `2.39.5`. */
  readonly version: string
  readonly program: string
}

const newer = join(dirname(fileURLToPath(import.meta.url)), '../.cache/git-newer/bin/git')

/** The installed git, and the newer one where `node scripts/newer-git.mjs` has fetched it. */
export const gits: readonly InstalledGit[] = ['git', newer]
  .filter((program) => program === 'git' || existsSync(program))
  .map((program) => ({
    program,
    version: execFileSync(program, ['--version'], { encoding: 'utf8' }).trim().split(' ')[2] ?? '',
  }))
