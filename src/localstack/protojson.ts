import { encodeBase64 } from '../encoding/base64.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'

/** Why a request is no message, in the words that a client of the real services gets. */
export class RequestRefusal extends Error {}

/** Fields of a protobuf message by their camelCase names. */
export interface Message {
  readonly fields: Readonly<Record<string, Field>>
  /** Fields of which one at most may be there, and what protobuf calls them together. */
  readonly oneof?: { readonly name: string; readonly of: readonly string[] }
  /** Fields that are not known are passed over; by default they are refused. */
  readonly isOpen?: boolean
}

/** An enum is the names it has, each in the place of its number. */
export type Field = 'string' | 'bytes' | readonly (string | undefined)[] | Message

/**
 * Reads a request as grpc-gateway and protojson do, with their words for what is wrong. Nothing at all
 * is the empty message; what follows the first value is not looked at.
 *
 * @returns fields by their camelCase names, `null` left out; bytes as canonical base64
 * @throws RequestRefusal
 */
export function readRequest(text: string, message: Message): JsonObject {
  const value = firstValue(text.trimStart())
  return value === '' ? {} : new Reader(value).message(message)
}

/** The first JSON value of a text, which is one. */
function firstValue(text: string): string {
  try {
    JSON.parse(text === '' ? '{}' : text)
    return text
  } catch (error) {
    // JSON.parse throws SyntaxError only.
    const { message } = error as SyntaxError
    const at = Number(/ at position (\d+)/.exec(message)?.[1] ?? text.length)
    if (message.includes('after JSON')) return firstValue(text.slice(0, at))
    const character = /^Unexpected token '(.)'/su.exec(message)?.[1] ?? text[at]
    const isCut = character === undefined || message.includes('end of JSON')
    throw new RequestRefusal(
      isCut ? 'unexpected EOF' : `invalid character '${character}' ${placeOf(message)}`,
    )
  }
}

/** What encoding/json calls the place that V8 names. */
function placeOf(message: string): string {
  if (message.includes('property name or') || message.includes('double-quoted')) {
    return 'looking for beginning of object key string'
  }
  if (message.includes("Expected ':'")) return 'after object key'
  if (message.includes("or '}'")) return 'after object key:value pair'
  return message.includes("or ']'") ? 'after array element' : 'looking for beginning of value'
}

interface Token {
  readonly text: string
  readonly at: number
}

/** Reads text that JSON.parse has accepted, so that it knows where everything stands. */
class Reader {
  readonly #text: string
  readonly #token = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/suy

  constructor(text: string) {
    this.#text = text
  }

  message({ fields, oneof, isOpen = false }: Message): JsonObject {
    const start = this.#next()
    if (start.text !== '{') throw this.#unexpected(start)
    const members: Record<string, JsonValue> = {}
    const seen = new Set<string>()
    for (let token = this.#next(); token.text !== '}'; token = this.#next()) {
      if (token.text === ',') continue
      const spelling = JSON.parse(token.text) as string
      const name = Object.keys(fields).find(
        (one) => one === spelling || snakeCase(one) === spelling,
      )
      this.#next()
      const field = name === undefined ? undefined : fields[name]
      if (name === undefined || field === undefined) {
        if (!isOpen) throw this.#wrong(token, `unknown field ${token.text}`)
        this.#skip()
        continue
      }
      if (seen.has(name)) throw this.#wrong(token, `duplicate field ${token.text}`)
      seen.add(name)
      if (this.#peek().text === 'null') {
        this.#next()
        continue
      }
      if (oneof?.of.includes(name) === true && oneof.of.some((one) => one in members)) {
        const why = `error parsing ${token.text}, oneof ${oneof.name} is already set`
        throw this.#wrong(token, why)
      }
      members[name] = this.#value(name, field)
    }
    return members
  }

  #value(name: string, field: Field): JsonValue {
    if (typeof field === 'object' && 'fields' in field) return this.message(field)
    const token = this.#next()
    const value = /^[[{]$/.test(token.text) ? undefined : (JSON.parse(token.text) as JsonValue)
    const kind = typeof field === 'string' ? field : 'enum'
    if (typeof field === 'object') {
      if (typeof value === 'string' && field.includes(value)) return value
      if (Number.isInteger(value)) return field[value as number] ?? ''
    } else if (typeof value === 'string') {
      if (field === 'string') return value
      const bytes = Buffer.from(value, 'base64')
      if (/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) return encodeBase64(bytes)
    }
    throw this.#wrong(token, `invalid value for ${kind} field ${name}: ${token.text}`)
  }

  #skip(): void {
    let depth = 0
    do {
      const { text } = this.#next()
      if (text === '{' || text === '[') depth += 1
      else if (text === '}' || text === ']') depth -= 1
    } while (depth > 0)
  }

  #peek(): Token {
    const at = this.#token.lastIndex
    const token = this.#next()
    this.#token.lastIndex = at
    return token
  }

  #next(): Token {
    const [, text = ''] = this.#token.exec(this.#text) ?? []
    return { text, at: this.#token.lastIndex - text.length }
  }

  #unexpected(token: Token): RequestRefusal {
    return new RequestRefusal(
      `proto: syntax error (line ${this.#position(token)}): unexpected token ${token.text}`,
    )
  }

  #wrong(token: Token, why: string): RequestRefusal {
    return new RequestRefusal(`proto: (line ${this.#position(token)}): ${why}`)
  }

  #position({ at }: Token): string {
    const before = this.#text.slice(0, at).split('\n')
    return `${before.length}:${(before.at(-1) ?? '').length + 1}`
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
