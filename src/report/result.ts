import { quoteShell } from '../encoding/shell.ts'
import type { Facts, ReasonCode, StepVerdict, Summary, Verdict } from '../facts.ts'

/** One trust root that was used, and how old what it says is. */
export interface ReportedRoot {
  name: string
  /** A local stack's root: it vouches for nobody outside this machine. */
  local: boolean
  /** When the root was published or fetched, seconds; undefined when nobody knows. */
  asOf?: number
}

/** What a run judges, known before its first verdict. Texts are not escaped. */
export interface Run {
  /** What was asked, such as `audit refs/heads/main`. */
  command: string
  /** The same as a shell takes it, where it can be asked again with more flags. */
  asked?: string
  /** Full name of the ref that is judged; undefined without a policy. */
  ref?: string
  /** Where the policy comes from, such as `.signet/policy.toml at 3f2a9c1d`. */
  policy?: string
  /** Full commit id. */
  anchor?: string
  trustRoots: readonly ReportedRoot[]
  /** Doubtful lines of the policy, an expired root, and the like; shown by every format. */
  warnings: readonly string[]
  /** Seconds since the epoch when the run began. */
  now: number
  /** What resign's range starts after, where it is known; ROOT: all history. */
  base?: string
  /** Neither a policy nor a flag or setting says who may sign. */
  isNobodyNamed?: boolean
  /** The log was asked for what signatures do not bring. */
  isOnline?: boolean
  helpUrl?: string
  /** Nothing is refused whatever is found (a hook's audit mode). */
  auditOnly?: boolean
}

/** What goes with a verdict for people's eyes. Texts are not escaped. */
export interface VerdictDetails {
  /** First line of the message. */
  subject: string
  /** Author's name as the object claims it. */
  author: string
  /** Seconds, as the object claims it. */
  authorTime: number
  /** A commit without parents. */
  isRoot?: boolean
  facts?: Facts
  /** What exactly, for a code of the verdict: which path, which claim. */
  reasons?: readonly { code: ReasonCode; detail: string }[]
  /** `--explain`: the story of this verdict, a line each. */
  story?: readonly string[]
}

/**
 * Takes one run's results in order and writes them somewhere. Any number of verdicts in bounded
 * memory. Nothing is to be called after `end` or `abort`.
 */
export interface ResultSink {
  verdict(verdict: Verdict, details: VerdictDetails): void
  /** @param faults - steps that are at fault themselves, where the summary has all of them */
  end(summary: Summary, faults?: readonly StepVerdict[]): void
  /** The run failed: leaves no half-written file behind. */
  abort(): void
}

/** Where a renderer writes; the streams of a command are some. */
export interface ReportOutput {
  write(text: string): unknown
  readonly isTerminal?: boolean
  /** Width of the terminal, where there is one. */
  readonly columns?: number | undefined
}

/** How much of what people see may depend on where it is shown. */
export interface TextStyle {
  colour: boolean
  /** `✓ ✗ …` rather than ASCII. */
  unicode: boolean
  /** Columns to keep to; undefined when nobody reads it on a terminal. */
  width?: number
}

export const SHORT_ID_LENGTH = 10

/** First characters of an object id, as every format shows it. */
export function shortId(id: string): string {
  return id.slice(0, SHORT_ID_LENGTH)
}

/** The signer as shown: the policy's name for the person, else the proven name, else undefined. */
export function signerName(verdict: Verdict, facts: Facts | undefined): string | undefined {
  if (verdict.person !== undefined) return verdict.person
  const signer = (facts ?? verdict.facts)?.signer
  return signer?.value
}

/** A command with what it is asked about, as a POSIX shell takes it. */
export function askedText(verb: string, operands: readonly string[]): string {
  return [verb, ...operands.map(quoteShell)].join(' ')
}

/** What was asked, with more flags. */
export function askedAgain(asked: string, flags: string): string {
  const [verb = '', ...operands] = asked.split(' ')
  return `git signet ${[verb, flags, ...operands].join(' ')}`
}
