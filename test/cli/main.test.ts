import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { isGroup } from '../../src/cli/help.ts'
import { VERSION } from '../../src/cli/version.ts'
import { Person, programPath } from './run-program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let person: Person
beforeAll(() => {
  person = new Person()
})
afterAll(() => {
  person.remove()
})

describe('git-signet', () => {
  it('has one version', async () => {
    const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
      version: string
    }
    expect(VERSION).toBe(version)
    for (const argv of [['version'], ['--version']]) {
      expect(await person.signet(...argv)).toEqual({
        status: 0,
        stdout: `git-signet ${version}\n`,
        stderr: '',
      })
    }
  })

  it('shows the overview on stderr and exits 2 when nothing is asked', async () => {
    const { status, stdout, stderr } = await person.signet()
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('git-signet COMMAND [options]')
  })

  it('suggests the command that was meant', async () => {
    expect(await person.signet('setpu')).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'git-signet: error: unknown command "setpu"\n' +
        'git-signet: hint: did you mean git-signet setup?\n',
    })
  })

  it('answers as "git signet" too, started through a link as npm makes one', async () => {
    symlinkSync(programPath, join(person.home, 'git-signet'))
    const PATH = `${person.home}:${person.env['PATH'] ?? ''}`
    const { status, stdout } = await person.run('git', ['signet', 'version'], { env: { PATH } })
    expect({ status, stdout }).toEqual({ status: 0, stdout: `git-signet ${VERSION}\n` })
  })

  it('keeps its verdict when the reader of its output has gone', async () => {
    const child = spawn(process.execPath, [programPath, 'help'], { env: person.env })
    child.stdout.destroy()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const status = await new Promise((resolve) => child.on('close', resolve))
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  it('says so when its output cannot be written', async () => {
    const { status, stderr } = await person.run('sh', [
      '-c',
      `'${process.execPath}' '${programPath}' help > /dev/full`,
    ])
    expect(status).toBe(4)
    expect(stderr).toContain('git-signet: error: cannot write the output: ')
  })
})

describe('outside of a repository', () => {
  it.each([
    ['verify'],
    ['verify-tag', 'v1'],
    ['log'],
    ['inspect', 'HEAD'],
    ['resign', 'A..B'],
    ['policy', 'init'],
    ['hook', 'install', 'pre-receive'],
  ])('%s %s says that this is none, and what to type', async (...argv) => {
    expect(await person.signet(...argv)).toEqual({
      status: 4,
      stdout: '',
      stderr:
        'git-signet: error: this is not a git repository\n' +
        'git-signet: hint: cd into one, or name it: git -C FOLDER signet …\n',
    })
  })
})

describe('help', () => {
  it.each(COMMANDS.filter(({ isHidden }) => !isHidden).map(({ name }) => name))(
    'of %s keeps to 80 columns, but for examples',
    async (name) => {
      const { stdout } = await person.signet('help', name)
      for (const line of stdout.split('\n')) {
        if (/^ {2}git[ -]/.test(line)) continue
        expect(line.length, line).toBeLessThanOrEqual(80)
      }
    },
  )

  it('keeps its overview and what setup says to 80 columns', async () => {
    const overview = await person.signet('help')
    const setup = await person.signet('setup', '--dry-run')
    for (const line of `${overview.stdout}${setup.stderr}`.split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(80)
    }
  })
})

describe('every command', () => {
  it.each(COMMANDS.map(({ name }) => name))(
    '%s has help, a summary and documented options',
    async (name) => {
      const entry = COMMANDS.find((each) => each.name === name)
      const command = await entry?.load()
      if (!command) throw new Error('it is not in the table')
      expect(command.name).toBe(name)
      expect(command.summary).toMatch(/^[A-Z“].*[^.\s]$/)
      for (const each of isGroup(command) ? command.commands : [command]) {
        for (const [option, { summary }] of Object.entries(each.options)) {
          expect(option).toMatch(/^[a-z][a-z-]*$/)
          expect(summary).toMatch(/^[a-z].*[^.\s]$/)
        }
      }
      const { status, stdout } = await person.signet(name, '--help')
      expect(status).toBe(0)
      expect(stdout).toContain(`git-signet ${name}`)
      expect((await person.signet('help', name)).stdout).toBe(stdout)
    },
  )

  it('refuses an unknown option with exit 2', async () => {
    for (const entry of COMMANDS) {
      const { name } = entry
      const command = await entry.load()
      const argv = isGroup(command) ? [name, command.commands[0]?.name ?? ''] : [name]
      const { status, stdout, stderr } = await person.signet(...argv, '--no-such-option')
      expect({ name, status, stdout }).toEqual({ name, status: 2, stdout: '' })
      expect(stderr).toContain('unknown option "--no-such-option"')
    }
  })
})

describe('git-signet completion', () => {
  it('gives bash a script that completes commands, members and options', async () => {
    const { stdout } = await person.signet('completion', 'bash')
    const complete = (...words: string[]) => {
      const script =
        `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})\n` +
        `COMP_CWORD=${words.length - 1}\n_git_signet\nprintf '%s\\n' "\${COMPREPLY[@]}"`
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean)
    }
    expect(complete('git-signet', 'set')).toEqual(['setup'])
    expect(complete('git', 'signet', 'set')).toEqual(['setup'])
    expect(complete('git-signet', 'setup', '--dry')).toEqual(['--dry-run'])
    expect(complete('git-signet', 'stack', 'u')).toEqual(['up'])
    expect(complete('git-signet', 'stack', 'up', '--po')).toEqual(['--port'])
  })

  it('gives zsh and fish theirs, and refuses another shell', async () => {
    expect((await person.signet('completion', 'zsh')).stdout).toContain('bashcompinit')
    expect((await person.signet('completion', 'fish')).stdout).toContain(
      'complete -c git-signet -n __fish_use_subcommand -f -a setup',
    )
    expect((await person.signet('completion', 'csh')).status).toBe(2)
  })
})

describe('the manual page', () => {
  it('is shipped and names every command', () => {
    const page = readFileSync(`${root}dist/git-signet.1`, 'utf8')
    for (const { name, isHidden } of COMMANDS) {
      if (!isHidden) expect(page).toContain(`git\\-signet ${name.replaceAll('-', '\\-')}`)
    }
  })
})
