import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import type { Member, Server } from './server.ts'
import { Team } from './server.ts'

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

/** A server that enforces the policy in the tree, which alice has pushed. */
async function governed(
  name: string,
  more = '',
): Promise<{ server: Server; alice: Member; anchor: string }> {
  const server = await team.server(name)
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice', 'bob'], more))
  await server.install('--anchor', anchor)
  const push = await alice.push('origin', 'HEAD:refs/heads/main')
  expect(push.status, push.stderr).toBe(0)
  return { server, alice, anchor }
}

describe('the policy in the tree', () => {
  test('lets signed commits through and refuses unsigned ones, saying how to mend it', async () => {
    const { server, alice } = await governed('plain')
    await alice.commit('first')
    expect((await alice.push('origin', 'HEAD:refs/heads/main')).status).toBe(0)
    const before = await server.ref('refs/heads/main')
    const bad = await alice.commit('not signed', { unsigned: true })
    const refused = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain(
      `remote: refused: commit ${bad.slice(0, 10)} to refs/heads/main: it has no signature`,
    )
    expect(refused.stderr).toContain('git signet resign')
    expect(await server.ref('refs/heads/main')).toBe(before)
    const journal = server.journal()
    expect(journal.map(({ verdict }) => verdict)).toEqual(['pass', 'pass'])
  })
})
