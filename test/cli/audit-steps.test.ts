import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StepVerdict, Summary, Verdict } from '../../src/facts.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team } from '../hooks/server.ts'
import type { Member, Server } from '../hooks/server.ts'

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

const MORE = `[[protect]]
refs = ["refs/heads/release/*"]
by = ["alice"]
rewrite = true
delete = true

[[protect]]
refs = ["refs/tags/v*"]
by = ["alice"]
on = ["refs/heads/main", "refs/heads/release/*"]
`

interface Audited {
  readonly status: number | null
  readonly stderr: string
  readonly verdicts: readonly Verdict[]
  readonly summary: Summary
}

async function audited(server: Server, ...args: readonly string[]): Promise<Audited> {
  const { status, stdout, stderr } = await server.signet('audit', ...args, '--format', 'jsonl')
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
  expect(lines, stderr).not.toHaveLength(0)
  const summary = lines.pop() as Summary
  expect(status, stderr).toBe(summary.exit)
  return { status, stderr, verdicts: lines as Verdict[], summary }
}

const JOURNAL = 'signet/journal.jsonl'

/** The journal's own steps, without what is the hook's alone; what its audits found is no step. */
function stepsOf(server: Server): StepVerdict[] {
  return server.journal().flatMap(({ source, at, from, ...step }) => {
    expect(at).toEqual(expect.any(String))
    expect(['string', 'undefined']).toContain(typeof from)
    return source === 'audit' ? [] : [step as unknown as StepVerdict]
  })
}

async function governed(
  name: string,
  options: readonly string[],
): Promise<{ server: Server; alice: Member; bob: Member; anchor: string }> {
  const server = await team.server(name)
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice', 'bob'], MORE))
  await server.install('--anchor', anchor, ...options)
  await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/main')
  const bob = await team.member('bob', server)
  return { server, alice, bob, anchor }
}

/** The same story for a hook that refuses and for one that only reports; returns what was refused. */
async function play(alice: Member, bob: Member): Promise<number> {
  let refused = 0
  const push = async (who: Member, ...args: readonly string[]): Promise<void> => {
    const { status, stderr } = await who.push(...args)
    if (status === 0) return
    expect(stderr).toContain('refused')
    refused++
  }
  // Several commits at once, and a side branch merged as a machine would.
  await alice.commit('one')
  await alice.commit('two')
  await push(alice, 'origin', 'HEAD:refs/heads/main')
  await bob.ok('checkout', '-q', '-b', 'side', 'origin/main')
  await bob.commit('beside')
  await bob.commit('beside again')
  await push(bob, 'origin', 'side')
  await alice.ok('fetch', '-q')
  await alice.ok('merge', '-q', '--no-ff', '-S', '-m', 'merge', 'origin/side')
  await push(alice, 'origin', 'HEAD:refs/heads/main')
  await push(alice, 'origin', ':refs/heads/side')
  // A release branch, a tag that comes with its commit, one that names what nobody verified.
  await alice.ok('checkout', '-q', '-b', 'release/1')
  await alice.commit('release')
  await alice.ok('tag', '-s', '-m', 'v1', 'v1')
  await push(alice, 'origin', 'release/1', 'v1')
  await alice.commit('not pushed yet')
  await alice.ok('tag', '-s', '-m', 'v2', 'v2')
  await push(alice, 'origin', 'v2')
  await alice.ok('tag', 'light')
  await push(alice, 'origin', 'light:refs/tags/v3')
  await push(alice, 'origin', 'release/1')
  // Back to an older state, which the rule allows.
  await alice.ok('reset', '-q', '--hard', 'HEAD~1')
  await alice.commit('instead')
  await push(alice, '--force', 'origin', 'release/1')
  // Who may not, what is not signed, what an unsigned one brings in.
  await bob.ok('fetch', '-q')
  await bob.ok('checkout', '-q', '-b', 'release/2', 'origin/release/1')
  await bob.commit('by bob')
  await push(bob, 'origin', 'release/2')
  await alice.ok('checkout', '-q', 'main')
  await alice.ok('reset', '-q', '--hard', 'origin/main')
  const good = await alice.commit('good')
  await push(alice, 'origin', 'main')
  await alice.commit('not signed', { unsigned: true })
  await alice.commit('on top of it')
  await push(alice, 'origin', 'main')
  await alice.ok('reset', '-q', '--hard', good)
  // A policy change with a commit below it, and one that is not an admin's.
  await alice.commit('before the change')
  await alice.commitPolicy(team.policy(['alice', 'bob'], `${MORE}# again\n`), 'change')
  await push(alice, '--force', 'origin', 'main')
  await bob.ok('fetch', '-q')
  await bob.ok('checkout', '-q', '-B', 'main', 'origin/main')
  await bob.commitPolicy(team.policy(['bob', 'alice'], MORE), 'take over')
  await push(bob, 'origin', 'main')
  await alice.commit('after the change')
  await push(alice, '--force', 'origin', 'main')
  await alice.ok('notes', 'add', '-m', 'note', 'HEAD')
  await push(alice, 'origin', 'refs/notes/commits')
  await push(alice, 'origin', ':refs/heads/release/1')
  return refused
}

