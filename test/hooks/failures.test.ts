import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team, ZERO } from './server.ts'
import type { Member, Server } from './server.ts'

let stack: LocalStack
let team: Team

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  team = await Team.create(stack)
})

afterAll(async () => {
  team.remove()
  await stack.close()
})

const MAIN = 'HEAD:refs/heads/main'
const isRoot = process.getuid?.() === 0

/** So many commits are judged with the cache of facts, fewer without. */
const MANY = 8

/** A guarded server that has taken one commit, and a second, good one that is to be pushed; or many. */
async function started(
  name: string,
  count = 1,
): Promise<{ server: Server; alice: Member; policy: string; before: string }> {
  const guarded = await team.guarded(name)
  let before = ''
  for (let at = 0; at < count; at++) before = await guarded.alice.commit(`good ${String(at)}`)
  await guarded.alice.ok('push', '-q', 'origin', MAIN)
  for (let at = 0; at < count; at++) await guarded.alice.commit(`better ${String(at)}`)
  return { ...guarded, before }
}

async function refused({ server, alice, before }: Awaited<ReturnType<typeof started>>) {
  const push = await alice.push('origin', MAIN)
  expect(push.status, push.stderr).toBe(1)
  expect(await server.ref('refs/heads/main')).toBe(before)
  return push.stderr.replaceAll(/\s*\nremote: */g, ' ')
}

async function passes(alice: Member): Promise<void> {
  const push = await alice.push('origin', MAIN)
  expect(push.status, push.stderr).toBe(0)
}

/** More signed commits than a hook verifies without its cache. */
async function many(alice: Member): Promise<void> {
  for (let count = 0; count < 9; count++) {
    await alice.ok('commit', '-q', '--allow-empty', '-S', '-m', `of many ${String(count)}`)
  }
}

/** Has the hook start node with these arguments before the program's. */
function withNode(server: Server, script: string): () => void {
  const hook = readFileSync(server.hookFile, 'utf8')
  const node = join(server.path, 'node-in-hook')
  writeFileSync(node, `#!/bin/sh\n${script}\n`)
  chmodSync(node, 0o755)
  writeFileSync(server.hookFile, hook.replace(/^node=.*$/m, `node='${node}'`))
  return () => {
    writeFileSync(server.hookFile, hook)
  }
}

describe('attack 60: kill the verifier mid-way', () => {
  test.each(['KILL', 'TERM', 'HUP', 'INT', 'SEGV'])(
    'SIG%s while it judges: refused, and the next push passes',
    async (signal) => {
      const repository = await started(`killed-${signal}`)
      const { server, alice, policy } = repository
      await many(alice)
      const judged = server.journal().length
      // The git that the hook starts beside node, and then the one that node starts.
      server.replaceGit(`case $* in *cat-file*) kill -${signal} $PPID; sleep 1 ;; esac`)
      await refused(repository)
      expect(server.journal()).toHaveLength(judged)
      await server.install('--policy', policy)
      await passes(alice)
    },
  )

  test('a hook that was there before is not called when ours was killed', async () => {
    const server = await team.server('killed-kept')
    const alice = await team.member('alice', server)
    writeFileSync(server.hookFile, '#!/bin/sh\ntouch was-called\n', { mode: 0o755 })
    await server.install('--policy', server.policyFile(team.policy(['alice'])))
    const hook = readFileSync(server.hookFile, 'utf8')
    await many(alice)
    server.replaceGit('case $* in *cat-file*) kill -KILL $PPID; sleep 1 ;; esac')
    expect((await alice.push('origin', MAIN)).status).toBe(1)
    expect(existsSync(join(server.path, 'was-called'))).toBe(false)
    writeFileSync(server.hookFile, hook)
    await passes(alice)
    expect(existsSync(join(server.path, 'was-called'))).toBe(true)
  })

  test('git dies, fails, or says nonsense in the middle: no unsigned commit comes in', async () => {
    const repository = await started('git-dies')
    const { server, alice, policy } = repository
    await alice.commit('bad', { unsigned: true })
    const failures = ['kill -KILL $$', 'exit 128', 'head -c 100000 /dev/zero; exit 1']
    // A git that lies about who descends from whom, and calls it a success, is believed.
    const lies = ['exit 0', 'echo; exit 0', 'head -c 100000 /dev/zero; exit 0']
    for (const [command, ways] of [
      ['cat-file', [...failures, ...lies]],
      ['rev-list', failures],
      ['rev-parse', [...failures, ...lies]],
      ['', [...failures, ...lies]],
    ] as const) {
      for (const failure of ways) {
        await server.install('--policy', policy)
        server.replaceGit(`case $* in *${command}*) ${failure} ;; esac`)
        const push = await alice.push('origin', MAIN)
        expect(push.status, `${command} ${failure}: ${push.stderr}`).toBe(1)
      }
    }
    await server.install('--policy', policy)
    await alice.ok('reset', '-q', '--hard', 'HEAD~1')
    await passes(alice)
  }, 60_000)
})

