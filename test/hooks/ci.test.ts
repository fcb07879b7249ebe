import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { programPath } from '../cli/run-program.ts'
import { Team } from './server.ts'

let stack: LocalStack
let team: Team
const ci = fileURLToPath(new URL('../../scripts/ci/', import.meta.url))

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  team = await Team.create(stack)
  symlinkSync(programPath, join(team.home, 'git-signet'))
  team.env['PATH'] = `${team.home}:${team.env['PATH'] ?? ''}`
})

afterAll(async () => {
  team.remove()
  await stack.close()
})

test('the action’s script passes what the policy accepts and annotates what it does not', async () => {
  const server = await team.server('ci')
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice']))
  const base = await alice.commit('base')
  const good = await alice.commit('good')
  const bad = await alice.commit('bad', { unsigned: true })
  const run = (head: string, env: Record<string, string> = {}) =>
    team.run(join(ci, 'verify-range.sh'), [], {
      cwd: alice.folder,
      env: { SIGNET_ANCHOR: anchor, SIGNET_BASE: base, SIGNET_HEAD: head, ...env },
    })
  const passed = await run(good, { SIGNET_FORMAT: 'github' })
  expect(passed.status, passed.stdout + passed.stderr).toBe(0)
  const refused = await run(bad, { SIGNET_FORMAT: 'github' })
  expect(refused.status).toBe(1)
  expect(refused.stdout).toContain('::error')
  expect((await run(base)).status).toBe(4)
  expect((await run('--all')).status).toBe(2)
  expect((await run(good, { SIGNET_BASE: '' })).status).not.toBe(0)
})

test('the action runs that script', () => {
  const action = readFileSync(join(ci, 'action.yml'), 'utf8')
  expect(action).toContain('"$GITHUB_ACTION_PATH/verify-range.sh"')
  // What strangers choose reaches the shell as variables only.
  const [, script = ''] = action.split('run: |')
  expect(script).not.toContain('${{')
})
