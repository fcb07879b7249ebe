import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RepositoryAnswers } from '../../src/git/answers.ts'
import { policyFilesInFolder } from '../../src/verification/policy-files.ts'
import { PolicySession } from '../../src/verification/policy-session.ts'
import { keyOwner, PackWriter } from '../attacks/large-history.ts'
import { TestRepository } from '../git/repository.ts'
import { MAIN, read } from '../policy/memory-world.ts'

const A = 'refs/heads/release/a'
const B = 'refs/heads/release/b'
const C = 'refs/heads/release/c'
const BOBS = 'refs/heads/release/of-bob'
const ALICES = 'refs/heads/release/of-alice'

describe('two refs whose rules name each other in from', () => {
  const alice = keyOwner('alice')
  const bob = keyOwner('bob')
  const mallory = keyOwner('mallory')
  let repository: TestRepository
  let answers: RepositoryAnswers
  const tips = new Map<string, string>()

  beforeAll(async () => {
    repository = new TestRepository()
    const pack = new PackWriter()
    const empty = pack.folder({}).id
    const base = pack.commit({ by: alice, parents: [], tree: empty })
    tips.set(MAIN, base)
    for (const ref of [A, B, C]) {
      tips.set(ref, pack.commit({ by: alice, parents: [base], tree: empty }))
    }
    const stranger = pack.commit({ by: mallory, parents: [base], tree: empty })
    tips.set('refs/heads/release/bad', stranger)
    const byBob = pack.commit({ by: bob, parents: [base], tree: empty })
    tips.set(BOBS, byBob)
    tips.set(ALICES, pack.commit({ by: alice, parents: [byBob], tree: empty }))
    await pack.store(repository.folder)
    for (const [ref, id] of tips)
      execFileSync('git', ['update-ref', ref, id], { cwd: repository.folder })
    answers = await RepositoryAnswers.open(repository.place)
  })
  afterAll(async () => {
    await answers.close()
    repository.remove()
  })

  const rule = (ref: string, from: readonly string[] = [], by = ['alice']): string =>
    `[[protect]]\nrefs = ["${ref}"]\nby = ${JSON.stringify(by)}\n${from.length === 0 ? '' : `from = ${JSON.stringify(from)}\n`}`
  const open = (rules: string): Promise<PolicySession> =>
    PolicySession.open({
      repository: answers,
      roots: [],
      openCache: () => undefined,
      completion: undefined,
      policyBranch: MAIN,
      tip: tips.get(MAIN),
      anchor: undefined,
      fixed: {
        policy: read(
          `version = 1\nadmins = ["alice"]\n[people.alice]\nssh = ["${alice.line}"]\ngit = ["alice@example.org"]\n[people.bob]\nssh = ["${bob.line}"]\ngit = ["bob@example.org"]\n${rule(MAIN)}${rules}`,
        ),
        id: 'file',
        files: policyFilesInFolder(repository.folder),
      },
      isInTree: false,
      squashSources: [],
      tipOf: (ref) => Promise.resolve(tips.get(ref)),
      ruleName: (local) => local,
      localName: (ref) => ref,
    })
  const audit = async (session: PolicySession, ref: string): Promise<string[]> => {
    const verdicts: string[] = []
    for await (const { verdict } of session.audit(ref, tips.get(ref) ?? '')) verdicts.push(verdict)
    return verdicts
  }

  test.each([
    ['each other', rule(A, [B]) + rule(B, [A])],
    ['one another in a ring', rule(A, [B]) + rule(B, [C]) + rule(C, [A])],
    ['itself too', rule(A, [A, B]) + rule(B, ['refs/heads/release/*'])],
    [
      'the policy branch, which names them',
      rule(A, [MAIN, B]) + rule(B, [A, MAIN]) + rule(MAIN, [A, B]),
    ],
  ])(
    'an audit of refs that name %s ends',
    async (_, rules) => {
      for (const first of [A, B, MAIN]) {
        const session = await open(rules)
        try {
          for (const ref of [first, A, B, C]) {
            const verdicts = await audit(session, ref)
            expect(verdicts.length).toBeGreaterThan(0)
            expect(new Set(verdicts)).toEqual(new Set(['pass']))
          }
          expect(await session.verifiedTip(A)).toEqual({ id: tips.get(A) })
          expect(await session.verifiedTip(B)).toEqual({ id: tips.get(B) })
        } finally {
          await session.close()
        }
      }
    },
    10_000,
  )

  test('nor does the ring vouch for what nobody signed who may', async () => {
    const bad = 'refs/heads/release/bad'
    const session = await open(rule(A, [bad]) + rule(bad, [A]))
    try {
      expect(await audit(session, bad)).toContain('fail')
      expect(await session.verifiedTip(bad)).not.toEqual({ id: tips.get(bad) })
      expect(await audit(session, A)).not.toContain('fail')
    } finally {
      await session.close()
    }
  }, 10_000)
  test('what one vouches for does not depend on which of them was audited first', async () => {
    const rules = rule(ALICES, [BOBS]) + rule(BOBS, [ALICES], ['alice', 'bob'])
    for (const order of [
      [ALICES, BOBS],
      [BOBS, ALICES],
      [BOBS, ALICES, BOBS, ALICES],
    ]) {
      const session = await open(rules)
      try {
        for (const ref of order) {
          expect(new Set(await audit(session, ref)), order.join(' ')).toEqual(new Set(['pass']))
        }
        expect(await session.verifiedTip(ALICES)).toEqual({ id: tips.get(ALICES) })
        expect(await session.verifiedTip(BOBS)).toEqual({ id: tips.get(BOBS) })
      } finally {
        await session.close()
      }
    }
  }, 10_000)
})
