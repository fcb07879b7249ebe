// What the benchmarks of whole histories share: programs bundled from the sources, and histories that
// are written once and kept under .cache.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const cache = join(root, '.cache', 'bench')

/** Bundles scripts/bench/programs/NAME.mjs with what it imports; returns its path. */
export async function bundled(name) {
  const outfile = join(cache, `${name}.mjs`)
  await build({
    entryPoints: [join(root, 'scripts', 'bench', 'programs', `${name}.mjs`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
  return outfile
}

/** A bare repository of signed commits in a row, `perCertificate` of them to a certificate. */
export async function signedHistory(commits, perCertificate = 1) {
  const folder = join(cache, `signed-${commits}-${perCertificate}.git`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const fresh = `${folder}.${process.pid}`
  try {
    const program = await bundled('write-history')
    execFileSync(process.execPath, [program, fresh, String(commits), String(perCertificate)])
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}
