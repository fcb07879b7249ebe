import { NO_REASON } from './model.ts'
import type { Accept, Entry, Revocation, RevocationTarget, Rule, TrustPin } from './model.ts'
import { isDeclared, readPaths, undefinedName } from './parse-entries.ts'
import { keyValue } from './parse-identity.ts'
import { parseRefPatterns } from './patterns.ts'
import { quote } from './problem.ts'
import type { TableReader } from './table-reader.ts'
import type { TomlPath } from './toml-positions.ts'

/** Who the names of a file mean. */
export interface Names {
  readonly top: TableReader
  readonly entries: ReadonlyMap<string, Entry>
  readonly teams: ReadonlyMap<string, readonly string[]>
}

/** Opens teams and complains of names that are not defined or of a kind that may not stand here. */
export function readNames(
  reader: TableReader,
  key: string,
  names: Names,
  allowed: readonly Entry['kind'][],
): string[] | undefined {
  return reader.strings(key)?.flatMap((name, index): readonly string[] => {
    const path = [...reader.at(key), index]
    const members = names.teams.get(name) ?? [name]
    return members.filter((member) => isAllowed(member, path, names, allowed, reader))
  })
}

function isAllowed(
  name: string,
  path: TomlPath,
  names: Names,
  allowed: readonly Entry['kind'][],
  reader: TableReader,
): boolean {
  const entry = names.entries.get(name)
  if (entry === undefined) {
    if (!isDeclared(names.top, name)) undefinedName(reader, path, name)
    return false
  }
  if (allowed.includes(entry.kind)) return true
  const hint = entry.kind === 'forge' ? ': a forge vouches, it goes in "merge-by"' : ''
  reader.problems.add('WRONG_VALUE', path, `${quote(name)} is a ${entry.kind}${hint}`)
  return false
}

const RESERVED = ['approvals', 'approvers', 'fresh']

export function readRule(reader: TableReader, names: Names): Rule | undefined {
  const refs = reader.has('refs')
    ? readRefs(reader, 'refs')
    : reader.missing('refs', 'patterns of full refs, such as ["refs/heads/main"]')
  const paths = readPaths(reader, 'paths')
  const exceptPaths = readPaths(reader, 'except-paths')
  if (paths !== undefined && reader.has('except-paths')) {
    reader.problem('CONFLICT', 'except-paths', 'cannot stand beside "paths"')
  }
  const by = reader.has('by')
    ? readNames(reader, 'by', names, ['person', 'shared', 'bot'])
    : reader.missing('by', 'who may commit here')
  const mergeBy = readNames(reader, 'merge-by', names, ['person', 'shared', 'bot', 'forge'])
  const commits = reader.choice('commits', ['all', 'mainline']) ?? 'all'
  if (commits === 'mainline' && reader.has('merge-by')) {
    reader.problem('CONFLICT', 'merge-by', 'has no meaning with commits = "mainline"')
  }
  const rule = {
    line: reader.line,
    commits,
    committer: reader.choice('committer', ['match', 'any']) ?? 'match',
    author: reader.choice('author', ['match', 'any']) ?? 'any',
    rewrite: reader.boolean('rewrite') ?? false,
    delete: reader.boolean('delete') ?? false,
    unsignedTarget: reader.boolean('unsigned-target') ?? false,
    pushCert: reader.boolean('push-cert') ?? false,
  } as const
  const from = readRefs(reader, 'from')
  const on = readRefs(reader, 'on')
  reader.end(RESERVED)
  if (refs === undefined || by === undefined) return undefined
  return {
    ...rule,
    refs,
    by: new Set(by),
    mergeBy: new Set(commits === 'mainline' ? [] : (mergeBy ?? by)),
    ...(paths && { paths }),
    ...(exceptPaths && { exceptPaths }),
    ...(from && { from }),
    ...(on && { on }),
  }
}

function readRefs(reader: TableReader, key: string): Rule['from'] {
  const texts = reader.strings(key)
  return texts === undefined ? undefined : parseRefPatterns(texts, reader.at(key), reader.problems)
}

export function readAccept(reader: TableReader): Accept | undefined {
  const commit = reader.has('commit')
    ? readObjectId(reader, 'commit')
    : reader.missing('commit', 'a full commit id')
  const reason = reader.string('reason') ?? NO_REASON
  const covers = reader.choice('covers', ['one', 'ancestors']) ?? 'one'
  reader.end()
  if (commit === undefined) return undefined
  return { commit, reason, covers, line: reader.line }
}

