// Vitest's global set-up, also used by the demo and the benchmarks: dist is built when a source is
// newer than it, once, before anything runs the built program.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** @returns whether dist is missing or older than a source, package.json or the lock file. */
export function isStale() {
  const built = Math.min(
    ...['cli.js', 'gpg.cjs', 'public-good.json'].map((name) =>
      modifiedAt(join(root, 'dist', name)),
    ),
  )
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((name) =>
    join('src', name),
  )
  return ['package.json', ...sources].some((name) => modifiedAt(join(root, name)) > built)
}

export function setup() {
  if (isStale()) build()
}