test('attack 65: every push a hook let through gets the same verdict from an audit of its journal', async () => {
  const { server, alice, bob, anchor } = await governed('enforced', [])
  expect(await play(alice, bob)).toBeGreaterThan(3)
  const recorded = stepsOf(server)
  expect(recorded.length).toBeGreaterThan(12)
  const { status, stderr, summary } = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(summary.steps).toEqual(recorded)
  expect(stderr).not.toContain('verdicts are')
  expect(status, stderr).toBe(0)
  // A release branch and its tag in one push: both are there.
  expect(recorded.map(({ ref }) => ref)).toContain('refs/tags/v1')
})

test('attack 65: a hook that only reports and an audit of its journal find the same faults', async () => {
  const { server, alice, bob, anchor } = await governed('reported', ['--audit'])
  await server.git('config', 'receive.denyDeleteCurrent', 'ignore')
  expect(await play(alice, bob)).toBe(0)
  await alice.ok('push', '-q', '--force', 'origin', `${anchor}:refs/heads/main`)
  const recorded = stepsOf(server)
  const faults = new Set(recorded.flatMap(({ codes }) => codes))
  for (const code of ['UNSIGNED', 'NOT_ALLOWED_HERE', 'POLICY_CHANGE_NOT_ADMIN', 'REWRITTEN']) {
    expect(faults).toContain(code)
  }
  const { status, stderr, summary } = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(summary.steps).toEqual(recorded)
  expect(stderr).not.toContain('verdicts are')
  expect(status).toBe(1)
})

test('audit --steps: what a hook only reported verifies nothing', async () => {
  const { server, alice, anchor } = await governed('only-reported', ['--audit'])
  await alice.commit('good')
  await alice.ok('push', '-q', 'origin', 'main')
  await alice.commit('not signed', { unsigned: true })
  await alice.ok('push', '-q', 'origin', 'main')
  await alice.ok('push', '-q', '--force', 'origin', `${anchor}:refs/heads/main`)
  const recorded = stepsOf(server)
  expect(recorded.at(-1)?.codes).toEqual(['REWRITTEN'])
  const { summary } = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(summary.steps).toEqual(recorded)
})

test('audit --steps applies what a later policy denies, and says that it is later', async () => {
  const { server, alice, bob, anchor } = await governed('denied', [])
  await bob.commit('by bob')
  await bob.ok('push', '-q', 'origin', 'main')
  const recorded = stepsOf(server)
  await alice.ok('pull', '-q', 'origin', 'main')
  const revoke = '[[revoke]]\nperson = "bob"\nreason = "stolen"\n'
  await alice.commitPolicy(team.policy(['alice', 'bob'], `${MORE}${revoke}`), 'revoke')
  await alice.ok('push', '-q', 'origin', 'main')
  await alice.ok('tag', '-s', '-m', 'v1', 'v1')
  await alice.ok('push', '-q', 'origin', 'v1')
  const { status, stderr, summary } = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(status).toBe(1)
  expect(summary.steps[1]).toEqual({ ...recorded[1], verdict: 'fail', codes: ['REVOKED'] })
  expect(stderr).toContain('1 verdicts are changed by what a later policy denies or accepts')
  // What was verified when the tag came stays so.
  expect(summary.steps.at(-1)).toMatchObject({ ref: 'refs/tags/v1', verdict: 'pass' })
})

test('audit --steps judges what moved past the hook, and what came before the journal', async () => {
  const { server, alice, anchor } = await governed('past', [])
  await alice.commit('through the hook')
  await alice.ok('push', '-q', 'origin', 'main')
  const bad = await alice.commit('past it', { unsigned: true })
  await alice.ok(
    'push',
    '-q',
    'origin',
    'main:refs/keep/x',
    '--receive-pack=git -c core.hooksPath=/dev/null receive-pack',
  )
  await server.git('update-ref', 'refs/heads/main', bad)
  const atEnd = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(atEnd.status).toBe(1)
  expect(atEnd.verdicts.find(({ object }) => object.id === bad)?.codes).toEqual(['UNSIGNED'])
  expect(atEnd.stderr).toContain('movements are not in the journal')
  await alice.commit('on top, through the hook')
  await alice.ok('push', '-q', 'origin', 'main')
  const between = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(between.verdicts.find(({ object }) => object.id === bad)?.codes).toEqual(['UNSIGNED'])
  expect(between.status).toBe(1)
  // A journal that starts with the last push: what is below it was there before.
  const lines = readFileSync(join(server.path, JOURNAL), 'utf8').trim().split('\n')
  writeFileSync(join(server.path, 'last.jsonl'), `${lines.at(-1) ?? ''}\n`)
  const late = await audited(server, '--anchor', anchor, '--steps', 'last.jsonl')
  expect(late.verdicts.find(({ object }) => object.id === bad)?.codes).toEqual(['UNSIGNED'])
  expect(late.status).toBe(1)
  // One that names another ref alone says nothing about main, which is audited all the same.
  writeFileSync(join(server.path, 'none.jsonl'), '')
  const without = await audited(server, '--anchor', anchor, '--steps', 'none.jsonl')
  expect(without.verdicts.find(({ object }) => object.id === bad)?.codes).toEqual(['UNSIGNED'])
})

