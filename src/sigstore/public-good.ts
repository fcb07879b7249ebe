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
 * in the sources, and beside every bundle that holds this code. It is parsed when it is first asked
 * for more than its name and digest: where other roots come first, many signatures never do.
 */
export function publicGoodRoot(): TrustedRoot {
  root ??= readShipped()
  return root
}

function readShipped(): TrustedRoot {
  const bytes = readFileSync(join(import.meta.dirname, 'public-good.json'))
  const digest = encodeHex(sha256(bytes))
  const origin = {
    asOf: PUBLIC_GOOD_ORIGIN.asOf,
    source: `shipped, from ${PUBLIC_GOOD_ORIGIN.source}`,
  }
  if (digest !== PUBLIC_GOOD_ORIGIN.sha256) {
    return Object.assign(parseTrustedRoot(bytes.toString('utf8'), 'public'), origin)
  }
  let parsed: TrustedRoot | undefined
  const parts = (): TrustedRoot => (parsed ??= parseShipped(bytes, digest))
  return {
    name: 'public',
    isLocal: false,
    digest,
    ...origin,
    get certificateAuthorities() {
      return parts().certificateAuthorities
    },
    get ctlogs() {
      return parts().ctlogs
    },
    get tlogs() {
      return parts().tlogs
    },
    get timestampAuthorities() {
      return parts().timestampAuthorities
    },
    get unusable() {
      return parts().unusable
    },
  }
}

/** The very text that tests know: it names no member twice, and its CAs sign one another. */
function parseShipped(bytes: Buffer, digest: string): TrustedRoot {
  const shipped = readTrustedRoot(JSON.parse(bytes.toString('utf8')) as JsonValue, 'public', digest)
  for (const { certificates } of shipped.certificateAuthorities) assumeLinks(certificates)
  return shipped
}
