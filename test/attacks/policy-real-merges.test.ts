import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Facts, ReasonCode } from '../../src/facts.ts'
import { RepositoryAnswers } from '../../src/git/answers.ts'
import type { PolicyContext } from '../../src/policy/context.ts'
import { evaluateStep } from '../../src/policy/steps.ts'
import { TestRepository } from '../git/repository.ts'
import { GOOGLE, MAIN, policyOf, read, rule } from '../policy/memory-world.ts'

const LONG = Array.from({ length: 30 }, (_, line) => `line ${String(line)}\n`).join('')
const edited = (line: number, text = 'edited'): string =>
  LONG.replace(`line ${String(line)}\n`, `${text}\n`)

describe('merges that git makes', () => {
  let repository: TestRepository
  let answers: RepositoryAnswers
  const signers = new Map<string, string>()

  beforeAll(() => {
    repository = new TestRepository()
  })
  afterAll(() => {
    repository.remove()
  })

  function commit(
    by: string,
    files: Readonly<Record<string, string>>,
    parents: readonly string[] = [],
  ): string {
    const id = repository.commit(
      repository.tree(files),
      parents,
      `by ${by} ${String(signers.size)}`,
    )
    signers.set(id, by)
    return id
  }

  /** Codes of a merge pushed to main, by a policy where carol may merge and bob not touch src/. */
  async function codesOf(before: string, after: string): Promise<readonly ReasonCode[]> {
    const policy = read(
      policyOf(
        ['alice', 'bob', 'carol'],
        `${rule('alice bob', 'merge-by = ["alice", "bob", "carol"]\ncommitter = "any"')}${rule('alice', 'committer = "any"\npaths = ["src/"]')}`,
      ),
    )
    answers = await RepositoryAnswers.open(repository.place)
    const context: PolicyContext = {
      git: answers,
      facts: (id) => Promise.resolve(factsOf(id, signers.get(id) ?? 'nobody')),
      squashSources: [],
      policyBranch: MAIN,
      anchor: undefined,
      chain: undefined,
      fixed: { policy, id: 'file' },
      floor: undefined,
      chainTo: () => Promise.reject(new Error('there is no chain')),
      verifiedTip: () => Promise.resolve('none'),
      pushCertificate: undefined,
    }
    try {
      const outcomes = await evaluateStep(context, { ref: MAIN, before, after })
      const found = outcomes.flatMap(({ judgements }) => judgements)
      const merge = found.find(({ id }) => id === after)
      return (merge?.reasons ?? []).map(({ code }) => code)
    } finally {
      await answers.close()
    }
  }

  test('attack 40: a clean merge passes, an evil one does not', async () => {
    const base = commit('alice', { a: LONG, b: '1' })
    const main = commit('alice', { a: edited(2), b: '1' }, [base])
    const side = commit('bob', { a: edited(25), b: '1' }, [base])
    const both = edited(2).replace('line 25\n', 'edited\n')
    const clean = commit('carol', { a: both, b: '1' }, [main, side])
    expect(await codesOf(main, clean)).toEqual([])
    const evil = commit('carol', { a: both, b: 'evil' }, [main, side])
    expect(await codesOf(main, evil)).toEqual(['MERGE_ADDS_CHANGES'])
    const ours = commit('carol', { a: edited(2), b: '1' }, [main, side])
    expect(await codesOf(main, ours)).toEqual(['MERGE_ADDS_CHANGES'])
  })

  test('attack 68: one file conflicts, another is silently taken from one side', async () => {
    const base = commit('alice', { a: LONG, b: LONG })
    const main = commit('alice', { a: edited(2, 'main'), b: edited(2) }, [base])
    const side = commit('bob', { a: edited(2, 'side'), b: edited(25) }, [base])
    const merge = commit('carol', { a: edited(2, 'both'), b: edited(25) }, [main, side])
    expect(await codesOf(main, merge)).toEqual(['MERGE_ADDS_CHANGES'])
  })

  test('attack 69: rename detection carries an edit into a path its author may not touch', async () => {
    const base = commit('alice', { doc: LONG })
    const main = commit('alice', { 'src/doc': LONG }, [base])
    const side = commit('bob', { doc: edited(25, 'evil') }, [base])
    const files = { 'src/doc': edited(25, 'evil') }
    for (const by of ['bob', 'carol']) {
      const merge = commit(by, files, [main, side])
      expect(await codesOf(main, merge)).toEqual(['PATH_NOT_ALLOWED'])
    }
    expect(await codesOf(main, commit('alice', files, [main, side]))).toEqual([])
  })

  test('attack 81: an unrelated root makes a ruled file disappear', async () => {
    const main = commit('alice', { 'src/a': '1', b: '1' })
    const root = commit('bob', { b: '2' })
    expect(await codesOf(main, commit('bob', { b: '2' }, [main, root]))).toEqual([
      'PATH_NOT_ALLOWED',
    ])
  })

  test('attacks 45, 74: attributes and drivers of the judged repository change no merge', async () => {
    repository.git(['config', 'merge.evil.driver', `touch ${join(repository.folder, 'evil-ran')}`])
    const attributes = 'a merge=union\nb merge=evil\n'
    const base = commit('alice', { '.gitattributes': attributes, a: '1\n', b: '1\n' })
    const main = commit('alice', { '.gitattributes': attributes, a: '1\nx\n', b: '2\n' }, [base])
    const side = commit('bob', { '.gitattributes': attributes, a: '1\ny\n', b: '3\n' }, [base])
    const files = { '.gitattributes': attributes, a: '1\nx\ny\n', b: '2\n' }
    const union = commit('carol', files, [main, side])
    expect(await codesOf(main, union)).toEqual(['MERGE_ADDS_CHANGES'])
    expect(existsSync(join(repository.folder, 'evil-ran'))).toBe(false)
  })
})

function factsOf(id: string, name: string): Facts {
  return {
    schema: 'git-signet.facts/1',
    object: { id, type: 'commit', format: 'sha1' },
    signature: 'x509',
    outcome: 'proven',
    codes: [],
    signer: {
      kind: 'email',
      value: `${name}@example.org`,
      issuer: GOOGLE,
      trust: 'public',
      claims: {},
    },
    certificate: null,
    times: [{ source: 'rekor-v1', at: '2026-01-01T00:00:00Z', by: 'log' }],
    log: [],
    checks: [],
    tolerated: [],
  }
}
