import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { Team } from './server.ts'

const MAIN = 'HEAD:refs/heads/main'

describe('what a push waits for', () => {
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

  test('two git processes for a commit on top of a branch', async () => {
    const { server, alice } = await team.guarded('counted')
    const base = await alice.commit('base')
    await alice.ok('push', '-q', 'origin', MAIN)
    const next = await alice.commit('next')
    await server.git('fetch', '-q', join(team.home, alice.folder), 'HEAD')
    const log = join(team.home, 'started')
    const folder = join(team.home, 'counting')
    mkdirSync(folder)
    const real = spawnSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).stdout.trim()
    writeFileSync(join(folder, 'git'), `#!/bin/sh\necho "$*" >>${log}\nexec ${real} "$@"\n`)
    chmodSync(join(folder, 'git'), 0o755)
    const judge = (input: string): string[] => {
      if (existsSync(log)) rmSync(log)
      const { status, stderr } = spawnSync(join(server.path, 'hooks', 'pre-receive'), {
        cwd: server.path,
        env: { ...team.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
        input,
        encoding: 'utf8',
      })
      expect(status, stderr).toBe(0)
      return readFileSync(log, 'utf8').trim().split('\n')
    }
    const started = judge(`${base} ${next} refs/heads/main\n`)
    expect(started.filter((line) => line.includes('cat-file'))).toHaveLength(1)
    expect(started.filter((line) => line.startsWith('config'))).toHaveLength(1)
    expect(started).toHaveLength(2)
  })
})
