/** Exit codes of every command (policy.md §5; signing: facts.md). Stable. */
export const EXIT = {
  ok: 0,
  /** A violation; when signing: a service refused or gave a wrong answer. */
  violation: 1,
  usage: 2,
  /** Policy or anchor missing or invalid, or nobody named who may sign. */
  policy: 3,
  /** Could not be checked, unreachable, or out of time. */
  unchecked: 4,
  internal: 70,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface SignetErrorOptions extends ErrorOptions {
  /** What to type next: a whole command, or a sentence that holds one. */
  hint?: string
}

/**
 * Base of every error raised on purpose; anything else is a bug (exit 70).
 *
 * `message` says what happened and why: lower case, no final period, no secret, and attackers'
 * text only after `escapeText`. `code` is stable; callers and tests branch on it.
 */
export abstract class SignetError<Code extends string = string> extends Error {
  readonly code: Code
  readonly hint: string | undefined
  /** The exit code when nobody handles the error. */
  abstract readonly exit: ExitCode

  constructor(code: Code, message: string, options: SignetErrorOptions = {}) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.hint = options.hint
  }
}

/** Somebody typed or configured something that cannot be carried out. */
export class UsageError extends SignetError {
  readonly exit = EXIT.usage
}

/** Bytes that do not have the one accepted form. Each reader has its own code. */
export class MalformedError extends SignetError {
  readonly exit = EXIT.violation
}

/** A service gave an answer that is wrong or a refusal. */
export class RefusedError extends SignetError {
  readonly exit = EXIT.violation
}

/** It could not be found out: unreachable, timed out, missing. Never a verdict. */
export class UnavailableError extends SignetError {
  readonly exit = EXIT.unchecked
}

/** The policy or its anchor is missing or invalid. */
export class PolicyError extends SignetError {
  readonly exit = EXIT.policy
}
