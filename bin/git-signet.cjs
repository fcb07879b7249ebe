#!/usr/bin/env node
'use strict'
// git starts this once for every object that it signs or shows: nothing is loaded that the call
// does not need. git's own calls start with an option; people start with a word.
const first = process.argv[2]
if (first === '--version' || (first === 'version' && process.argv.length === 3)) {
  // Not process.stdout: setting that stream up costs a quarter of an empty process.
  require('node:fs').writeSync(1, 'git-signet 0.1.0\n')
} else if (first !== undefined && first.startsWith('-') && first !== '-h' && first !== '--help') {
  load('gpg.cjs')
} else if (first !== 'hook' || !isHook(process.argv[3]) || !startHook(process.argv.slice(2))) {
  import('../dist/cli.js').catch((error) => {
    const { existsSync } = require('node:fs')
    const isBuilt = existsSync(require('node:path').join(__dirname, '..', 'dist', 'cli.js'))
    process.stderr.write(
      isBuilt
        ? `git-signet: error: cannot start: ${error.stack}\n`
        : 'git-signet: error: cannot start: it is not built\ngit-signet: hint: npm ci && npm run build\n',
    )
    process.exitCode = isBuilt ? 70 : 2
  })
}

/** A push waits for these: they are a bundle of their own. */
function isHook(name) {
  return name === 'pre-receive' || name === 'update' || name === 'pre-push'
}

/** Whether it was a call of an installed hook, which then runs; everything else is the program's. */
function startHook(args) {
  let start
  try {
    start = load('hook.cjs').startHook
  } catch {
    // Not built, or damaged: the program says so.
    return false
  }
  return start(args)
}

/**
 * `require` of a file in dist, compiled already where the build left V8's code cache beside it: that
 * saves a third of an empty process. Node loads the file itself where there is none, or where it was
 * made from another text; V8 refuses what another version of it made.
 */
function load(name) {
  const { join } = require('node:path')
  const { readFileSync } = require('node:fs')
  const folder = join(__dirname, '..', 'dist')
  const file = join(folder, name)
  let cache
  try {
    cache = readFileSync(`${file}.cache`)
  } catch {
    return require(file)
  }
  const text = readFileSync(file, 'latin1')
  // The build signs both with the digest of the text (scripts/code-cache.mjs).
  if (cache.toString('latin1', cache.length - 64) !== text.slice(-64)) return require(file)
  const { Script } = require('node:vm')
  const source = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`
  // At 128 KB V8 keeps a text apart from its young objects; else they would be collected once: 1 ms.
  const script = new Script(source.padEnd(1 << 17), {
    filename: file,
    cachedData: cache.subarray(0, -64),
  })
  const part = { exports: {} }
  const requirePart = (id) => (id.startsWith('./') ? load(id.slice(2)) : require(id))
  script.runInThisContext()(part.exports, requirePart, part, file, folder)
  return part.exports
}
