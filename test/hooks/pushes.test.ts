import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from '../cli/run-program.ts'
import { Team } from './server.ts'
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
const TAGS = '[[protect]]\nrefs = ["refs/tags/v*"]\nby = ["alice"]\non = ["refs/heads/main"]\n'

async function passes(member: Member, ...args: readonly string[]): Promise<void> {
  const push = await member.push('origin', ...args)
  expect(push.status, push.stderr).toBe(0)
}

async function refused(member: Member, code: string, ...args: readonly string[]): Promise<void> {
  const push = await member.push('origin', ...args)
  expect(push.status, push.stderr).toBe(1)
  expect(push.stderr).toContain(code)
}

/** Has the hook write down how much memory it took at most. @returns reads it, in bytes */
function watchMemory(server: Server): () => number {
  const file = join(server.path, 'memory')
  const watch = join(server.path, 'watch.cjs')
  writeFileSync(
    watch,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.resourceUsage().maxRSS)))`,
  )
  const node = join(server.path, 'node-in-hook')
  writeFileSync(node, `#!/bin/sh\nexec '${process.execPath}' --require '${watch}' "$@"\n`)
  chmodSync(node, 0o755)
  const hook = readFileSync(server.hookFile, 'utf8')
  writeFileSync(server.hookFile, hook.replace(/^node=.*$/m, `node='${node}'`))
  return () => Number(readFileSync(file, 'utf8')) * 1024
}

describe('many at once', () => {
  test('ten people push to ten branches at the same time, each is judged by itself', async () => {
    const { server, alice } = await team.guarded('ten')
    await alice.commit('base')
    await passes(alice, MAIN)
    const good = await alice.commit('good')
    const bad = await alice.commit('bad', { unsigned: true })
    const pushes = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const name = `refs/heads/topic/${String(index)}`
        const push = await alice.push('origin', `${index % 2 === 0 ? good : bad}:${name}`)
        return { status: push.status, isThere: (await server.ref(name)) !== undefined }
      }),
    )
    expect(pushes.map(({ status }) => status)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    expect(pushes.map(({ isThere }) => isThere)).toEqual(pushes.map(({ status }) => status === 0))
    const lines = server.journal()
    expect(lines.filter(({ verdict }) => verdict === 'pass')).toHaveLength(6)
    expect(lines.filter(({ verdict }) => verdict !== 'pass')).toHaveLength(0)
  })

  test('two at the same branch: one wins, and the journal believes only what the ref became', async () => {
    const { server, alice } = await team.guarded('same', TAGS)
    await alice.commit('base')
    await passes(alice, MAIN)
    const bob = await team.member('bob', server)
    const ids = [await alice.commit('from alice'), await bob.commit('from bob')]
    const pushes = await Promise.all([alice.push('origin', MAIN), bob.push('origin', MAIN)])
    expect(pushes.map(({ status }) => status).sort()).toEqual([0, 1])
    const winner = await server.ref('refs/heads/main')
    expect(ids).toContain(winner)
    // A tag on what lost is on nothing that was verified.
    const member = winner === ids[0] ? bob : alice
    await member.ok('fetch', '-q', join(team.home, alice.folder), 'main')
    await alice.ok('fetch', '-q', join(team.home, bob.folder), 'main')
    const lost = ids.find((id) => id !== winner) ?? ''
    await alice.ok('tag', '-s', '-m', 'lost', 'v1', lost)
    await refused(alice, 'TAG_TARGET', 'v1')
  })

  test('10,000 new branches in one push, in bounded memory', async () => {
    const { server, alice } = await team.guarded('ten-thousand')
    await alice.commit('base')
    await passes(alice, MAIN)
    const one = await alice.commit('one')
    const two = await alice.commit('two')
    const lines = Array.from(
      { length: 10_000 },
      (_, index) => `create refs/heads/many/${String(index)} ${index % 2 === 0 ? one : two}\n`,
    )
    const made = await team.run('git', ['update-ref', '--stdin'], {
      cwd: alice.folder,
      input: lines.join(''),
    })
    expect(made.status, made.stderr).toBe(0)
    const memory = watchMemory(server)
    const push = await alice.push('-q', 'origin', 'refs/heads/many/*:refs/heads/many/*')
    expect(push.status, push.stderr).toBe(0)
    expect(memory()).toBeLessThan(250 << 20)
    const bad = await alice.commit('bad', { unsigned: true })
    await alice.ok('update-ref', 'refs/heads/many/5000', bad)
    const again = await alice.push('origin', 'refs/heads/many/*:refs/heads/many/*')
    expect(again.status).toBe(1)
    expect(again.stderr).toContain('refs/heads/many/5000')
    expect(memory()).toBeLessThan(250 << 20)
  }, 240_000)
})

