// `npm run demo`: the whole tool in about ten seconds, on this machine alone. It starts the local
// sigstore, signs with plain git, verifies, and shows two commits being refused. Every step is run
// by a shell exactly as printed; the first one that does not do what it should ends the demo with
// exit code 1. Everything lies in one temporary folder, which is removed on every way out.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const isColored = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code, text) => (isColored ? `\u001b[${code}m${text}\u001b[0m` : text)
const ASK = '--identity alice@example.com --issuer "$SIGNET_OIDC_ISSUER"'

const logIn = (name) =>
  `node -e "fetch('$SIGNET_REKOR_URL/test-token?email=${name}@example.com').then(async (r) => console.log(await r.text()))" > ~/${name}.token`

/** `exit`: what the command must exit with; `shows`: what its output must hold. */
const STEPS = [
  { title: 'Start a sigstore of your own: login, certificates, transparency log, timestamps' },
  { run: 'git signet stack up --test --dir ~/stack', shows: /started at/ },
  { run: 'eval "$(git signet stack env --dir ~/stack)"' },

  { title: 'Sign with a login instead of a key, from now on' },
  { run: 'git signet setup --yes', shows: /git now signs with your login/ },

  {
    title: 'Alice logs in (you would see a login page; here the local issuer hands out her token)',
  },
  { run: logIn('alice') },
  { run: 'export SIGNET_TOKEN_FILE=~/alice.token' },

  { title: 'Commit and tag: plain git' },
  { run: 'git init --quiet --initial-branch=main ~/project && cd ~/project' },
  { run: 'git config user.name Alice && git config user.email alice@example.com' },
  { run: 'echo "hello" > hello.txt && git add hello.txt' },
  { run: 'git commit -m "Say hello"', shows: /1 file changed/ },
  { run: 'git tag -s v1.0 -m "First release"' },

  { title: 'Verify: with git, and with git-signet, which also asks who' },
  { run: 'git log --show-signature', shows: /alice@example\.com/ },
  { run: 'git verify-tag v1.0', shows: /alice@example\.com/ },
  { run: `git signet verify ${ASK} HEAD`, shows: /alice@example\.com/ },
  { run: `git signet verify-tag ${ASK} v1.0`, shows: /alice@example\.com/ },

  { title: 'Somebody changes the commit and keeps its signature: refused' },
  {
    run: 'export tampered=$(git cat-file commit HEAD | sed "s/Say hello/Say goodbye/" | git hash-object -t commit -w --stdin)',
  },
  { run: `git signet verify ${ASK} "$tampered"`, exit: 1, shows: /BAD_SIGNATURE/ },
  { run: 'git verify-commit "$tampered"', exit: 1 },

  { title: 'A stranger signs under Alice’s name: a valid signature, and still refused' },
  { run: logIn('mallory') },
  { run: 'export SIGNET_TOKEN_FILE=~/mallory.token' },
  { run: 'echo "goodbye" > hello.txt' },
  { run: 'git commit -a -m "Say goodbye"' },
  { run: `git signet verify ${ASK} HEAD`, exit: 1, shows: /UNKNOWN_SIGNER/ },

  { title: 'Done; nothing is left' },
  { run: 'git signet stack down --dir ~/stack', shows: /stopped/ },
]

/** Installs and builds what is missing, before the clock starts. */
async function prepare() {
  if (!existsSync(join(root, 'node_modules'))) {
    process.stdout.write('Installing (once)…\n')
    const npm = process.env.npm_execpath
    const [command, ...args] = npm ? [process.execPath, npm, 'ci'] : ['npm', 'ci']
    const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
    if (status !== 0) throw new Error('npm ci failed')
  }
  const { isStale } = await import('./build-if-stale.mjs')
  if (isStale()) {
    process.stdout.write('Building…\n')
    const { build } = await import('./build.mjs')
    build()
  }
}

/** A home with nothing in it but the program, and nothing of the person's own configuration. */
function createHome() {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'git-signet-demo-')))
  const bin = join(home, '.bin')
  mkdirSync(bin)
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`
  const program = join(bin, 'git-signet')
  writeFileSync(
    program,
    `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(join(root, 'bin', 'git-signet.cjs'))} "$@"\n`,
  )
  chmodSync(program, 0o755)
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(GIT_|SIGNET_|GITSIGN_|SIGSTORE_|XDG_|npm_|NODE_EXTRA|NODE_OPTIONS|ACTIONS_)/.test(name),
  )
  const env = {
    ...Object.fromEntries(kept),
    PATH: [bin, process.env.PATH, dirname(process.execPath)].join(':'),
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_PAGER: 'cat',
    NO_PROXY: 'localhost,127.0.0.1,::1',
  }
  return { home, env }
}

let running

/** Runs one line in a shell that continues where the last one ended: its folder and variables. */
function runLine(line, { home, env }) {
  const state = join(home, '.shell')
  const script = `[ -f ${state} ] && . ${state}\n${line}\nstatus=$?\n{ export -p; echo "cd '$PWD'"; } > ${state}\nexit $status`
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', script], { cwd: home, env, stdio: ['ignore', 'pipe', 'pipe'] })
    running = child
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
        process.stdout.write(text)
      })
    }
    child.on('error', reject)
    child.on('close', (status) => {
      running = undefined
      resolve({ status, output })
    })
  })
}

/** A stack that was still starting when somebody pressed ctrl-C is waited for, then stopped. */
function cleanUp({ home, env }, isStackStarting) {
  for (let attempt = 0; attempt < (isStackStarting ? 10 : 1); attempt += 1) {
    if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    const program = join(home, '.bin', 'git-signet')
    const args = ['stack', 'down', '--dir', join(home, 'stack')]
    const { stdout } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 10_000 })
    if (/stopped/.test(stdout)) break
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}

async function play(place) {
  for (const { title, run, exit = 0, shows } of STEPS) {
    if (title) {
      process.stdout.write(`\n${paint(1, `# ${title}`)}\n`)
      continue
    }
    process.stdout.write(`${paint(36, `$ ${run}`)}\n`)
    isStackStarting = run.includes('stack up')
    const { status, output } = await runLine(run, place)
    if (isStopped) return 130
    isStackStarting = false
    if (status !== exit) return failure(`that should have exited with ${exit}, not ${status}`)
    if (shows && !shows.test(output)) return failure(`that should have shown ${shows}`)
    if (exit !== 0)
      process.stdout.write(`${paint(33, `(exit ${exit}: refused, as it should be)`)}\n`)
  }
  return 0
}

function failure(why) {
  process.stderr.write(`demo: ${why}\n`)
  return 1
}

let isStopped = false
let isStackStarting = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    isStopped = true
    running?.kill('SIGTERM')
  })
}
// A closed output (`npm run demo | head`) is no reason to leave anything behind.
process.stdout.on('error', () => {
  isStopped = true
})

await prepare()
const started = Date.now()
const place = createHome()
try {
  process.exitCode = await play(place)
} finally {
  cleanUp(place, isStackStarting)
}
if (process.exitCode === 0) {
  process.stdout.write(
    `\nAll as it should be, in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`,
  )
}
