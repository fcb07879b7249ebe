// A history that was proven before: re-audit. Long runs: --runs above 3 counts as 3.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchEnvironment, interleave } from '../bench.mjs'
import { bundled, signedHistory } from './programs/bundle.mjs'

const commits = 20_000

export async function measure({ runs }) {
  const env = benchEnvironment()
  const folder = await signedHistory(commits)
  const program = await bundled('prove-history')
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  const keyFile = join(home, 'facts.key')
  const prove = (...args) => {
    const command = [program, folder, '64', ...args]
    const text = execFileSync(process.execPath, command, { env, encoding: 'utf8' })
    const { proven, ms } = JSON.parse(text)
    if (proven !== commits) throw new Error(`${proven} of ${commits} commits proven`)
    return ms
  }
  try {
    prove('--cache', keyFile)
    const medians = await interleave(
      { cold: () => prove(), warm: () => prove('--cache', keyFile) },
      Math.min(runs, 3),
    )
    const rate = Math.round((commits / medians.warm) * 1000)
    return [
      {
        id: 're-audit',
        ratio: medians.cold / medians.warm,
        atLeast: 20,
        detail: `${commits} commits, cold ÷ from the cache of facts; ${rate} commits/s`,
      },
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
    rmSync(join(folder, 'signet'), { recursive: true, force: true })
  }
}
