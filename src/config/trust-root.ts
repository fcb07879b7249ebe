import { MalformedError, UsageError } from '../errors.ts'
import { publicGoodRoot } from '../sigstore/public-good.ts'
import { parseTrustedRoot } from '../sigstore/trusted-root.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { readTextFile } from './text-file.ts'
import type { Setting } from './settings.ts'

/**
 * The trust roots in force: the file that is named, and it alone, else the public one that ships.
 *
 * @throws UsageError TRUSTED_ROOT the file cannot be read or used
 */
export function loadTrustRoots({ value, source }: Setting<string | undefined>): TrustRoots {
  if (value === undefined) return [publicGoodRoot()]
  const text = readTextFile(value, 'TRUSTED_ROOT', `the trusted root that ${source.name} names`)
  try {
    return [{ ...parseTrustedRoot(text), source: value }]
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new UsageError('TRUSTED_ROOT', `${error.message} (${value}, from ${source.name})`, {
      cause: error,
    })
  }
}
