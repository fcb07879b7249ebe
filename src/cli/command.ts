import type { ExitCode } from '../errors.ts'
import type { Context } from './context.ts'

interface AnyOption {
  readonly summary: string
  /** One letter, for `-o`. */
  readonly short?: string
  /** Other long names that mean the same (gitsign's); not shown in help. */
  readonly aliases?: readonly string[]
}

export interface FlagOption extends AnyOption {
  readonly type: 'boolean'
}

export interface ValueOption extends AnyOption {
  readonly type: 'string'
  /** What stands for the value in help: `FILE`. */
  readonly value: string
  /** May be given several times. */
  readonly multiple?: true
  /** The only values accepted. */
  readonly choices?: readonly string[]
}

export type Option = FlagOption | ValueOption
export type Options = Readonly<Record<string, Option>>

type ValueOf<O extends Option> = O extends { type: 'boolean' }
  ? boolean
  : O extends { multiple: true }
    ? readonly string[]
    : string | undefined

export interface Arguments<O extends Options = Options> {
  /** By long name; flags not given are false, values not given undefined or []. */
  readonly options: { readonly [K in keyof O]: ValueOf<O[K]> }
  readonly positionals: readonly string[]
  /** How many positionals stood before `--`; undefined without one. */
  readonly beforeTerminator: number | undefined
}

/** A command as data: parser, help, completion, man page and README all read this. */
export interface Command<O extends Options = Options> {
  readonly name: string
  /** One line, what it does for the person who types it; no final period. */
  readonly summary: string
  /** What may follow the options: `REV`, `[REV | A..B]`, `TAG…`; empty for nothing. */
  readonly operands?: string
  /** How many operands; default: none when `operands` is absent, else any number. */
  readonly operandCount?: { readonly min?: number; readonly max?: number }
  /** More for its own help page; paragraphs are separated by blank lines. */
  readonly description?: string
  /** Whole command lines that work. */
  readonly examples?: readonly string[]
  readonly options: O
  run(context: Context, args: Arguments<O>): Promise<ExitCode>
}

/** A word that only leads to others, as `stack` to `stack up`. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly description?: string
  readonly commands: readonly AnyCommand[]
  /** Members that work but are not listed: what git types. */
  readonly hidden?: readonly AnyCommand[]
}

export interface AnyArguments extends Omit<Arguments, 'options'> {
  readonly options: Readonly<Record<string, boolean | string | readonly string[] | undefined>>
}

/** A command whose own option types are forgotten: what the parser and help handle. */
export type AnyCommand = Omit<Command, 'run'> & {
  run(context: Context, args: AnyArguments): Promise<ExitCode>
}

/** Checks nothing at run time; it ties the types of `options` to what `run` receives. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command
}

export function defineGroup(group: CommandGroup): CommandGroup {
  return group
}
