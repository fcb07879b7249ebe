// Compiles what git starts ahead of time: V8's code cache beside each, which bin/git-signet.cjs loads.
//
//   node scripts/code-cache.mjs FOLDER
//
// A process of its own: it changes V8's flags while it compiles.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

const [folder] = process.argv.slice(2)
for (const name of ['gpg.cjs', 'gpg-sign.cjs', 'gpg-policy.cjs', 'hook.cjs', 'hook-report.cjs']) {
  const file = join(folder, name)
  // One byte a character loads quicker; esbuild leaves others in regular expressions alone.
  const bundle = readFileSync(file, 'utf8').replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  // What both files end with tells that they belong together: V8 itself compares lengths alone.
  const mark = createHash('sha256').update(bundle).digest('hex')
  const text = `${bundle.trimEnd()}\n//# ${mark}`
  writeFileSync(file, text)
  // Every function, not only those that run first; at run time V8 wants to see its usual flags.
  setFlagsFromString('--no-lazy')
  const source = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`
  const script = new Script(source.padEnd(1 << 17), { filename: file })
  setFlagsFromString('--lazy')
  writeFileSync(`${file}.cache`, Buffer.concat([script.createCachedData(), Buffer.from(mark)]))
}
