import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StepVerdict, Summary } from '../../src/facts.ts'
import { programPath } from '../cli/run-program.ts'
import { Random } from '../git/generate-objects.ts'
import { keyOwner, PackWriter } from './large-history.ts'

/** With 77 a tag comes in the push of the commits under it, which a later policy revokes. */
const seed = Number(process.env['SIGNET_SEED'] ?? 77)
/** SIGNET_HISTORIES asks for more, and takes as long as it does. */
const asked = Number(process.env['SIGNET_HISTORIES'] ?? 0)
const HISTORIES = asked > 0 ? asked : 4
const PUSHES = 12
const ZERO = '0'.repeat(40)
const MAIN = 'refs/heads/main'
const RELEASES = ['refs/heads/release/1', 'refs/heads/release/2'] as const
const TOPICS = ['refs/heads/topic', 'refs/heads/other'] as const

const ALICE = keyOwner('alice')
const PEOPLE = [ALICE, keyOwner('bob'), keyOwner('carol'), keyOwner('dave')] as const

function oneOf(random: Random, ids: readonly string[]): string {
  return ids[random.below(ids.length)] ?? ''
}

function list(names: readonly string[]): string {
  return JSON.stringify(names)
}

/** Who is listed, who left, who is revoked, how release branches and tags are ruled. */
function randomPolicy(random: Random): string {
  const listed = PEOPLE.filter(({ name }) => name === 'alice' || random.chance(0.8))
  const names = listed.map(({ name }) => name)
  const some = (chance: number): string[] =>
    names.filter((name) => name === 'alice' || random.chance(chance))
  const people = listed.map(({ name, address, line }) => {
    const isGone = name === 'dave' && random.chance(0.2)
    return `[people.${name}]\nssh = ["${line}"]\ngit = ["${address}"]\n${isGone ? 'until = 2026-01-01T00:00:00Z\n' : ''}`
  })
  const release = [
    random.chance(0.5) ? 'rewrite = true\n' : '',
    random.chance(0.5) ? 'delete = true\n' : '',
    random.chance(0.4) ? `from = ["${MAIN}", "refs/heads/release/*"]\n` : '',
    random.chance(0.2) ? 'commits = "mainline"\n' : '',
  ].join('')
  const others = random.pick(['signed', 'signed', 'any', 'deny'])
  const paths = random.chance(0.4)
    ? `[[protect]]\nrefs = ["refs/heads/**"]\npaths = ["src/"]\nby = ["alice"]\n`
    : ''
  const on = random.chance(0.6) ? `on = ["${MAIN}", "refs/heads/release/*"]\n` : ''
  const revoke =
    random.chance(0.15) && names.includes('carol')
      ? '[[revoke]]\nperson = "carol"\nreason = "stolen"\n'
      : ''
  return `version = 1
admins = ${list(random.chance(0.3) ? some(0.5) : ['alice'])}
other-refs = "${others}"
${people.join('')}
[[protect]]
refs = ["${MAIN}"]
by = ${list(some(0.8))}
merge-by = ${list(names)}
[[protect]]
refs = ["refs/heads/release/*"]
by = ${list(some(0.7))}
${release}
[[protect]]
refs = ["refs/tags/v*"]
by = ${list(some(0.4))}
${on}
${paths}${revoke}`
}

interface Made {
  readonly files: Readonly<Record<string, string>>
  readonly parents: readonly string[]
}

/** Everything anybody will push, made before the first push. */
class Objects {
  readonly pack = new PackWriter()
  readonly commits = new Map<string, Made>()
  readonly anchor: string
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
    this.anchor = this.commit([], { '.signet/policy.toml': randomPolicy(random), a: '0' }, ALICE)
  }

  commit(
    parents: readonly string[],
    files: Readonly<Record<string, string>>,
    by: (typeof PEOPLE)[number] | undefined,
  ): string {
    const { pack } = this
    const folder = (prefix: string): ReturnType<PackWriter['folder']> => {
      const entries: Record<string, ReturnType<PackWriter['blob']>> = {}
      for (const [path, content] of Object.entries(files)) {
        if (!path.startsWith(prefix)) continue
        const [head = '', ...rest] = path.slice(prefix.length).split('/')
        entries[head] = rest.length === 0 ? pack.blob(content) : folder(`${prefix}${head}/`)
      }
      return pack.folder(entries)
    }
    const id = pack.commit({ by, parents, tree: folder('').id })
    this.commits.set(id, { files, parents })
    return id
  }

  /** A commit or merge on top of one that is there. */
  grow(on: string): string {
    const random = this.#random
    const isLanding = random.chance(0.15)
    const anybody = random.chance(0.07) ? undefined : random.pick(PEOPLE)
    const by = isLanding && random.chance(0.7) ? ALICE : anybody
    const own = this.commits.get(on)?.files ?? {}
    const ids = [...this.commits.keys()]
    const other = random.chance(0.3) ? oneOf(random, ids) : undefined
    const theirs = other === undefined ? {} : (this.commits.get(other)?.files ?? {})
    const path = random.pick(['a', 'b', 'c', 'src/a'])
    const changed = random.chance(0.8) ? { [path]: String(random.below(100)) } : {}
    const policy = isLanding ? { '.signet/policy.toml': randomPolicy(random) } : {}
    const files = { ...theirs, ...own, ...(other === undefined ? changed : {}), ...policy }
    return this.commit(other === undefined || other === on ? [on] : [on, other], files, by)
  }

  hasAnchorOnChain(tip: string): boolean {
    let at: string | undefined = tip
    while (at !== undefined && at !== this.anchor) at = this.commits.get(at)?.parents[0]
    return at !== undefined
  }
}