describe('names and places', () => {
  test('a chain of symbolic refs, one without a target yet, and a push to both ends', async () => {
    const { server, alice } = await team.guarded('symbolic', 'other-refs = "any"')
    await server.git('symbolic-ref', 'refs/heads/first', 'refs/heads/second')
    await server.git('symbolic-ref', 'refs/heads/second', 'refs/heads/main')
    await alice.commit('bad', { unsigned: true })
    await refused(alice, 'UNSIGNED', 'HEAD:refs/heads/first')
    await alice.ok('commit', '-q', '--amend', '-S', '--no-edit')
    await passes(alice, 'HEAD:refs/heads/first')
    expect(await server.ref('refs/heads/main')).toBe(await alice.ok('rev-parse', 'HEAD'))
    // Deleting it by another name deletes the protected branch: git asks the hook first.
    await refused(alice, 'refs/heads/main', ':refs/heads/second')
    expect(await server.ref('refs/heads/main')).toBeDefined()
  })

  test('a fork that borrows objects (alternates): what only the other has is judged all the same', async () => {
    const origin = await team.server('lender')
    const carol = await team.member('carol', origin)
    const unsigned = await carol.commit('unsigned', { unsigned: true })
    await carol.ok('push', '-q', 'origin', 'HEAD:refs/heads/theirs')
    const { server, alice } = await team.guarded('borrower')
    mkdirSync(join(server.path, 'objects', 'info'), { recursive: true })
    writeFileSync(join(server.path, 'objects/info/alternates'), `${join(origin.path, 'objects')}\n`)
    await alice.ok('fetch', '-q', join(team.home, carol.folder), 'HEAD')
    await refused(alice, 'UNSIGNED', `${unsigned}:refs/heads/main`)
    await alice.ok('reset', '-q', '--hard', unsigned)
    await alice.commit('signed on top')
    await refused(alice, 'UNSIGNED', MAIN)
    expect(await server.ref('refs/heads/main')).toBeUndefined()
  })

  test('grafts and replace refs of the server hide no unsigned commit (38)', async () => {
    const { server, alice } = await team.guarded('hiding')
    const base = await alice.commit('base')
    await passes(alice, MAIN)
    const bad = await alice.commit('bad', { unsigned: true })
    const top = await alice.commit('signed on top')
    await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
    writeFileSync(join(server.path, 'info', 'grafts'), `${top} ${base}\n`)
    await refused(alice, bad.slice(0, 10), MAIN)
    writeFileSync(join(server.path, 'info', 'grafts'), '')
    await server.git('replace', bad, base)
    await server.git('replace', '--graft', top, base)
    await refused(alice, bad.slice(0, 10), MAIN)
    expect(await server.ref('refs/heads/main')).toBe(base)
  })

  test('a graft hides nothing of a long push, which git walks', async () => {
    const { server, alice } = await team.guarded('hiding-many')
    const base = await alice.commit('base')
    await passes(alice, MAIN)
    for (let count = 0; count < 40; count++) {
      await alice.ok('commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', 'bad')
    }
    await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
    const middle = await alice.ok('rev-parse', 'HEAD~20')
    writeFileSync(join(server.path, 'info', 'grafts'), `${middle} ${base}\n`)
    await refused(alice, '40 of 40 commits', MAIN)
    writeFileSync(join(server.path, 'info', 'grafts'), '')
    await server.git('replace', '--graft', middle, base)
    await refused(alice, '40 of 40 commits', MAIN)
  })

  test('shallow pushes: a hidden edge is refused, history that is there is judged (55)', async () => {
    const { server, alice } = await team.guarded('thin')
    await server.git('config', 'receive.shallowUpdate', 'true')
    await alice.commit('base')
    await passes(alice, MAIN)
    await team.git('clone', '-q', '--depth', '1', `file://${server.path}`, 'thin-clone')
    const thin = ['-C', 'thin-clone'] as const
    await team.git(...thin, 'config', 'user.name', 'bob')
    await team.git(...thin, 'config', 'user.email', 'bob@example.org')
    await team.git(...thin, 'commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', 'bad')
    const bad = await team.git(...thin, 'push', 'origin', MAIN)
    expect(bad.status).toBe(1)
    expect(bad.stderr).toContain('UNSIGNED')
    expect(existsSync(join(server.path, 'shallow'))).toBe(false)
  })

  test('tags nobody rules: moved, deleted and light ones may be, a signed one must be good', async () => {
    const { alice } = await team.guarded('free-tags')
    await alice.commit('base')
    await passes(alice, MAIN)
    await alice.ok('tag', 'light')
    await passes(alice, 'light')
    await alice.commit('next')
    await passes(alice, MAIN)
    await alice.ok('tag', '-f', 'light')
    await passes(alice, '--force', 'light')
    await passes(alice, ':refs/tags/light')
    await alice.ok('-c', 'tag.gpgSign=false', 'tag', '-a', '-m', 'nobody', 'unsigned')
    await refused(alice, 'UNSIGNED', 'unsigned')
    await alice.ok('tag', '-s', '-m', 'alice', 'signed')
    await passes(alice, 'signed')
  })

  test('a ruled tag is not deleted, also not in one push with its successor', async () => {
    const { alice } = await team.guarded('ruled-tags', TAGS)
    await alice.commit('base')
    await passes(alice, MAIN)
    await alice.ok('tag', '-s', '-m', 'one', 'v1')
    await passes(alice, 'v1')
    await refused(alice, 'DELETED', ':refs/tags/v1')
    await alice.ok('tag', '-s', '-m', 'two', 'v2')
    await refused(alice, 'DELETED', ':refs/tags/v1', 'v2')
  })

  test('SHA-256: a tag, a replaced signature header, a push certificate', async () => {
    const more = `${TAGS}[[protect]]\nrefs = ["refs/heads/signed"]\nby = ["alice"]\npush-cert = true\n`
    const { server, alice } = await team.guarded('long-ids', more, 'sha256')
    await server.git('config', 'receive.certNonceSeed', 'seed')
    await alice.commit('base')
    await passes(alice, MAIN)
    await alice.ok('tag', '-s', '-m', 'one', 'v1')
    await passes(alice, 'v1')
    await refused(alice, 'PUSH_CERT', 'HEAD:refs/heads/signed')
    await alice.ok('push', '-q', '--signed', 'origin', 'HEAD:refs/heads/signed')
    await alice.ok('tag', '-a', '--no-sign', '-m', 'nobody', 'v2')
    await refused(alice, 'UNSIGNED', 'v2')
  })
})

