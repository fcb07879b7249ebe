import { CLAIM_NAMES } from './claims.ts'
import { FORGE_KINDS, type Bot, type Entry, type Forge, type Person, type Shared } from './model.ts'
import {
  SAN_KINDS,
  readIdentities,
  readKeys,
  readWindow,
  readIssuer,
  readTrust,
} from './parse-identity.ts'
import { parsePathPatterns } from './patterns.ts'
import { quote } from './problem.ts'
import { chosen, type TableReader } from './table-reader.ts'
import type { TomlPath } from './toml-positions.ts'

/** `[people.*]`, `[shared.*]`, `[bots.*]`, `[forges.*]`, `[teams]`; names are unique among all. */
export function readEntries(top: TableReader): {
  entries: Map<string, Entry>
  teams: Map<string, readonly string[]>
} {
  const entries = new Map<string, Entry>()
  const kinds = [
    ['people', readPerson],
    ['shared', readShared],
    ['bots', readBot],
    ['forges', readForge],
  ] as const
  for (const [table, read] of kinds) {
    for (const [name, reader] of top.tables(table)) {
      if (!isNameFree(name, entries, reader.path, reader)) continue
      const entry = read(name, reader)
      reader.end()
      if (entry !== undefined) entries.set(name, entry)
    }
  }
  return { entries, teams: readTeams(top, entries) }
}

function isNameFree(
  name: string,
  taken: ReadonlyMap<string, unknown>,
  path: TomlPath,
  { problems }: TableReader,
): boolean {
  if (!/^[^\p{C}\p{Z}]+$/u.test(name)) {
    problems.add('WRONG_VALUE', path, 'a name has no spaces and no control characters')
    return false
  }
  if (!taken.has(name)) return true
  problems.add('DUPLICATE', path, `${quote(name)} is already the name of another entry`)
  return false
}

function readPerson(name: string, reader: TableReader): Person {
  const identities = readIdentities(reader)
  const keys = [...readKeys(reader, 'ssh'), ...readKeys(reader, 'pgp')]
  if (identities.length + keys.length === 0 && !hasAny(reader, IDENTITY_KEYS)) {
    reader.problems.add(
      'MISSING_KEY',
      reader.path,
      'needs an identity: email, uri or username with issuer, or ssh, or pgp',
    )
  }
  const addresses = readAddresses(reader)
  const window = readWindow(reader)
  return { kind: 'person', name, line: reader.line, identities, keys, addresses, ...window }
}

const IDENTITY_KEYS = ['email', 'uri', 'username', 'issuer', 'ssh', 'pgp', 'also'] as const

function hasAny(reader: TableReader, keys: readonly string[]): boolean {
  const present = reader.keys()
  return keys.some((key) => present.includes(key))
}

/** `git`, else the one `email`. */
function readAddresses(reader: TableReader): string[] {
  const git = reader.strings('git')
  if (git !== undefined) {
    return git.filter((text, index) => isAddress(text, [...reader.at('git'), index], reader))
  }
  const email = reader.value('email')
  return typeof email === 'string' && !reader.has('git') ? [email] : []
}

/** The part of a commit’s author and committer lines that is in angle brackets. */
function isAddress(text: string, path: TomlPath, reader: TableReader): boolean {
  if (!/[<>]/.test(text)) return true
  reader.problems.add('WRONG_VALUE', path, 'must be the address alone, without name, < and >')
  return false
}

function readAddress(reader: TableReader, key: string): string | undefined {
  const text = reader.string(key)
  return text !== undefined && isAddress(text, reader.at(key), reader) ? text : undefined
}

function readShared(name: string, reader: TableReader): Shared | undefined {
  const email = reader.has('email')
    ? reader.string('email')
    : reader.missing('email', 'a pattern such as "*@corp.example"')
  const issuer = readIssuer(reader)
  const trust = readTrust(reader)
  const window = readWindow(reader)
  if (email === undefined || issuer === undefined) return undefined
  const domain = /^\*@([^*@\s+]+)$/.exec(email)?.[1]
  if (domain === undefined) {
    return reader.problem(
      'WRONG_VALUE',
      'email',
      `is ${quote(email)}; allowed: "*@DOMAIN", where * is one whole local part`,
    )
  }
  return { kind: 'shared', name, line: reader.line, domain, issuer, trust, ...window }
}

