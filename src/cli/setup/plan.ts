import { rmdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { sha256 } from '../../crypto/digest.ts'
import { encodeUtf8 } from '../../encoding/bytes.ts'
import { encodeHex } from '../../encoding/hex.ts'
import { sameValues, type ConfigScope, type GitConfigFile } from './git-config-file.ts'
import type { Change, Journal } from './journal.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface SetupPaths {
  readonly launcher: string
  readonly journal: string
  /** Where `--alias-gitsign` puts gitsign's name. */
  readonly alias: string
}

/** @param commonDirectory - of the repository, for `--local`. */
export function setupPaths(
  env: Environment,
  scope: ConfigScope,
  commonDirectory: string | undefined,
): SetupPaths {
  const data = dataDirectory(env)
  const repository = encodeHex(sha256(encodeUtf8(commonDirectory ?? ''))).slice(0, 12)
  const place = scope === 'global' ? 'global' : repository
  return {
    launcher: join(data, 'launcher', place),
    journal:
      commonDirectory === undefined
        ? join(data, 'setup.json')
        : join(commonDirectory, 'git-signet', 'setup.json'),
    alias: join(env['HOME'] ?? homedir(), '.local', 'bin', 'gitsign'),
  }
}

/** What setup writes into git's configuration, in the order it is shown. */
export function wantedSettings(
  launcher: string,
  options: { readonly tags: boolean },
): readonly (readonly [key: string, value: string])[] {
  return [
    ['gpg.format', 'x509'],
    ['gpg.x509.program', launcher],
    ['commit.gpgSign', 'true'],
    ...(options.tags ? ([['tag.gpgSign', 'true']] as const) : []),
  ]
}

/**
 * What is there and what will be. A key that an earlier setup wrote and nobody has touched since
 * keeps the values it had before that setup.
 */
export async function planChanges(
  file: GitConfigFile,
  wanted: readonly (readonly [string, string])[],
  earlier: Journal | undefined,
): Promise<Change[]> {
  const changes: Change[] = []
  for (const [key, value] of wanted) {
    const now = await file.read(key)
    const written = earlier?.changes.find((change) => change.key === key)
    const before = written && sameValues(now, written.after) ? written.before : now
    changes.push({ key, before, after: [value] })
  }
  return changes
}

/** This setup's journal with what an earlier one wrote and this one does not. */
export function mergeJournal(earlier: Journal | undefined, next: Journal): Journal {
  const kept = (earlier?.changes ?? []).filter(
    ({ key }) => !next.changes.some((change) => change.key === key),
  )
  return {
    changes: [...next.changes, ...kept],
    files: [...new Set([...next.files, ...(earlier?.files ?? [])])],
  }
}

export type Undone =
  | { readonly kind: 'restored' | 'as-before'; readonly change: Change }
  /** Somebody changed it since: it is theirs now. */
  | { readonly kind: 'left'; readonly change: Change; readonly now: readonly string[] }

/** What undoing one change would do; writes nothing. */
export async function planUndo(file: GitConfigFile, change: Change): Promise<Undone> {
  const now = await file.read(change.key)
  if (sameValues(now, change.before)) return { kind: 'as-before', change }
  if (sameValues(now, change.after)) return { kind: 'restored', change }
  return { kind: 'left', change, now }
}

/** Removes a folder that setup made, if nothing else is in it. */
export function removeEmptyDirectory(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Not empty or not there: both are fine, it is only tidying.
  }
}
