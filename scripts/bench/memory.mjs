// Whether a long history needs more memory than a short one: memory. Each commit of either is signed,
// has a certificate of its own and is proven. Writing the long one takes half an hour and 2 GB, once;
// proving it a quarter of an hour: SIGNET_BENCH_COMMITS asks for a shorter one.
import { execFileSync } from 'node:child_process'
import { benchEnvironment, median } from '../bench.mjs'
import { bundled, signedHistory } from './programs/bundle.mjs'

const short = 20_000
const long = Number(process.env.SIGNET_BENCH_COMMITS ?? 1_000_000)
const maxMiB = 200

export async function measure({ runs }) {
  const env = benchEnvironment()
  const program = await bundled('prove-history')
  const peak = async (commits) => {
    const command = [program, await signedHistory(commits), '64']
    const { proven, rssMiB } = JSON.parse(execFileSync(process.execPath, command, { env }))
    if (proven !== commits) throw new Error(`${proven} commits proven`)
    return rssMiB
  }
  const shortPeaks = []
  for (let run = 0; run < Math.min(runs, 3); run += 1) shortPeaks.push(await peak(short))
  const shortPeak = median(shortPeaks)
  const longPeak = await peak(long)
  const detail = `${long} commits ${longPeak.toFixed(0)} MiB, ${short} commits ${shortPeak.toFixed(0)} MiB`
  return [
    { id: 'memory', ratio: longPeak / shortPeak, budget: 1.2, detail },
    { id: 'memory-peak', ratio: longPeak / maxMiB, budget: 1, detail: `of ${maxMiB} MiB` },
  ]
}
