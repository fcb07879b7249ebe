import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { Person, programPath } from '../cli/run-program.ts'
import { keyOwner, PackWriter } from './large-history.ts'
import type { KeyOwner } from './large-history.ts'

let person: Person | undefined
afterEach(() => {
  person?.remove()
  person = undefined
})

interface Written {
  readonly anchor: string
  readonly commits: number
  readonly merges: number
  /** What must be said of commits that are not good. */
  readonly bad: ReadonlyMap<string, string>
}

/**
 * A main line with side branches, merged by somebody who may only merge, so that each merge has to be
 * made again; rules for paths; a policy landing and an evil merge now and then.
 */
async function write(folder: string, merges: number): Promise<Written> {
  const pack = new PackWriter()
  const [alice, bob, carol] = [keyOwner('alice'), keyOwner('bob'), keyOwner('carol')]
  const policy = (number: number): string => `version = 1
# ${String(number)}
admins = ["alice"]
${[alice, bob, carol].map(tableOf).join('')}
[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "bob"]
merge-by = ["alice", "bob", "carol"]

[[protect]]
refs = ["refs/heads/main"]
paths = ["src/"]
by = ["alice"]
merge-by = ["alice", "carol"]
`
  const file = (text: string): { id: string; mode: string } => pack.blob(text)
  let landed = 0
  const parts = {
    docs: Array.from({ length: 20 }, () => file('1\n')),
    src: Array.from({ length: 20 }, () => file('1\n')),
  }
  const tree = (own: typeof parts, evil?: string): string => {
    const named = (list: readonly { id: string; mode: string }[]) =>
      pack.folder(Object.fromEntries(list.map((one, at) => [`file-${String(at)}`, one])))
    return pack.folder({
      '.signet': pack.folder({ 'policy.toml': file(policy(landed)) }),
      docs: named(own.docs),
      src: named(own.src),
      ...(evil !== undefined && { evil: file(evil) }),
    }).id
  }
  const changed = (base: typeof parts, folder: 'docs' | 'src', text: string): typeof parts => {
    const list = [...base[folder]]
    list[Number(text) % list.length] = file(`${text}\n`)
    return { ...base, [folder]: list }
  }
  let [main, now] = [parts, 0]
  const anchor = pack.commit({ by: alice, parents: [], tree: tree(main) })
  let tip = anchor
  let commits = 0
  const commit = (by: KeyOwner, parents: readonly string[], id: string): string => {
    commits += 1
    return pack.commit({ by, parents, tree: id })
  }
  const bad = new Map<string, string>()
  for (let merge = 1; merge <= merges; merge += 1) {
    const fork = tip
    let side = main
    let branch = fork
    for (let step = 0; step < 3; step += 1) {
      side = changed(side, 'docs', String((now += 1)))
      branch = commit(bob, [branch], tree(side))
    }
    for (let step = 0; step < 2; step += 1) {
      main = changed(main, 'src', String((now += 1)))
      tip = commit(alice, [tip], tree(main))
    }
    if (merge % 3 === 0) {
      main = changed(main, 'src', String((now += 1)))
      if (merge % 999 === 0) {
        tip = commit(bob, [tip], tree(main))
        bad.set(tip, 'PATH_NOT_ALLOWED')
      } else tip = commit(alice, [tip], tree(main))
    }
    if (merge % 3 === 1) {
      if (merge % 1000 === 1) landed += 1
      main = changed(main, 'src', String((now += 1)))
      tip = commit(alice, [tip], tree(main))
    }
    main = { docs: side.docs, src: main.src }
    const isEvil = merge % 500 === 250
    tip = commit(carol, [tip, branch], tree(main, isEvil ? 'evil\n' : undefined))
    if (isEvil) {
      bad.set(tip, 'MERGE_ADDS_CHANGES')
      // Undone by who may, or every later merge would carry it.
      tip = commit(alice, [tip], tree(main))
    }
  }
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', folder])
  await pack.store(folder)
  execFileSync('git', ['-C', folder, 'update-ref', 'refs/heads/main', tip])
  return { anchor, commits, merges, bad }
}

function tableOf({ name, line, address }: KeyOwner): string {
  return `[people.${name}]\nssh = ["${line}"]\ngit = ["${address}"]\n`
}

/** Audits as a user does, counts the git processes and looks at the memory. */
async function audit(
  owner: Person,
  anchor: string,
): Promise<{
  verdicts: Map<string, string>
  passed: number
  summary: Summary
  processes: number
  peakMiB: number
  ms: number
}> {
  const log = join(owner.home, 'processes')
  const bin = join(owner.home, 'bin')
  mkdirSync(bin)
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$*" >> '${log}'\nexec '${git}' "$@"\n`)
  chmodSync(join(bin, 'git'), 0o755)
  const start = performance.now()
  const args = [programPath, 'audit', '--anchor', anchor, '--format', 'jsonl', 'main']
  const child = spawn(process.execPath, args, {
    cwd: join(owner.home, 'large.git'),
    env: { ...owner.env, PATH: `${bin}:${owner.env['PATH'] ?? ''}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let peakMiB = 0
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8')
      peakMiB = Math.max(peakMiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
    } catch {
      // It has ended, or this is no Linux.
    }
  }, 20)
  const verdicts = new Map<string, string>()
  let passed = 0
  let summary: Summary | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const read = JSON.parse(line) as Verdict | Summary
    if ('verdict' in read) {
      if (read.verdict === 'pass') passed += 1
      else verdicts.set(read.object.id, read.codes.join(' '))
    } else summary = read
  }
  clearInterval(timer)
  if (summary === undefined) throw new Error('no summary')
  const processes = readFileSync(log, 'utf8').trim().split('\n').length
  return { verdicts, passed, summary, processes, peakMiB, ms: performance.now() - start }
}

async function play(merges: number): ReturnType<typeof audit> {
  person = new Person()
  const { anchor, commits, bad } = await write(join(person.home, 'large.git'), merges)
  const result = await audit(person, anchor)
  expect(Object.fromEntries(result.verdicts)).toEqual(Object.fromEntries(bad))
  expect(result.summary).toMatchObject({ checked: commits, pass: commits - bad.size, exit: 1 })
  expect(result.passed).toBe(commits - bad.size)
  // A few for the whole audit, none for a commit, a ref or a merge; ten thousand merges are one.
  expect(result.processes).toBeLessThan(25 + merges / 10_000)
  return result
}

test('attack 80: a history of 7,000 commits and 1,000 merges with path rules, and one process for the merges', async () => {
  const { ms, peakMiB } = await play(1000)
  expect(ms).toBeLessThan(60_000)
  expect(peakMiB).toBeLessThan(512)
}, 120_000)

// Minutes, and a gigabyte of objects: SIGNET_FULL_SIZE=1 asks for it.
test.runIf(process.env['SIGNET_FULL_SIZE'] === '1')(
  'attack 80: a history of 200,000 commits and 30,000 merges with path rules',
  async () => {
    const { ms, peakMiB, processes, summary } = await play(30_000)
    process.stdout.write(
      `${String(summary.checked)} commits in ${(ms / 1000).toFixed(1)} s, ${peakMiB.toFixed(0)} MiB, ${String(processes)} git processes\n`,
    )
    expect(peakMiB).toBeLessThan(1024)
  },
  1_800_000,
)
