// Compiles what git starts ahead of time: V8's code cache beside each bundle, which
// bin/git-signet.cjs loads.
//
//   node scripts/code-cache.mjs FOLDER
//
// A process of its own: it changes V8's flags while it compiles.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

const program = fileURLToPath(import.meta.url)
const fixtures = fileURLToPath(new URL('../fixtures/push/', import.meta.url))

/** The text as it is loaded: its last line is in the cache too and tells that they belong together. */
function prepare(file) {
  // One byte a character loads quicker; esbuild leaves others in regular expressions alone.
  const bundle = readFileSync(file, 'utf8').replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  // V8 itself compares lengths alone.
  const mark = createHash('sha256').update(bundle).digest('hex')
  writeFileSync(file, `${bundle.trimEnd()}\n//# ${mark}`)
}

function compile(file) {
  const text = readFileSync(file, 'latin1')
  const source = `(function (exports, require, module, __filename, __dirname) { ${text}\n})`
  const script = new Script(source.padEnd(1 << 17), { filename: file })
  const write = () => {
    writeFileSync(
      `${file}.cache`,
      Buffer.concat([script.createCachedData(), Buffer.from(text.slice(-64))]),
    )
  }
  return { script, write }
}

/** Every function, not only those that run first; at run time V8 wants to see its usual flags. */
function compileWhole(file) {
  setFlagsFromString('--no-lazy')
  const { write } = compile(file)
  setFlagsFromString('--lazy')
  write()
}

/** Only what runs when the bundle is used: half as much to load. Ends this process. */
function compileUsed(file, folder, args) {
  // What has run is still there at the end.
  setFlagsFromString('--no-flush-bytecode')
  const { script, write } = compile(file)
  process.once('exit', (code) => {
    setFlagsFromString('--flush-bytecode')
    if (code === 0) write()
  })
  const part = { exports: {} }
  const requirePart = createRequire(join(folder, 'x.cjs'))
  script.runInThisContext()(part.exports, requirePart, part, file, folder)
  if (!part.exports.startHook(args)) process.exit(1)
}

/** Judges a push of one signed commit with the hook; whether that went well. */
function useHook(folder) {
  const home = mkdtempSync(join(tmpdir(), 'git-signet-build-'))
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1' }
  const git = (...args) => {
    const { status, stdout } = spawnSync('git', args, { cwd: home, env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`git ${args[0]} failed`)
    return stdout.trim()
  }
  try {
    git('init', '-q', '--bare', '-b', 'main', '.')
    const [before, after] = ['before', 'after'].map((name) =>
      git('hash-object', '-w', '-t', 'commit', join(fixtures, name)),
    )
    git('update-ref', 'refs/heads/main', before)
    const policy = join(home, 'policy.toml')
    writeFileSync(policy, policyOf(readFileSync(join(fixtures, 'trusted_root.json'))))
    mkdirSync(join(home, 'trust'))
    copyFileSync(join(fixtures, 'trusted_root.json'), join(home, 'trust', 'bench.json'))
    const call = ['hook', 'pre-receive', '--policy', policy, '--']
    const { status } = spawnSync(process.execPath, [program, folder, ...call], {
      cwd: home,
      env,
      input: `${before} ${after} refs/heads/main\n`,
    })
    return status === 0
  } catch {
    return false
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

function policyOf(root) {
  return `version = 1
admins = ["bench"]
people.bench = { email = "bench@example.org", issuer = "http://localhost", trust = "bench" }
protect = [{ refs = ["refs/heads/*"], by = ["bench"] }]
trust.bench = { root = ".signet/trust/bench.json", sha256 = "${createHash('sha256').update(root).digest('hex')}" }
`
}

const [folder, ...args] = process.argv.slice(2)
if (args.length > 0) compileUsed(join(folder, 'hook.cjs'), folder, args)
else {
  const names = ['gpg.cjs', 'gpg-sign.cjs', 'gpg-policy.cjs', 'hook.cjs', 'hook-report.cjs']
  for (const name of names) prepare(join(folder, name))
  for (const name of names) {
    // Without git, or where the push is refused, the hook is compiled as the others are.
    if (name !== 'hook.cjs' || !useHook(folder)) compileWhole(join(folder, name))
  }
}