type Movement = readonly [ref: string, after: string]

function randomPush(random: Random, made: Objects, refs: ReadonlyMap<string, string>): Movement[] {
  const movements = new Map<string, string>()
  for (let count = 1 + random.below(3); count > 0; count--) {
    const kind = random.below(10)
    const ref =
      kind < 4 ? MAIN : kind < 6 ? random.pick(RELEASES) : kind < 8 ? random.pick(TOPICS) : 'tag'
    const ids = [...made.commits.keys()]
    const now = [...refs].flatMap(([name, id]) => (name.startsWith('refs/heads/') ? [id] : []))
    const somewhere = oneOf(random, random.chance(0.7) ? now : ids)
    if (ref === 'tag') {
      const name = `${random.pick(['v', 'w'])}${String(random.below(4))}`
      const full = `refs/tags/${random.chance(0.9) ? name : 'v9'}`
      const at = random.chance(0.1)
        ? somewhere
        : made.pack.tag({ by: random.pick(PEOPLE), name, target: somewhere })
      movements.set(full, random.chance(0.05) && refs.has(full) ? ZERO : at)
      continue
    }
    const own = refs.get(ref)
    if (ref !== MAIN && own !== undefined && random.chance(0.1)) {
      movements.set(ref, ZERO)
      continue
    }
    let at = own !== undefined && random.chance(0.8) ? own : somewhere
    for (let more = random.below(4); more > 0; more--) at = made.grow(at)
    if (ref !== MAIN || made.hasAnchorOnChain(at)) movements.set(ref, at)
  }
  return [...movements].filter(([ref, after]) => after !== (refs.get(ref) ?? ZERO))
}

/** What later policies take away is theirs alone to say, and the order of codes that of a walk. */
function withoutLater(steps: readonly StepVerdict[]): unknown[] {
  return steps.map(({ ref, before, after, policy, codes }) => {
    const left = codes.filter((code) => code !== 'REVOKED' && code !== 'AFTER_UNTIL')
    return { ref, before, after, policy, codes: left.sort() }
  })
}

test(
  `attack 65: the journal of a hook and an audit of it agree on every ref (seed ${String(seed)})`,
  async () => {
    const random = new Random(seed)
    let refused = 0
    const faults = new Set<string>()
    for (let history = 0; history < HISTORIES; history++) {
      const folder = mkdtempSync(join(tmpdir(), 'signet-journal-'))
      try {
        const isReport = history % 2 === 1
        const environment = { ...process.env, HOME: folder, XDG_DATA_HOME: join(folder, 'data') }
        const server = join(folder, 'server.git')
        const run = (program: string, args: readonly string[], input = ''): string =>
          execFileSync(program, args, { cwd: server, env: environment, input, encoding: 'utf8' })
        execFileSync('git', ['init', '-q', '--bare', '-b', 'main', server])
        const made = new Objects(random)
        await made.pack.store(server)
        const install = ['hook', 'install', 'pre-receive', '--anchor', made.anchor]
        const { anchor } = made
        const refs = new Map<string, string>()
        const push = (movements: readonly Movement[]): boolean => {
          const lines = movements.map(([ref, to]) => `${refs.get(ref) ?? ZERO} ${to} ${ref}\n`)
          const { status, stderr } = spawnSync('sh', [join(server, 'hooks/pre-receive')], {
            cwd: server,
            env: { ...environment, GIT_DIR: '.' },
            input: lines.join(''),
            encoding: 'utf8',
          })
          expect([0, 1], stderr).toContain(status === 0 ? 0 : 1)
          if (status !== 0) return false
          for (const [ref, to] of movements) {
            run('git', to === ZERO ? ['update-ref', '-d', ref] : ['update-ref', ref, to])
            if (to === ZERO) refs.delete(ref)
            else refs.set(ref, to)
          }
          return true
        }
        run(process.execPath, [programPath, ...install, ...(isReport ? ['--audit'] : [])])
        expect(push([[MAIN, anchor]])).toBe(true)
        for (let pushes = 0; pushes < PUSHES; pushes++) {
          const movements = randomPush(random, made, refs)
          await made.pack.store(server)
          if (movements.length === 0) continue
          if (!push(movements)) refused++
        }
        const journal = readFileSync(join(server, 'signet/journal.jsonl'), 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as StepVerdict & { source?: string })
          .filter(({ source }) => source !== 'audit')
        for (const { codes } of journal) for (const code of codes) faults.add(code)
        const audit = spawnSync(
          process.execPath,
          [programPath, 'audit', '--anchor', anchor, '--steps', 'signet/journal.jsonl', '--json'],
          { cwd: server, env: environment, encoding: 'utf8', maxBuffer: 1 << 28 },
        )
        expect(audit.stdout, audit.stderr).not.toBe('')
        const { summary } = JSON.parse(audit.stdout) as { summary: Summary }
        const where = `history ${String(history)} of seed ${String(seed)}`
        expect(withoutLater(summary.steps), where).toEqual(withoutLater(journal))
        expect(audit.status, where).toBe(summary.exit)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
    expect(refused).toBeGreaterThan(5)
    expect(faults.size, [...faults].join(' ')).toBeGreaterThan(5)
  },
  Math.max(300_000, asked * 60_000),
)
