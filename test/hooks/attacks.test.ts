import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from '../cli/run-program.ts'
import { Team } from './server.ts'
import type { Member } from './server.ts'

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

/** What a refused pusher reads, on one line. */
async function refusal(member: Member, ...args: readonly string[]): Promise<string> {
  const push = await member.push('--force', 'origin', ...args)
  expect(push.status, push.stderr).toBe(1)
  return push.stderr.replaceAll(/\s*\nremote: */g, ' ')
}

async function passes(member: Member, ...args: readonly string[]): Promise<void> {
  const push = await member.push('origin', ...args)
  expect(push.status, push.stderr).toBe(0)
}

test('attack 37: refs/replace/* pushed for the anchor, a policy commit, a protected commit', async () => {
  const server = await team.server('replace')
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice']))
  await server.install('--anchor', anchor)
  await passes(alice, MAIN)
  const landing = await alice.commitPolicy(team.policy(['alice', 'bob']), 'bob may')
  const good = await alice.commit('good')
  await passes(alice, MAIN)
  const mallory = await team.member('mallory', server)
  await mallory.ok('pull', '-q', 'origin', 'main')
  const planted = await mallory.commitPolicy(team.policy(['mallory', 'alice']), 'mallory may')
  for (const victim of [anchor, landing, good]) {
    expect(await refusal(mallory, `${planted}:refs/replace/${victim}`)).toContain('REF_NOT_ALLOWED')
    // Somebody with a shell on the server put it there all the same.
    await server.git('fetch', '-q', join(team.home, mallory.folder), planted)
    await server.git('update-ref', `refs/replace/${victim}`, planted)
    expect(await refusal(mallory, MAIN)).toMatch(/UNKNOWN_SIGNER|POLICY_CHANGE_NOT_ADMIN/)
    await server.git('update-ref', '-d', `refs/replace/${victim}`)
  }
  expect(await server.ref('refs/heads/main')).toBe(good)
})

test('attack 53: a tag of a tag, a tree, a blob; a name with ^{} or a newline; under another name', async () => {
  const { server, alice } = await team.guarded('tags', TAGS)
  await alice.commit('base')
  await passes(alice, MAIN)
  await alice.ok('tag', '-s', '-m', 'inner', 'inner')
  for (const [name, target] of [
    ['v-tag', 'inner'],
    ['v-tree', 'HEAD^{tree}'],
    ['v-blob', 'HEAD:files/base'],
  ] as const) {
    await alice.ok('tag', '-s', '-m', name, name, target)
    expect(await refusal(alice, name)).toContain('TAG_TARGET')
    await alice.ok('update-ref', `refs/tags/${name}-light`, target)
    expect(await refusal(alice, `refs/tags/${name}-light`)).toMatch(/TAG_NOT_ANNOTATED|TAG_/)
  }
  await alice.ok('tag', '-s', '-m', 'one', 'v1')
  const text = await alice.ok('cat-file', 'tag', 'v1')
  for (const name of ['v2^{}', 'v2\ntag v2', 'refs/tags/v2', 'v2 ', '']) {
    const file = join(team.home, 'tag-object')
    writeFileSync(file, `${text.replace(/^tag v1$/m, `tag ${name}`)}\n`)
    const forged = await alice.ok('hash-object', '-t', 'tag', '-w', '--literally', file)
    expect(await refusal(alice, `${forged}:refs/tags/v2`)).toMatch(
      /MALFORMED|TAG_NAME|BAD_SIGNATURE/,
    )
  }
  expect(await refusal(alice, 'v1:refs/tags/v2')).toContain('TAG_NAME')
  await passes(alice, 'v1')
  expect(await server.ref('refs/tags/v2')).toBeUndefined()
})

