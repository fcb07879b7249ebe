// Proving whole histories: audit-efficiency, audit-scaling, certificate-reuse, reader,
// show-signature, audit-vs-process. Long runs: --runs above 3 counts as 3.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchEnvironment, interleave, timeProcess } from '../bench.mjs'
import { bundled, signedHistory } from './programs/bundle.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const [commits, scalingCommits, shownCommits] = [4000, 20_000, 60]
/** P-256 checks of one commit: SCT, signature, checkpoint, promise. */
const p256Checks = 4

export async function measure({ runs }) {
  const env = benchEnvironment()
  const [single, reused, long] = [
    await signedHistory(commits),
    await signedHistory(commits, 5),
    await signedHistory(scalingCommits),
  ]
  const prove = await bundled('prove-history')
  const read = await bundled('read-history')
  const checks = join(root, 'scripts', 'bench', 'programs', 'checks.mjs')
  const run = (...args) =>
    JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }))
  const proved = (folder, inFlight) => {
    const { commits: seen, proven, ms } = run(prove, folder, inFlight)
    if (seen === 0 || proven !== seen) throw new Error(`${proven} of ${seen} commits proven`)
    return ms
  }
  const medians = await interleave(
    {
      p384: () => run(checks).p384,
      p256: () => run(checks).p256,
      oneThread: () => proved(single, '1'),
      fresh: () => proved(single, '64'),
      reused: () => proved(reused, '64'),
      longOneThread: () => proved(long, '1'),
      long: () => proved(long, '64'),
      read: () => run(read, long).ms,
      git: () =>
        timeProcess(
          [
            'sh',
            '-c',
            'git -C "$0" rev-list main | git -C "$0" cat-file --batch --buffer >/dev/null',
            long,
          ],
          { env },
        ),
      shown: () => showSignatures(single, env),
      empty: () => timeProcess([process.execPath, '-e', '0'], { env }),
    },
    Math.min(runs, 3),
  )
  const perSecond = (count, ms) => `${Math.round((count / ms) * 1000)} commits/s`
  const bound = commits * (medians.p384 + p256Checks * medians.p256)
  return [
    {
      id: 'audit-efficiency',
      ratio: bound / medians.oneThread,
      atLeast: 0.8,
      detail: `cryptography ÷ wall on one thread; ${perSecond(commits, medians.oneThread)}, P-384 ${medians.p384.toFixed(3)} ms, P-256 ${medians.p256.toFixed(3)} ms`,
    },
    {
      id: 'audit-scaling',
      ratio: medians.longOneThread / medians.long,
      atLeast: 1.75,
      detail: `${scalingCommits} commits, one thread ÷ default; ${perSecond(scalingCommits, medians.long)}`,
    },
    {
      id: 'certificate-reuse',
      ratio: medians.fresh / medians.reused,
      atLeast: 2.2,
      detail: `5 commits a certificate ÷ 1; ${perSecond(commits, medians.reused)}`,
    },
    {
      id: 'reader',
      ratio: medians.read / medians.git,
      budget: 2,
      detail: `read and split ÷ git alone; ${perSecond(scalingCommits, medians.read)}`,
    },
    {
      id: 'show-signature',
      ratio: medians.shown / shownCommits / medians.empty,
      budget: 1.6,
      detail: `git log --show-signature, per commit ÷ empty node; ${(medians.shown / shownCommits).toFixed(1)} ms`,
    },
    {
      id: 'audit-vs-process',
      ratio: medians.shown / shownCommits / (medians.fresh / commits),
      atLeast: 50,
      detail: `git log --show-signature ÷ bulk, per commit; ${(medians.shown / shownCommits).toFixed(1)} ms a process`,
    },
  ]
}

function showSignatures(folder, env) {
  const program = join(root, 'bin', 'git-signet.cjs')
  const trusted = { SIGNET_TRUSTED_ROOT: join(folder, 'trusted_root.json') }
  return timeProcess(
    [
      'git',
      ...['-C', folder, '-c', `gpg.x509.program=${program}`],
      ...['log', '--show-signature', `-${shownCommits}`, 'main'],
    ],
    { env: { ...env, ...trusted }, says: 'git-signet: good signature by', count: shownCommits },
  )
}
