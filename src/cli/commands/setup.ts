import { EXIT, UsageError } from '../../errors.ts'
import { readSetting } from '../../config/settings.ts'
import { readGitConfig } from '../../git/config.ts'
import { defineCommand } from '../command.ts'
import type { Context } from '../context.ts'
import { GitConfigFile, type ConfigScope } from '../setup/git-config-file.ts'
import { renderConsequences, renderDone, renderPlan } from '../setup/words.ts'
import { installLauncher, renderLauncher } from '../setup/launcher.ts'
import { readJournal, writeJournal } from '../setup/journal.ts'
import { mergeJournal, planChanges, setupPaths, wantedSettings } from '../setup/plan.ts'
import { undoSetup } from '../setup/undo.ts'

export const setup = defineCommand({
  name: 'setup',
  summary: 'Sign with your login instead of a key',
  description: `Tells git to sign every commit through git-signet: gpg.format, gpg.x509.program (a launcher with absolute paths, tried when it is written) and commit.gpgSign. Says first what becomes public for ever, and asks once.

--undo restores what was there before. What you changed since stays as it is.`,
  examples: ['git-signet setup', 'git-signet setup --local --dry-run', 'git-signet setup --undo'],
  options: {
    global: { type: 'boolean', summary: 'for all your repositories (default)' },
    local: { type: 'boolean', summary: 'for this repository only' },
    tags: {
      type: 'boolean',
      summary: 'sign tags too (git then opens an editor for plain "git tag NAME")',
    },
    'alias-gitsign': {
      type: 'boolean',
      summary: 'also answer to the name gitsign, in ~/.local/bin',
    },
    'dry-run': { type: 'boolean', summary: 'only say what would be written' },
    undo: { type: 'boolean', summary: 'restore what was there before' },
    yes: { type: 'boolean', summary: 'do not ask' },
  },
  async run(context, { options }) {
    const { stdout, stderr } = context.streams
    if (options.global && options.local) {
      throw new UsageError('OPTION_CONFLICT', '--global and --local exclude each other')
    }
    const scope: ConfigScope = options.local ? 'local' : 'global'
    if (options['alias-gitsign'] && scope === 'local') {
      throw new UsageError(
        'OPTION_CONFLICT',
        '--alias-gitsign is for all repositories, not --local',
      )
    }
    const file = new GitConfigFile(scope, context.cwd)
    const paths = setupPaths(
      context.env,
      scope,
      scope === 'local' ? await file.commonDirectory() : undefined,
    )
    if (options.undo) return undoSetup(context, file, paths, options['dry-run'])

    const earlier = readJournal(paths.journal)
    const files = [paths.launcher, ...(options['alias-gitsign'] ? [paths.alias] : [])]
    const changes = await planChanges(file, wantedSettings(paths.launcher, options), earlier)
    if (options['dry-run']) {
      stdout.write(renderPlan(scope, changes, files))
      return EXIT.ok
    }
    if (earlier === undefined) {
      stderr.write(renderConsequences(await logUrl(context), changes, scope))
      if (!options.yes && !(await isAgreed(context, scope))) {
        stderr.write('git-signet: nothing was changed\n')
        return EXIT.usage
      }
    }
    const script = renderLauncher(process.execPath, context.programPath)
    for (const path of files) await installLauncher(path, script, context.env['HOME'])
    // First the way back, then the change.
    writeJournal(paths.journal, mergeJournal(earlier, { changes, files }))
    for (const { key, after } of changes) await file.write(key, after)
    stdout.write(renderDone(scope, changes, await shadowed(file, changes)))
    if (options['alias-gitsign']) stdout.write(aliasLine(paths.alias, context.env['PATH']))
    return EXIT.ok
  },
})

/** The log that signatures go to, by the settings in force here. */
async function logUrl({ env, cwd }: Context): Promise<URL> {
  const gitConfig = await readGitConfig({ cwd, env })
  return new URL(readSetting('rekor', { env, gitConfig }).value)
}

async function isAgreed(context: Context, scope: ConfigScope): Promise<boolean> {
  const { stderr, stdin } = context.streams
  if (!context.isInteractive) {
    throw new UsageError(
      'NOBODY_TO_ASK',
      'setup asks before it changes anything, and here is no terminal',
      {
        hint: `if you agree: git-signet setup${scope === 'local' ? ' --local' : ''} --yes`,
      },
    )
  }
  stderr.write('Set it up? [y/N] ')
  const answer = await stdin.line()
  return /^y(?:es)?$/i.test(answer?.trim() ?? '')
}

/** Keys for which something stronger than this file says otherwise here. */
async function shadowed(
  file: GitConfigFile,
  changes: readonly { readonly key: string; readonly after: readonly string[] }[],
): Promise<[key: string, value: string][]> {
  const found: [string, string][] = []
  for (const { key, after } of changes) {
    const value = await file.effective(key)
    if (value !== undefined && value !== after[0]) found.push([key, value])
  }
  return found
}

function aliasLine(alias: string, path: string | undefined): string {
  const folder = alias.slice(0, alias.lastIndexOf('/'))
  const isFound = (path ?? '').split(':').includes(folder)
  return isFound
    ? `gitsign now starts git-signet (${alias}).\n`
    : `Add ${folder} to your PATH for ${alias}.\n`
}
