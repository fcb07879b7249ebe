// What git pays for each call: start-version, start-verify, start-verify-policy.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
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

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin', 'git-signet.cjs')
const signer = 'alice@example.com'
/** Of the policy branch, above the anchor. */
const chainCommits = 50

export async function measure({ runs }) {
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  try {
    const env = benchEnvironment({ HOME: home })
    const signed = realCommit() ?? (await localCommit(home, env))
    const signature = join(home, 'signature')
    writeFileSync(signature, signed.signature)
    const verify = (file) => [process.execPath, program, '--status-fd=1', '--verify', file, '-']
    const judged = await policyCommit(home, env)
    const judging = verify(judged.signature)
    const inProject = { ...judged, input: judged.payload, says: ' TRUST_FULLY ' }
    const inHome = { env: { ...env, ...signed.env }, cwd: home }
    const medians = await interleave(
      {
        empty: () => timeProcess([process.execPath, '-e', '0'], inHome),
        version: () => timeProcess([process.execPath, program, '--version'], inHome),
        verify: () =>
          timeProcess(verify(signature), { ...inHome, input: signed.payload, says: ' GOODSIG ' }),
        policy: () => timeProcess(judging, inProject),
        policyOnce: () => {
          rmSync(join(judged.cwd, '.git', 'signet'), { recursive: true })
          return timeProcess(judging, inProject)
        },
      },
      runs,
    )
    const row = (id, name, budget, detail) => ({
      id,
      ratio: medians[name] / medians.empty,
      budget,
      detail: `${detail}; ${medians[name].toFixed(1)} ms, empty node ${medians.empty.toFixed(1)} ms`,
    })
    return [
      row('start-version', 'version', 1.15, '--version'),
      row('start-verify', 'verify', 1.75, `--verify of ${signed.what}, with one git config --list`),
      row(
        'start-verify-policy',
        'policy',
        undefined,
        `--verify of a local commit by the policy of ${chainCommits} commits; ${medians.policyOnce.toFixed(1)} ms where its chain is walked`,
      ),
    ]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** A commit that somebody signed, against the public root that ships. */
function realCommit() {
  const corpus = join(process.env.SIGNET_SHARED ?? join(root, '..', 'shared'), 'corpus', 'dev')
  if (!existsSync(join(corpus, 'index.jsonl'))) return undefined
  const found = readFileSync(join(corpus, 'index.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .find(({ type, expect }) => type === 'commit' && expect === 'PASS')
  const member = `commit/${found.oid}`
  const archive = join(corpus, 'objects.tar.gz')
  const object = execFileSync('tar', ['-xzOf', archive, member], { maxBuffer: 1 << 24 })
  return { ...split(object), env: {}, what: 'a public commit' }
}

/** Without the corpus: a commit signed against the local sigstore. */
function localCommit(home, env) {
  return withStack(join(home, 'stack'), env, async ({ local, token }) => {
    const payload = 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nhello\n'
    const signature = execFileSync(process.execPath, [program, '--status-fd=2', '-bsau', 'key'], {
      env: { ...env, ...local, SIGNET_ID_TOKEN: await token() },
      input: payload,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    return { payload, signature, env: local, what: 'a local commit' }
  })
}

/** A signed commit above an anchor whose policy lets its signer in: how git would ask about it. */
function policyCommit(home, env) {
  return withStack(join(home, 'judging-stack'), env, async ({ local, token }) => {
    const cwd = join(home, 'project')
    const file = (...parts) => join(cwd, ...parts)
    mkdirSync(file('.signet', 'trust'), { recursive: true })
    copyFileSync(local.SIGNET_TRUSTED_ROOT, file('.signet', 'trust', 'bench.json'))
    const root = createHash('sha256').update(readFileSync(local.SIGNET_TRUSTED_ROOT)).digest('hex')
    const issuer = JSON.parse(Buffer.from((await token()).split('.')[1], 'base64url')).iss
    writeFileSync(
      file('.signet', 'policy.toml'),
      `version = 1\nadmins = ["alice"]\n[trust.bench]\nroot = ".signet/trust/bench.json"\nsha256 = "${root}"\n` +
        `[people.alice]\nemail = "${signer}"\nissuer = "${issuer}"\ntrust = "bench"\n` +
        `[[protect]]\nrefs = ["refs/heads/main"]\nby = ["alice"]\ncommitter = "any"\n`,
    )
    const named = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: signer }
    const committing = { GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: signer }
    const git = (args, more) =>
      execFileSync('git', args, { cwd, env: { ...env, ...named, ...committing, ...more } })
    git(['init', '--quiet', '--initial-branch=main'])
    git(['add', '--all'])
    for (let count = 0; count < chainCommits; count += 1) {
      git(['commit', '--quiet', '--allow-empty', '--message', `commit ${count}`])
    }
    const anchor = git(['rev-list', '--max-parents=0', 'HEAD']).toString().trim()
    const signing = ['-c', 'gpg.format=x509', '-c', `gpg.x509.program=${program}`]
    git([...signing, 'commit', '--quiet', '--allow-empty', '-S', '--message', 'signed'], {
      ...local,
      SIGNET_ID_TOKEN: await token(),
    })
    git(['config', 'signet.anchor', anchor])
    const { payload, signature: armor } = split(git(['cat-file', 'commit', 'HEAD']))
    const signature = join(home, 'judged')
    writeFileSync(signature, armor)
    return { cwd, payload, signature, env }
  })
}

async function withStack(stack, env, work) {
  const signet = (...args) =>
    execFileSync(process.execPath, [program, ...args], { env, encoding: 'utf8' })
  signet('stack', 'up', '--test', '--dir', stack)
  try {
    const lines = signet('stack', 'env', '--dir', stack)
    const local = Object.fromEntries(
      [...lines.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    )
    const token = async () =>
      (await fetch(`${local.SIGNET_REKOR_URL}/test-token?email=${signer}`)).text()
    return await work({ local, token })
  } finally {
    signet('stack', 'down', '--dir', stack)
  }
}

/** Payload and armor of a commit whose only signature is its gpgsig header. */
function split(object) {
  const text = object.toString('latin1')
  const match = /^gpgsig (.*(?:\n .*)*)\n/m.exec(text)
  const payload = text.slice(0, match.index) + text.slice(match.index + match[0].length)
  const signature = `${match[1].replaceAll('\n ', '\n')}\n`
  return { payload: Buffer.from(payload, 'latin1'), signature }
}
