// Runs one target over mutated inputs until its time is up. Inputs that reach code no input reached
// before (V8's precise block coverage, asked through node:inspector) are kept and mutated further.
import { Session } from 'node:inspector'
import { parentPort, workerData } from 'node:worker_threads'
import { Random, mutate } from './mutate.mjs'

const BATCH = 64
const MAX_LENGTH = 16_384
const SLOW_MS = 50

const { bundle, bundlePath, target, endsAt, seed, saved, shared } = workerData
const { TARGETS, seedsOf, Finding } = await import(bundle)
const run = TARGETS[target]
// Most inputs are refused with an error: their stacks would cost more than all else.
Error.stackTraceLimit = 0
const random = new Random(seed)
const beat = new Int32Array(shared, 0, 2)
const current = new Uint8Array(shared, 8)

const session = new Session()
session.connect()
const ask = (method, parameters) => {
  let answer
  session.post(method, parameters, (error, result) => {
    if (error) throw new Error(error.message)
    answer = result
  })
  return answer
}
ask('Profiler.enable')
ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** Of each function, by where it is: which of its characters have ever run. */
const covered = new Map()
let blocks = 0

/**
 * Whether the runs since the last call reached code that none before did; `mark` remembers it. V8 joins
 * neighbouring blocks that ran equally often, so blocks have no names: characters are compared.
 */
function reachedNew(mark) {
  let isNew = false
  for (const script of ask('Profiler.takePreciseCoverage').result) {
    if (!script.url.endsWith(bundlePath)) continue
    for (const { ranges } of script.functions) {
      const { startOffset: start, endOffset: end, count } = ranges[0]
      if (count === 0) continue
      const ran = new Uint8Array(end - start)
      // An inner range comes after the one it is in, and counts for itself.
      for (const range of ranges) {
        ran.fill(Math.min(range.count, 1), range.startOffset - start, range.endOffset - start)
      }
      const before = covered.get(`${start}-${end}`) ?? new Uint8Array(end - start)
      let gained = 0
      for (let at = 0; at < ran.length; at += 1) {
        if (ran[at] > before[at] && (at === 0 || ran[at - 1] <= before[at - 1])) gained += 1
      }
      if (gained === 0) continue
      isNew = true
      if (!mark) return true
      blocks += gained
      covered.set(
        `${start}-${end}`,
        ran.map((value, at) => Math.max(value, before[at])),
      )
    }
  }
  return isNew
}

/** Keeps an input that reaches code that none before it reached. */
function consider(input) {
  reachedNew(false)
  judge(input)
  if (reachedNew(true)) corpus.push(input)
}

/** Milliseconds of processor time that one run takes; throws what the target throws. */
function execute(input) {
  current.set(input.subarray(0, current.length))
  beat[1] = input.length
  beat[0] += 1
  const started = performance.now()
  const before = process.cpuUsage()
  run(input)
  const tookMs = performance.now() - started
  if (tookMs <= SLOW_MS) return tookMs
  // Others use the machine too: then only what this process was given counts.
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Undefined where nothing is wrong with an input. */
function judge(input) {
  try {
    if (execute(input) <= SLOW_MS) return undefined
    // A busy machine is slow now and then; a slow reader always.
    const times = [execute(input), execute(input), execute(input)]
    return Math.min(...times) > SLOW_MS ? `takes ${Math.round(Math.min(...times))} ms` : undefined
  } catch (error) {
    const kind = error instanceof Finding ? 'breaks its word' : 'throws'
    return `${kind}: ${error.name}: ${String(error.message).slice(0, 200)}`
  }
}

/** The shortest input found that is wrong in the same way. */
function shrink(input, why) {
  let best = input
  for (let size = best.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < best.length;) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      if (judge(shorter)?.slice(0, 60) === why.slice(0, 60)) best = shorter
      else at += size
    }
  }
  return best
}

const findings = new Map()
function note(input, why) {
  const key = why.replace(/\d+/g, '#')
  if (findings.has(key)) return
  const shortest = shrink(input, why)
  findings.set(key, why)
  parentPort.postMessage({ kind: 'finding', why, input: shortest })
}

const corpus = []
const seeds = [...seedsOf(target), ...saved]
for (const seed of seeds) {
  const input = Buffer.from(seed).subarray(0, MAX_LENGTH)
  const why = judge(input)
  if (why !== undefined) note(input, why)
  consider(input)
}
if (corpus.length === 0) corpus.push(Buffer.of(0))
let runs = 0
while (Date.now() < endsAt) {
  reachedNew(false)
  const batch = []
  for (let count = 0; count < BATCH; count += 1) {
    // What was found last is mutated most.
    const recent = random.below(3) > 0 ? Math.max(0, corpus.length - 32) : 0
    const parent = corpus[recent + random.below(corpus.length - recent)]
    const input = mutate(random, parent, random.pick(corpus), MAX_LENGTH)
    const why = judge(input)
    if (why !== undefined) note(input, why)
    batch.push(input)
    runs += 1
  }
  // Asking costs more than running: one by one only where the batch reached something new.
  if (reachedNew(false)) {
    const before = corpus.length
    batch.forEach(consider)
    if (corpus.length === before) {
      // Only together, or only once, do they reach it (a cache, a limit): it must not be asked for again.
      batch.forEach(judge)
      reachedNew(true)
    }
  }
}
parentPort.postMessage({
  kind: 'done',
  runs,
  seeds: seeds.length,
  corpus: corpus.length,
  blocks,
  findings: findings.size,
})
session.disconnect()
