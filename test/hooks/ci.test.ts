import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

/** Lines of a shell script after a key of a YAML file, without their indentation. */
function scriptAfter(text: string, key: string): string {
  const [, rest = ''] = text.split(key)
  const lines = rest.split('\n').filter((line) => line.trim() !== '')
  const indent = / */.exec(lines[0] ?? '')?.[0] ?? ''
  return lines
    .filter((line) => line.startsWith(indent))
    .map((line) => line.slice(indent.length))
    .join('\n')
}

/** A pull request of a good and a bad commit on a base, and npm as something that does nothing. */
async function pullRequest(name: string) {
  const server = await team.server(name)
  const alice = await team.member('alice', server)
  const anchor = await alice.commitPolicy(team.policy(['alice']))
  const base = await alice.commit('base')
  const good = await alice.commit('good')
  const bad = await alice.commit('bad', { unsigned: true })
  writeFileSync(join(team.home, 'npm'), '#!/bin/sh\necho installed\n', { mode: 0o755 })
  const run = (script: string, env: Record<string, string>) =>
    team.run('sh', ['-e', '-c', script], { cwd: alice.folder, env })
  return { anchor, base, good, bad, run }
}

test('the action, run as GitHub runs it: its script with what its inputs become', async () => {
  const action = readFileSync(join(ci, 'action.yml'), 'utf8')
  const script = scriptAfter(action, 'run: |')
  // What strangers choose reaches the shell as variables only.
  expect(script).not.toContain('${{')
  const { anchor, base, good, bad, run } = await pullRequest('action')
  const inputs: Record<string, string> = { anchor, base, policy: '', identity: '', issuer: '' }
  const start = (head: string) => {
    const env: Record<string, string> = { GITHUB_ACTION_PATH: ci.replace(/\/$/, '') }
    for (const [, name = '', value = ''] of action.matchAll(/^ {8}(SIGNET_\w+): (.*)$/gm)) {
      const input = /^\$\{\{ inputs\.(\w+) \}\}$/.exec(value)?.[1]
      env[name] = input === undefined ? value : ({ ...inputs, head }[input] ?? '')
    }
    return run(script, env)
  }
  const passed = await start(good)
  expect(passed.status, passed.stdout + passed.stderr).toBe(0)
  const refused = await start(bad)
  expect(refused.status).toBe(1)
  expect(refused.stdout).toMatch(/^::error.*UNSIGNED/m)
})

test('the GitLab template, its script with GitLab’s variables', async () => {
  const script = scriptAfter(readFileSync(join(ci, 'gitlab-ci.yml'), 'utf8'), 'script:')
    .split('\n')
    .filter((line) => line.startsWith('- '))
    .map((line) => line.slice(2))
    .join('\n')
  const { anchor, base, good, bad, run } = await pullRequest('merge-request')
  const start = (env: Record<string, string>) =>
    run(script, { SIGNET_ANCHOR: anchor, CI_MERGE_REQUEST_DIFF_BASE_SHA: base, ...env })
  const passed = await start({ CI_COMMIT_SHA: good })
  expect(passed.status, passed.stdout + passed.stderr).toBe(0)
  expect((await start({ CI_COMMIT_SHA: bad })).status).toBe(1)
  // Of merged results only the source is anybody's work.
  const merged = { CI_COMMIT_SHA: bad, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA: good }
  expect((await start(merged)).status).toBe(0)
})

test('the pre-commit definition, with what the framework tells a pre-push hook', async () => {
  const text = readFileSync(join(ci, '..', '..', '.pre-commit-hooks.yaml'), 'utf8')
  const entry = /^ {2}entry: (.*)$/m.exec(text)?.[1] ?? ''
  const { anchor, base, good, bad, run } = await pullRequest('pre-commit')
  const start = (env: Record<string, string>) => run(entry, { SIGNET_ANCHOR: anchor, ...env })
  const passed = await start({ PRE_COMMIT_FROM_REF: base, PRE_COMMIT_TO_REF: good })
  expect(passed.status, passed.stdout + passed.stderr).toBe(0)
  expect((await start({ PRE_COMMIT_FROM_REF: base, PRE_COMMIT_TO_REF: bad })).status).toBe(1)
  // Where all is new to the remote it names no start.
  const all = await start({ PRE_COMMIT_TO_REF: bad })
  expect(all.status).not.toBe(0)
  expect(all.stderr).toContain('git signet audit')
})

describe('custom hooks of forges', () => {
  // As Gitea and Forgejo write it into each repository.
  const gitea = `#!/bin/sh
data=$(cat)
exitcodes=""
for hook in $(dirname "$0")/pre-receive.d/*; do
  test -x "$hook" && test -f "$hook" || continue
  echo "$data" | "$hook"
  exitcodes="$exitcodes $?"
done
for i in $exitcodes; do [ "$i" -eq 0 ] || exit "$i"; done
`
  test.each([
    ['Gitea and Forgejo', 'hooks/pre-receive.d', gitea],
    [
      'GitLab',
      'custom_hooks/pre-receive.d',
      gitea.replace('/pre-receive.d/', '/../custom_hooks/pre-receive.d/'),
    ],
  ])('%s: installed into %s, the forge’s own hook stays', async (name, folder, own) => {
    const server = await team.server(name.replaceAll(/\W+/g, '-').toLowerCase())
    const alice = await team.member('alice', server)
    writeFileSync(server.hookFile, own, { mode: 0o755 })
    const policy = server.policyFile(team.policy(['alice']))
    const hooksPath = `core.hooksPath=${folder}`
    const install = ['signet', 'hook', 'install', 'pre-receive', '--policy', policy]
    const installed = await server.git('-c', hooksPath, ...install)
    expect(installed.status, installed.stderr).toBe(0)
    expect(readFileSync(server.hookFile, 'utf8')).toBe(own)
    expect(existsSync(join(server.path, folder, 'pre-receive'))).toBe(true)
    await alice.commit('bad', { unsigned: true })
    const refused = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain('UNSIGNED')
    await alice.ok('commit', '-q', '--amend', '-S', '--no-edit')
    const push = await alice.push('origin', 'HEAD:refs/heads/main')
    expect(push.status, push.stderr).toBe(0)
    const status = await server.git('-c', hooksPath, 'signet', 'hook', 'status', 'pre-receive')
    expect(status.status).toBe(0)
  })

  test('help says these paths', async () => {
    const help = await team.signet('help', 'hook')
    expect(help.stdout).toContain('hooks/pre-receive.d/')
    expect(help.stdout).toContain('custom_hooks/pre-receive.d/')
  })
})
