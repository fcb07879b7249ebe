/**
 * Lines of keys, tables and array elements in a TOML document, because the parser we use gives
 * values only; and what in it is not TOML 1.0, because the parser reads 1.1. Reads documents that the
 * parser has accepted; on others it ends early and never throws. Time is linear in the source.
 */
export class TomlPositions {
  /** In order of the source. */
  readonly objections: readonly TomlObjection[]
  readonly #lines = new Map<string, number>()

  constructor(source: string) {
    const scanner = new Scanner(source, (path, line) => {
      const key = JSON.stringify(path)
      if (!this.#lines.has(key)) this.#lines.set(key, line)
    })
    scanner.run()
    this.objections = scanner.objections
  }

  /** 1-based line of the nearest known place at or above `path`; 1 when there is none. */
  line(path: TomlPath): number {
    for (let length = path.length; length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)))
      if (line !== undefined) return line
    }
    return 1
  }
}

export interface TomlObjection {
  readonly line: number
  readonly message: string
}

/** Keys, and 0-based indexes of array elements and of `[[table]]` blocks. */
export type TomlPath = readonly (string | number)[]

/** `people.alice.ssh[1]`, `protect[0].by`; keys that are not bare are quoted. */
export function showPath(path: TomlPath): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${String(part)}]`
    else text += `${text === '' ? '' : '.'}${/^[\w-]+$/.test(part) ? part : JSON.stringify(part)}`
  }
  return text
}

/** Nothing in the format lies deeper; deeper places have the line of the place above them. */
const maxDepth = 8

type Found = (path: TomlPath, line: number) => void

class Scanner {
  readonly #source: string
  readonly #found: Found
  readonly #blocks = new Map<string, number>()
  readonly objections: TomlObjection[] = []
  #at = 0
  #line = 1

  constructor(source: string, found: Found) {
    this.#source = source
    this.#found = found
  }

  run(): void {
    let table: TomlPath = []
    for (;;) {
      this.#skipSpace(true)
      if (this.#at >= this.#source.length) return
      const before = this.#at
      if (this.#peek() === '[') table = this.#header()
      else this.#pair(table)
      if (this.#at === before) return
    }
  }

  #header(): TomlPath {
    const line = this.#line
    const isBlock = this.#source.startsWith('[[', this.#at)
    this.#at += isBlock ? 2 : 1
    const keys = this.#keys().slice(0, maxDepth)
    this.#at += isBlock ? 2 : 1
    const parent = this.#resolve(keys.slice(0, -1))
    let path: TomlPath = [...parent, keys.at(-1) ?? '']
    if (isBlock) {
      const name = JSON.stringify(path)
      const index = this.#blocks.get(name) ?? 0
      this.#blocks.set(name, index + 1)
      this.#found(path, line)
      path = [...path, index]
    }
    this.#mark(path, line)
    return path
  }

  /** Keys under an array of tables mean its newest element. */
  #resolve(keys: readonly string[]): TomlPath {
    let path: TomlPath = []
    for (const key of keys) {
      path = [...path, key]
      const blocks = this.#blocks.get(JSON.stringify(path))
      if (blocks !== undefined) path = [...path, blocks - 1]
    }
    return path
  }

  #mark(path: TomlPath, line: number): void {
    for (let length = 1; length <= path.length; length++) this.#found(path.slice(0, length), line)
  }

  #pair(table: TomlPath): void {
    const line = this.#line
    const path = [...table, ...this.#keys()].slice(0, maxDepth)
    this.#mark(path, line)
    if (this.#peek() === '=') this.#at++
    this.#value(path)
  }

  #keys(): string[] {
    const keys: string[] = []
    for (;;) {
      this.#skipSpace(false)
      const quote = this.#peek()
      keys.push(quote === '"' || quote === "'" ? this.#quotedKey(quote) : this.#bareKey())
      this.#skipSpace(false)
      if (this.#peek() !== '.') return keys
      this.#at++
    }
  }

  #bareKey(): string {
    const start = this.#at
    while (/[\w-]/.test(this.#peek())) this.#at++
    return this.#source.slice(start, this.#at)
  }

  #quotedKey(quote: string): string {
    const start = this.#at
    this.#string(quote)
    const inner = this.#source.slice(start + 1, this.#at - 1)
    return quote === "'" ? inner : unescapeBasic(inner)
  }

  #value(path: TomlPath): void {
    this.#skipSpace(true)
    const first = this.#peek()
    if (first === '"' || first === "'") this.#string(first)
    else if (first === '[') this.#array(path)
    else if (first === '{') this.#inlineTable(path)
    else this.#bareValue()
  }

  #bareValue(): void {
    const start = this.#at
    while (!/[\s,\]}#]/.test(this.#peek() || '\n') || this.#isDateSpace()) this.#at++
    const text = this.#source.slice(start, this.#at)
    if (/^(?:\d{4}-\d\d-\d\d[Tt ])?\d\d:\d\d(?!:)/.test(text)) this.#object('a time needs seconds')
    const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? []
    if (day !== undefined && Number(day) > daysIn(Number(year), Number(month))) {
      this.#object(`there is no day ${text.slice(0, 10)}`)
    }
  }

  #object(message: string): void {
    this.objections.push({ line: this.#line, message })
  }

  /** TOML lets a space part date and time. */
  #isDateSpace(): boolean {
    if (this.#peek() !== ' ') return false
    const around = this.#source.slice(Math.max(0, this.#at - 10), this.#at + 3)
    return /^\d{4}-\d\d-\d\d \d\d$/.test(around)
  }

  #array(path: TomlPath): void {
    this.#at++
    for (let index = 0; ; index++) {
      this.#skipSpace(true)
      if (this.#peek() === ']') break
      const before = this.#at
      this.#found([...path, index], this.#line)
      this.#value([...path, index])
      this.#skipSpace(true)
      if (this.#peek() === ',') this.#at++
      if (this.#at === before) return
    }
    this.#at++
  }

  #inlineTable(path: TomlPath): void {
    this.#at++
    let isAfterComma = false
    for (;;) {
      this.#skipInlineSpace()
      if (this.#peek() === '}') break
      const before = this.#at
      this.#pair(path)
      this.#skipInlineSpace()
      isAfterComma = this.#peek() === ','
      if (isAfterComma) this.#at++
      if (this.#at === before) return
    }
    if (isAfterComma) this.#object('an inline table has no comma after its last key')
    this.#at++
  }

  #string(quote: string): void {
    const isLong = this.#source.startsWith(quote.repeat(3), this.#at)
    const close = isLong ? quote.repeat(3) : quote
    this.#at += close.length
    while (this.#at < this.#source.length && !this.#source.startsWith(close, this.#at)) {
      if (quote === '"' && this.#peek() === '\\') {
        this.#step()
        if (/[ex]/.test(this.#peek())) this.#object(`there is no escape \\${this.#peek()}`)
      }
      this.#step()
    }
    this.#at += close.length
    // Up to two quotes may stand directly before the closing ones.
    for (let more = 0; isLong && more < 2 && this.#peek() === quote; more++) this.#at++
  }

  #skipInlineSpace(): void {
    this.#skipSpace(false)
    if (!/[\n\r#]/.test(this.#peek())) return
    this.#object('an inline table stands on one line')
    this.#skipSpace(true)
  }

  #skipSpace(lines: boolean): void {
    for (;;) {
      const next = this.#peek()
      if (next === ' ' || next === '\t') this.#at++
      else if (lines && (next === '\n' || next === '\r')) this.#step()
      else if (lines && next === '#') this.#skipComment()
      else return
    }
  }

  #skipComment(): void {
    const end = this.#source.indexOf('\n', this.#at)
    this.#at = end === -1 ? this.#source.length : end
  }

  #step(): void {
    if (this.#peek() === '\n') this.#line++
    this.#at++
  }

  #peek(): string {
    return this.#source.charAt(this.#at)
  }
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate()
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
}

function unescapeBasic(text: string): string {
  return text.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))/g,
    (_, short?: string, long?: string, one?: string) => {
      const hex = short ?? long
      if (hex === undefined) return ESCAPES[one ?? ''] ?? one ?? ''
      const point = Number.parseInt(hex, 16)
      return point <= 0x10ffff ? String.fromCodePoint(point) : ''
    },
  )
}
