// Reads and splits every commit of a repository's main branch and proves nothing; prints the time.
//
//   read-history.mjs FOLDER      (bundled first)
import { readCommits } from '../../../src/git/bulk-read.ts'
import { splitObject } from '../../../src/git/split.ts'
import { resolveRevision } from '../../../src/git/refs.ts'

const place = { cwd: process.argv[2], env: process.env }
const started = process.hrtime.bigint()
const tip = await resolveRevision(place, 'refs/heads/main')
let commits = 0
for await (const answers of readCommits(place, { include: [tip], exclude: [] })) {
  for (const { type, bytes, format, idMatches } of answers) {
    if (!idMatches || splitObject(type, bytes, format).signature === undefined)
      throw new Error(type)
    commits += 1
  }
}
const ms = Number(process.hrtime.bigint() - started) / 1e6
process.stdout.write(`${JSON.stringify({ commits, ms })}\n`)
