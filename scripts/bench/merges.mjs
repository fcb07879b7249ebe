// What judging clean merges as mechanical costs: merges. 5,000 merges, each of two branches of one
// commit; cryptography is left out and added as what the same commits cost to prove.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchEnvironment, interleave } from '../bench.mjs'
import { bundled, signedHistory } from './programs/bundle.mjs'

const merges = 5000
/** Of the history whose proving stands for the commits of these merges. */
const provedCommits = 4000

export async function measure({ runs }) {
  const env = benchEnvironment()
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  const folder = join(home, 'merges.git')
  try {
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', folder], { env })
    execFileSync('git', ['-C', folder, 'fast-import', '--quiet'], { env, input: history() })
    const judge = await bundled('judge-merges')
    const prove = await bundled('prove-history')
    const signed = await signedHistory(provedCommits)
    const run = (...args) =>
      JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }))
    const judged = (mode) => {
      const result = run(judge, folder, mode)
      if (result.merges !== merges) throw new Error(`${result.merges} merges`)
      if (mode === 'merge' && result.clean !== merges) throw new Error(`${result.clean} clean`)
      return result.ms
    }
    const medians = await interleave(
      {
        without: () => judged('walk'),
        with: () => judged('merge'),
        proved: () => run(prove, signed, '64').ms,
      },
      Math.min(runs, 3),
    )
    // Each merge brings one commit of its side branch and one of the first parent's.
    const facts = (medians.proved / provedCommits) * merges * 3
    const extra = medians.with - medians.without
    return [
      {
        id: 'merges',
        ratio: (facts + medians.with) / (facts + medians.without),
        budget: 1.2,
        detail: `${merges} merges in ${extra.toFixed(0)} ms, ${(extra / merges).toFixed(2)} ms each; the facts of their ${merges * 3} commits ${facts.toFixed(0)} ms`,
      },
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** main and a side branch that change different files, merged each time. */
function history() {
  const parts = []
  const commit = (mark, parents, path) => {
    parts.push(`commit refs/heads/main\nmark :${mark}\n`)
    parts.push(`committer Bench <b@example.org> ${1_700_000_000 + mark} +0000\ndata 1\nm\n`)
    if (parents[0]) parts.push(`from :${parents[0]}\n`)
    if (parents[1]) parts.push(`merge :${parents[1]}\n`)
    for (const [name, content] of path) {
      parts.push(`M 100644 inline ${name}\ndata ${content.length}\n${content}\n`)
    }
  }
  const file = (side, round) => [`src/${side}/${round % 50}.txt`, `${side} ${round}\n`]
  commit(1, [], [file('left', 0), file('right', 0)])
  let tip = 1
  for (let round = 1; round <= merges; round += 1) {
    const mark = tip + 1
    commit(mark, [tip], [file('left', round)])
    commit(mark + 1, [tip], [file('right', round)])
    commit(mark + 2, [mark, mark + 1], [file('right', round)])
    tip = mark + 2
  }
  return parts.join('')
}
