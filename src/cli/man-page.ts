import type { AnyCommand, CommandGroup } from './command.ts'
import { isGroup, optionLabel, usageLine } from './help.ts'
import { VERSION } from './version.ts'

/** Text as roff takes it: backslashes, hyphens and leading dots mean themselves. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/gm, '\\&$1')
}

function renderCommand(path: string, command: AnyCommand): string[] {
  const lines = ['.SS', `.B ${roff(usageLine(path, command))}`, '.PP', roff(`${command.summary}.`)]
  for (const paragraph of (command.description ?? '').split(/\n\s*\n/)) {
    if (paragraph.trim()) lines.push('.PP', roff(paragraph.trim().replace(/\s*\n\s*/g, ' ')))
  }
  for (const [name, option] of Object.entries(command.options)) {
    lines.push('.TP', `.B ${roff(optionLabel(name, option))}`, roff(option.summary))
  }
  return lines
}

const EXIT_STATUS = [
  ['0', 'Everything was checked and is good.'],
  ['1', 'A violation; when signing, a service refused or gave a wrong answer.'],
  ['2', 'Usage or configuration.'],
  ['3', 'Policy or anchor missing or invalid, or nobody named who may sign.'],
  ['4', 'It could not be checked, was unreachable or ran out of time.'],
  ['70', 'A mistake in git\\-signet.'],
] as const

/** git-signet(1), from the same table as help: `git signet --help` shows it. */
export function renderManPage(commands: readonly (AnyCommand | CommandGroup)[]): string {
  const body = commands.flatMap((command) =>
    isGroup(command)
      ? command.commands.flatMap((each) => renderCommand(`${command.name} ${each.name}`, each))
      : renderCommand(command.name, command),
  )
  return [
    `.TH GIT\\-SIGNET 1 "" "git\\-signet ${roff(VERSION)}" "git\\-signet"`,
    '.SH NAME',
    'git\\-signet \\- sign commits and tags with who you are, and prove who signed',
    '.SH SYNOPSIS',
    '.B git signet',
    '.I COMMAND',
    '[options]',
    '.SH DESCRIPTION',
    'git\\-signet signs git commits and tags with a login instead of a key, records each signature in',
    'a transparency log, and verifies signatures offline.',
    '.SH COMMANDS',
    ...body,
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, meaning]),
    '.SH SEE ALSO',
    '.BR git (1),',
    '.BR git\\-commit (1),',
    '.BR git\\-config (1)',
    '',
  ].join('\n')
}
