// `npm test`: everything that must hold, one stage after the other, stopping at the first red one.
// Its last lines are for machines too: how many real objects were checked, then
// `N passed, N failed, N skipped`, also when a stage before the tests has failed.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, '.cache')
const realObjects = join(cache, 'real-objects')
const results = join(cache, 'vitest.json')
const shared = process.env.SIGNET_SHARED ?? join(root, '..', 'shared')

const program = (...path) => [process.execPath, join(root, 'node_modules', ...path)]
const FORMATTED = ['src', 'test', 'scripts', 'bin', 'package.json', 'tsconfig.json', 'README.md']
const LINTED = ['src', 'test', 'scripts', 'bin']

const STAGES = [
  [
    'format',
    ...program('prettier', 'bin', 'prettier.cjs'),
    '--check',
    '--log-level',
    'warn',
    ...FORMATTED,
  ],
  ['lint', ...program('eslint', 'bin', 'eslint.js'), '-c', 'scripts/eslint.config.mjs'].concat([
    '--max-warnings',
    '0',
    ...LINTED,
  ]),
  ['types', ...program('typescript', 'bin', 'tsc'), '-p', '.'],
  ['layers', process.execPath, 'scripts/check-layers.mjs'],
  ['build', process.execPath, 'scripts/build.mjs'],
  ['tests', ...program('vitest', 'vitest.mjs'), 'run', '-c', 'scripts/vitest.config.mjs'].concat([
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${results}`,
  ]),
]

function runStages() {
  for (const [name, command, ...args] of STAGES) {
    const started = Date.now()
    const { status } = spawnSync(command, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const seconds = ((Date.now() - started) / 1000).toFixed(1)
    process.stdout.write(`${status === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`)
    if (status !== 0) return name
  }
  return undefined
}

/** Counts of the test run; a stage that failed before it counts as one failure. */
function count(failedStage) {
  if (!existsSync(results)) return { passed: 0, failed: failedStage ? 1 : 0, skipped: 0 }
  const report = JSON.parse(readFileSync(results, 'utf8'))
  const passed = report.numPassedTests
  const skipped = report.numPendingTests + report.numTodoTests
  // A file that cannot be loaded has no failed test of its own.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length
  const failed = report.numFailedTests + broken
  return { passed, failed: failed === 0 && failedStage ? 1 : failed, skipped }
}

function realObjectsLine() {
  if (!existsSync(join(shared, 'corpus'))) {
    return 'real objects: ABSENT (SIGNET_SHARED names no folder with corpus and interop)'
  }
  const counts = readdirSync(realObjects)
    .sort()
    .map((file) => [
      file.replace(/\.json$/, ''),
      JSON.parse(readFileSync(join(realObjects, file), 'utf8')).count,
    ])
  const total = counts.reduce((sum, [, number]) => sum + number, 0)
  const parts = counts.map(([name, number]) => `${name} ${number}`).join(', ')
  return `real objects: ${total} checked${parts ? ` (${parts})` : ''}`
}

rmSync(realObjects, { recursive: true, force: true })
mkdirSync(realObjects, { recursive: true })
rmSync(results, { force: true })
const failedStage = runStages()
const { passed, failed, skipped } = count(failedStage)
if (failedStage) process.stdout.write(`stopped at: ${failedStage}\n`)
process.stdout.write(`${realObjectsLine()}\n`)
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`)
process.exitCode = failedStage || failed > 0 ? 1 : 0