test('audit --steps leaves out lines that are none, says so, and judges the gap', async () => {
  const { server, alice, anchor } = await governed('torn', [])
  await alice.commit('first')
  await alice.ok('push', '-q', 'origin', 'main')
  await alice.commit('second')
  await alice.ok('push', '-q', 'origin', 'main')
  const path = join(server.path, JOURNAL)
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  const torn = [lines[0], (lines[1] ?? '').slice(0, 60), lines[2]].join('\n')
  writeFileSync(join(server.path, 'torn.jsonl'), `${torn}\n`)
  appendFileSync(join(server.path, 'torn.jsonl'), '{"ref":"refs/heads/main"}\n[]\n')
  const { status, stderr, summary } = await audited(
    server,
    '--anchor',
    anchor,
    '--steps',
    'torn.jsonl',
  )
  expect(stderr).toContain('3 lines of the journal say nothing and were left out: line 2; line 4')
  expect(stderr).toContain('1 movements are not in the journal')
  expect(summary.steps.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass'])
  expect(status, stderr).toBe(0)
})

test('audit --steps tells of one ref where one is named, and reads only what it can', async () => {
  const { server, alice, anchor } = await governed('named', [])
  await alice.ok('push', '-q', 'origin', 'HEAD:refs/heads/release/1')
  const one = await audited(
    server,
    'release/1',
    '--anchor',
    anchor,
    '--steps',
    JOURNAL,
    '--allow-empty',
  )
  expect(new Set(one.summary.steps.map(({ ref }) => ref))).toEqual(
    new Set(['refs/heads/release/1']),
  )
  const absent = await server.signet('audit', '--anchor', anchor, '--steps', 'nothing.jsonl')
  expect(absent.status).toBe(2)
  expect(absent.stderr).toContain('cannot read')
  const noPolicy = await server.signet('audit', '--steps', JOURNAL)
  expect(noPolicy.status).toBe(2)
  expect(noPolicy.stderr).toContain('only a policy judges the steps of a journal')
})

test('audit --steps follows the owner who moved a ref back and had the hook forget it', async () => {
  const { server, alice, anchor } = await governed('forgotten', [])
  await alice.commit('kept')
  await alice.ok('push', '-q', 'origin', 'main')
  const kept = await alice.ok('rev-parse', 'HEAD')
  await alice.commit('taken back')
  await alice.ok('push', '-q', 'origin', 'main')
  const gone = await alice.commit('and this')
  await alice.ok('push', '-q', 'origin', 'main')
  await server.git('update-ref', 'refs/heads/main', kept)
  const step = { ref: 'refs/heads/main', before: gone, after: kept, policy: '', verdict: 'pass' }
  const line = { ...step, codes: [], at: '2026-01-01T00:00:00.000Z', source: 'forget' }
  appendFileSync(join(server.path, JOURNAL), `${JSON.stringify(line)}\n`)
  await alice.ok('reset', '-q', '--hard', kept)
  await alice.commit('instead')
  await alice.ok('push', '-q', 'origin', 'main')
  const { status, stderr } = await audited(server, '--anchor', anchor, '--steps', JOURNAL)
  expect(stderr).toContain('moved back by the owner of the server')
  expect(stderr).not.toContain('verdicts are')
  expect(status, stderr).toBe(0)
  // Without the line it is a movement past the hook that nothing allows.
  const path = join(server.path, JOURNAL)
  const lines = readFileSync(path, 'utf8').split('\n')
  const others = lines.filter((one) => !one.includes('"forget"'))
  writeFileSync(join(server.path, 'unexplained.jsonl'), others.join('\n'))
  const without = await audited(server, '--anchor', anchor, '--steps', 'unexplained.jsonl')
  expect(without.status).toBe(1)
  expect(without.summary.codes).toHaveProperty('REWRITTEN')
})