function readBot(name: string, reader: TableReader): Bot | undefined {
  const line = reader.line
  const window = readWindow(reader)
  const paths = readPaths(reader, 'paths')
  const forge = readBotForge(reader)
  const claims = readClaims(reader)
  const identities = readIdentities(reader)
  const keys = [...readKeys(reader, 'ssh'), ...readKeys(reader, 'pgp')]
  const addresses = readAddresses(reader)
  const base = { kind: 'bot', name, line, claims, ...window } as const
  if (reader.has('forge')) {
    for (const key of [...IDENTITY_KEYS, 'account', 'trust', 'git', ...CLAIM_NAMES]) {
      if (!reader.has(key)) continue
      reader.problem('CONFLICT', key, 'a bot with "forge" is known by its forge and author alone')
    }
    if (!reader.has('paths')) reader.missing('paths', 'a bot with "forge" must be kept to paths')
    if (forge === undefined || paths === undefined) return undefined
    return { ...base, forge, paths, identities: [], keys: [], addresses: [] }
  }
  if (reader.has('author')) {
    reader.problem('CONFLICT', 'author', 'goes with "forge" only')
  }
  if (!hasAny(reader, [...SAN_KINDS, 'also'])) {
    for (const key of Object.keys(claims)) {
      reader.problem('CONFLICT', key, 'a key says nothing of it: needs uri, email or username too')
    }
  }
  if (identities.length + keys.length === 0 && !hasAny(reader, IDENTITY_KEYS)) {
    reader.problems.add(
      'MISSING_KEY',
      reader.path,
      'needs an identity: uri, email or username with issuer, or ssh, or pgp, or forge',
    )
  }
  return { ...base, identities, keys, addresses, ...(paths && { paths }) }
}

function readBotForge(reader: TableReader): Bot['forge'] {
  const name = reader.string('forge')
  const author = readAddress(reader, 'author')
  if (name === undefined) return undefined
  if (author === undefined) {
    if (!reader.has('author')) reader.missing('author', 'the exact author address of the bot')
    return undefined
  }
  if (author.toLowerCase().includes('github-actions[bot]') || author.startsWith('41898282+')) {
    return reader.problem(
      'WRONG_VALUE',
      'author',
      'github-actions[bot] is anybody: a workflow of any fork commits under this name',
    )
  }
  return { name, author }
}

function readClaims(reader: TableReader): Record<string, string> {
  const claims: Record<string, string> = {}
  for (const name of CLAIM_NAMES) {
    const value = reader.string(name)
    if (value !== undefined) claims[name] = value
  }
  return claims
}

function readForge(name: string, reader: TableReader): Forge | undefined {
  const keys = [...readKeys(reader, 'pgp'), ...readKeys(reader, 'ssh')]
  if (!reader.has('pgp') && !reader.has('ssh')) {
    reader.problems.add('MISSING_KEY', reader.path, 'needs pinned keys: pgp or ssh')
  }
  const committer = reader.has('committer')
    ? readAddress(reader, 'committer')
    : reader.missing('committer', 'the exact committer address, such as "noreply@github.com"')
  const accept = reader.strings('accept')?.flatMap((text, index) => {
    const kind = chosen(text, FORGE_KINDS, [...reader.at('accept'), index], reader.problems)
    return kind === undefined ? [] : [kind]
  })
  const window = readWindow(reader)
  if (committer === undefined) return undefined
  return {
    kind: 'forge',
    name,
    line: reader.line,
    keys,
    committer,
    accept: accept ?? ['clean-merge'],
    ...window,
  }
}

function readTeams(
  top: TableReader,
  entries: ReadonlyMap<string, Entry>,
): Map<string, readonly string[]> {
  const teams = new Map<string, readonly string[]>()
  const table = top.table('teams')
  if (table === undefined) return teams
  const names = new Set(table.keys())
  for (const name of names) {
    const members = table.strings(name) ?? []
    if (!isNameFree(name, entries, table.at(name), table)) continue
    const known = members.filter((member, index) => {
      const path = [...table.at(name), index]
      const entry = entries.get(member)
      if (names.has(member) && entry === undefined) {
        table.problems.add('WRONG_VALUE', path, 'teams are flat: name people, not teams')
      } else if (entry === undefined) {
        if (!isDeclared(top, member)) undefinedName(table, path, member)
      } else if (entry.kind === 'forge') {
        table.problems.add('WRONG_VALUE', path, `${quote(member)} is a forge, which has no team`)
      } else return true
      return false
    })
    teams.set(name, known)
  }
  return teams
}

/** Whether a table of that name stands in the file, though it could not be read. */
export function isDeclared(top: TableReader, name: string): boolean {
  return ['people', 'shared', 'bots', 'forges'].some((table) => {
    const value = top.value(table)
    return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  })
}

export function undefinedName(
  reader: TableReader,
  path: readonly (string | number)[],
  name: string,
): void {
  reader.problems.add('UNDEFINED_NAME', path, `${quote(name)} is not defined in this file`)
}

export function readPaths(reader: TableReader, key: string): Bot['paths'] {
  const texts = reader.strings(key)
  return texts === undefined ? undefined : parsePathPatterns(texts, reader.at(key), reader.problems)
}
