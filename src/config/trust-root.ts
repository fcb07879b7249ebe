import { MalformedError, UsageError } from '../errors.ts'
import { PUBLIC_GOOD_ORIGIN } from '../sigstore/public-good-origin.ts'
import { publicGoodRoot } from '../sigstore/public-good.ts'
import { parseTrustedRoot } from '../sigstore/trusted-root.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { readTextFile } from './text-file.ts'
import type { Setting } from './settings.ts'

const PUBLIC = { name: 'public', asOf: PUBLIC_GOOD_ORIGIN.asOf }

/**
 * The trust roots in force: the file that is named, and it alone, else the public one that ships.
 *
 * @throws UsageError TRUSTED_ROOT the file cannot be read or used
 */
export function loadTrustRoots({ value, source }: Setting<string | undefined>): TrustRoots {
  if (value === undefined) return [publicGoodRoot()]
  const text = readTextFile(value, 'TRUSTED_ROOT', `the trusted root that ${source.name} names`)
  try {
    const root = Object.assign(parseTrustedRoot(text), { source: value })
    // The public root stays the public one, wherever its file lies: policies name it so.
    return [root.digest === PUBLIC_GOOD_ORIGIN.sha256 ? Object.assign(root, PUBLIC) : root]
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new UsageError('TRUSTED_ROOT', `${error.message} (${value}, from ${source.name})`, {
      cause: error,
    })
  }
}
