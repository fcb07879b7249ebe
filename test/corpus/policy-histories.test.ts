import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { HistoryPerson } from '../cli/history-person.ts'
import type { Truth } from '../cli/history-person.ts'
import { sharedPath } from '../shared.ts'
import { describeShared } from './truth.ts'

/** Whole histories of public projects, as many as there are. */
const folder = sharedPath('corpus/histories')
const HISTORIES = (folder === undefined ? [] : readdirSync(folder)).flatMap(
  (file) => /^(.+)\.git\.tar\.gz$/.exec(file)?.[1] ?? [],
)

type Listed = ReadonlyMap<string, { kind: string; value: string; issuer: string }>

/** Every identity the truth knows, but for those to leave out. */
function identities(truth: readonly Truth[], leftOut: ReadonlySet<string>): Listed {
  const found = new Map<string, { kind: string; value: string; issuer: string }>()
  for (const { san, issuer } of truth) {
    const [name = ''] = san ?? []
    const at = name.indexOf(':')
    if (at < 0 || issuer === undefined || leftOut.has(name)) continue
    found.set(`${name} ${issuer}`, { kind: name.slice(0, at), value: name.slice(at + 1), issuer })
  }
  return found
}

function policyOf(listed: Listed, { rest = '', window = '', more = '' } = {}): string {
  const names = [...listed.values()].map((_, index) => `someone-${String(index)}`)
  const people = [...listed.values()].map(
    ({ kind, value, issuer }, index) =>
      `[people.${names[index] ?? ''}]\n${kind} = "${value}"\nissuer = "${issuer}"\n${window}\n`,
  )
  const all = JSON.stringify(names)
  const rule = `[[protect]]\nrefs = ["refs/heads/main"]\nby = ${all}\ncommitter = "any"\n${rest}\n`
  return `version = 1\nadmins = ${JSON.stringify(names.slice(0, 1))}\n${people.join('')}${rule}${more}`
}

/** What a commit's truth implies by such a policy. */
function expectation({ signature, verdict, san, issuer }: Truth, listed: Listed): string {
  if (signature === 'unsigned') return 'fail UNSIGNED'
  // Valid or not: nobody pins its key.
  if (signature === 'pgp') return 'fail UNTRUSTED_CERTIFICATE'
  if (signature === 'ssh') return 'fail UNKNOWN_SIGNER'
  if (verdict !== 'offline-full') return 'unknown NOT_LOGGED'
  return listed.has(`${san?.[0] ?? ''} ${issuer ?? ''}`) ? 'pass' : 'fail UNKNOWN_SIGNER'
}

