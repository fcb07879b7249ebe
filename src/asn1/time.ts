import { MalformedError } from '../errors.ts'
import type { Der } from './der.ts'

const UTC_TIME = 0x17
const ZERO = 0x30
const DOT = 0x2e
const Z = 0x5a

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
  const { content } = element
  const isUtc = element.tag === UTC_TIME
  // YY or YYYY, then MMDDHHMMSS
  const fixed = isUtc ? 12 : 14
  const dot = isUtc || content.length === fixed + 1 ? undefined : content[fixed]
  const isForm =
    content.at(-1) === Z && (dot === undefined ? content.length === fixed + 1 : dot === DOT)
  if (!isForm) throw malformed('a time has another form than seconds in UTC')
  const digits = (from: number, count: number): number => {
    let value = 0
    for (let i = from; i < from + count; i += 1) {
      const digit = (content[i] ?? 0) - ZERO
      if (digit < 0 || digit > 9) throw malformed('a time has another form than seconds in UTC')
      value = value * 10 + digit
    }
    return value
  }
  const century = digits(0, fixed - 10)
  const year = isUtc ? (century < 50 ? 2000 : 1900) + century : century
  const month = digits(fixed - 10, 2)
  const day = digits(fixed - 8, 2)
  const hour = digits(fixed - 6, 2)
  const minute = digits(fixed - 4, 2)
  const second = digits(fixed - 2, 2)
  const ms =
    dot === undefined ? 0 : parseFraction(content.subarray(fixed + 1, -1), digits, fixed + 1)
  if (dot !== undefined && !fraction) throw malformed('a time has a fraction')
  const isReal = day >= 1 && day <= daysIn(month, year) && hour < 24 && minute < 60 && second < 60
  if (!isReal) throw malformed('a time is not in the calendar')
  // Date.UTC takes years below 100 for others; the calendar repeats every 400 years.
  return Date.UTC(year + 400, month - 1, day, hour, minute, second, ms) - MS_IN_400_YEARS
}

const MS_IN_400_YEARS = 146_097 * 86_400_000
const LAST_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Days of a month, 1 to 12; none of others. */
function daysIn(month: number, year: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && isLeap ? 29 : (LAST_DAYS[month - 1] ?? 0)
}

/** One to nine digits, the last not zero (X.690 §11.7.3). */
function parseFraction(
  content: Uint8Array,
  digits: (from: number, count: number) => number,
  from: number,
): number {
  const { length } = content
  if (length === 0 || length > 9 || content.at(-1) === ZERO) {
    throw malformed('a time has a fraction of another form')
  }
  return Math.floor((digits(from, length) * 1000) / 10 ** length)
}

function malformed(why: string): MalformedError {
  return new MalformedError('DER_MALFORMED', `cannot read DER: ${why}`)
}
