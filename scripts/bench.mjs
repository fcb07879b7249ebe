// Measures what performance.md budgets, as ratios taken in one run: everything that is compared is
// run in turns on the same machine, and the medians are divided. Nothing here is a timed test.
//
//   npm run bench -- start verify reaudit memory merges [--runs N] [--json FILE]
//
// Each scripts/bench/NAME.mjs exports `measure({ runs })` → [{ id, ratio, budget or atLeast, … }].
import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { isStale } from './build-if-stale.mjs'

export function median(values) {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** What measured programs get: nothing that costs time only here. */
export function benchEnvironment(more = {}) {
  const dropped = /^(NODE_EXTRA_CA_CERTS|NODE_OPTIONS|GIT_.*|SIGNET_.*|GITSIGN_.*|SIGSTORE_.*)$/
  const kept = Object.entries(process.env).filter(([name]) => !dropped.test(name))
  return { ...Object.fromEntries(kept), GIT_CONFIG_NOSYSTEM: '1', ...more }
}

/**
 * Wall time of one process in milliseconds.
 *
 * @param says - what standard output has to hold, `count` times (default once)
 * @throws when it says something else, or does not exit with `exit`
 */
export function timeProcess([program, ...args], { exit = 0, says, count = 1, ...options } = {}) {
  const started = process.hrtime.bigint()
  const { status, stdout, stderr } = spawnSync(program, args, { stdio: 'pipe', ...options })
  const tookMs = Number(process.hrtime.bigint() - started) / 1e6
  if (status !== exit)
    throw new Error(`${program} ${args.join(' ')} exited with ${status}: ${stderr}`)
  if (says !== undefined && stdout.toString().split(says).length - 1 !== count)
    throw new Error(`${program} ${args.join(' ')} did not say "${says}" ${count} times`)
  return tookMs
}

/**
 * Runs each named measurement in turns, after one round that only warms caches.
 *
 * @param measurements name → function that returns milliseconds
 * @returns name → median
 */
export async function interleave(measurements, runs) {
  const samples = Object.fromEntries(Object.keys(measurements).map((name) => [name, []]))
  for (let run = -1; run < runs; run += 1) {
    for (const [name, measure] of Object.entries(measurements)) {
      const tookMs = await measure()
      if (run >= 0) samples[name].push(tookMs)
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, taken]) => [name, median(taken)]))
}

const folder = fileURLToPath(new URL('bench/', import.meta.url))

/** A row has a `budget` it may not pass or an `atLeast` it has to reach, or is only reported. */
function renderRow({ id, ratio, budget, atLeast, detail = '' }) {
  const bound = budget !== undefined ? `<= ${budget}` : atLeast !== undefined ? `>= ${atLeast}` : ''
  const isOver = ratio > budget
  const verdict = bound === '' ? '' : isOver ? 'OVER' : ratio < atLeast ? 'UNDER' : 'ok'
  return [id, ratio?.toFixed(2) ?? '', bound, verdict, detail]
}

function renderTable(rows) {
  const lines = [['measure', 'ratio', 'budget', '', ''], ...rows.map(renderRow)]
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: '41' }, json: { type: 'string' } },
  })
  const files = readdirSync(folder).filter((entry) => entry.endsWith('.mjs'))
  const names = files.map((entry) => entry.replace(/\.mjs$/, ''))
  if (positionals.length === 0 || !positionals.every((name) => names.includes(name))) {
    process.stderr.write(`usage: npm run bench -- ${names.join(' | ')} [--runs N] [--json FILE]\n`)
    process.exitCode = 2
    return
  }
  if (isStale()) build()
  const runs = Number(values.runs)
  const rows = []
  for (const name of positionals) {
    const { measure } = await import(pathToFileURL(`${folder}${name}.mjs`).href)
    const measured = await measure({ runs })
    process.stdout.write(`${renderTable(measured)}\n\n`)
    rows.push(...measured)
  }
  const report = { benches: positionals, node: process.version, cpus: cpus().length, runs, rows }
  const json = `${JSON.stringify(report, undefined, 2)}\n`
  if (values.json === undefined) process.stdout.write(json)
  else writeFileSync(values.json, json)
}

// Not awaited: the benchmarks import this file, which has to be loaded before they run.
if (process.argv[1] && pathToFileURL(resolve(process.argv[1])).href === import.meta.url) void main()
