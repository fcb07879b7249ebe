// Looks for inputs that make a reader of hostile bytes crash, hang, crawl or contradict itself:
//
//   npm run fuzz -- [TARGET] [MINUTES] [--seed N]
//
// A mutation loop over V8's own coverage, because the usual fuzzers need native code. Targets and what
// they must hold are in test/fuzz/targets.ts; what is found is kept in fixtures/fuzz/TARGET, where
// npm test runs it for ever after. Exit 1 when something was found.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
// It comes with tsup, which builds everything else.
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const MAX_LENGTH = 16_384
const HANG_MS = 10_000

/** The targets as one file of plain JavaScript: Node 20 reads no TypeScript. */
async function bundleTargets(folder) {
  const outfile = join(folder, 'fuzz-targets.mjs')
  await build({
    stdin: {
      contents:
        "export { TARGETS, Finding } from './test/fuzz/targets.ts'; export { seedsOf } from './test/fuzz/seeds.ts'",
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // shared.ts finds the shared data by where it lies itself.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'test/x')).href) },
    external: ['vitest'],
    outfile,
    logLevel: 'error',
  })
  return outfile
}

function casesOf(target) {
  const folder = join(root, 'fixtures', 'fuzz', target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.bin'))
    .map((name) => readFileSync(join(folder, name)))
}

function keep(target, why, input) {
  const folder = join(root, 'fixtures', 'fuzz', target)
  mkdirSync(folder, { recursive: true })
  const name = `${createHash('sha256').update(input).digest('hex').slice(0, 16)}.bin`
  writeFileSync(join(folder, name), input)
  console.log(`  ${why}\n  kept as fixtures/fuzz/${target}/${name}`)
}

/** One target on a thread of its own, so that a reader that never returns is found too. */
function fuzz(target, bundlePath, minutes, seed) {
  const shared = new SharedArrayBuffer(8 + MAX_LENGTH)
  const beat = new Int32Array(shared, 0, 2)
  const worker = new Worker(new URL('./fuzz/worker.mjs', import.meta.url), {
    workerData: {
      bundle: pathToFileURL(bundlePath).href,
      bundlePath: pathToFileURL(bundlePath).pathname,
      target,
      endsAt: Date.now() + minutes * 60_000,
      seed,
      saved: casesOf(target),
      shared,
    },
  })
  return new Promise((resolve, reject) => {
    let found = 0
    let last = 0
    let since = Date.now()
    const watch = setInterval(() => {
      const now = Atomics.load(beat, 0)
      if (now !== last || now === 0) {
        last = now
        since = Date.now()
      } else if (Date.now() - since > HANG_MS) {
        const length = Math.min(Atomics.load(beat, 1), MAX_LENGTH)
        keep(target, 'does not return', Buffer.from(shared, 8, length))
        clearInterval(watch)
        void worker.terminate().then(() => resolve(found + 1))
      }
    }, 500)
    worker.on('message', (message) => {
      if (message.kind === 'finding') {
        found += 1
        keep(target, message.why, message.input)
        return
      }
      const { runs, seeds, corpus, blocks } = message
      clearInterval(watch)
      console.log(
        `${target}: ${runs} runs from ${seeds} seeds, ${corpus} inputs kept, ${blocks} blocks reached, ${found} found`,
      )
      resolve(found)
    })
    worker.on('error', (error) => {
      clearInterval(watch)
      reject(error)
    })
  })
}

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string' } },
  allowPositionals: true,
})
mkdirSync(join(root, '.cache'), { recursive: true })
const folder = mkdtempSync(join(root, '.cache', 'fuzz-'))
try {
  const bundlePath = await bundleTargets(folder)
  const { TARGETS } = await import(pathToFileURL(bundlePath).href)
  const named = positionals.filter((word) => Object.hasOwn(TARGETS, word))
  const minutes = Number(positionals.find((word) => /^\d+(\.\d+)?$/.test(word)) ?? '1')
  if (named.length + positionals.filter((word) => /^\d/.test(word)).length < positionals.length) {
    throw new Error(`targets are: ${Object.keys(TARGETS).join(' ')}`)
  }
  const seed = Number(values.seed ?? Date.now() % 2 ** 31)
  console.log(`seed ${seed}, ${minutes} minutes for each target`)
  let found = 0
  for (const target of named.length > 0 ? named : Object.keys(TARGETS)) {
    found += await fuzz(target, bundlePath, minutes, seed)
  }
  process.exitCode = found > 0 ? 1 : 0
} catch (error) {
  console.error(`fuzz: ${error.message}`)
  process.exitCode = 2
} finally {
  rmSync(folder, { recursive: true, force: true })
}
