/**
 * RFC 3339 in UTC; a fraction only where there is one. As `Date.toISOString`, which finds the local
 * time zone first: a tenth of an empty process, for nothing.
 *
 * @throws RangeError for what no Date can hold
 */
export function isoTime(ms: number): string {
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) return date.toISOString().replace('.000Z', 'Z')
  const fraction = date.getUTCMilliseconds()
  const day = `${pad(year, 4)}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`
  const time = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`
  return `${day}T${time}${fraction === 0 ? '' : `.${pad(fraction, 3)}`}Z`
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0')
}
