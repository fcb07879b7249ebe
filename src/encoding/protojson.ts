import { MalformedError } from '../errors.ts'
import { decodeBase64 } from './base64.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

const MAX_INT64 = 2n ** 63n - 1n

/**
 * A protobuf message in its JSON form: names in camelCase or as in the .proto file, `null` for
 * absent, 64-bit integers as decimal strings or numbers. Base64 in its one canonical spelling, but for
 * line breaks. Members that `names` does not list are refused.
 *
 * Every method throws MalformedError with the code given to the constructor.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */
export class ProtoJson {
  readonly #members = new Map<string, JsonValue>()
  readonly #what: string
  readonly #code: string

  /** @param what - names the message in errors, e.g. `"bundle"` */
  constructor(value: JsonValue | undefined, what: string, code: string, names: readonly string[]) {
    this.#what = what
    this.#code = code
    if (!isJsonObject(value)) throw this.malformed('it is not a JSON object')
    this.#read(value, names)
  }

  #read(object: JsonObject, names: readonly string[]): void {
    for (const [given, value] of Object.entries(object)) {
      const name = given.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
      if (!names.includes(name)) throw this.malformed('it has a member that is not known')
      if (this.#members.has(name)) throw this.malformed(`${name} occurs twice`)
      if (value !== null) this.#members.set(name, value)
    }
  }

  has(name: string): boolean {
    return this.#members.has(name)
  }

  /** The member as it is; absent is undefined. */
  value(name: string): JsonValue | undefined {
    return this.#members.get(name)
  }

  string(name: string): string | undefined {
    const value = this.#members.get(name)
    if (value !== undefined && typeof value !== 'string') {
      throw this.malformed(`${name} is not a string`)
    }
    return value
  }

  bytes(name: string): Uint8Array | undefined {
    const text = this.string(name)
    if (text === undefined) return undefined
    // Go's reader skips line breaks, so bundles exist (in sigstore-conformance too) that have them.
    const bytes = decodeBase64(text.replace(/\r?\n/g, ''))
    if (bytes === undefined) throw this.malformed(`${name} is not canonical base64`)
    return bytes
  }

  /** From 0 to 2^63 - 1: nothing read here is ever negative. */
  unsigned(name: string): bigint | undefined {
    const value = this.#members.get(name)
    if (value === undefined) return undefined
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
    if (typeof text !== 'string' || !/^(?:0|[1-9]\d{0,18})$/.test(text)) {
      throw this.malformed(`${name} is not a number from 0 to 2^63 - 1`)
    }
    const number = BigInt(text)
    if (number > MAX_INT64) throw this.malformed(`${name} is not a number from 0 to 2^63 - 1`)
    return number
  }

  /** A repeated field; absent is the empty list. */
  list(name: string, maxLength: number): readonly JsonValue[] {
    const value = this.#members.get(name)
    if (value === undefined) return []
    if (!Array.isArray(value)) throw this.malformed(`${name} is not a list`)
    if (value.length > maxLength) {
      throw this.malformed(`${name} has more than ${maxLength} elements`)
    }
    return value as readonly JsonValue[]
  }

  /** A message inside this one; absent is undefined. */
  message(name: string, names: readonly string[]): ProtoJson | undefined {
    const value = this.#members.get(name)
    return value === undefined ? undefined : this.inner(value, name, names)
  }

  /** An element of a list as a message. */
  inner(value: JsonValue, name: string, names: readonly string[]): ProtoJson {
    return new ProtoJson(value, `${this.#what}.${name}`, this.#code, names)
  }

  /** The value, which must be there. */
  required<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw this.malformed(`${name} is missing`)
    return value
  }

  malformed(why: string): MalformedError {
    return new MalformedError(this.#code, `cannot read ${this.#what}: ${why}`)
  }
}
