import { PolicyError } from '../errors.ts'
import { escapeText } from '../encoding/escape.ts'
import { showPath, type TomlPath } from './toml-positions.ts'

/**
 * What is wrong at one place of a policy file. Codes are stable:
 * `FORM` bytes or TOML syntax · `UNKNOWN_KEY` · `RESERVED_KEY` · `MISSING_KEY` · `WRONG_TYPE` ·
 * `WRONG_VALUE` · `UNDEFINED_NAME` · `DUPLICATE` · `CONFLICT` keys that exclude each other ·
 * `MATERIAL` a key or root that the file pins is not beside it.
 */
export interface PolicyProblem {
  readonly code: PolicyProblemCode
  /** 1-based; the file's first line where the problem is about the whole. */
  readonly line: number
  /** As `showPath` writes it; empty for the whole file. */
  readonly key: string
  readonly message: string
}

export type PolicyProblemCode =
  | 'FORM'
  | 'UNKNOWN_KEY'
  | 'RESERVED_KEY'
  | 'MISSING_KEY'
  | 'WRONG_TYPE'
  | 'WRONG_VALUE'
  | 'UNDEFINED_NAME'
  | 'DUPLICATE'
  | 'CONFLICT'
  | 'MATERIAL'

/** A policy that is in force nowhere: `POLICY_INVALID`, exit 3. Holds every problem found. */
export class PolicyFileError extends PolicyError {
  readonly problems: readonly PolicyProblem[]

  constructor(name: string, problems: readonly PolicyProblem[]) {
    const first = problems[0]
    const more = problems.length > 1 ? ` (and ${String(problems.length - 1)} more)` : ''
    super(
      'POLICY_INVALID',
      `${first === undefined ? escapeText(name) : showProblem(name, first)}${more}`,
      { hint: 'git signet policy check FILE lists every mistake' },
    )
    this.problems = problems
  }
}

/** `FILE:LINE: key: message`, escaped for a terminal. */
export function showProblem(name: string, problem: PolicyProblem): string {
  const place = `${escapeText(name)}:${String(problem.line)}`
  const key = problem.key === '' ? '' : `${escapeText(problem.key)}: `
  return `${place}: ${key}${problem.message}`
}

/** Collects problems; values of places that have one are left out of the model. */
export class Problems {
  readonly found: PolicyProblem[] = []
  readonly #line: (path: TomlPath) => number

  constructor(line: (path: TomlPath) => number) {
    this.#line = line
  }

  /** `message` says what is allowed; quote the file's own text with `quote`. */
  add(code: PolicyProblemCode, path: TomlPath, message: string): undefined {
    this.found.push({ code, line: this.#line(path), key: showPath(path), message })
    return undefined
  }

  line(path: TomlPath): number {
    return this.#line(path)
  }

  /** By line, then in order of finding. */
  sorted(): PolicyProblem[] {
    return [...this.found].sort((a, b) => a.line - b.line)
  }
}

export function quote(text: string): string {
  return `"${escapeText(text, 80)}"`
}

/** `did you mean "issuer"? ` where one of `allowed` is at most two edits away, else nothing. */
export function suggestion(text: string, allowed: readonly string[]): string {
  let best: string | undefined
  let least = 3
  for (const word of allowed) {
    const distance = editDistance(text, word)
    if (distance < least && distance < word.length) {
      best = word
      least = distance
    }
  }
  return best === undefined ? '' : `, did you mean ${quote(best)}`
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 3
}
