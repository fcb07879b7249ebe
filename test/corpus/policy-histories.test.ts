import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Summary, Verdict } from '../../src/facts.ts'
import { HistoryPerson } from '../cli/history-person.ts'
import type { Truth } from '../cli/history-person.ts'
import { describeShared } from './truth.ts'

/** Whole histories of public projects; of the shallow ones the boundary commit is the anchor. */
const HISTORIES = [
  { name: 'advisories-run128-offline', anchor: 'base' },
  { name: 'tf-infra-common-run34-offline', anchor: 'base' },
  { name: 'ampel-main', anchor: undefined },
  { name: 'gittuf-rsl', anchor: undefined },
] as const

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

function policyOf(listed: Listed): string {
  const names = [...listed.values()].map((_, index) => `someone-${String(index)}`)
  const people = [...listed.values()].map(
    ({ kind, value, issuer }, index) =>
      `[people.${names[index] ?? ''}]\n${kind} = "${value}"\nissuer = "${issuer}"\n`,
  )
  const all = JSON.stringify(names)
  const rule = `[[protect]]\nrefs = ["refs/heads/main"]\nby = ${all}\ncommitter = "any"\n`
  return `version = 1\nadmins = ${JSON.stringify(names.slice(0, 1))}\n${people.join('')}${rule}`
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
  describe.each(HISTORIES)('$name', ({ name, anchor }) => {
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
    const anchorArguments = async (): Promise<string[]> => {
      if (anchor === undefined) return []
      const { stdout } = await person.run('git', ['rev-parse', anchor], { cwd: person.history })
      return ['--anchor', stdout.trim()]
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
  })
})
