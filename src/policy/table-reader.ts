import { TomlDate } from 'smol-toml'
import { quote, suggestion, type PolicyProblemCode, type Problems } from './problem.ts'
import type { TomlPath } from './toml-positions.ts'

/**
 * Reads one table key by key, each with its type, and at the end complains of every key nobody
 * asked for. A wrong or missing value is a problem and reads as `undefined`.
 */
export class TableReader {
  readonly path: TomlPath
  readonly problems: Problems
  readonly #table: Readonly<Record<string, unknown>>
  readonly #asked = new Set<string>()

  constructor(table: Readonly<Record<string, unknown>>, path: TomlPath, problems: Problems) {
    this.#table = table
    this.path = path
    this.problems = problems
  }

  get line(): number {
    return this.problems.line(this.path)
  }

  has(key: string): boolean {
    this.#asked.add(key)
    return Object.hasOwn(this.#table, key)
  }

  at(key: string | number): TomlPath {
    return [...this.path, key]
  }

  /** Marks a key as known and reads it untyped. */
  value(key: string): unknown {
    return this.has(key) ? this.#table[key] : undefined
  }

  problem(code: PolicyProblemCode, key: string, message: string): undefined {
    return this.problems.add(code, this.at(key), message)
  }

  missing(key: string, what: string): undefined {
    return this.problems.add('MISSING_KEY', this.path, `needs ${quote(key)}: ${what}`)
  }

  string(key: string): string | undefined {
    return this.has(key) ? readString(this.value(key), this.at(key), this.problems) : undefined
  }

  boolean(key: string): boolean | undefined {
    if (!this.has(key)) return undefined
    const value = this.value(key)
    if (typeof value === 'boolean') return value
    return this.problem('WRONG_TYPE', key, `must be true or false, is ${typeName(value)}`)
  }

  /** One of a closed list. */
  choice<const T extends string>(key: string, allowed: readonly T[]): T | undefined {
    const text = this.string(key)
    if (text === undefined) return undefined
    return chosen(text, allowed, this.at(key), this.problems)
  }

  /** Milliseconds since 1970. */
  instant(key: string): number | undefined {
    if (!this.has(key)) return undefined
    const value = this.value(key)
    const form = 'a date and time with offset, such as 2026-03-01T00:00:00Z'
    if (!(value instanceof TomlDate)) {
      return this.problem('WRONG_TYPE', key, `must be ${form}, is ${typeName(value)}`)
    }
    if (!value.isDateTime() || value.isLocal() || Number.isNaN(value.getTime())) {
      return this.problem('WRONG_TYPE', key, `must be ${form}: without offset it has no meaning`)
    }
    return value.getTime()
  }

  /** A list that is not empty; `undefined` when the key is absent or the value is no list. */
  list(key: string): readonly unknown[] | undefined {
    if (!this.has(key)) return undefined
    const value = this.value(key)
    if (!Array.isArray(value)) {
      return this.problem('WRONG_TYPE', key, `must be a list, is ${typeName(value)}`)
    }
    if (value.length === 0) return this.problem('WRONG_VALUE', key, 'the list is empty')
    return value as unknown[]
  }

  strings(key: string): string[] | undefined {
    return this.list(key)?.flatMap((item, index) => {
      const text = readString(item, [...this.at(key), index], this.problems)
      return text === undefined ? [] : [text]
    })
  }

  table(key: string): TableReader | undefined {
    if (!this.has(key)) return undefined
    return openTable(this.value(key), this.at(key), this.problems)
  }

  /** `[table.NAME]` blocks, in order of the file. */
  tables(key: string): [string, TableReader][] {
    const outer = this.table(key)
    if (outer === undefined) return []
    return outer.keys().flatMap((name): [string, TableReader][] => {
      const inner = outer.table(name)
      return inner === undefined ? [] : [[name, inner]]
    })
  }

  /** `[[table]]` blocks. */
  blocks(key: string): TableReader[] {
    if (!this.has(key)) return []
    const value = this.value(key)
    if (!Array.isArray(value)) {
      this.problem('WRONG_TYPE', key, `must be written [[${key}]], is ${typeName(value)}`)
      return []
    }
    return value.flatMap((item: unknown, index) => {
      const block = openTable(item, [...this.at(key), index], this.problems)
      return block === undefined ? [] : [block]
    })
  }

  keys(): string[] {
    return Object.keys(this.#table)
  }

  /** Every key must have been asked for by now. */
  end(reserved: readonly string[] = []): void {
    for (const key of this.keys()) {
      if (this.#asked.has(key)) continue
      if (reserved.includes(key)) {
        this.problem('RESERVED_KEY', key, 'reserved for a later version')
        continue
      }
      const allowed = [...this.#asked]
      const hint = suggestion(key, allowed)
      this.problem('UNKNOWN_KEY', key, `unknown key${hint}; allowed here: ${allowed.join(', ')}`)
    }
  }
}

export function readString(value: unknown, path: TomlPath, problems: Problems): string | undefined {
  if (typeof value !== 'string') {
    return problems.add('WRONG_TYPE', path, `must be a string, is ${typeName(value)}`)
  }
  if (value === '') return problems.add('WRONG_VALUE', path, 'is empty')
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    return problems.add('WRONG_VALUE', path, 'has a control character')
  }
  return value
}

export function chosen<const T extends string>(
  text: string,
  allowed: readonly T[],
  path: TomlPath,
  problems: Problems,
): T | undefined {
  const found = allowed.find((word) => word === text)
  if (found !== undefined) return found
  const list = allowed.map((word) => quote(word)).join(', ')
  return problems.add('WRONG_VALUE', path, `is ${quote(text)}; allowed: ${list}`)
}

/** What a table needs to be read; other values are a problem. */
export function openTable(
  value: unknown,
  path: TomlPath,
  problems: Problems,
): TableReader | undefined {
  if (isTable(value)) return new TableReader(value, path, problems)
  return problems.add('WRONG_TYPE', path, `must be a table, is ${typeName(value)}`)
}

export function isTable(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof TomlDate)
  )
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value instanceof TomlDate) return 'a date'
  if (typeof value === 'object') return 'a table'
  if (typeof value === 'bigint') return 'an integer'
  if (typeof value === 'number') return 'a float'
  return `a ${typeof value}`
}
