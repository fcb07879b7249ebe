import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team } from '../hooks/server.ts'
import type { Member, Server } from '../hooks/server.ts'
import { programPath } from './run-program.ts'
import type { ProcessResult } from './run-program.ts'

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

function check(cwd: string, ...args: readonly string[]): Promise<ProcessResult> {
  return team.run(process.execPath, [programPath, 'policy', 'check', ...args], { cwd })
}

/** A server, what alice and bob have pushed there, and what the hook wrote down. */
async function world(
  name: string,
  options: readonly string[] = [],
): Promise<{ server: Server; alice: Member; bob: Member; anchor: string; pushes: string }> {
  const server = await team.server(name)
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice', 'bob']))
  const pushes = join(team.home, `${name}-pushes.jsonl`)
  await server.git('config', 'signet.hook.auditFile', pushes)
  await server.install('--anchor', anchor, ...options)
  await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  const bob = await team.member('bob', server)
  await bob.commit('by bob')
  await bob.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  await alice.ok('pull', '-q', 'origin', 'main')
  await alice.commit('by alice')
  await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  return { server, alice, bob, anchor, pushes }
}

const short = (id: string): string => id.slice(0, 10)

test('policy check --against RANGE names what it would newly refuse, with codes, and exits 1', async () => {
  const { alice, anchor } = await world('stricter')
  const byBob = await alice.ok('rev-parse', 'HEAD~1')
  alice.write(
    '.signet/policy.toml',
    team.policy(['alice', 'bob']).replace('by = ["alice", "bob"]', 'by = ["alice"]'),
  )
  for (const flags of [[], ['--anchor', anchor]]) {
    const { status, stdout, stderr } = await check(
      alice.folder,
      '--against',
      `${anchor}..HEAD`,
      ...flags,
    )
    expect(status, stderr).toBe(1)
    const by =
      flags.length === 0
        ? 'the policy that HEAD has'
        : `.signet/policy.toml as landed at ${short(anchor)}`
    expect(stdout.split('\n').slice(1)).toEqual([
      `against ${anchor}..HEAD, for refs/heads/main, compared with ${by}`,
      ...(flags.length === 0
        ? [
            'without an anchor changes of the policy are judged as any other commit: --anchor COMMIT',
          ]
        : []),
      `would refuse  ${short(byBob)}  by bob`,
      expect.stringMatching(/^ {4}NOT_ALLOWED_HERE: bob is not in "by" of the rule at line \d+$/),
      '2 commits: 1 newly refused, 0 newly accepted',
      '',
    ])
  }
})

test('policy check --against RANGE names what it would newly accept, and exits 0', async () => {
  const { alice, anchor } = await world('looser')
  const bad = await alice.commit('not signed', { unsigned: true })
  const worse = await alice.commit('not signed either', { unsigned: true })
  const accept = `[[accept]]\ncommit = "${bad}"\nreason = "looked at"\n`
  alice.write('.signet/policy.toml', team.policy(['alice', 'bob'], accept))
  const { status, stdout } = await check(
    alice.folder,
    '--against',
    `${anchor}..${worse}`,
    '--anchor',
    anchor,
  )
  expect(stdout).toContain(`would accept  ${short(bad)}  not signed  (now UNSIGNED)\n`)
  expect(stdout).toContain('4 commits: 0 newly refused, 1 newly accepted, 1 refused as before\n')
  expect(status).toBe(0)
  const none = await check(alice.folder, '--against', 'HEAD..HEAD')
  expect(none.stdout).toContain('there was nothing to check')
  expect(none.status).toBe(4)
  expect((await check(alice.folder, '--against', 'nowhere..HEAD')).status).toBe(2)
  expect((await check(alice.folder, '--online')).status).toBe(2)
})

test('policy check --against RANGE says which changes of the policy would land, or no longer', async () => {
  const { alice, bob, anchor } = await world('landings')
  await bob.ok('pull', '-q', 'origin', 'main')
  const landed = await alice.commitPolicy(`${team.policy(['alice', 'bob'])}# by alice\n`)
  await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  await bob.ok('pull', '-q', 'origin', 'main')
  const refused = await bob.commitPolicy(`${team.policy(['alice', 'bob'])}# by bob\n`)
  await bob.ok('update-ref', 'refs/remotes/origin/main', refused)
  const by = async (admins: string): Promise<ProcessResult> => {
    const policy = team.policy(['alice', 'bob']).replace(/admins = .*/, `admins = [${admins}]`)
    bob.write('.signet/policy.toml', policy)
    return check(bob.folder, '--against', `${anchor}..${refused}`, '--anchor', anchor)
  }
  const more = await by('"alice", "bob"')
  expect(more.stdout, more.stderr).toContain(
    `would accept  ${short(refused)}  policy  (now POLICY_CHANGE_NOT_ADMIN)\n`,
  )
  expect(more.stdout).toContain('4 commits: 0 newly refused, 1 newly accepted\n')
  expect(more.status).toBe(0)
  const other = await by('"bob"')
  expect(other.stdout).toContain(
    `would refuse  ${short(landed)}  policy\n    POLICY_CHANGE_NOT_ADMIN: `,
  )
  expect(other.stdout).toContain('4 commits: 1 newly refused, 1 newly accepted\n')
  expect(other.status).toBe(1)
  const same = await by('"alice"')
  expect(same.stdout).toContain('0 newly refused, 0 newly accepted, 1 refused as before\n')
  expect(same.status).toBe(0)
})

