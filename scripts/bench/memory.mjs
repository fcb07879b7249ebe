// Whether a long history needs more memory than a short one: memory. The long one is the short one
// walked again and again by one process.
import { execFileSync } from 'node:child_process'
import { benchEnvironment, median } from '../bench.mjs'
import { bundled, signedHistory } from './programs/bundle.mjs'

const commits = 20_000
const rounds = Number(process.env.SIGNET_BENCH_ROUNDS ?? 50)
const maxMiB = 200

export async function measure({ runs }) {
  const env = benchEnvironment()
  const folder = await signedHistory(commits)
  const program = await bundled('prove-history')
  const peak = (repeat) => {
    const command = [program, folder, '64', '--repeat', String(repeat)]
    const { proven, rssMiB } = JSON.parse(execFileSync(process.execPath, command, { env }))
    if (proven !== commits * repeat) throw new Error(`${proven} commits proven`)
    return rssMiB
  }
  const short = median(Array.from({ length: Math.min(runs, 3) }, () => peak(1)))
  const long = peak(rounds)
  const detail = `${commits * rounds} commits ${long.toFixed(0)} MiB, ${commits} commits ${short.toFixed(0)} MiB`
  return [
    { id: 'memory', ratio: long / short, budget: 1.2, detail },
    { id: 'memory-peak', ratio: long / maxMiB, budget: 1, detail: `of ${maxMiB} MiB` },
  ]
}
