import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { EXIT, UsageError, type ExitCode } from '../../errors.ts'
import type { Context } from '../context.ts'
import type { GitConfigFile } from './git-config-file.ts'
import { readJournal } from './journal.ts'
import { removeLauncher } from './launcher.ts'
import { planUndo, removeEmptyDirectory, type SetupPaths } from './plan.ts'
import { renderValues } from './words.ts'

/**
 * Restores every key that still has what setup wrote, says which ones somebody changed since and
 * leaves those, and removes the files that setup made.
 *
 * @throws UsageError NOT_SET_UP
 */
export async function undoSetup(
  context: Context,
  file: GitConfigFile,
  paths: SetupPaths,
  isDryRun: boolean,
): Promise<ExitCode> {
  const { stdout } = context.streams
  const journal = readJournal(paths.journal)
  if (journal === undefined) {
    const other = file.scope === 'global' ? ' --local' : ''
    throw new UsageError('NOT_SET_UP', `nothing to undo: setup --${file.scope} was not run`, {
      hint: `for ${other ? 'this repository alone' : 'all repositories'}: git-signet setup${other} --undo`,
    })
  }
  let isLauncherUsed = false
  let left = 0
  for (const change of journal.changes) {
    const undone = await planUndo(file, change)
    const { key, before, after } = change
    if (undone.kind === 'left') {
      left += 1
      isLauncherUsed ||= undone.now.some((value) => value === paths.launcher)
      stdout.write(
        `  ${key}  left at ${renderValues(undone.now)} (setup wrote ${renderValues(after)})\n`,
      )
      continue
    }
    if (undone.kind === 'restored' && !isDryRun) await file.write(key, before)
    stdout.write(`  ${key}  ${renderValues(before)}\n`)
  }
  if (isDryRun) {
    stdout.write('Nothing was changed. git-signet setup --undo would leave it like that.\n')
    return EXIT.ok
  }
  for (const path of journal.files) {
    if (path === paths.launcher && isLauncherUsed) continue
    if (!removeLauncher(path)) stdout.write(`  ${path} is another program by now and stays\n`)
  }
  rmSync(paths.journal)
  for (const path of [paths.launcher, dirname(paths.launcher), paths.journal]) {
    removeEmptyDirectory(dirname(path))
  }
  stdout.write(
    left === 0
      ? 'git is as it was before git-signet setup.\n'
      : 'What you changed since stays; the rest is as it was before git-signet setup.\n',
  )
  return EXIT.ok
}