test('policy check --against RANGE without any policy compares with none', async () => {
  const server = await team.server('first')
  const alice = await team.member('alice', server)
  const good = await alice.commit('good')
  const bad = await alice.commit('bad', { unsigned: true })
  alice.write('.signet/policy.toml', team.policy(['alice', 'bob']))
  alice.write('.signet/trust/local.json', readFileSync(team.rootFile, 'utf8'))
  const { status, stdout } = await check(alice.folder, '--against', 'HEAD')
  expect(stdout).toContain('compared with no policy, which accepts all')
  expect(stdout).toContain(`would refuse  ${short(bad)}  bad\n    UNSIGNED: `)
  expect(stdout).not.toContain(short(good))
  expect(status).toBe(1)
})

test('policy check --against a policy file says in words who gains or loses what', async () => {
  const { alice } = await world('words')
  alice.write(
    'new.toml',
    team.policy(['alice', 'bob']).replace('by = ["alice", "bob"]', 'by = ["alice"]'),
  )
  const { status, stdout } = await check(alice.folder, '--against', 'new.toml')
  expect(stdout).toContain('compared with new.toml:\n  refs/heads/main: now bob may commit\n')
  expect(status).toBe(0)
  writeFileSync(join(team.home, alice.folder, 'broken.toml'), 'version = 2\n')
  expect((await check(alice.folder, '--against', 'broken.toml')).status).toBe(3)
})

test('policy check --against signet.hook.auditFile judges the pushes a hook wrote down', async () => {
  const { server, alice, bob, anchor, pushes } = await world('pushes', ['--audit'])
  await bob.ok('pull', '-q', 'origin', 'main')
  const carol = await team.member('carol', server)
  const byCarol = await carol.commit('by carol')
  await carol.ok('push', '-q', 'origin', 'HEAD:refs/heads/topic')
  await bob.commit('second by bob')
  await bob.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  // Without bob, and with carol on other refs.
  const policy = team.policy(['alice', 'carol', 'bob']).replace(/by = \[.*\]/, 'by = ["alice"]')
  alice.write('.signet/policy.toml', policy)
  const from = join(team.home, alice.folder, '.signet/policy.toml')
  const { status, stdout, stderr } = await team.run(
    process.execPath,
    [programPath, 'policy', 'check', from, '--against', pushes, '--anchor', anchor],
    { cwd: server.folder },
  )
  expect(status, stderr).toBe(1)
  expect(stdout).toContain('compared with what the hook said')
  expect(stdout.match(/^would refuse {2}push of .*Z, refs\/heads\/main /gm)).toHaveLength(2)
  expect(stdout).toMatch(/^ {8}NOT_ALLOWED_HERE: bob is not in "by"/m)
  expect(stdout).toMatch(
    /^would accept {2}push of .*, refs\/heads\/topic nothing\.\.[0-9a-f]{10} {2}\(then UNKNOWN_SIGNER\)$/m,
  )
  expect(stdout).toContain(short(byCarol))
  expect(stdout).toContain('5 pushes: 2 newly refused, 1 newly accepted\n')
  // The journal tells of the same pushes; lines that tell of none are left out and counted.
  appendFileSync(pushes, 'not a line\n')
  const again = await team.run(
    process.execPath,
    [programPath, 'policy', 'check', from, '--against', pushes, '--anchor', anchor],
    { cwd: server.folder },
  )
  expect(again.stdout).toContain('1 lines tell of no push and were left out\n')
  const journal = join(server.path, 'signet', 'journal.jsonl')
  const byJournal = await team.run(
    process.execPath,
    [programPath, 'policy', 'check', from, '--against', journal, '--anchor', anchor],
    { cwd: server.folder },
  )
  expect(byJournal.stdout).toContain('5 pushes: 2 newly refused, 1 newly accepted\n')
})

test('policy check --against pushes: an admin more lets in the policy change that was refused', async () => {
  const { server, alice, bob, anchor, pushes } = await world('admins', ['--audit'])
  await bob.ok('pull', '-q', 'origin', 'main')
  await bob.commitPolicy(team.policy(['bob', 'alice']), 'take over')
  await bob.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  const args = ['--against', pushes, '--anchor', anchor]
  const run = (): Promise<ProcessResult> =>
    team.run(
      process.execPath,
      [
        programPath,
        'policy',
        'check',
        join(team.home, alice.folder, '.signet/policy.toml'),
        ...args,
      ],
      { cwd: server.folder },
    )
  const same = await run()
  expect(same.stdout).toContain(
    '4 pushes: 0 newly refused, 0 newly accepted, 1 refused as before\n',
  )
  expect(same.status).toBe(0)
  alice.write(
    '.signet/policy.toml',
    team.policy(['alice', 'bob']).replace('["alice"]', '["alice", "bob"]'),
  )
  const more = await run()
  expect(more.stdout).toContain('(then POLICY_CHANGE_NOT_ADMIN)')
  expect(more.stdout).toContain('4 pushes: 0 newly refused, 1 newly accepted\n')
})

test('policy check --against pushes: what was refused and never arrived cannot be judged again', async () => {
  const { server, alice, anchor, pushes } = await world('gone')
  await alice.commit('not signed', { unsigned: true })
  expect((await alice.push('origin', 'HEAD:refs/heads/main')).status).toBe(1)
  const { status, stdout } = await team.run(
    process.execPath,
    [
      programPath,
      'policy',
      'check',
      join(team.home, alice.folder, '.signet/policy.toml'),
      '--against',
      pushes,
      '--anchor',
      anchor,
    ],
    { cwd: server.folder },
  )
  expect(stdout).toContain(
    '4 pushes: 0 newly refused, 0 newly accepted, 1 refused then and not here any more\n',
  )
  expect(status).toBe(0)
})
