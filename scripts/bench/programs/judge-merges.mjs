// Asks for the mechanical merge of every two-parent commit of a repository, as the policy does, and
// compares its tree with the commit's. Prints one line of JSON.
//
//   judge-merges.mjs FOLDER prove|merge      (bundled first)
import { RepositoryAnswers } from '../../../src/git/answers.ts'

const [folder, mode] = process.argv.slice(2)
const started = process.hrtime.bigint()
const repository = await RepositoryAnswers.open({ cwd: folder, env: process.env })
const tip = await repository.ref('refs/heads/main')
const range = { include: [tip], exclude: [] }
await repository.load(range)
let merges = 0
let clean = 0
const asked = []
for await (const { id, parents } of repository.walk(range)) {
  const commit = await repository.commit(id)
  if (parents.length !== 2) continue
  merges += 1
  if (mode !== 'merge') continue
  asked.push(
    repository.mechanicalMerge(parents[0], parents[1]).then((answer) => {
      if (answer.kind === 'merged' && answer.tree === commit.tree) clean += 1
    }),
  )
}
await Promise.all(asked)
await repository.close()
const ms = Number(process.hrtime.bigint() - started) / 1e6
process.stdout.write(`${JSON.stringify({ merges, clean, ms })}\n`)
