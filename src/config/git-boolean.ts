/**
 * A boolean as git reads it: `true` `yes` `on`, `false` `no` `off`, the empty string, or an integer
 * with an optional k, m or g; any case.
 *
 * @returns undefined for anything else
 * @see git-config(1), "Values"
 */
export function parseGitBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase()
  if (lower === 'true' || lower === 'yes' || lower === 'on') return true
  if (lower === 'false' || lower === 'no' || lower === 'off' || lower === '') return false
  const number = /^\s*([+-]?(?:0x[0-9a-f]+|\d+))[kmg]?$/.exec(lower)?.[1]
  return number === undefined ? undefined : !/^[+-]?(?:0x)?0+$/.test(number)
}
