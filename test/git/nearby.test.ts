import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nearbyPaths } from '../../src/git/nearby.ts'
import { repositoryPaths } from '../../src/git/refs.ts'

describe('nearbyPaths()', () => {
  let home = ''
  const at = (...parts: string[]): string => join(home, ...parts)
  const env = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    ...more,
  })
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: home, env: env(), encoding: 'utf8' })

  beforeAll(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'git-signet-test-')))
    git('init', '-q', '-b', 'main', 'tree')
    const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.org']
    git('-C', 'tree', ...who, 'commit', '-q', '--allow-empty', '-m', 'one')
    git('-C', 'tree', 'worktree', 'add', '-q', at('linked'))
    git('clone', '-q', '--bare', 'tree', 'bare.git')
    git('init', '-q', '--separate-git-dir', at('apart.git'), 'apart')
    mkdirSync(at('tree', 'below'))
    mkdirSync(at('nothing', '.git', 'refs'), { recursive: true })
    writeFileSync(at('file'), '')
  })
  afterAll(() => {
    rmSync(home, { recursive: true, force: true })
  })

  it.each([
    ['the top of a work tree', 'tree', {}],
    [
      'a linked work tree, as git starts its programs there',
      'linked',
      'tree/.git/worktrees/linked',
    ],
    ['a bare repository, as git starts its programs there', 'bare.git', '.'],
    ['a git directory elsewhere', 'apart', '../apart.git'],
  ])('says what git says: %s', async (_, folder, gitDir) => {
    const named =
      typeof gitDir === 'string' ? { GIT_DIR: gitDir.startsWith('tree') ? at(gitDir) : gitDir } : {}
    const place = { cwd: at(folder), env: env(named) }
    const { bare, ...wanted } = await repositoryPaths(place)
    expect(bare).toBe(folder === 'bare.git')
    expect(nearbyPaths(place, 'sha1')).toMatchObject(wanted)
  })

  it.each([
    ['a folder below', 'tree/below', {}],
    ['a file that names the git directory', 'apart', {}],
    ['no repository', '.', {}],
    ['a folder that is none', 'nothing', {}],
    ['a git directory that is a file', 'tree', { GIT_DIR: '../file' }],
    ['an empty GIT_DIR', 'tree', { GIT_DIR: '' }],
    ['objects elsewhere', 'tree', { GIT_OBJECT_DIRECTORY: '/elsewhere' }],
    ['a common directory elsewhere', 'tree', { GIT_COMMON_DIR: '/elsewhere' }],
    ['another shallow file', 'tree', { GIT_SHALLOW_FILE: '/elsewhere' }],
  ])('leaves it to git: %s', (_, folder, more) => {
    expect(nearbyPaths({ cwd: at(folder), env: env(more) }, 'sha1')).toBeUndefined()
  })
})