function readObjectId(reader: TableReader, key: string): string | undefined {
  const text = reader.string(key)
  if (text === undefined || isObjectId(text)) return text
  return reader.problem('WRONG_VALUE', key, ID_FORM)
}

const ID_FORM = 'must be a full object id: 40 (or 64) lower-case hexadecimal digits'

export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

const TARGETS = ['person', 'cert', 'log-entry', 'key', 'commit'] as const

export function readRevocation(reader: TableReader, names: Names): Revocation | undefined {
  const [kind, second] = TARGETS.filter((key) => reader.has(key))
  const target = kind === undefined ? undefined : readTarget(reader, kind, names)
  if (kind === undefined) reader.missing('person', `or one of ${TARGETS.slice(1).join(', ')}`)
  if (second !== undefined) {
    reader.problem('CONFLICT', second, `exactly one of ${TARGETS.join(', ')}`)
  }
  const from = reader.instant('from')
  const to = reader.instant('to')
  if (from !== undefined && to !== undefined && from > to) {
    reader.problem('WRONG_VALUE', 'to', 'must not be earlier than "from"')
  }
  const except = reader.strings('except')?.filter((id, index) => {
    if (isObjectId(id)) return true
    reader.problems.add('WRONG_VALUE', [...reader.at('except'), index], ID_FORM)
    return false
  })
  const reason = reader.string('reason') ?? NO_REASON
  reader.end()
  if (target === undefined) return undefined
  return {
    target,
    reason,
    except: new Set(except),
    line: reader.line,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
}

function readTarget(
  reader: TableReader,
  kind: (typeof TARGETS)[number],
  names: Names,
): RevocationTarget | undefined {
  if (kind === 'commit') {
    const id = readObjectId(reader, kind)
    return id === undefined ? undefined : { kind, id }
  }
  const text = kind === 'log-entry' ? readLogEntry(reader) : reader.string(kind)
  if (text === undefined) return undefined
  switch (kind) {
    case 'person':
      if (names.entries.has(text)) return { kind, name: text }
      if (!isDeclared(names.top, text)) undefinedName(reader, reader.at(kind), text)
      return undefined
    case 'cert':
      if (/^[0-9a-f]{64}$/.test(text)) return { kind, sha256: text }
      return reader.problem(
        'WRONG_VALUE',
        kind,
        'must be the SHA-256 of the certificate: 64 lower-case hexadecimal digits',
      )
    case 'log-entry':
      return logEntry(reader, text)
    case 'key': {
      const list = text.includes(' ') ? 'ssh' : 'pgp'
      const key = keyValue(text, list, reader, reader.at(kind))
      return key === undefined ? undefined : { kind, value: key.value }
    }
  }
}

function readLogEntry(reader: TableReader): string | undefined {
  const value = reader.value('log-entry')
  return typeof value === 'bigint' ? value.toString() : reader.string('log-entry')
}

function logEntry(reader: TableReader, text: string): RevocationTarget | undefined {
  const parts = /^(?:(https?:\/\/\S+)#)?(0|[1-9][0-9]{0,18})$/.exec(text)
  const index = parts?.[2]
  if (index === undefined) {
    return reader.problem('WRONG_VALUE', 'log-entry', 'must be the index, or LOG-URL#INDEX')
  }
  const log = parts?.[1]
  return { kind: 'log-entry', index, ...(log !== undefined && { log }) }
}

export function readTrustPin(name: string, reader: TableReader): TrustPin | undefined {
  const root = reader.has('root')
    ? reader.string('root')
    : reader.missing('root', 'a trusted_root.json under .signet/trust/')
  const sha256 = reader.has('sha256')
    ? reader.string('sha256')
    : reader.missing('sha256', 'the digest of that file')
  reader.end()
  if (name === 'public') {
    reader.problems.add('WRONG_VALUE', reader.path, '"public" is the root that is built in')
    return undefined
  }
  if (root === undefined || sha256 === undefined) return undefined
  if (!/^\.signet\/trust\/[^/]+(?:\/[^/]+)*$/.test(root) || /(^|\/)\.{1,2}(\/|$)/.test(root)) {
    return reader.problem('WRONG_VALUE', 'root', 'must be a file under .signet/trust/')
  }
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    return reader.problem('WRONG_VALUE', 'sha256', 'must be 64 lower-case hexadecimal digits')
  }
  return { name, root, sha256, line: reader.line }
}
