import type { AnyCommand, CommandGroup, Option } from './command.ts'

const WIDTH = 80

export function isGroup(command: AnyCommand | CommandGroup): command is CommandGroup {
  return 'commands' in command
}

/** `-o, --output FILE` as help and the man page show it. */
export function optionLabel(name: string, option: Option): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  return `${short}--${name}${option.type === 'string' ? ` ${option.value}` : ''}`
}

/** `verify [options] [REV | A..B …]` */
export function usageLine(path: string, command: AnyCommand): string {
  const options = Object.keys(command.options).length > 0 ? ' [options]' : ''
  return `git-signet ${path}${options}${command.operands === undefined ? '' : ` ${command.operands}`}`
}

/** Two columns; what does not fit beside its label goes below it. */
function renderColumns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(28, Math.max(0, ...rows.map(([label]) => label.length)))
  return rows
    .map(([label, text]) => {
      const lines = wrap(text, WIDTH - width - 4)
      const [first = '', ...more] = label.length > width ? ['', ...lines] : lines
      const indent = ' '.repeat(width + 4)
      return [
        `  ${label.padEnd(width)}  ${first}`.trimEnd(),
        ...more.map((line) => indent + line),
      ].join('\n')
    })
    .join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else line = line ? `${line} ${word}` : word
  }
  return [...lines, line]
}

function renderParagraphs(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => wrap(paragraph.trim(), WIDTH).join('\n'))
    .join('\n\n')
}

function section(title: string, body: string): string {
  return body ? `\n${title}\n${body}\n` : ''
}

/** The page of one command or group. @param path - the words that lead to it. */
export function renderCommandHelp(path: string, command: AnyCommand | CommandGroup): string {
  const head = `${wrap(`${capitalize(command.summary)}.`, WIDTH).join('\n')}\n`
  const about =
    command.description === undefined ? '' : `\n${renderParagraphs(command.description)}\n`
  if (isGroup(command)) {
    const usages = command.commands.map((each) => `  ${usageLine(`${path} ${each.name}`, each)}`)
    const rows = command.commands.map((each) => [each.name, each.summary] as const)
    const options = command.commands.map((each) =>
      section(`Options of ${each.name}`, renderOptions(each)),
    )
    return `${head}${section('Usage', usages.join('\n'))}${about}${section('Commands', renderColumns(rows))}${options.join('')}`
  }
  const examples = (command.examples ?? []).map((line) => `  ${line}`).join('\n')
  return (
    head +
    section('Usage', `  ${usageLine(path, command)}`) +
    about +
    section('Options', renderOptions(command)) +
    section('Examples', examples)
  )
}

function renderOptions(command: AnyCommand): string {
  return renderColumns(
    Object.entries(command.options).map(([name, option]) => [
      optionLabel(name, option),
      option.summary + choicesOf(option),
    ]),
  )
}

function choicesOf(option: Option): string {
  return option.type === 'string' && option.choices ? ` (${option.choices.join(', ')})` : ''
}

/** The page that `git-signet help` prints. */
export function renderOverview(commands: readonly (AnyCommand | CommandGroup)[]): string {
  return `git-signet signs commits and tags with who you are, and proves who signed.

Usage
  git-signet COMMAND [options]     the same: git signet COMMAND [options]

Commands
${renderColumns(commands.map(({ name, summary }) => [name, summary]))}

Start
  git-signet setup            sign every commit with your login from now on
  git-signet verify --identity WHO --issuer URL HEAD
  git-signet help COMMAND     what a command does and takes
`
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
