import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { describeShared } from '../corpus/truth.ts'
import { problems } from '../report/schemas.ts'
import { HistoryPerson } from './history-person.ts'
import type { ProcessResult } from './run-program.ts'

const PUERCO = ['--identity', 'puerco@carabiner.dev', '--issuer', 'google']

/** What a stream of JSON lines says. */
function read({ stdout }: ProcessResult): { verdicts: Verdict[]; summary: Summary } {
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  const summary = lines.pop() as Summary
  expect(problems('summary', summary)).toEqual([])
  return { verdicts: lines as Verdict[], summary }
}

describeShared('git-signet verify with ranges', () => {
  let person: HistoryPerson
  beforeAll(async () => {
    person = await HistoryPerson.create('ampel-main')
  })
  afterAll(() => {
    person.remove()
  })
  const verify = (...args: string[]): Promise<ProcessResult> => person.at('verify', ...args)
  const ids = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await person.run('git', ['rev-list', ...args], { cwd: person.history })
    return stdout.split('\n').filter((line) => line !== '')
  }

  it('A..B is exactly those commits, in the order git walks them', async () => {
    const { verdicts, summary } = read(await verify('HEAD~30..HEAD', '--format', 'jsonl'))
    expect(verdicts.map(({ object }) => object.id)).toEqual(await ids('HEAD~30..HEAD'))
    expect(summary.checked).toBe(verdicts.length)
    for (const verdict of verdicts) expect(problems('verdict', verdict)).toEqual([])
  })

  it('several ranges are one after another: what one excludes another may hold', async () => {
    const both = read(await verify('HEAD~20..HEAD~10', 'HEAD~10..HEAD', '--format', 'jsonl'))
    const expected = await ids('HEAD~20..HEAD')
    expect(new Set(both.verdicts.map(({ object }) => object.id))).toEqual(new Set(expected))
    expect(both.verdicts).toHaveLength(expected.length)
    const twice = read(await verify('HEAD~9..HEAD', 'HEAD~9..HEAD', '--format', 'jsonl'))
    expect(twice.verdicts).toHaveLength((await ids('HEAD~9..HEAD')).length)
  })

  it('^A B together are one range', async () => {
    const { verdicts } = read(await verify('^HEAD~7', '^HEAD~9', 'HEAD', '--format=jsonl'))
    expect(verdicts.map(({ object }) => object.id)).toEqual(await ids('HEAD', '^HEAD~7'))
  })

  it('several objects are each that one object', async () => {
    const { verdicts } = read(await verify('HEAD', 'v0.0.1-pre1', '--format', 'jsonl'))
    expect(verdicts.map(({ object }) => object.type)).toEqual(['commit', 'tag'])
  })

  it.each([
    ['a range that holds nothing', ['HEAD..HEAD', ...PUERCO], 4],
    ['the same where nothing is allowed', ['HEAD..HEAD', '--allow-empty', ...PUERCO], 0],
    ['an object beside a range', ['HEAD', 'HEAD~1..HEAD'], 2],
    ['a range of nothing that is here', ['HEAD..nowhere'], 2],
    ['an option in a range', ['HEAD..--all'], 2],
    ['two formats in one place', ['HEAD~2..HEAD', '--json', '--format', 'jsonl'], 2],
  ])('%s: exits as it should', async (_, args, exit) => {
    const { status, stderr } = await verify(...args)
    expect(status, stderr).toBe(exit)
    if (exit === 2) expect(stderr).toMatch(/^git-signet: error: .*\n(git-signet: hint: .*\n)*$/)
  })

  it('nothing to check is said as a code', async () => {
    const { summary } = read(await verify('HEAD..HEAD', '--format', 'jsonl'))
    expect(summary).toMatchObject({ exit: 4, checked: 0, codes: { NOTHING_TO_CHECK: 1 } })
  })

  it('one identity for the whole range: others are violations, missing log entries are not', async () => {
    const result = await verify('HEAD', '^HEAD~60', ...PUERCO, '--format', 'jsonl')
    const { verdicts, summary } = read(result)
    expect(result.status).toBe(summary.exit)
    const truth = new Map(person.truth.map((one) => [one.oid, one]))
    for (const { object, verdict, codes } of verdicts) {
      const expected = truth.get(object.id)
      if (expected?.verdict === 'offline-full') {
        const isHis = expected.san?.[0] === 'email:puerco@carabiner.dev'
        expect({ verdict, codes }).toEqual(
          isHis ? { verdict: 'pass', codes: [] } : { verdict: 'fail', codes: ['UNKNOWN_SIGNER'] },
        )
      } else if (expected?.verdict === 'online-only') {
        expect({ verdict, codes }).toEqual({ verdict: 'unknown', codes: ['NOT_LOGGED'] })
      } else expect(verdict).not.toBe('pass')
    }
  })

  it('--me is one’s own address under the issuer that the settings name', async () => {
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.email' }
    const me = (email: string, more: Record<string, string> = {}): Promise<ProcessResult> =>
      person.atWith({ ...env, GIT_CONFIG_VALUE_0: email, ...more }, 'verify', '--me', signed)
    const signed = person.truth.find(({ verdict }) => verdict === 'offline-full')?.oid ?? ''
    const google = { SIGNET_IDENTITY_ISSUER: 'google' }
    expect((await me('puerco@carabiner.dev', google)).status).toBe(0)
    expect((await me('other@carabiner.dev', google)).status).toBe(1)
    expect((await me('puerco@carabiner.dev')).status).toBe(2)
    expect((await verify('--me', ...PUERCO)).status).toBe(2)
  })

  it('--fail-fast stops at the first violation and says so', async () => {
    const [root = ''] = await ids('--max-parents=0', 'HEAD')
    const { stdout, stderr, status } = await verify(`${root}..HEAD`, '--fail-fast', '--json')
    const { verdicts } = JSON.parse(stdout) as { verdicts: Verdict[] }
    expect(status).toBe(1)
    expect(verdicts.at(-1)?.verdict).toBe('fail')
    expect(verdicts.filter(({ verdict }) => verdict === 'fail')).toHaveLength(1)
    expect(stderr).toContain('the rest was not checked')
  })

  it('writes several formats from one run, all with the same verdicts', async () => {
    const { status, stdout } = await verify(
      'HEAD~40..HEAD',
      ...PUERCO,
      ...['--format', 'text', '--format', 'json=all.json', '--format', 'jsonl=all.jsonl'],
      ...['--format', 'github=all.txt', '--format', 'html=all.html'],
    )
    const path = (name: string): string => join(person.home, person.history, name)
    const whole = JSON.parse(readFileSync(path('all.json'), 'utf8')) as {
      verdicts: Verdict[]
      summary: Summary
    }
    const lines = read({ status, stderr: '', stdout: readFileSync(path('all.jsonl'), 'utf8') })
    expect(lines).toEqual({ verdicts: whole.verdicts, summary: whole.summary })
    expect(stdout).toContain(`(exit ${String(status)})`)
    expect(whole.summary.exit).toBe(status)
    expect(readFileSync(path('all.html'), 'utf8')).toContain('<!doctype html>')
    expect(readFileSync(path('all.txt'), 'utf8')).toContain('::')
  })

  it('is silent on standard error when nobody watches', async () => {
    expect((await verify('HEAD~300..HEAD')).stderr).toBe('')
  })

  describe('of a shallow history', () => {
    let shallow: HistoryPerson
    beforeAll(async () => {
      shallow = await HistoryPerson.create('advisories-run128-offline')
    })
    afterAll(() => {
      shallow.remove()
    })
    const signer = [
      '--identity',
      'cve-detection-sa@prod-images-c6e5.iam.gserviceaccount.com',
      ...['--issuer', 'google'],
    ]

    it('a range that ends above the boundary passes', async () => {
      const { status, stdout } = await shallow.at('verify', 'base..main', ...signer)
      expect(stdout).toContain('pass')
      expect(status).toBe(0)
    })

    it('a range that reaches the boundary could not be checked: what lies below was never fetched', async () => {
      const git = async (args: string[], input = ''): Promise<string> => {
        const { stdout } = await shallow.run('git', args, { cwd: shallow.history, input })
        return stdout.trim()
      }
      const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.org']
      const tree = await git(['hash-object', '-w', '-t', 'tree', '--stdin'])
      const elsewhere = await git([...who, 'commit-tree', '-m', 'elsewhere', tree])
      const result = await shallow.at('verify', `${elsewhere}..main`, ...signer, '--format=jsonl')
      const base = await git(['rev-parse', 'base'])
      const last = read(result).verdicts.find(({ object }) => object.id === base)
      expect(last).toMatchObject({ verdict: 'unknown', codes: ['UNSUPPORTED', 'SHALLOW'] })
      expect(result.status).toBe(4)
    })
  })
})
