// What a push waits for: push-one (a push that brings one commit, through the installed hook ÷
// through a hook that starts an empty node) and push-many (the hook over 10,000 commits ÷ an audit of the same commits).
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchEnvironment, interleave, timeProcess } from '../bench.mjs'
import { signedHistory } from './programs/bundle.mjs'

const commits = 10_001
const program = fileURLToPath(new URL('../../bin/git-signet.cjs', import.meta.url))

export async function measure({ runs }) {
  const history = await signedHistory(commits)
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  const env = benchEnvironment({ HOME: home })
  const git = (...args) => execFileSync('git', args, { env, cwd: home, encoding: 'utf8' }).trim()
  const [first, before, tip] = git('-C', history, 'rev-list', '--first-parent', 'main')
    .split('\n')
    .reverse()
    .filter((_, at, all) => at === 0 || at >= all.length - 2)
  const policy = writePolicy(home, join(history, 'trusted_root.json'))

  /** A server whose main is at a commit that it has, with all before it, and borrows what is in a folder. */
  const server = (name, at, objects) => {
    git('init', '-q', '--bare', '-b', 'main', name)
    const path = join(home, name)
    writeFileSync(join(path, 'objects', 'info', 'alternates'), `${objects}\n`)
    git('-C', name, 'update-ref', 'refs/heads/main', at)
    return path
  }
  const install = (path) => {
    const args = [program, 'hook', 'install', 'pre-receive', '--policy', policy]
    execFileSync(process.execPath, args, { env, cwd: path, stdio: 'pipe' })
  }
  try {
    git('init', '-q', '--bare', 'past.git')
    git('-C', 'past.git', 'fetch', '-q', history, `${before}:refs/heads/main`)
    const past = join(home, 'past.git', 'objects')
    const signet = server('signet.git', before, past)
    install(signet)
    const empty = server('empty.git', before, past)
    const hook = join(empty, 'hooks', 'pre-receive')
    writeFileSync(hook, `#!/bin/sh\nexec ${process.execPath} -e 0\n`)
    chmodSync(hook, 0o755)
    for (const path of [signet, empty]) cpSync(path, `${path}.fresh`, { recursive: true })
    const push = (path) => {
      rmSync(path, { recursive: true })
      cpSync(`${path}.fresh`, path, { recursive: true })
      const args = ['git', '-C', history, 'push', '-q', path, `${tip}:refs/heads/main`]
      return timeProcess(args, { env })
    }
    const one = await interleave({ signet: () => push(signet), empty: () => push(empty) }, runs)

    const many = server('many.git', first, join(history, 'objects'))
    install(many)
    const cold = (command, options) => {
      rmSync(join(many, 'signet'), { recursive: true, force: true })
      return timeProcess(command, { env, cwd: many, ...options })
    }
    const input = `${first} ${tip} refs/heads/main\n`
    const audited = [
      process.execPath,
      program,
      'audit',
      '--policy',
      policy,
      tipBranch(git, many, tip),
    ]
    const long = await interleave(
      {
        hook: () => cold([join(many, 'hooks', 'pre-receive')], { input }),
        audit: () => cold(audited),
      },
      Math.min(runs, 3),
    )
    return [
      {
        id: 'push-one',
        ratio: one.signet / one.empty,
        budget: 1.6,
        detail: `${one.signet.toFixed(0)} ms, with an empty node ${one.empty.toFixed(0)} ms`,
      },
      {
        id: 'push-many',
        ratio: long.hook / long.audit,
        budget: 1.15,
        detail: `${commits - 1} commits in ${long.hook.toFixed(0)} ms, audit ${long.audit.toFixed(0)} ms`,
      },
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A branch for the audit, which has no range of its own. */
function tipBranch(git, path, tip) {
  git('-C', path, 'update-ref', 'refs/heads/tip', tip)
  return 'refs/heads/tip'
}

function writePolicy(home, root) {
  const folder = join(home, 'policy')
  mkdirSync(join(folder, 'trust'), { recursive: true })
  copyFileSync(root, join(folder, 'trust', 'bench.json'))
  const sha256 = createHash('sha256').update(readFileSync(root)).digest('hex')
  const path = join(folder, 'policy.toml')
  writeFileSync(
    path,
    `version = 1
admins = ["bench"]
people.bench = { email = "bench@example.org", issuer = "http://localhost", trust = "bench" }
protect = [{ refs = ["refs/heads/*"], by = ["bench"] }]
trust.bench = { root = ".signet/trust/bench.json", sha256 = "${sha256}" }
`,
  )
  return path
}
