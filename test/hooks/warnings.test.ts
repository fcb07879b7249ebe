import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderWarnings } from '../../src/cli/hook/warn.ts'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team } from './server.ts'

const MAIN = 'HEAD:refs/heads/main'

describe('what a push says about the policy', () => {
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

  test('doubtful lines are repeated once, below the verdict, and the place of the file is not told', async () => {
    const { server, alice } = await team.guarded('warned')
    await alice.commit('good')
    const good = await alice.push('origin', MAIN)
    expect(good.status, good.stderr).toBe(0)
    expect(good.stderr).toMatch(/warning: policy\.toml: admins: .* is the only admin/)
    expect(good.stderr).toContain('in full: git signet policy check')
    expect(/warning:.*/.exec(good.stderr)?.[0]).not.toContain(server.path)
    await alice.commit('bad', { unsigned: true })
    const bad = await alice.push('origin', MAIN)
    const said = bad.stderr.split('\n').filter((line) => line.startsWith('remote: '))
    expect(said[0]).toContain('refused')
    expect(said.filter((line) => line.includes('is the only admin'))).toHaveLength(1)
    expect(said.findIndex((line) => line.includes('warning:'))).toBeGreaterThan(2)
  })

  test('are few, escaped, and fit behind "remote: "', () => {
    expect(renderWarnings([])).toBe('')
    const text = renderWarnings(['/srv/git/policy.toml:3: a: b', '\u001b[31mred', 'c'.repeat(900)])
    expect(text).toBe(
      'warning: policy.toml:3: a: b\nwarning: \\u{1b}[31mred\nwarning: and 1 more; in full: git signet policy check\n',
    )
    for (const line of renderWarnings(['d'.repeat(900)]).split('\n')) {
      expect(line.length).toBeLessThanOrEqual(72)
    }
  })
})
