import type { Streams } from './streams.ts'

/** What a command may touch besides what it was asked; tests hand in their own. */
export interface Context {
  readonly streams: Streams
  readonly env: Readonly<Record<string, string | undefined>>
  /** Directory the command was started in. */
  readonly cwd: string
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** A person can be asked: standard input and standard error are terminals. */
  readonly isInteractive: boolean
  /** Standard output may be coloured: a terminal, and neither NO_COLOR nor TERM=dumb. */
  readonly color: boolean
  /** Absolute path of bin/git-signet.cjs as it runs now. */
  readonly programPath: string
}
