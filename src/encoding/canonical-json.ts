import type { JsonValue } from './json.ts'

/**
 * The JSON Canonicalization Scheme: no white space, members sorted by UTF-16 code units.
 *
 * @see RFC 8785. Number and string forms are those of ECMAScript's JSON.stringify (§3.2.2).
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) {
    return `[${(value as readonly JsonValue[]).map(canonicalJson).join(',')}]`
  }
  const object = value as Readonly<Record<string, JsonValue>>
  const members = Object.keys(object)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name] ?? null)}`)
  return `{${members.join(',')}}`
}
