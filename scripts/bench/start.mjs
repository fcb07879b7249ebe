// What git pays for each call: start-version, start-verify.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { benchEnvironment, interleave, timeProcess } from '../bench.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin', 'git-signet.cjs')

export async function measure({ runs }) {
  const home = mkdtempSync(join(tmpdir(), 'git-signet-bench-'))
  try {
    const env = benchEnvironment({ HOME: home })
    const signed = realCommit() ?? localCommit(home, env)
    const signature = join(home, 'signature')
    writeFileSync(signature, signed.signature)
    const call = [process.execPath, program, '--status-fd=1', '--verify', signature, '-']
    const inHome = { env: { ...env, ...signed.env }, cwd: home }
    const medians = await interleave(
      {
        empty: () => timeProcess([process.execPath, '-e', '0'], inHome),
        version: () => timeProcess([process.execPath, program, '--version'], inHome),
        verify: () => timeProcess(call, { ...inHome, input: signed.payload, says: ' GOODSIG ' }),
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
  const stack = join(home, 'stack')
  const signet = (...args) =>
    execFileSync(process.execPath, [program, ...args], { env, encoding: 'utf8' })
  signet('stack', 'up', '--test', '--dir', stack)
  try {
    const lines = signet('stack', 'env', '--dir', stack)
    const local = Object.fromEntries(
      [...lines.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
    )
    const url = `${local.SIGNET_REKOR_URL}/test-token?email=alice@example.com`
    const fetchToken = `fetch(process.argv[1]).then(async (r) => process.stdout.write(await r.text()))`
    const SIGNET_ID_TOKEN = execFileSync(process.execPath, ['-e', fetchToken, url], {
      encoding: 'utf8',
    })
    const payload = 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nhello\n'
    const signature = execFileSync(process.execPath, [program, '--status-fd=2', '-bsau', 'key'], {
      env: { ...env, ...local, SIGNET_ID_TOKEN },
      input: payload,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    return { payload, signature, env: local, what: 'a local commit' }
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
