import { createHash } from 'node:crypto'
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

const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8')
const section = /## If you guard a repository\n([^]*?)\n## /.exec(readme)?.[1] ?? ''
const [before = '', after = ''] = section.split('<!-- story -->')

/** The indented lines of a text. */
function blockOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .map((line) => line.slice(4))
}

test('the README’s story: set up, refused, mended, through', async () => {
  const server = await team.server('story')
  const alice = await team.member('alice', server)
  await alice.commit('first')
  await alice.ok('push', '-q', 'origin', 'main')
  await alice.commit('not signed', { unsigned: true })
  // The local sigstore stands for Google and the public log.
  const root = createHash('sha256').update(readFileSync(team.rootFile)).digest('hex')
  const policy = blockOf(before)
    .join('\n')
    .replace('issuer = "google"', `issuer = "${team.issuer}", trust = "local"`)
    .concat(`\ntrust.local = { root = ".signet/trust/local.json", sha256 = "${root}" }\n`)
  const file = server.policyFile(policy)

  let output = ''
  let mending = ''
  let played = 0
  for (const line of blockOf(after)) {
    const [, who, command] = /^(server|alice)\$ (.*)$/.exec(line) ?? []
    if (who === undefined || command === undefined) {
      const shown = line.replace(/\b[0-9a-f]{10}\b/g, 'ID')
      expect(output.replace(/\b[0-9a-f]{10}\b/g, 'ID')).toContain(shown)
      continue
    }
    const words = command.replace('/srv/git/policy.toml', file).split(' ').slice(1)
    const result = who === 'server' ? await server.git(...words) : await alice.git(...words)
    output = result.stdout + result.stderr
    const isRefused = output.includes('refused')
    expect(result.status, output).toBe(isRefused ? 1 : 0)
    mending = /^remote: +(git signet resign \S+)/m.exec(output)?.[1] ?? mending
    played++
  }
  expect(played).toBe(4)
  expect(await server.ref('refs/heads/main')).toBe(await alice.ok('rev-parse', 'HEAD'))

  // The command that the refusal itself prints mends it too.
  expect(mending).toMatch(/^git signet resign [0-9a-f]{10}\.\.HEAD$/)
  await alice.commit('not signed again', { unsigned: true })
  const refused = await alice.push('origin', 'main')
  expect(refused.status).toBe(1)
  const printed = /^remote: +git (signet resign \S+)/m.exec(refused.stderr)?.[1] ?? ''
  await alice.ok(...printed.split(' '))
  const push = await alice.push('origin', 'main')
  expect(push.status, push.stderr).toBe(0)
})
