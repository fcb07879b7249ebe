import { latin1 } from '../encoding/bytes.ts'
import { MalformedError } from '../errors.ts'
import type { Der } from './der.ts'

const UTC_TIME = 0x17

/**
 * A UTCTime `YYMMDDHHMMSSZ` (years 1950-2049) or GeneralizedTime `YYYYMMDDHHMMSSZ`, in seconds since
 * the epoch. Seconds, `Z` and real calendar dates only.
 *
 * @throws MalformedError DER_MALFORMED
 * @see RFC 5280 §4.1.2.5.1, §4.1.2.5.2
 */
export function parseTime(element: Der): number {
  return parseTimeMs(element, false) / 1000
}

/**
 * As `parseTime`, in milliseconds; a GeneralizedTime may have a fraction without trailing zero, which
 * is cut to milliseconds (RFC 3161 §2.4.2).
 */
export function parseTimeMs(element: Der, fraction = true): number {
  const utc = element.tag === UTC_TIME
  const text = latin1(element.content)
  const match = (
    utc
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()Z$/
      : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z$/
  ).exec(text)
  if (match === null) throw malformed('a time has another form than seconds in UTC')
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number)
  const digits = match[7] ?? ''
  if (digits !== '' && !fraction) throw malformed('a time has a fraction')
  const fullYear = utc ? (year < 50 ? 2000 : 1900) + year : year
  const date = new Date(0)
  date.setUTCFullYear(fullYear, month - 1, day)
  date.setUTCHours(hour, minute, second, Number(digits.padEnd(3, '0').slice(0, 3)))
  const real =
    date.getUTCFullYear() === fullYear &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second
  if (!real) throw malformed('a time is not in the calendar')
  return date.getTime()
}

function malformed(why: string): MalformedError {
  return new MalformedError('DER_MALFORMED', `cannot read DER: ${why}`)
}
