import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../src/cli/commands.ts'
import { isGroup } from '../src/cli/help.ts'
import { parseCommandLine } from '../src/cli/parse.ts'
import { DEFINITIONS, keysOf, variablesOf } from '../src/config/definitions.ts'
import type { SettingDefinition } from '../src/config/definitions.ts'
import { EXIT } from '../src/errors.ts'
import { REASON_CODES } from '../src/facts.ts'
import { FORMATS } from '../src/report/formats.ts'
import { REASONS } from '../src/report/reasons.ts'
import { Person, programPath } from './cli/run-program.ts'
import type { ProcessResult } from './cli/run-program.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const path = `${root}README.md`
const readme = readFileSync(path, 'utf8')
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  scripts: Record<string, string>
  devDependencies: Record<string, string>
}

interface Block {
  readonly isRun: boolean
  readonly lines: readonly string[]
}

const blocks: Block[] = [...readme.matchAll(/(<!-- run -->\n\n)?```sh\n([^]*?)```/g)].map(
  ([, run, text = '']) => ({
    isRun: run !== undefined,
    lines: text.split('\n').filter((line) => line.trim() !== ''),
  }),
)

/** The commands of a shell line, without comment, pipe and `$(…)` around them. */
function commandsOf(line: string): string[] {
  return line
    .replace(/\s+#.*$/, '')
    .replace(/^eval "\$\((.*)\)"$/, '$1')
    .split(/\s*(?:&&|\|)\s*/)
}

async function checkSignetCommand(words: readonly string[]): Promise<void> {
  const [name = '', ...rest] = words
  const command = await COMMANDS.find((each) => each.name === name)?.load()
  if (!command) throw new Error(`no command ${name}`)
  if (!isGroup(command)) {
    parseCommandLine(command, name, rest)
    return
  }
  const member = command.commands.find((each) => each.name === rest[0])
  if (!member) throw new Error(`no command ${name} ${rest[0] ?? ''}`)
  parseCommandLine(member, `${name} ${member.name}`, rest.slice(1))
}

async function checkCommand(text: string): Promise<void> {
  const words = text.split(/\s+/)
  const [program, ...rest] = words
  if (program === 'git-signet') return checkSignetCommand(rest)
  if (program === 'git' && rest[0] === 'signet') return checkSignetCommand(rest.slice(1))
  if (program === 'npm' && rest[0] === 'run') {
    expect(manifest.scripts).toHaveProperty([rest[1] ?? ''])
    return
  }
  const known = /^(?:npm (?:ci|cit|install)\b|git (?:commit|tag|log|config|rev-list)\b)/
  expect(text).toMatch(known)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('[[', '\\[\\[')

/** What the README says and the program knows better: `UPDATE_README=1` writes it anew. */
async function generatedSections(): Promise<Record<string, string>> {
  const commands: string[][] = []
  for (const entry of COMMANDS) {
    if (entry.isHidden) continue
    const command = await entry.load()
    const members = isGroup(command)
      ? ` ${command.commands.map(({ name }) => name).join(', ')}`
      : ''
    commands.push([`\`${command.name}\`${members}`, cell(command.summary)])
  }
  const settings = Object.values(DEFINITIONS as Record<string, SettingDefinition>).map(
    (definition) => {
      const [key] = keysOf(definition)
      const [variable = ''] = variablesOf(definition)
      const name = key === undefined ? '' : `\`${key}\``
      return [name, `\`${variable}\``, definition.default ?? '']
    },
  )
  const reasons = REASON_CODES.map((code) => [
    `\`${code}\``,
    String(REASONS[code].exit),
    cell(REASONS[code].meaning),
  ])
  return {
    commands: table(['command', 'what it does'], commands),
    settings: table(['git configuration', 'environment', 'default'], settings),
    reasons: table(['code', 'exit', 'what it says of an object or a change'], reasons),
  }
}

async function withGeneratedSections(text: string): Promise<string> {
  let result = text
  for (const [name, body] of Object.entries(await generatedSections())) {
    const section = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`)
    expect(result).toMatch(section)
    result = result.replace(
      section,
      (_, before: string, after: string) => `${before}\n${body}\n${after}`,
    )
  }
  return format(result, { parser: 'markdown' })
}

const bob = ['--identity', 'bob@example.org', '--issuer', 'google']
const isCommand = (name: string): boolean => COMMANDS.some((entry) => entry.name === name)

/** Two unsigned commits on main. */
async function inRepository(
  play: (signet: (...args: string[]) => Promise<ProcessResult>, folder: string) => Promise<void>,
): Promise<void> {
  const person = new Person()
  try {
    await person.git('init', '-q', '-b', 'main', 'repository')
    const cwd = 'repository'
    for (const subject of ['one', 'two']) {
      const identity = ['-c', 'user.name=Al', '-c', 'user.email=al@example.org']
      await person.run('git', [...identity, 'commit', '-q', '--allow-empty', '-m', subject], {
        cwd,
      })
    }
    await play(
      (...args) => person.run(process.execPath, [programPath, ...args], { cwd }),
      join(person.home, cwd),
    )
  } finally {
    person.remove()
  }
}

describe('README.md', () => {
  it('says what the program says: commands, settings, reason codes', async () => {
    const expected = await withGeneratedSections(readme)
    if (process.env['UPDATE_README'] === '1') writeFileSync(path, expected)
    else expect(readme).toBe(expected)
  })

  it('has at most 250 lines', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(250)
  })

  it.each(blocks.flatMap(({ lines }) => lines))('has a command that exists: %s', async (line) => {
    for (const command of commandsOf(line)) await checkCommand(command)
  })

  it('has commands that do what they should', async () => {
    const runnable = blocks.filter(({ isRun }) => isRun)
    expect(runnable.length).toBeGreaterThan(0)
    for (const { lines } of runnable) {
      const person = new Person()
      try {
        symlinkSync(programPath, join(person.home, 'git-signet'))
        const PATH = `${person.home}:${person.env['PATH'] ?? ''}`
        const script = ['set -e', ...lines].join('\n')
        const { status, stdout, stderr } = await person.run('sh', ['-c', script], { env: { PATH } })
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
        expect(stdout).toContain('local sigstore started')
        expect(stdout).toContain('local sigstore stopped')
      } finally {
        await person.signet('stack', 'down')
        person.remove()
      }
    }
  })

  it('has exit codes that the program gives for what the table says', async () => {
    const cases: Record<string, string[][]> = {
      0: [['version'], ['verify', '--allow-empty', 'HEAD..HEAD']],
      1: [['verify'], ['audit'], ['verify', ...bob], ['log']],
      2: [
        ['verify', '--nonsense'],
        ['verify', 'nowhere'],
        ['verify', '--identity', 'bob'],
      ],
      3: [
        ['policy', 'show'],
        ['verify', '--policy', 'absent.toml'],
        ['audit', '--anchor', 'abc'],
      ],
      4: [['verify', 'HEAD..HEAD']],
    }
    const rows = [...readme.matchAll(/^\| (\d+) +\| [a-z]/gm)].map(([, code]) => Number(code))
    expect(rows).toEqual(Object.values(EXIT))
    await inRepository(async (signet) => {
      for (const [code, lines] of Object.entries(cases)) {
        for (const args of lines)
          expect([args, (await signet(...args)).status]).toEqual([args, Number(code)])
      }
    })
  })

  it('has formats that the program writes, all of them, and agreeing', async () => {
    const named = [...readme.matchAll(/^\| `(\w+)` +\| (?!\d)/gm)].map(([, name = '']) => name)
    const formats = named.filter((name) => /^[a-z]+$/.test(name) && !isCommand(name))
    expect(formats).toEqual([...FORMATS])
    await inRepository(async (signet, folder) => {
      const files = formats.flatMap((name) => ['--format', `${name}=out.${name}`])
      for (const args of [['verify'], ['verify', 'HEAD~1..HEAD'], ['audit', ...bob]]) {
        const { status, stdout } = await signet(...args, ...files)
        expect(status).toBe(1)
        // What goes to files leaves the screen to text.
        expect(stdout).toContain('(exit 1)')
        const written = formats.map((name) => readFileSync(join(folder, `out.${name}`), 'utf8'))
        const [text = '', json = '', jsonl = '', github = '', html = ''] = written
        expect(text).toBe(stdout)
        const { verdicts, summary } = JSON.parse(json) as { verdicts: unknown[]; summary: unknown }
        const lines = jsonl
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown)
        expect(lines).toEqual([...verdicts, summary])
        const count =
          verdicts.length === 1 ? 'the object fails' : `all ${verdicts.length} objects fail`
        for (const shown of [text, github, html]) {
          expect(shown).toContain(count)
          expect(shown).toContain('UNSIGNED')
        }
        for (const shown of written) expect(shown).not.toContain(folder)
      }
    })
    expect(existsSync(join(root, 'dist', 'schema'))).toBe(true)
  })

  it('gives a reason for each dependency', () => {
    const section = /## Dependencies\n([^]*?)\n## /.exec(readme)?.[1] ?? ''
    const named = [...section.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cells = '']) =>
      cells.trim().split(', '),
    )
    expect(Object.keys(manifest.devDependencies).filter((name) => !named.includes(name))).toEqual(
      [],
    )
  })

  it('lists what is not built, and nothing that is', () => {
    const section = /\nNot built yet: ([^]*)$/.exec(readme)?.[1] ?? ''
    const planned = ['login', 'logout', 'audit', 'log', 'resign', 'policy', 'hook', 'trust']
    for (const name of planned) {
      const isBuilt = COMMANDS.some((entry) => entry.name === name)
      expect({ name, isListed: section.includes(`\`${name}\``) }).toEqual({
        name,
        isListed: !isBuilt,
      })
    }
  })
})
