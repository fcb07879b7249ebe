// Compiles what git starts ahead of time: V8's code cache beside each bundle, which
// bin/git-signet.cjs loads.
//
//   node scripts/code-cache.mjs FOLDER
//
// A process of its own: it changes V8's flags while it compiles.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
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

/** Only what runs when the bundle is used, here by what git would call: half as much to load. */
function compileUsed(target, folder, args) {
  // What has run is still there at the end.
  setFlagsFromString('--no-flush-bytecode')
  const require = createRequire(join(folder, 'x.cjs'))
  const load = (name) => {
    const file = join(folder, name)
    const { script, write } = compile(file)
    if (name === target) {
      process.once('exit', (code) => {
        setFlagsFromString('--flush-bytecode')
        if (code === 0) write()
      })
    }
    const part = { exports: {} }
    const requirePart = (id) => (id === `./${target}` ? load(target) : require(id))
    script.runInThisContext()(part.exports, requirePart, part, file, folder)
    return part.exports
  }
  if (args[0] !== 'hook') {
    process.argv.splice(2, process.argv.length, ...args)
    load('gpg.cjs')
  } else if (!load(target).startHook(args)) process.exit(1)
}

/** Uses the hook or git's entry in a repository of its own; whether that went well. */
function withRepository(use) {
  const home = mkdtempSync(join(tmpdir(), 'git-signet-build-'))
  const who = { EMAIL: 'bench@example.org', GIT_AUTHOR_NAME: 'B', GIT_COMMITTER_NAME: 'B' }
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1', ...who }
  const git = (args, input = '') => {
    const { status, stdout } = spawnSync('git', args, { cwd: home, env, input, encoding: 'utf8' })
    if (status !== 0) throw new Error(`git ${args[0]} failed`)
    return stdout.trim()
  }
  try {
    git(['init', '-q', '-b', 'main', '.'])
    const [before, after] = ['before', 'after'].map((name) =>
      git(['hash-object', '-w', '-t', 'commit', join(fixtures, name)]),
    )
    return use({ home, env, git, before, after })
  } catch {
    return false
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** Judges a push of one signed commit with the hook. */
function useHook(folder) {
  return withRepository(({ home, env, git, before, after }) => {
    git(['update-ref', 'refs/heads/main', before])
    const policy = join(home, 'policy.toml')
    writeFileSync(policy, policyOf(readFileSync(join(fixtures, 'trusted_root.json'))))
    mkdirSync(join(home, 'trust'))
    copyFileSync(join(fixtures, 'trusted_root.json'), join(home, 'trust', 'bench.json'))
    const input = `${before} ${after} refs/heads/main\n`
    const names = input.trim().replaceAll(' ', '\n')
    const ahead = join(home, 'ahead')
    const read = (args, given) => spawnSync('git', args, { cwd: home, env, input: given }).stdout
    writeFileSync(
      ahead,
      Buffer.concat([
        read(['config', '--list', '-z']),
        Buffer.from('\0'),
        read(['cat-file', '--batch'], `${names}\n`),
      ]),
    )
    const words = ['hook', 'pre-receive', '--policy', policy, '--read-ahead', '3', '--']
    const { status } = spawnSync(process.execPath, [program, folder, 'hook.cjs', ...words], {
      cwd: join(home, '.git'),
      env,
      input,
      stdio: ['pipe', 'pipe', 'pipe', openSync(ahead)],
    })
    return status === 0
  })
}

/** Asks about the same commit as git does. */
function useVerify(folder) {
  return withRepository(({ home, env, git, after }) => {
    git(['config', 'signet.trustedRoot', join(fixtures, 'trusted_root.json')])
    const call = [program, folder, 'gpg.cjs', ...verifyCall(home, git, after)]
    const { status, stdout } = spawnSync(process.execPath, call, { cwd: home, env })
    return status === 0 && stdout.includes('GOODSIG')
  })
}

/** What git writes and calls when it shows a commit's signature. */
function verifyCall(home, git, id) {
  const commit = git(['cat-file', 'commit', id])
  const [header, armor] = /^gpgsig (.*(?:\n .*)*)\n/m.exec(commit)
  const [signature, payload] = ['signature', 'payload'].map((name) => join(home, name))
  writeFileSync(signature, `${armor.replaceAll('\n ', '\n')}\n`)
  writeFileSync(payload, `${commit.replace(header, '')}\n`)
  return ['--status-fd=1', '--verify', signature, payload]
}

/** The same by a policy in the tree; the second time its chain is kept. */
function usePolicy(folder) {
  return withRepository(({ home, env, git, after }) => {
    const root = readFileSync(join(fixtures, 'trusted_root.json'), 'utf8')
    const entry = (kind, name, text) =>
      `${kind} ${git(['hash-object', '-w', '--stdin'], text)}\t${name}`
    const tree = (...entries) => git(['mktree'], `${entries.join('\n')}\n`)
    const below = (name, id) => `040000 tree ${id}\t${name}`
    const signet = tree(
      entry('100644 blob', 'policy.toml', policyOf(root)),
      below('trust', tree(entry('100644 blob', 'bench.json', root))),
    )
    const anchor = git(['commit-tree', tree(below('.signet', signet)), '-m', 'anchor'])
    git(['update-ref', 'refs/heads/main', anchor])
    git(['config', 'signet.anchor', anchor])
    const call = [program, folder, 'gpg-policy.cjs', ...verifyCall(home, git, after)]
    return [1, 2].every(() => {
      const { status, stdout } = spawnSync(process.execPath, call, { cwd: home, env })
      return status === 0 && stdout.includes('TRUST_FULLY')
    })
  })
}

function policyOf(root) {
  return `version = 1
admins = ["bench"]
people.bench = { email = "bench@example.org", issuer = "http://localhost", trust = "bench" }
protect = [{ refs = ["refs/heads/*"], by = ["bench"] }]
trust.bench = { root = ".signet/trust/bench.json", sha256 = "${createHash('sha256').update(root).digest('hex')}" }
`
}

const [folder, target, ...args] = process.argv.slice(2)
if (target !== undefined) compileUsed(target, folder, args)
else {
  const names = ['gpg.cjs', 'gpg-sign.cjs', 'gpg-policy.cjs', 'hook.cjs', 'hook-report.cjs']
  const uses = new Map([
    ['gpg.cjs', useVerify],
    ['hook.cjs', useHook],
    ['gpg-policy.cjs', usePolicy],
  ])
  for (const name of names) prepare(join(folder, name))
  for (const name of names) {
    // Without git, or where it is refused, it is compiled as the others are.
    if (!uses.get(name)?.(folder)) compileWhole(join(folder, name))
  }
}
