import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../src/cli/commands.ts'
import { isGroup } from '../src/cli/help.ts'
import { parseCommandLine } from '../src/cli/parse.ts'
import { DEFINITIONS, keysOf, variablesOf } from '../src/config/definitions.ts'
import type { SettingDefinition } from '../src/config/definitions.ts'
import { REASON_CODES } from '../src/facts.ts'
import { REASONS } from '../src/report/reasons.ts'
import { Person, programPath } from './cli/run-program.ts'

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
    const section = /## Not built yet\n\n([^]*?)\n## /.exec(readme)?.[1] ?? ''
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