describe('attack 60: the verifier crashes', () => {
  test('an exception, an exit, no memory, a stack overflow, an unhandled rejection', async () => {
    const repository = await started('crash')
    const { server, alice } = repository
    await many(alice)
    const real = process.execPath
    const crash = join(server.path, 'crash.cjs')
    for (const [text, options] of [
      ['throw new Error("crash")', ''],
      ['Promise.reject(new Error("crash"))', ''],
      ['const f = () => f(); f()', ''],
      ['process.abort()', ''],
      ['process.exitCode = 0; process.reallyExit(9)', ''],
      ['', '--max-old-space-size=2'],
    ] as const) {
      // While it waits for the git that reads objects.
      writeFileSync(
        crash,
        `const processes = require('node:child_process')
const { spawn } = processes
processes.spawn = (...args) => {
  setImmediate(() => { ${text} })
  return spawn(...args)
}`,
      )
      const restore = withNode(server, `exec '${real}' ${options} --require '${crash}' "$@"`)
      const push = await alice.push('origin', MAIN)
      restore()
      expect(push.status, `${text} ${options} ${push.stderr}`).toBe(1)
    }
    await passes(alice)
  }, 60_000)
})

describe('attack 60: what it needs is not there', () => {
  test('no permission, a directory, a link into nowhere for the policy', async () => {
    const repository = await started('policy-place')
    const { alice, policy } = repository
    const kept = `${policy}.kept`
    renameSync(policy, kept)
    expect(await refused(repository)).toContain('cannot read the policy')
    mkdirSync(policy)
    expect(await refused(repository)).toContain('cannot read the policy')
    rmSync(policy, { recursive: true })
    symlinkSync('/nowhere/policy.toml', policy)
    expect(await refused(repository)).toContain('cannot read the policy')
    rmSync(policy)
    writeFileSync(policy, '')
    expect(await refused(repository)).toContain('could not check this push')
    rmSync(policy)
    renameSync(kept, policy)
    await passes(alice)
  })

  test('a trust root that is gone, cut, or of another digest than the policy pins', async () => {
    const repository = await started('root-place')
    const { server, alice, policy } = repository
    const pinned = join(policy, '..', 'trust', 'local.json')
    const text = readFileSync(pinned)
    rmSync(pinned)
    await refused(repository)
    writeFileSync(pinned, text.subarray(0, text.length / 2))
    await refused(repository)
    writeFileSync(pinned, `${text.toString('utf8')} `)
    await refused(repository)
    writeFileSync(pinned, text)
    const copy = join(server.path, 'root.json')
    writeFileSync(copy, text)
    const hook = readFileSync(server.hookFile, 'utf8')
    writeFileSync(server.hookFile, hook.replaceAll(team.rootFile, copy))
    await passes(alice)
    await alice.commit('best')
    writeFileSync(copy, '{')
    const push = await alice.push('origin', MAIN)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('could not check this push')
  })

  test('a trusted root file that never ends (56)', async () => {
    const repository = await started('root-endless')
    const { server, alice, policy } = repository
    const hook = readFileSync(server.hookFile, 'utf8')
    writeFileSync(server.hookFile, hook.replaceAll(team.rootFile, '/dev/zero'))
    expect(await refused(repository)).toContain('it is too long')
    writeFileSync(server.hookFile, hook)
    const pinned = join(policy, '..', 'trust', 'local.json')
    rmSync(pinned)
    symlinkSync('/dev/zero', pinned)
    await refused(repository)
    rmSync(pinned)
    writeFileSync(pinned, readFileSync(team.rootFile))
    writeFileSync(server.hookFile, hook.replaceAll(policy, '/dev/zero'))
    expect(await refused(repository)).toContain('larger than 256 KiB')
    writeFileSync(server.hookFile, hook)
    await passes(alice)
  })
})

