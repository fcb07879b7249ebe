// Proves a repository's main branch as `verify` and `audit` do, and prints one line of JSON: how many
// commits, how long, how much memory, how many were proven by every check.
//
//   prove-history.mjs FOLDER IN_FLIGHT [--cache KEYFILE]      (bundled first)
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { RepositoryAnswers } from '../../../src/git/answers.ts'
import { parseTrustedRoot } from '../../../src/sigstore/trusted-root.ts'
import { FactsCache } from '../../../src/verification/cache.ts'
import { verifyHistory } from '../../../src/verification/history.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { cache: { type: 'string' } },
})
const [folder, inFlight] = positionals
const started = process.hrtime.bigint()
const roots = [parseTrustedRoot(readFileSync(join(folder, 'trusted_root.json'), 'utf8'), 'bench')]
const repository = await RepositoryAnswers.open({ cwd: folder, env: process.env })
const cache =
  values.cache &&
  FactsCache.open({ paths: repository.paths, roots, version: 'bench', keyFile: values.cache })
const tip = await repository.ref('refs/heads/main')
let commits = 0
let proven = 0
const range = { include: [tip], exclude: [] }
const options = { inFlight: Number(inFlight), cache: cache || undefined }
for await (const { facts } of verifyHistory(repository, range, roots, options)) {
  commits += 1
  const passed = facts.checks.filter(({ result }) => result === 'passed')
  // object-id to trusted-time; there is no RFC 3161 timestamp here.
  if (facts.outcome === 'proven' && passed.length === 14) proven += 1
}
cache?.save()
await repository.close()
const ms = Number(process.hrtime.bigint() - started) / 1e6
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
const rssMiB = maxRSS / 1024
const cpuMs = (userCPUTime + systemCPUTime) / 1000
process.stdout.write(`${JSON.stringify({ commits, proven, ms, cpuMs, rssMiB })}\n`)
