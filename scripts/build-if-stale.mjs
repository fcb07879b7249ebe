// Vitest's global set-up, also used by the demo and the benchmarks: dist is built when a source is
// newer than it, once, before anything runs the built program.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { build } from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

let asked = 0

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** @returns whether dist is missing, older than a source or package.json, or built by another Node. */
export function isStale() {
  const built = Math.min(
    ...['cli.js', 'gpg.cjs', 'public-good.json'].map((name) => modifiedAt(join(dist, name))),
  )
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((name) =>
    join('src', name),
  )
  const isOlder = ['package.json', ...sources].some((name) => modifiedAt(join(root, name)) > built)
  return isOlder || !isCodeCacheTaken(dist)
}

/**
 * Whether this Node takes the code cache that the build left in a folder: another version of V8, or the
 * same on another processor, refuses it, and git's calls then start slower.
 */
export function isCodeCacheTaken(folder) {
  const file = join(folder, 'gpg.cjs')
  if (!existsSync(`${file}.cache`)) return false
  const text = readFileSync(file, 'latin1')
  const source = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`
  const cachedData = readFileSync(`${file}.cache`).subarray(0, -64)
  // V8 would not look at the cache of a name and text that it has compiled before.
  const filename = `${file}#${String(asked++)}`
  return new Script(source.padEnd(1 << 17), { filename, cachedData }).cachedDataRejected === false
}

export function setup() {
  if (isStale()) build()
}
