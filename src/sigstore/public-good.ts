import { readFileSync } from 'node:fs'
import { PUBLIC_GOOD_ORIGIN } from './public-good-origin.ts'
import { parseTrustedRoot } from './trusted-root.ts'
import type { TrustedRoot } from './trusted-root.ts'

let root: TrustedRoot | undefined

/**
 * The public-good trusted root that ships; as old as its `asOf` says. Its file lies beside this one
 * in the sources, and beside every bundle that holds this code.
 */
export function publicGoodRoot(): TrustedRoot {
  root ??= {
    ...parseTrustedRoot(
      readFileSync(new URL('./public-good.json', import.meta.url), 'utf8'),
      'public',
    ),
    asOf: PUBLIC_GOOD_ORIGIN.asOf,
    source: `shipped, from ${PUBLIC_GOOD_ORIGIN.source}`,
  }
  return root
}
