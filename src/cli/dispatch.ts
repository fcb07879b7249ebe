import { escapeText } from '../encoding/escape.ts'
import { EXIT, UsageError, type ExitCode } from '../errors.ts'
import type { AnyCommand, CommandGroup } from './command.ts'
import type { CommandEntry } from './commands.ts'
import type { Context } from './context.ts'
import { isGroup, renderCommandHelp, renderOverview } from './help.ts'
import { nearest } from './nearest.ts'
import { parseCommandLine } from './parse.ts'

/**
 * Finds the command that `argv` names, reads its arguments strictly and runs it.
 *
 * @throws SignetError whatever the command raises; UsageError UNKNOWN_COMMAND, NO_COMMAND
 */
export async function dispatch(
  entries: readonly CommandEntry[],
  argv: readonly string[],
  context: Context,
): Promise<ExitCode> {
  const [word, ...rest] = argv
  if (word === undefined) {
    context.streams.stderr.write(renderOverview(await loadListed(entries)))
    return EXIT.usage
  }
  if (word === '-h' || word === '--help') {
    context.streams.stdout.write(renderOverview(await loadListed(entries)))
    return EXIT.ok
  }
  const entry = entries.find(({ name }) => name === word)
  if (!entry) throw unknownCommand(word, entries)
  const command = await entry.load()
  return isGroup(command)
    ? runMember(command, rest, context)
    : runCommand(command, command.name, rest, context)
}

/** What help lists, loaded. */
export function loadListed(
  entries: readonly CommandEntry[],
): Promise<(AnyCommand | CommandGroup)[]> {
  return Promise.all(entries.filter(({ isHidden }) => !isHidden).map((entry) => entry.load()))
}

export function unknownCommand(
  word: string,
  entries: readonly { readonly name: string }[],
  group = '',
): UsageError {
  const meant = nearest(
    word,
    entries.map(({ name }) => name),
  )
  return new UsageError('UNKNOWN_COMMAND', `unknown command "${group}${escapeText(word)}"`, {
    hint:
      meant === undefined
        ? `git-signet help ${group}`.trim()
        : `did you mean git-signet ${group}${meant}?`,
  })
}

async function runMember(
  group: CommandGroup,
  argv: readonly string[],
  context: Context,
): Promise<ExitCode> {
  const [word, ...rest] = argv
  if (word === '-h' || word === '--help') {
    context.streams.stdout.write(renderCommandHelp(group.name, group))
    return EXIT.ok
  }
  if (word === undefined) {
    const names = group.commands.map(({ name }) => name).join(', ')
    throw new UsageError('NO_COMMAND', `${group.name} needs one of ${names}`, {
      hint: `git-signet help ${group.name}`,
    })
  }
  const command = [...group.commands, ...(group.hidden ?? [])].find(({ name }) => name === word)
  if (!command) throw unknownCommand(word, group.commands, `${group.name} `)
  return runCommand(command, `${group.name} ${command.name}`, rest, context)
}

function runCommand(
  command: AnyCommand,
  path: string,
  argv: readonly string[],
  context: Context,
): Promise<ExitCode> {
  const args = parseCommandLine(command, path, argv)
  if (args.wantsHelp) {
    context.streams.stdout.write(renderCommandHelp(path, command))
    return Promise.resolve(EXIT.ok)
  }
  return command.run(context, args)
}
