import { MalformedError } from '../errors.ts'

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [member: string]: JsonValue }
export type JsonObject = Readonly<Record<string, JsonValue>>

/**
 * Parses JSON (RFC 8259), bounded, refusing a duplicate member name: two readers that disagree on
 * which of the two counts would disagree on what was signed.
 *
 * @param what - names the document in the message, e.g. `"trusted root"`
 * @throws MalformedError JSON_MALFORMED
 */
export function parseJson(text: string, what: string, maxLength = 8 << 20): JsonValue {
  if (text.length > maxLength) throw malformed(what, `longer than ${String(maxLength)} characters`)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    // JSON.parse has one error, a SyntaxError; its text quotes the input, so it is not repeated.
    throw new MalformedError('JSON_MALFORMED', `cannot read ${what}: it is not JSON`, {
      cause: error,
    })
  }
  if (hasDuplicateMember(text)) throw malformed(what, 'a member name occurs twice in one object')
  return value
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Scans text that JSON.parse has accepted. */
function hasDuplicateMember(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g
  let name: string | undefined
  for (const match of text.matchAll(token)) {
    const part = match[0]
    if (part === '{') open.push(new Set())
    else if (part === '[') open.push(undefined)
    else if (part === '}' || part === ']') open.pop()
    else if (part === ':') {
      const names = open.at(-1)
      if (names !== undefined && name !== undefined) {
        const plain = name.includes('\\') ? (JSON.parse(name) as string) : name.slice(1, -1)
        if (names.has(plain)) return true
        names.add(plain)
      }
    }
    name = part.startsWith('"') ? part : undefined
  }
  return false
}

function malformed(what: string, why: string): MalformedError {
  return new MalformedError('JSON_MALFORMED', `cannot read ${what}: ${why}`)
}
