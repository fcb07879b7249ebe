import { parseArgs } from 'node:util'
import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'
import type { AnyArguments, AnyCommand, Option, Options } from './command.ts'
import { nearest } from './nearest.ts'

export interface ParsedArguments extends AnyArguments {
  readonly wantsHelp: boolean
}

/**
 * Reads what was typed after a command's name, strictly: nothing is guessed, nothing ignored.
 *
 * @param path - the words that led here, `stack up`, for hints.
 * @throws UsageError UNKNOWN_OPTION, OPTION_VALUE, OPTION_REPEATED, OPERAND_COUNT
 */
export function parseCommandLine(
  command: AnyCommand,
  path: string,
  argv: readonly string[],
): ParsedArguments {
  const hint = `git-signet help ${path}`
  const names = optionNames(command.options)
  const { tokens } = parseArgs({
    args: [...argv],
    options: parserOptions(command.options, names),
    strict: false,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  let beforeTerminator: number | undefined
  let wantsHelp = false
  for (const token of tokens) {
    if (token.kind === 'option-terminator') beforeTerminator = positionals.length
    else if (token.kind === 'positional') positionals.push(token.value)
    else if (token.name === 'help') wantsHelp = true
    else {
      const name = names.get(token.name)
      const option = name === undefined ? undefined : command.options[name]
      if (name === undefined || !option) throw unknownOption(token.rawName, names, hint)
      const given = values.get(name) ?? []
      given.push(readValue(token, option, hint))
      values.set(name, given)
    }
  }
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [
      name,
      combine(name, option, values.get(name), hint),
    ]),
  )
  if (!wantsHelp) checkOperandCount(command, positionals, path)
  return { options, positionals, beforeTerminator, wantsHelp }
}

/** Every spelling (long names and aliases) → the option's own name. */
function optionNames(options: Options): Map<string, string> {
  const names = new Map<string, string>()
  for (const [name, { aliases }] of Object.entries(options)) {
    for (const spelling of [name, ...(aliases ?? [])]) names.set(spelling, name)
  }
  return names
}

function parserOptions(options: Options, names: Map<string, string>) {
  const parser: Record<string, { type: 'boolean' | 'string'; short?: string; multiple: true }> = {
    help: { type: 'boolean', short: 'h', multiple: true },
  }
  for (const [spelling, name] of names) {
    const option = options[name]
    if (!option) continue
    const short = spelling === name && option.short !== undefined ? { short: option.short } : {}
    parser[spelling] = { type: option.type, multiple: true, ...short }
  }
  return parser
}

function readValue(
  token: { rawName: string; value: string | undefined; inlineValue: boolean | undefined },
  option: Option,
  hint: string,
): string {
  const { rawName, value, inlineValue } = token
  if (option.type === 'boolean') {
    if (value !== undefined)
      throw new UsageError('OPTION_VALUE', `${rawName} takes no value`, { hint })
    return ''
  }
  if (value === undefined) {
    throw new UsageError('OPTION_VALUE', `${rawName} needs a value: ${rawName} ${option.value}`, {
      hint,
    })
  }
  if (inlineValue !== true && value.length > 1 && value.startsWith('-')) {
    throw new UsageError(
      'OPTION_VALUE',
      `${rawName} needs a value, but "${escapeText(value)}" looks like an option`,
      { hint: `if it is the value: ${rawName}=${escapeText(value)}` },
    )
  }
  if (option.choices && !option.choices.includes(value)) {
    throw new UsageError(
      'OPTION_VALUE',
      `${rawName} is one of ${option.choices.join(', ')}, not "${escapeText(value)}"`,
      { hint },
    )
  }
  return value
}

function combine(
  name: string,
  option: Option,
  given: readonly string[] | undefined,
  hint: string,
): boolean | string | readonly string[] | undefined {
  if (option.type === 'boolean') return given !== undefined
  if (option.multiple) return given ?? []
  if (given && given.length > 1) {
    throw new UsageError('OPTION_REPEATED', `--${name} was given ${given.length} times`, { hint })
  }
  return given?.[0]
}

function unknownOption(rawName: string, names: Map<string, string>, hint: string): UsageError {
  const meant = nearest(rawName.replace(/^-+/, ''), names.keys())
  return new UsageError('UNKNOWN_OPTION', `unknown option "${escapeText(rawName)}"`, {
    hint: meant === undefined ? hint : `did you mean --${meant}?`,
  })
}

function checkOperandCount(
  command: AnyCommand,
  positionals: readonly string[],
  path: string,
): void {
  const { operands, operandCount } = command
  const { min = 0, max = operands === undefined ? 0 : Infinity } = operandCount ?? {}
  const hint = `git-signet help ${path}`
  if (positionals.length < min) {
    throw new UsageError('OPERAND_COUNT', `${path} needs ${operands ?? 'more'}`, { hint })
  }
  const extra = positionals[max]
  if (extra !== undefined) {
    const expected = max === 0 ? 'nothing' : `${operands ?? max} only`
    throw new UsageError('OPERAND_COUNT', `${path} takes ${expected}, not "${escapeText(extra)}"`, {
      hint,
    })
  }
}