describe('hooks of other repositories', () => {
  test('a work tree takes core.hooksPath from its own configuration, and pushes from it are judged', async () => {
    const server = await team.server('client')
    const alice = await team.member('alice', server)
    const anchor = await alice.commitPolicy(team.policy(['alice']))
    await alice.ok('push', '-q', 'origin', MAIN)
    await alice.ok('fetch', '-q', 'origin')
    await alice.ok('worktree', 'add', '-q', '../second tree', '-b', 'second')
    await alice.ok('config', 'extensions.worktreeConfig', 'true')
    const tree = { cwd: 'second tree' }
    await team.run('git', ['config', '--worktree', 'core.hooksPath', '.my hooks'], tree)
    const installed = await team.run(
      process.execPath,
      [programPath, 'hook', 'install', 'pre-push', '--anchor', anchor],
      tree,
    )
    expect(installed.status, installed.stderr).toBe(0)
    expect(existsSync(join(team.home, 'second tree', '.my hooks', 'pre-push'))).toBe(true)
    await team.run('git', ['commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', 'bad'], tree)
    const push = await team.run('git', ['push', 'origin', MAIN], tree)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('it has no signature')
    expect(push.stderr).not.toContain('remote:')
    // The first tree has no such hook, and nobody judges its pushes here.
    await alice.commit('elsewhere', { unsigned: true })
    await passes(alice, 'HEAD:refs/heads/elsewhere')
  })

  test('a submodule has hooks of its own: its pushes are judged, the outer ones are not', async () => {
    const inner = await team.server('inner')
    const alice = await team.member('alice', inner)
    const anchor = await alice.commitPolicy(team.policy(['alice']))
    await alice.ok('push', '-q', 'origin', MAIN)
    const outer = await team.server('outer')
    const bob = await team.member('bob', outer)
    await bob.ok('submodule', '--quiet', 'add', inner.path, 'library')
    await bob.commit('with a library')
    const library = { cwd: join(bob.folder, 'library') }
    const installed = await team.run(
      process.execPath,
      [programPath, 'hook', 'install', 'pre-push', '--anchor', anchor],
      library,
    )
    expect(installed.status, installed.stderr).toBe(0)
    const hook = join(team.home, bob.folder, '.git/modules/library/hooks/pre-push')
    expect(existsSync(hook)).toBe(true)
    const who = ['-c', 'user.name=bob', '-c', 'user.email=bob@example.org']
    const commit = ['commit', '-q', '--allow-empty', '--no-gpg-sign', '-m', 'bad']
    expect((await team.run('git', [...who, ...commit], library)).status).toBe(0)
    const push = await team.run('git', ['push', 'origin', MAIN], library)
    expect(push.status).toBe(1)
    expect(push.stderr).toContain('UNSIGNED')
    await bob.commit('outside', { unsigned: true })
    await passes(bob, MAIN)
  })

  test('the hook that was there: not asked about a refused push, and its own no is a no', async () => {
    const server = await team.server('two-hooks')
    const alice = await team.member('alice', server)
    const older =
      '#!/bin/sh\ncat >asked\nif [ -e no ]; then echo "no, says the older hook" >&2; exit 1; fi\n'
    writeFileSync(server.hookFile, older, { mode: 0o755 })
    await server.install('--policy', server.policyFile(team.policy(['alice'])))
    const asked = join(server.path, 'asked')
    await alice.commit('bad', { unsigned: true })
    await refused(alice, 'UNSIGNED', MAIN)
    expect(existsSync(asked)).toBe(false)
    await alice.ok('commit', '-q', '--amend', '-S', '--no-edit')
    writeFileSync(join(server.path, 'no'), '')
    await refused(alice, 'no, says the older hook', MAIN)
    expect(existsSync(asked)).toBe(true)
    expect(await server.ref('refs/heads/main')).toBeUndefined()
    rmSync(join(server.path, 'no'))
    await passes(alice, MAIN)
  })
})
