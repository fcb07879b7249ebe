import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Person, programPath } from './run-program.ts'

let person: Person
beforeEach(() => {
  person = new Person()
})
afterEach(() => {
  person.remove()
})

async function values(key: string, scope = '--global'): Promise<string[]> {
  const { stdout } = await person.git('config', scope, '--null', '--get-all', key)
  return stdout.split('\0').slice(0, -1)
}

const launcherPath = () => join(person.home, '.local/share/git-signet/launcher/global')

describe('git-signet setup', () => {
  it('writes gpg.format, gpg.x509.program and commit.gpgSign, and says so', async () => {
    const { status, stdout, stderr } = await person.signet('setup', '--yes')
    expect({ status, stderr }).toMatchObject({ status: 0 })
    expect(stderr).toContain('It will hold for ever: the address you log in with')
    expect(stdout).toContain('The way back:  git-signet setup --undo')
    expect(await values('gpg.format')).toEqual(['x509'])
    expect(await values('gpg.x509.program')).toEqual([launcherPath()])
    expect(await values('commit.gpgSign')).toEqual(['true'])
    expect(await values('tag.gpgSign')).toEqual([])
  })

  it('writes a launcher that needs no PATH', async () => {
    await person.signet('setup', '--yes')
    const { status, stdout } = await person.run(launcherPath(), ['--version'], {
      env: { PATH: '/usr/bin:/bin' },
    })
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'git-signet 0.1.0\n' })
    expect(readFileSync(launcherPath(), 'utf8')).toContain(`program=${programPath}\n`)
  })

  it('signs tags too with --tags', async () => {
    await person.signet('setup', '--yes', '--tags')
    expect(await values('tag.gpgSign')).toEqual(['true'])
  })

  it('asks, and without a terminal says what to type and writes nothing', async () => {
    const { status, stdout, stderr } = await person.signet('setup')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('git-signet: hint: if you agree: git-signet setup --yes\n')
    expect(readdirSync(person.home)).toEqual([])
  })

  it('asks only once', async () => {
    await person.signet('setup', '--yes')
    const { status, stderr } = await person.signet('setup', '--tags')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('only tells with --dry-run', async () => {
    await person.git('config', '--global', 'gpg.format', 'ssh')
    const { status, stdout, stderr } = await person.signet('setup', '--dry-run', '--tags')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('  git config --global --replace-all gpg.format x509  # now: ssh\n')
    expect(stdout).toContain('tag.gpgSign true  # now: not set')
    expect(readdirSync(person.home)).toEqual(['.gitconfig'])
    expect(await values('gpg.format')).toEqual(['ssh'])
  })

  it('tells when a repository says otherwise', async () => {
    await person.repository('project')
    await person.run('git', ['config', 'commit.gpgSign', 'false'], { cwd: 'project' })
    const { stdout } = await person.run(process.execPath, [programPath, 'setup', '--yes'], {
      cwd: 'project',
    })
    expect(stdout).toContain('But here commit.gpgSign is false')
  })

  it('refuses --global with --local, and --local outside a repository', async () => {
    expect((await person.signet('setup', '--global', '--local')).status).toBe(2)
    const outside = await person.signet('setup', '--local', '--yes')
    expect(outside.status).toBe(2)
    expect(outside.stderr).toContain('this is no git repository')
  })

  it('works for one repository with --local, its path holding spaces and letters of all kinds', async () => {
    const name = "a b'c ü"
    await person.repository(name)
    const setup = (...args: string[]) =>
      person.run(process.execPath, [programPath, 'setup', '--local', ...args], { cwd: name })
    const done = await setup('--yes')
    expect(done).toMatchObject({ status: 0 })
    expect(await values('gpg.format')).toEqual([])
    const program = await person.run('git', ['config', '--local', 'gpg.x509.program'], {
      cwd: name,
    })
    expect(existsSync(program.stdout.trim())).toBe(true)
    expect(await setup('--undo')).toMatchObject({ status: 0, stderr: '' })
    const left = await person.run('git', ['config', '--local', '--get-regexp', 'gpg'], {
      cwd: name,
    })
    expect(left.stdout).toBe('')
    expect(existsSync(program.stdout.trim())).toBe(false)
    expect(existsSync(join(person.home, name, '.git/git-signet'))).toBe(false)
  })

  it('leaves nothing when the launcher cannot be started', async () => {
    mkdirSync(join(person.home, '.local/share'), { recursive: true })
    const copy = join(person.home, 'copy/bin/git-signet.cjs')
    mkdirSync(dirname(copy), { recursive: true })
    mkdirSync(join(person.home, 'copy/dist'))
    for (const name of readdirSync(join(dirname(programPath), '../dist'))) {
      if (!name.endsWith('.js')) continue
      const from = join(dirname(programPath), '../dist', name)
      writeFileSync(join(person.home, 'copy/dist', name), readFileSync(from))
    }
    writeFileSync(join(person.home, 'copy/package.json'), '{"type":"module"}')
    writeFileSync(
      copy,
      "if (process.argv[2] === 'setup') import('../dist/cli.js')\nelse process.exit(9)\n",
    )
    const { status, stderr } = await person.run(process.execPath, [copy, 'setup', '--yes'])
    expect(stderr).toContain('git-signet: error: the launcher does not start (exit 9)')
    expect(status).toBe(4)
    expect(await values('gpg.format')).toEqual([])
    expect(readdirSync(dirname(launcherPath()))).toEqual([])
  })

  it('takes the name gitsign only on request, and never from another program', async () => {
    const alias = join(person.home, '.local/bin/gitsign')
    await person.signet('setup', '--yes')
    expect(existsSync(alias)).toBe(false)
    expect((await person.signet('setup', '--alias-gitsign')).status).toBe(0)
    expect((await person.run(alias, ['--version'])).stdout).toBe('git-signet 0.1.0\n')
    await person.signet('setup', '--undo')
    expect(existsSync(alias)).toBe(false)
    mkdirSync(dirname(alias), { recursive: true })
    writeFileSync(alias, '#!/bin/sh\necho the real one\n')
    chmodSync(alias, 0o755)
    const refused = await person.signet('setup', '--yes', '--alias-gitsign')
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('is another program')
    expect(await values('gpg.format')).toEqual([])
  })
})