describeShared('real histories by a policy', () => {
  it('are here', () => {
    expect(HISTORIES.length).toBeGreaterThan(3)
  })

  describe.each(HISTORIES)('%s', (name) => {
    let person: HistoryPerson
    beforeAll(async () => {
      person = await HistoryPerson.create(name)
    })
    afterAll(() => {
      person.remove()
    })

    const audit = async (
      ...args: string[]
    ): Promise<{ verdicts: Map<string, string>; summary: Summary }> => {
      const { stdout, stderr, status } = await person.at('audit', ...args, '--format', 'jsonl')
      expect(stderr).toBe('')
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
      const summary = lines.pop() as Summary
      expect(status).toBe(summary.exit)
      const verdicts = (lines as Verdict[]).map(
        ({ object, verdict, codes }) => [object.id, [verdict, ...codes].join(' ')] as const,
      )
      return { verdicts: new Map(verdicts), summary }
    }
    /** Of a shallow one the boundary commit, which is nobody's to judge. */
    const anchorArguments = async (): Promise<string[]> => {
      const shallow = join(person.home, person.history, 'shallow')
      if (existsSync(shallow)) return ['--anchor', readFileSync(shallow, 'utf8').trim()]
      const { status, stdout } = await person.run(
        'git',
        ['rev-parse', '--verify', '--quiet', 'refs/heads/base'],
        { cwd: person.history },
      )
      return status === 0 ? ['--anchor', stdout.trim()] : []
    }
    const commits = (): Truth[] => person.truth.filter(({ type }) => type === 'commit')

    it('every commit gets the verdict that its truth implies', async () => {
      const listed = identities(person.truth, new Set())
      writeFileSync(join(person.home, 'policy.toml'), policyOf(listed))
      const policy = ['--policy', join(person.home, 'policy.toml')]
      const { verdicts, summary } = await audit('main', ...policy, ...(await anchorArguments()))
      const wrong = commits().filter(
        (truth) => verdicts.get(truth.oid) !== expectation(truth, listed),
      )
      expect(wrong.map(({ oid }) => `${oid} ${verdicts.get(oid) ?? 'not judged'}`)).toEqual([])
      expect(summary.checked).toBe(commits().length)
    }, 60_000)

    it('whoever is left out is unknown, wherever he signed', async () => {
      const signers = commits().filter(({ verdict }) => verdict === 'offline-full')
      const [gone] = signers.flatMap(({ san }) => san?.[0] ?? [])
      if (gone === undefined) return
      const others = identities(person.truth, new Set([gone]))
      // A policy names somebody: one who never signed here.
      const nobody = { kind: 'email', value: 'nobody@example.org', issuer: 'google' }
      const listed: Listed = new Map([...others, ['nobody', nobody]])
      writeFileSync(join(person.home, 'policy.toml'), policyOf(listed))
      const policy = ['--policy', join(person.home, 'policy.toml')]
      const { verdicts } = await audit('main', ...policy, ...(await anchorArguments()))
      for (const truth of signers) {
        expect(verdicts.get(truth.oid)).toBe(expectation(truth, listed))
      }
      expect([...verdicts.values()]).toContain('fail UNKNOWN_SIGNER')
    }, 60_000)

    it('flags are one rule and judge the same', async () => {
      const [first] = commits().filter(({ verdict }) => verdict === 'offline-full')
      const [value = ''] = first?.san ?? []
      if (first?.issuer === undefined) return
      const flags = ['--identity', value.slice(value.indexOf(':') + 1), '--issuer', first.issuer]
      const { verdicts } = await audit('main', ...flags, ...(await anchorArguments()))
      for (const truth of commits().filter(({ verdict }) => verdict === 'offline-full')) {
        const isHis = truth.san?.[0] === value && truth.issuer === first.issuer
        expect(verdicts.get(truth.oid)).toBe(isHis ? 'pass' : 'fail UNKNOWN_SIGNER')
      }
    }, 60_000)

    /** The time in the middle of those that logs say, and whether a commit came before it. */
    const middle = (): { at: string; isBefore: (truth: Truth) => boolean } => {
      const times = commits().flatMap(({ integratedTime }) => integratedTime ?? [])
      const time = times.sort((a, b) => a - b)[times.length >> 1] ?? 0
      const at = new Date(time * 1000).toISOString().replace('.000Z', 'Z')
      return { at, isBefore: ({ integratedTime }) => (integratedTime ?? 0) < time }
    }
    const expectAll = (
      verdicts: ReadonlyMap<string, string>,
      expected: (truth: Truth) => string | undefined,
    ): void => {
      const wrong = commits().flatMap((truth) => {
        const [is, should] = [verdicts.get(truth.oid), expected(truth)]
        return is === should ? [] : [`${truth.oid} is ${String(is)}, not ${String(should)}`]
      })
      expect(wrong).toEqual([])
    }
    const auditBy = async (text: string): Promise<ReadonlyMap<string, string>> => {
      const path = join(person.home, 'policy.toml')
      writeFileSync(path, text)
      return (await audit('main', '--policy', path, ...(await anchorArguments()))).verdicts
    }

    it.each([
      ['until', 'AFTER_UNTIL', false],
      ['since', 'BEFORE_SINCE', true],
    ] as const)(
      'a window by %s divides the signatures at its second',
      async (key, code, early) => {
        const listed = identities(person.truth, new Set())
        const { at, isBefore } = middle()
        const verdicts = await auditBy(policyOf(listed, { window: `${key} = ${at}` }))
        expectAll(verdicts, (truth) => {
          const whole = expectation(truth, listed)
          return whole === 'pass' && isBefore(truth) === early ? `fail ${code}` : whole
        })
      },
      60_000,
    )

    it('a revocation reaches the signatures of its window, both ends included', async () => {
      const listed = identities(person.truth, new Set())
      const { at } = middle()
      const more = `[[revoke]]\nperson = "someone-0"\nfrom = ${at}\nto = ${at}\nreason = "x"\n`
      const verdicts = await auditBy(policyOf(listed, { more }))
      const [first] = [...listed.values()]
      expectAll(verdicts, (truth) => {
        const whole = expectation(truth, listed)
        const isHis =
          truth.san?.[0] === `${first?.kind ?? ''}:${first?.value ?? ''}` &&
          truth.issuer === first?.issuer
        const isThen = (truth.integratedTime ?? 0) * 1000 === Date.parse(at)
        return whole === 'pass' && isHis && isThen ? 'fail REVOKED' : whole
      })
    }, 60_000)

    it('by mainline only the first parents are judged, the rest is for who merged it', async () => {
      const listed = identities(person.truth, new Set())
      const { stdout } = await person.run('git', ['rev-list', '--first-parent', 'main'], {
        cwd: person.history,
      })
      const mainline = new Set(stdout.trim().split('\n'))
      const verdicts = await auditBy(policyOf(listed, { rest: 'commits = "mainline"' }))
      expectAll(verdicts, (truth) =>
        mainline.has(truth.oid) ? expectation(truth, listed) : undefined,
      )
    }, 60_000)
  })
})
