import type { AnyCommand, CommandGroup, Options } from './command.ts'
import { isGroup } from './help.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

interface Word {
  /** Words that lead here: `stack up`. */
  readonly path: string
  readonly summary: string
  readonly options: Options
  /** Words that may follow; empty: revisions and files. */
  readonly next: readonly string[]
}

/** A script for `shell` that completes commands, their members and their options. */
export function renderCompletion(
  shell: Shell,
  commands: readonly (AnyCommand | CommandGroup)[],
): string {
  const words = commands.flatMap(wordsOf)
  const top = commands.map(({ name }) => name)
  switch (shell) {
    case 'bash':
      return bashScript(top, words)
    case 'zsh':
      return `autoload -Uz bashcompinit && bashcompinit\n${bashScript(top, words)}`
    case 'fish':
      return fishScript(commands, words)
  }
}

function wordsOf(command: AnyCommand | CommandGroup): Word[] {
  const { name, summary } = command
  if (!isGroup(command)) return [{ path: name, summary, options: command.options, next: [] }]
  return [
    { path: name, summary, options: {}, next: command.commands.map((each) => each.name) },
    ...command.commands.map((each) => ({
      path: `${name} ${each.name}`,
      summary: each.summary,
      options: each.options,
      next: [],
    })),
  ]
}

function longOptions(options: Options): string[] {
  return [...Object.keys(options), 'help'].map((name) => `--${name}`)
}

function bashScript(top: readonly string[], words: readonly Word[]): string {
  const cases = words.map(
    ({ path, options, next }) =>
      `    '${path}') words='${next.length > 0 ? next.join(' ') : longOptions(options).join(' ')}' ;;`,
  )
  const groups = words.filter(({ next }) => next.length > 0).map(({ path }) => path)
  return `_git_signet() {
  local current=\${COMP_WORDS[COMP_CWORD]} first=1 path words
  [ "\${COMP_WORDS[0]##*/}" = git ] && first=2
  if [ "$COMP_CWORD" -eq "$first" ]; then
    COMPREPLY=($(compgen -W '${top.join(' ')}' -- "$current"))
    return
  fi
  path=\${COMP_WORDS[first]}
  case $path in
    ${groups.length > 0 ? groups.join('|') : "''"}) [ "$COMP_CWORD" -gt "$((first + 1))" ] && path="$path \${COMP_WORDS[first + 1]}" ;;
  esac
  case $path in
${cases.join('\n')}
    *) words= ;;
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *)
      [ "\${words#--}" = "$words" ] || words=$(git for-each-ref --format='%(refname:short)' 2>/dev/null)
      COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
      ;;
  esac
}
complete -F _git_signet git-signet
`
}

const quoteFish = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function fishScript(
  commands: readonly (AnyCommand | CommandGroup)[],
  words: readonly Word[],
): string {
  const complete = 'complete -c git-signet'
  const top = commands.map(
    ({ name, summary }) =>
      `${complete} -n __fish_use_subcommand -f -a ${name} -d ${quoteFish(summary)}`,
  )
  const rest = words.flatMap(({ path, options, next }) => {
    const seen = path
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ')
    return [
      ...next.map((word) => `${complete} -n '${seen}' -f -a ${word}`),
      ...Object.entries(options).map(([name, option]) => {
        const value = option.type === 'string' ? ' -r' : ''
        const choices =
          option.type === 'string' && option.choices ? ` -f -a '${option.choices.join(' ')}'` : ''
        return `${complete} -n '${seen}' -l ${name}${value}${choices} -d ${quoteFish(option.summary)}`
      }),
    ]
  })
  return `${[...top, ...rest].join('\n')}\n`
}
