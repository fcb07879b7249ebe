import { PUBLIC_GOOD_ORIGIN } from './public-good-origin.ts'
import publicGood from './public-good.json' with { type: 'json' }
import { readTrustedRoot } from './trusted-root.ts'
import type { TrustedRoot } from './trusted-root.ts'

let root: TrustedRoot | undefined

/** The public-good trusted root that ships; as old as its `asOf` says. */
export function publicGoodRoot(): TrustedRoot {
  root ??= {
    ...readTrustedRoot(publicGood, 'public', PUBLIC_GOOD_ORIGIN.sha256),
    asOf: PUBLIC_GOOD_ORIGIN.asOf,
    source: `shipped, from ${PUBLIC_GOOD_ORIGIN.source}`,
  }
  return root
}
