import { TomlError, parse } from 'smol-toml'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { checkSemantics } from './check-semantics.ts'
import type { Policy } from './model.ts'
import { readEntries } from './parse-entries.ts'
import { readAccept, readNames, readRevocation, readRule, readTrustPin } from './parse-rules.ts'
import { PolicyFileError, Problems, type PolicyProblem } from './problem.ts'
import { TableReader } from './table-reader.ts'
import { TomlPositions, type TomlPath } from './toml-positions.ts'

export const MAX_POLICY_BYTES = 256 << 10

export interface PolicyUse {
  /** Full name; the policy must protect it and not let it be rewritten or deleted. */
  readonly policyBranch: string
  /** A floor may have no rules, and none for the policy branch. Default `policy`. */
  readonly use?: 'policy' | 'floor'
}

/** Every problem of a file, and the policy when there is none. `name` is for messages. */
export interface PolicyReading {
  readonly policy: Policy | undefined
  readonly problems: readonly PolicyProblem[]
  /** Line of a key or table; absent where the file is no TOML. */
  readonly lineOf?: (path: TomlPath) => number
}

/**
 * Reads a policy file. Checks everything the file alone can show, not that keys and roots it
 * names exist.
 *
 * @throws PolicyFileError POLICY_INVALID, with every problem
 */
export function parsePolicy(bytes: Uint8Array, name: string, use: PolicyUse): Policy {
  const { policy, problems } = readPolicy(bytes, name, use)
  if (policy === undefined) throw new PolicyFileError(name, problems)
  return policy
}

/** The same without throwing. */
export function readPolicy(bytes: Uint8Array, name: string, use: PolicyUse): PolicyReading {
  const source = readSource(bytes)
  if (typeof source !== 'string') return { policy: undefined, problems: [source] }
  const toml = readToml(source)
  if ('code' in toml) return { policy: undefined, problems: [toml] }
  const positions = new TomlPositions(source)
  const [objection] = positions.objections
  if (objection !== undefined) {
    return { policy: undefined, problems: [formProblem(objection.message, objection.line)] }
  }
  const problems = new Problems((path) => positions.line(path))
  const policy = readTop(new TableReader(toml.table, [], problems), name)
  checkSemantics(policy, use, problems)
  const lineOf = (path: TomlPath): number => positions.line(path)
  if (problems.found.length > 0) return { policy: undefined, problems: problems.sorted(), lineOf }
  return { policy, problems: [], lineOf }
}

function readSource(bytes: Uint8Array): string | PolicyProblem {
  if (bytes.length > MAX_POLICY_BYTES) {
    return formProblem(`larger than ${String(MAX_POLICY_BYTES >> 10)} KiB`)
  }
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return formProblem('begins with a byte order mark')
  }
  const source = decodeUtf8(bytes)
  if (source === undefined) return formProblem('is not UTF-8')
  const nul = source.indexOf('\0')
  if (nul !== -1) return formProblem('has a NUL byte', source.slice(0, nul).split('\n').length)
  return source
}

function formProblem(message: string, line = 1): PolicyProblem {
  return { code: 'FORM', line, key: '', message }
}

function readToml(source: string): { table: Record<string, unknown> } | PolicyProblem {
  try {
    // Integers as bigint tell 1 from 1.0; nothing in the format nests deeper than a few levels.
    return { table: parse(source, { integersAsBigInt: true, maxDepth: 16 }) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const message = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? ''
    const isDuplicate = message.includes('redefine')
    return { code: isDuplicate ? 'DUPLICATE' : 'FORM', line: error.line, key: '', message }
  }
}

function readTop(top: TableReader, name: string): Policy {
  readVersion(top)
  const { entries, teams } = readEntries(top)
  const names = { top, entries, teams }
  const expires = top.instant('expires')
  const admins = top.has('admins')
    ? readNames(top, 'admins', names, ['person'])
    : top.missing('admins', 'who may land policy changes')
  const policy: Policy = {
    name,
    admins: [...new Set(admins)],
    otherRefs: top.choice('other-refs', ['signed', 'any', 'deny']) ?? 'signed',
    entries,
    teams,
    rules: top.blocks('protect').flatMap((block) => readRule(block, names) ?? []),
    accept: top.blocks('accept').flatMap((block) => readAccept(block) ?? []),
    revoke: top.blocks('revoke').flatMap((block) => readRevocation(block, names) ?? []),
    trust: new Map(
      top.tables('trust').flatMap(([root, reader]) => {
        const pin = readTrustPin(root, reader)
        return pin === undefined ? [] : [[root, pin] as const]
      }),
    ),
    ...(expires !== undefined && { expires }),
  }
  top.end(['admin-threshold'])
  return policy
}

function readVersion(top: TableReader): void {
  if (!top.has('version')) {
    top.missing('version', 'version = 1')
    return
  }
  const version = top.value('version')
  if (typeof version !== 'bigint') top.problem('WRONG_TYPE', 'version', 'must be the integer 1')
  else if (version !== 1n) top.problem('WRONG_VALUE', 'version', 'allowed: 1')
}