describe('attack 60: unwritable cache, poisoned or foreign-owned cache entry', () => {
  test('a cache that cannot be written is done without', async () => {
    const { server, alice } = await started('cache-file', MANY)
    const facts = join(server.path, 'signet', 'facts')
    rmSync(facts, { recursive: true, force: true })
    writeFileSync(facts, 'in the way')
    await many(alice)
    await passes(alice)
    expect(readFileSync(facts, 'utf8')).toBe('in the way')
    await alice.commit('bad', { unsigned: true })
    expect((await alice.push('origin', MAIN)).status).toBe(1)
  })

  test('its key file in the way, or gone: done without', async () => {
    const { alice } = await started('cache-key', MANY)
    const data = join(team.home, '.local', 'share', 'git-signet')
    const key = join(data, 'facts.key')
    await many(alice)
    await passes(alice)
    expect(existsSync(key)).toBe(true)
    await many(alice)
    rmSync(key)
    mkdirSync(key, { recursive: true })
    try {
      await passes(alice)
    } finally {
      rmSync(key, { recursive: true })
    }
  })

  test('a journal that cannot be written, or is a link, refuses', async () => {
    const repository = await started('journal-place')
    const { server, alice } = repository
    const folder = join(server.path, 'signet')
    renameSync(folder, `${folder}.kept`)
    writeFileSync(folder, 'in the way')
    expect(await refused(repository)).toContain('cannot use')
    rmSync(folder)
    renameSync(`${folder}.kept`, folder)
    const journal = join(folder, 'journal.jsonl')
    renameSync(journal, `${journal}.kept`)
    symlinkSync(`${journal}.kept`, journal)
    expect(await refused(repository)).toContain('cannot use')
    rmSync(journal)
    mkdirSync(journal)
    expect(await refused(repository)).toContain('cannot use')
    rmSync(journal, { recursive: true })
    renameSync(`${journal}.kept`, journal)
    await passes(alice)
  })

  test.skipIf(!isRoot)(
    'a journal of somebody else refuses, a cache of somebody else is not read (needs root to make)',
    async () => {
      const repository = await started('foreign', MANY)
      const { server, alice } = repository
      const journal = join(server.path, 'signet', 'journal.jsonl')
      chownSync(journal, 65_534, 65_534)
      expect(await refused(repository)).toContain('others may have written it')
      chownSync(journal, 0, 0)
      await many(alice)
      await passes(alice)
      await many(alice)
      const facts = join(server.path, 'signet', 'facts')
      for (const folder of readdirSync(facts)) {
        for (const file of readdirSync(join(facts, folder))) {
          chownSync(join(facts, folder, file), 65_534, 65_534)
        }
      }
      await passes(alice)
    },
  )

  test('a poisoned journal gives no verified tip: lines of a stranger’s, cut, or too long', async () => {
    const more = '[[protect]]\nrefs = ["refs/tags/v*"]\nby = ["alice"]\n'
    const { server, alice } = await team.guarded('journal-poison', more)
    await alice.commit('good')
    await alice.ok('push', '-q', 'origin', MAIN)
    const bad = await alice.commit('bad', { unsigned: true })
    const journal = join(server.path, 'signet', 'journal.jsonl')
    const line = JSON.stringify({
      ref: 'refs/heads/main',
      before: ZERO,
      after: bad,
      policy: 'x',
      verdict: 'pass',
      codes: [],
      source: 'audit',
    })
    // Others may not write it, so this line is the owner's own; half of it says nothing at all.
    writeFileSync(journal, `${readFileSync(journal, 'utf8')}${line.slice(0, 90)}`)
    await alice.ok('tag', '-s', '-m', 'v1', 'v1', bad)
    const push = await alice.push('origin', 'v1')
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('TAG_TARGET')
    await alice.ok('reset', '-q', '--hard', 'HEAD~1')
    await alice.commit('fine')
    await passes(alice)
    expect(readFileSync(journal, 'utf8').trim().split('\n').at(-1)).toContain('"verdict":"pass"')
  })
})