describe('git-signet setup --undo', () => {
  it('restores values set several times, set once, and not set', async () => {
    await person.git('config', '--global', '--add', 'gpg.x509.program', 'first')
    await person.git('config', '--global', '--add', 'gpg.x509.program', 'second')
    await person.git('config', '--global', 'gpg.format', 'openpgp')
    await person.signet('setup', '--yes', '--tags')
    expect(await values('gpg.x509.program')).toEqual([launcherPath()])
    await person.signet('setup', '--tags')
    const { status, stdout } = await person.signet('setup', '--undo')
    expect(status).toBe(0)
    expect(stdout).toContain('git is as it was before git-signet setup.\n')
    expect(await values('gpg.x509.program')).toEqual(['first', 'second'])
    expect(await values('gpg.format')).toEqual(['openpgp'])
    expect(await values('commit.gpgSign')).toEqual([])
    expect(await values('tag.gpgSign')).toEqual([])
    expect(existsSync(join(person.home, '.local/share/git-signet'))).toBe(false)
  })

  it('leaves what was changed since', async () => {
    await person.signet('setup', '--yes')
    await person.git('config', '--global', 'commit.gpgSign', 'false')
    const { status, stdout } = await person.signet('setup', '--undo')
    expect(status).toBe(0)
    expect(stdout).toContain('commit.gpgSign  left at false (setup wrote true)\n')
    expect(await values('commit.gpgSign')).toEqual(['false'])
    expect(await values('gpg.format')).toEqual([])
  })

  it('takes a value changed between two setups for the person’s own', async () => {
    await person.signet('setup', '--yes')
    await person.git('config', '--global', 'gpg.format', 'ssh')
    await person.signet('setup')
    await person.signet('setup', '--undo')
    expect(await values('gpg.format')).toEqual(['ssh'])
  })

  it('writes nothing with --dry-run', async () => {
    await person.signet('setup', '--yes')
    expect((await person.signet('setup', '--undo', '--dry-run')).status).toBe(0)
    expect(await values('gpg.format')).toEqual(['x509'])
  })

  it('says that there is nothing to undo', async () => {
    const { status, stderr } = await person.signet('setup', '--undo')
    expect(status).toBe(2)
    expect(stderr).toContain('nothing to undo: setup --global was not run')
  })

  it('refuses a damaged journal with what to do', async () => {
    await person.signet('setup', '--yes')
    writeFileSync(join(person.home, '.local/share/git-signet/setup.json'), '{')
    const { status, stderr } = await person.signet('setup', '--undo')
    expect(status).toBe(2)
    expect(stderr).toContain('setup.json is damaged')
  })
})
