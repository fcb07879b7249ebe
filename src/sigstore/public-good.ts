import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../crypto/digest.ts'
import { encodeHex } from '../encoding/hex.ts'
import type { JsonValue } from '../encoding/json.ts'
import { assumeLinks } from '../x509/path.ts'
import { PUBLIC_GOOD_ORIGIN } from './public-good-origin.ts'
import { parseTrustedRoot, readTrustedRoot } from './trusted-root.ts'
import type { TrustedRoot } from './trusted-root.ts'

let root: TrustedRoot | undefined

/**
 * The public-good trusted root that ships; as old as its `asOf` says. Its file lies beside this one
 * in the sources, and beside every bundle that holds this code.
 */
export function publicGoodRoot(): TrustedRoot {
  root ??= Object.assign(readShipped(), {
    asOf: PUBLIC_GOOD_ORIGIN.asOf,
    source: `shipped, from ${PUBLIC_GOOD_ORIGIN.source}`,
  })
  return root
}

function readShipped(): TrustedRoot {
  const bytes = readFileSync(join(import.meta.dirname, 'public-good.json'))
  const text = bytes.toString('utf8')
  const digest = encodeHex(sha256(bytes))
  if (digest !== PUBLIC_GOOD_ORIGIN.sha256) return parseTrustedRoot(text, 'public')
  // The very text that tests know: it names no member twice, and its CAs sign one another.
  const shipped = readTrustedRoot(JSON.parse(text) as JsonValue, 'public', digest)
  for (const { certificates } of shipped.certificateAuthorities) assumeLinks(certificates)
  return shipped
}
