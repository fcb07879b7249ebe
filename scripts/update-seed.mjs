// Takes the public-good trusted root that ships (src/sigstore/public-good.json) out of @sigstore/tuf,
// so that verification works before, and without, any refresh. The package is downloaded, not
// installed: only its seeds.json is needed.
//
//   node scripts/update-seed.mjs [VERSION]
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = '@sigstore/tuf'
const MIRROR = 'https://tuf-repo-cdn.sigstore.dev'
const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'sigstore')
const scratch = mkdtempSync(join(tmpdir(), 'git-signet-seed-'))

try {
  const npm = (...args) => execFileSync('npm', args, { cwd: scratch, encoding: 'utf8' }).trim()
  const version = process.argv[2] ?? npm('view', PACKAGE, 'version')
  const publishedAt = JSON.parse(npm('view', PACKAGE, 'time', '--json'))[version]
  const archive = npm('pack', '--silent', `${PACKAGE}@${version}`).split('\n').at(-1)
  execFileSync('tar', ['-xzf', archive, 'package/seeds.json'], { cwd: scratch })
  const seeds = JSON.parse(readFileSync(join(scratch, 'package', 'seeds.json'), 'utf8'))
  const trustedRoot = Buffer.from(seeds[MIRROR].targets['trusted_root.json'], 'base64')
  const sha256 = createHash('sha256').update(trustedRoot).digest('hex')
  const asOf = Math.floor(Date.parse(publishedAt) / 1000)

  writeFileSync(join(folder, 'public-good.json'), trustedRoot)
  writeFileSync(
    join(folder, 'public-good-origin.ts'),
    `// Written by scripts/update-seed.mjs.

/** Where public-good.json comes from. */
export const PUBLIC_GOOD_ORIGIN = {
  source: '${PACKAGE} ${version}',
  /** When that was published, seconds since the epoch. */
  asOf: ${String(asOf).replace(/\B(?=(\d{3})+$)/g, '_')},
  /** Of the file, which is the TUF target byte for byte. */
  sha256: '${sha256}',
} as const
`,
  )
  console.log(`${PACKAGE} ${version} of ${publishedAt}: trusted_root.json ${sha256}`)
} finally {
  rmSync(scratch, { recursive: true })
}