test('attack 57: every variable of git’s, and the bare repository’s own configuration, have no effect', async () => {
  const { server, alice } = await team.guarded('hostile')
  await alice.commit('base')
  await passes(alice, MAIN)
  const planted = await team.server('planted')
  const base = (await server.ref('refs/heads/main')) ?? ''
  alice.write('.gitattributes', '* diff=evil filter=evil merge=evil\n')
  const bad = await alice.commit('bad', { unsigned: true })
  // The hook is started as git does, by somebody who chose its surroundings.
  await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
  for (const [key, value] of [
    ['diff.evil.textconv', 'touch pwned'],
    ['diff.evil.command', 'touch pwned'],
    ['diff.external', 'touch pwned'],
    ['filter.evil.clean', 'touch pwned'],
    ['filter.evil.smudge', 'touch pwned'],
    ['filter.evil.process', 'touch pwned'],
    ['merge.evil.driver', 'touch pwned'],
    ['core.fsmonitor', 'touch pwned'],
    ['core.pager', 'touch pwned'],
    ['core.sshCommand', 'touch pwned'],
    ['core.alternateRefsCommand', 'touch pwned'],
    ['gpg.program', 'touch pwned'],
    ['gpg.x509.program', 'touch pwned'],
    ['credential.helper', '!touch pwned'],
    ['uploadpack.packObjectsHook', 'touch pwned'],
    ['alias.rev-list', '!touch pwned'],
    ['alias.cat-file', '!touch pwned'],
    ['core.commitGraph', 'true'],
    ['log.showSignature', 'true'],
    ['extensions.partialClone', 'origin'],
    ['remote.origin.promisor', 'true'],
    ['remote.origin.url', 'ext::sh -c "touch pwned"'],
    ['remote.origin.uploadpack', 'touch pwned'],
  ] as const) {
    await server.git('config', key, value)
  }
  await server.git('config', 'core.repositoryFormatVersion', '1')
  mkdirSync(join(server.path, 'info'), { recursive: true })
  writeFileSync(join(server.path, 'info', 'attributes'), '* diff=evil merge=evil filter=evil\n')
  const evil = join(team.home, 'evil.cjs')
  writeFileSync(evil, 'process.exit(0)\n')
  const good = join(team.home, 'policy-of-others.toml')
  writeFileSync(good, 'version = 1\n')
  const hostile = {
    GIT_DIR: planted.path,
    GIT_WORK_TREE: planted.path,
    GIT_COMMON_DIR: planted.path,
    GIT_INDEX_FILE: '/dev/null',
    GIT_NAMESPACE: 'other',
    GIT_CEILING_DIRECTORIES: '/',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_PARAMETERS: "'core.fsmonitor=touch pwned' 'signet.hook.maxCommits=0'",
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'signet.policyFile',
    GIT_CONFIG_VALUE_0: good,
    GIT_REPLACE_REF_BASE: 'refs/heads/',
    GIT_GRAFT_FILE: join(server.path, 'grafts'),
    GIT_SHALLOW_FILE: join(server.path, 'grafts'),
    GIT_EXTERNAL_DIFF: 'touch pwned',
    GIT_SSH_COMMAND: 'touch pwned',
    GIT_EXEC_PATH: team.home,
    GIT_TRACE: join(server.path, 'pwned'),
    GIT_TRACE2_EVENT: join(server.path, 'pwned'),
    GIT_PUSH_OPTION_COUNT: '1',
    GIT_PUSH_OPTION_0: 'signet.skip',
    SIGNET_POLICY_FILE: good,
    SIGNET_TRUSTED_ROOT: '/dev/null',
    SIGNET_ANCHOR: bad,
    SIGNET_HOOK_MAX_SECONDS: '0',
    NODE_OPTIONS: `--require ${evil}`,
    NODE_PATH: team.home,
  }
  writeFileSync(join(server.path, 'grafts'), `${bad}\n`)
  const judge = (after: string) =>
    team.run(server.hookFile, [], {
      cwd: server.folder,
      input: `${base} ${after} refs/heads/main\n`,
      env: hostile,
    })
  const refused = await judge(bad)
  expect(refused.status, refused.stderr).toBe(1)
  expect(refused.stderr).toContain(`commit ${bad.slice(0, 10)} to refs/heads/main: it has no`)
  await alice.ok('reset', '-q', '--hard', base)
  alice.write('.gitattributes', '* diff=evil filter=evil merge=evil\n')
  const fine = await alice.commit('fine')
  await team.run('git', ['-c', 'core.bare=true', 'init', '-q', '--bare', 'scratch.git'])
  await alice.ok('push', '-q', join(team.home, 'scratch.git'), 'HEAD:refs/heads/main')
  await team.run('cp', ['-r', 'scratch.git/objects/.', `${server.folder}/objects/`])
  const passed = await judge(fine)
  expect(passed.status, passed.stderr).toBe(0)
  for (const folder of [server.path, planted.path, team.home]) {
    expect(readdirSync(folder)).not.toContain('pwned')
  }
})

test('attack 64: hook in audit mode with violations: the push goes through, verify and audit still say no', async () => {
  const server = await team.server('report')
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice']))
  await passes(alice, MAIN)
  await server.install('--anchor', anchor, '--audit')
  await alice.commit('bad', { unsigned: true })
  const push = await alice.push('origin', MAIN)
  expect(push.status).toBe(0)
  const lines = push.stderr.split('\n').filter((line) => line.startsWith('remote: '))
  expect(lines[0]).toMatch(/^remote: AUDIT ONLY, NOTHING IS REFUSED: would refuse/)
  expect(existsSync(join(server.path, 'signet-pushes.jsonl'))).toBe(true)
  const judge = (...args: readonly string[]) =>
    team.run(process.execPath, [programPath, ...args, '--anchor', anchor], { cwd: server.folder })
  expect((await judge('verify', 'refs/heads/main')).status).toBe(1)
  expect((await judge('audit', 'refs/heads/main')).status).toBe(1)
})
