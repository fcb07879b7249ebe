import type { Identity, PinnedKey, Window } from './model.ts'
import { ISSUER_ALIASES, resolveIssuer } from './issuers.ts'
import { quote } from './problem.ts'
import { parseSshKeyLine } from './ssh-key-line.ts'
import { isTable, openTable, readString, type TableReader } from './table-reader.ts'

export const SAN_KINDS = ['email', 'uri', 'username'] as const

/** The identity written into the table itself, and those of `also`. */
export function readIdentities(reader: TableReader): Identity[] {
  const own = readIdentity(reader)
  const further = (reader.list('also') ?? []).flatMap((item, index): Identity[] => {
    const table = openTable(item, [...reader.at('also'), index], reader.problems)
    if (table === undefined) return []
    const identity = readIdentity(table)
    const window = readWindow(table)
    if (identity === undefined && !SAN_KINDS.some((kind) => table.has(kind)))
      table.missing('email', 'or "uri" or "username"')
    table.end()
    return identity === undefined ? [] : [{ ...identity, ...window }]
  })
  return own === undefined ? further : [own, ...further]
}

/** `since` and `until` of the table are its owner's and not read here. */
function readIdentity(reader: TableReader): Identity | undefined {
  const kinds = SAN_KINDS.filter((kind) => reader.has(kind))
  const [kind, second] = kinds
  if (kind === undefined) {
    for (const key of ['issuer', 'account', 'trust']) {
      if (!reader.has(key)) continue
      reader.problem('CONFLICT', key, 'needs "email", "uri" or "username" beside it')
    }
    return undefined
  }
  const issuer = readIssuer(reader)
  const account = reader.string('account')
  const trust = readTrust(reader)
  if (second !== undefined) {
    return reader.problem('CONFLICT', second, `exactly one of email, uri, username; has ${kind}`)
  }
  const value = readSan(reader, kind)
  if (value === undefined || issuer === undefined) return undefined
  const line = reader.problems.line(reader.at(kind))
  const at = reader.path
  return { kind, value, issuer, trust, line, at, ...(account !== undefined && { account }) }
}

function readSan(reader: TableReader, kind: (typeof SAN_KINDS)[number]): string | undefined {
  const value = reader.string(kind)
  if (value === undefined) return undefined
  if (value !== value.trim()) {
    return reader.problem('WRONG_VALUE', kind, 'begins or ends with a space')
  }
  if (kind === 'email') {
    if (value.includes('*')) {
      return reader.problem('WRONG_VALUE', kind, 'wildcards belong to [shared.NAME] entries')
    }
    if (!/^[^\s@]+@[^\s@]+$/.test(value)) {
      return reader.problem('WRONG_VALUE', kind, `is ${quote(value)}, which is no mail address`)
    }
  }
  if (kind === 'uri' && !URL.canParse(value)) {
    return reader.problem('WRONG_VALUE', kind, `is ${quote(value)}, which is no URI`)
  }
  return value
}

/** Required wherever a SAN stands. */
export function readIssuer(reader: TableReader): string | undefined {
  const aliases = Object.keys(ISSUER_ALIASES).join(', ')
  if (!reader.has('issuer')) {
    return reader.missing('issuer', `who vouches for the name: a URL, or one of ${aliases}`)
  }
  const text = reader.string('issuer')
  if (text === undefined) return undefined
  const issuer = resolveIssuer(text)
  if (issuer !== undefined) return issuer
  return reader.problem(
    'WRONG_VALUE',
    'issuer',
    `is ${quote(text)}; allowed: an https URL, or one of ${aliases}`,
  )
}

export function readTrust(reader: TableReader): string {
  return reader.string('trust') ?? 'public'
}

export function readWindow(reader: TableReader): Window {
  const since = reader.instant('since')
  const until = reader.instant('until')
  if (since !== undefined && until !== undefined && since >= until) {
    reader.problem('WRONG_VALUE', 'until', 'must be later than "since"')
  }
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
}

/** Keys as strings, or as tables with a window: `{ key = … }`, `{ fingerprint = … }`. */
export function readKeys(reader: TableReader, list: 'ssh' | 'pgp'): PinnedKey[] {
  const items = reader.list(list) ?? []
  return items.flatMap((item, index): PinnedKey[] => {
    const path = [...reader.at(list), index]
    const line = reader.problems.line(path)
    if (!isTable(item)) {
      const text = readString(item, path, reader.problems)
      const value = text === undefined ? undefined : keyValue(text, list, reader, path)
      return value === undefined ? [] : [{ ...value, line }]
    }
    const table = openTable(item, path, reader.problems)
    if (table === undefined) return []
    const name = list === 'ssh' ? 'key' : 'fingerprint'
    const what = list === 'ssh' ? 'a whole public key line' : 'the full fingerprint'
    const text = table.has(name) ? table.string(name) : table.missing(name, what)
    const window = readWindow(table)
    table.end()
    const value = text === undefined ? undefined : keyValue(text, list, reader, table.at(name))
    return value === undefined ? [] : [{ ...value, ...window, line }]
  })
}

export function keyValue(
  text: string,
  list: 'ssh' | 'pgp',
  reader: TableReader,
  path: readonly (string | number)[],
): Pick<PinnedKey, 'kind' | 'value'> | undefined {
  if (list === 'pgp') {
    if (/^[0-9A-Fa-f]{40}$/.test(text)) return { kind: 'openpgp-key', value: text.toLowerCase() }
    return reader.problems.add(
      'WRONG_VALUE',
      path,
      'must be a full fingerprint: 40 hexadecimal digits without spaces',
    )
  }
  const key = parseSshKeyLine(text)
  if ('value' in key) return { kind: 'ssh-key', value: key.value }
  return reader.problems.add('WRONG_VALUE', path, key.problem)
}
