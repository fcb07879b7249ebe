// What a policy costs over the same facts: policy-cost. Long runs: --runs above 3 counts as 3.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchEnvironment, interleave } from '../bench.mjs'
import { signedHistory } from './programs/bundle.mjs'

const commits = 4_000
const people = 200
const rules = 20
const program = fileURLToPath(new URL('../../bin/git-signet.cjs', import.meta.url))

export async function measure({ runs }) {
  const folder = await signedHistory(commits)
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  const root = join(folder, 'trusted_root.json')
  const env = { ...benchEnvironment(), HOME: home, XDG_DATA_HOME: '', SIGNET_TRUSTED_ROOT: root }
  writePolicy(home, root)
  const judge = (...args) => {
    rmSync(join(folder, 'signet'), { recursive: true, force: true })
    const started = performance.now()
    const command = [program, 'audit', 'main', '--format', 'jsonl', ...args]
    const { stdout, status } = spawnSync(process.execPath, command, {
      cwd: folder,
      env,
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    })
    const tookMs = performance.now() - started
    const summary = JSON.parse(stdout.trim().split('\n').at(-1))
    if (status !== 0 || summary.pass !== commits) {
      throw new Error(`${summary.pass} of ${commits} commits pass`)
    }
    return tookMs
  }
  try {
    const { flags, policy } = await interleave(
      {
        flags: () => judge('--identity', 'bench@example.org', '--issuer', 'http://localhost'),
        policy: () => judge('--policy', join(home, 'policy.toml')),
      },
      Math.min(runs, 3),
    )
    return [
      {
        id: 'policy-cost',
        ratio: policy / flags,
        budget: 1.1,
        detail: `${commits} commits by ${people} people and ${rules} rules ÷ by one identity`,
      },
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
    rmSync(join(folder, 'signet'), { recursive: true, force: true })
  }
}

/** The one who signed last of all people, the branch under every rule. */
function writePolicy(home, root) {
  mkdirSync(join(home, 'trust'))
  copyFileSync(root, join(home, 'trust', 'bench.json'))
  const digest = createHash('sha256').update(readFileSync(root)).digest('hex')
  const names = Array.from({ length: people }, (_, index) => `person-${index}`)
  const tables = names.map((name, index) => {
    const email = index === people - 1 ? 'bench@example.org' : `${name}@example.org`
    return `[people.${name}]\nemail = "${email}"\nissuer = "http://localhost"\ntrust = "bench"\n`
  })
  const rule = `[[protect]]\nrefs = ["refs/heads/**"]\nby = ${JSON.stringify(names)}\ncommitter = "any"\n`
  writeFileSync(
    join(home, 'policy.toml'),
    `version = 1\nadmins = ["person-0"]\n[trust.bench]\nroot = ".signet/trust/bench.json"\n` +
      `sha256 = "${digest}"\n${tables.join('')}${rule.repeat(rules)}`,
  )
}
