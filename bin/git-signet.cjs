#!/usr/bin/env node
'use strict'
// git starts this once for every object that it signs or shows: nothing is loaded that the call
// does not need. git's own calls start with an option; people start with a word.
const first = process.argv[2]
if (first === '--version' || (first === 'version' && process.argv.length === 3)) {
  // Not process.stdout: setting that stream up costs a quarter of an empty process.
  require('node:fs').writeSync(1, 'git-signet 0.1.0\n')
} else if (first !== undefined && first.startsWith('-') && first !== '-h' && first !== '--help') {
  require('../dist/gpg.cjs')
} else {
  import('../dist/cli.js').catch((error) => {
    process.stderr.write(`git-signet: error: cannot start: ${error.stack}\n`)
    process.exitCode = 70
  })
}