describe('attack 60: disk full', () => {
  test('no byte can be written: refused; audit mode lets it through and says so', async () => {
    const repository = await started('disk-full')
    const { server, alice, policy } = repository
    await server.git('config', 'signet.hook.auditFile', '/dev/full')
    const text = await refused(repository)
    expect(text).toContain('cannot write full: ENOSPC')
    expect(text).toContain('signet.hook.auditFile')
    await server.install('--policy', policy, '--audit')
    await passes(alice)
  })

  test('the journal cannot grow (RLIMIT_FSIZE): refused', async () => {
    const repository = await started('file-size')
    const { server, alice, policy } = repository
    const hook = readFileSync(server.hookFile, 'utf8')
    writeFileSync(server.hookFile, hook.replace(/^unset .*$/m, '$&; ulimit -f 0'))
    await refused(repository)
    await server.install('--policy', policy)
    await passes(alice)
  })

  test('a file system without room', async ({ skip }) => {
    const repository = await started('no-room')
    const { server, alice } = repository
    const folder = join(server.path, 'signet')
    const mounted = await team.run('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'full', folder])
    skip(mounted.status !== 0, `no tmpfs can be mounted here: ${mounted.stderr.trim()}`)
    try {
      writeFileSync(join(folder, 'filling'), 'x'.repeat(4096))
      expect(await refused(repository)).toMatch(/cannot use \S+: ENOSPC/)
    } finally {
      await team.run('umount', [folder])
    }
    await passes(alice)
  })
})

describe('attack 60: the pusher has gone', () => {
  test('nobody reads what the hook says: the verdict is the same', async () => {
    const { server, alice, before } = await started('deaf')
    const good = await alice.ok('rev-parse', 'HEAD')
    const bad = await alice.commit('bad', { unsigned: true })
    // The objects are there, as in quarantine; only the hook is asked.
    await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
    const judge = async (after: string, streams: string): Promise<number | null> => {
      const input = `${before} ${after} refs/heads/main\n`
      const command = `{ ./hooks/pre-receive; echo $? >status; } ${streams}`
      await team.run('sh', ['-c', command], { cwd: server.folder, input })
      return Number(readFileSync(join(server.path, 'status'), 'utf8'))
    }
    expect(await judge(bad, '2>/dev/full')).toBe(1)
    for (const streams of ['>&- 2>&-', '2>&1 | true', '2>&1 | head -c 1']) {
      expect(await judge(bad, streams), streams).toBe(1)
      expect(await judge(good, streams), streams).toBe(0)
    }
  })

  test('a push that is killed while the hook judges moves nothing, and can be made again', async () => {
    const repository = await started('vanished')
    const { server, alice, policy, before } = repository
    await alice.commit('bad', { unsigned: true })
    server.replaceGit(`case $* in *cat-file*) touch '${server.path}/judging'; sleep 1 ;; esac`)
    const push = spawn('git', ['push', 'origin', MAIN], {
      cwd: join(team.home, alice.folder),
      env: team.env,
      stdio: 'ignore',
    })
    const ended = new Promise((resolve) => push.once('close', resolve))
    for (let tries = 0; tries < 200 && !existsSync(join(server.path, 'judging')); tries++) {
      await sleep(50)
    }
    push.kill('SIGKILL')
    await ended
    await sleep(3000)
    expect(await server.ref('refs/heads/main')).toBe(before)
    await server.install('--policy', policy)
    await alice.ok('reset', '-q', '--hard', 'HEAD~1')
    await passes(alice)
  })
})
