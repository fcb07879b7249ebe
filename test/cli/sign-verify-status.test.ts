import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'
import { gits } from '../gits.ts'
import { sharedPath } from '../shared.ts'
import type { ProcessResult } from './run-program.ts'
import { ADDRESS, SigningPerson } from './signer.ts'

/** The last table of facts.md, row by row, as git sees it. */

let stack: LocalStack
let alice: SigningPerson
let tampered: string
let fingerprint: string

beforeAll(async () => {
  stack = await startLocalStack({ test: true, port: 0 })
  alice = await SigningPerson.create(stack)
  await alice.signedRepository('work')
  await alice.gitIn('work', 'checkout', '-qb', 'topic')
  await alice.gitIn('work', 'commit', '-S', '--allow-empty', '-qm', 'topic')
  await alice.gitIn('work', 'tag', '-s', '-m', 'release', 'v1')
  await alice.gitIn('work', 'checkout', '-q', 'main')
  const commit = await alice.gitIn('work', 'cat-file', 'commit', 'topic')
  writeFileSync(
    join(alice.home, 'changed'),
    commit.stdout.replace(/\n\ntopic/, '\n\nsomething else'),
  )
  const made = await alice.gitIn('work', 'hash-object', '-t', 'commit', '-w', '../changed')
  tampered = made.stdout.trim()
  fingerprint = (await alice.gitIn('work', 'log', '-1', '--format=%GK', 'topic')).stdout.trim()
}, 60_000)

afterAll(async () => {
  alice.remove()
  await stack.close()
})

const NAMED = ['-c', `signet.identity=${ADDRESS}`]

interface Row {
  readonly row: string
  readonly config: () => string[]
  readonly revision: () => string
  /** %G?, %GS, %GK, %GF, %GT; `fpr` stands for the fingerprint. */
  readonly shown: string
  readonly lines: string
  readonly verifies: number
  /** With gpg.minTrustLevel=marginal. */
  readonly verifiesMarginal: number
  readonly merges: boolean
  readonly says: string
}

const rows: Row[] = [
  {
    row: 'proven, accepted',
    config: () => [...NAMED, '-c', `signet.identityIssuer=${stack.issuer}`],
    revision: () => 'topic',
    shown: `G|${ADDRESS}|fpr|fpr|fully`,
    lines: `NEWSIG,GOODSIG fpr ${ADDRESS},VALIDSIG fpr,TRUST_FULLY`,
    verifies: 0,
    verifiesMarginal: 0,
    merges: true,
    says: `good signature by ${ADDRESS}`,
  },
  {
    row: 'proven, nobody named',
    config: () => [],
    revision: () => 'topic',
    shown: `U|${ADDRESS}|fpr|fpr|undefined`,
    lines: `NEWSIG,GOODSIG fpr ${ADDRESS},VALIDSIG fpr,TRUST_UNDEFINED`,
    verifies: 0,
    verifiesMarginal: 1,
    merges: false,
    says: 'signer not checked',
  },
  {
    row: 'proven, refused',
    config: () =>
      ['-c', 'signet.identity=bob@example.org'].concat([
        '-c',
        `signet.identityIssuer=${stack.issuer}`,
      ]),
    revision: () => 'topic',
    shown: `U|${ADDRESS}|fpr|fpr|never`,
    lines: `NEWSIG,GOODSIG fpr ${ADDRESS},VALIDSIG fpr,TRUST_NEVER`,
    verifies: 1,
    verifiesMarginal: 1,
    merges: false,
    says: 'who may not sign here',
  },
  {
    row: 'proven, refused: another issuer',
    config: () => [...NAMED, '-c', 'signet.identityIssuer=google'],
    revision: () => 'topic',
    shown: `U|${ADDRESS}|fpr|fpr|never`,
    lines: `NEWSIG,GOODSIG fpr ${ADDRESS},VALIDSIG fpr,TRUST_NEVER`,
    verifies: 1,
    verifiesMarginal: 1,
    merges: false,
    says: 'who may not sign here',
  },
  {
    row: 'proven, could not be judged',
    config: () => NAMED,
    revision: () => 'topic',
    shown: `U|${ADDRESS}|fpr|fpr|undefined`,
    lines: `NEWSIG,GOODSIG fpr ${ADDRESS},VALIDSIG fpr,TRUST_UNDEFINED`,
    verifies: 1,
    verifiesMarginal: 1,
    merges: false,
    says: 'signet.identityIssuer is not',
  },
  {
    row: 'bad',
    config: () => [],
    revision: () => tampered,
    shown: `B|${ADDRESS}|fpr||never`,
    lines: `NEWSIG,BADSIG fpr ${ADDRESS},TRUST_NEVER`,
    verifies: 1,
    verifiesMarginal: 1,
    merges: false,
    says: 'BAD signature',
  },
  {
    row: 'untrusted',
    config: () => [],
    revision: () => 'untrusted:topic',
    shown: 'E||fpr||undefined',
    lines: 'NEWSIG,ERRSIG fpr 0 0 00 0 9,TRUST_UNDEFINED',
    verifies: 1,
    verifiesMarginal: 1,
    merges: false,
    says: 'no trust root vouches',
  },
]

describe.each(gits)('git $version', ({ program }) => {
  /** `untrusted:` leaves the stack's root unnamed. */
  function run(row: Row, ...args: readonly string[]): Promise<ProcessResult> {
    const isUntrusted = row.revision().startsWith('untrusted:')
    const env = isUntrusted ? { SIGNET_TRUSTED_ROOT: '' } : {}
    const given = args.map((arg) => arg.replace('REV', row.revision().replace('untrusted:', '')))
    return alice.run(program, [...row.config(), ...given], { cwd: 'work', env })
  }

  test.each(rows)('is told what is so: $row', async (row) => {
    const shown = await run(row, 'log', '-1', '--format=%G?|%GS|%GK|%GF|%GT', 'REV')
    expect(shown.stdout.trim().replaceAll(fingerprint, 'fpr')).toBe(row.shown)

    const raw = await run(row, 'verify-commit', '--raw', 'REV')
    const lines = raw.stderr
      .split('\n')
      .filter((line) => line.startsWith('[GNUPG:] '))
      .map((line) =>
        line
          .slice(9)
          .replaceAll(fingerprint, 'fpr')
          .replace(/ 0 shell$/, ''),
      )
      .map((line) =>
        line.replace(/^VALIDSIG fpr \d{4}-\d\d-\d\d \d{10} 0 0 0 19 8 00$/, 'VALIDSIG fpr'),
      )
    expect(lines.join(',')).toBe(row.lines)
    expect(raw.status).toBe(row.verifies)

    const plain = await run(row, 'verify-commit', 'REV')
    expect(plain.status).toBe(row.verifies)
    expect(plain.stderr).toContain(row.says)

    const marginal = await run(row, '-c', 'gpg.minTrustLevel=marginal', 'verify-commit', 'REV')
    expect(marginal.status).toBe(row.verifiesMarginal)

    const merge = await run(row, 'merge', '--no-commit', '--no-ff', '--verify-signatures', 'REV')
    await alice.gitIn('work', 'merge', '--abort')
    expect(merge.status === 0, merge.stderr).toBe(row.merges)

    const log = await run(row, 'log', '-1', '--show-signature', 'REV')
    expect(log.stdout).toContain(row.says)
  })

  test.each([
    ['an issuer that is none', { SIGNET_IDENTITY: ADDRESS, SIGNET_IDENTITY_ISSUER: 'somebody' }],
    ['a trusted root that is not there', { SIGNET_TRUSTED_ROOT: '/nowhere' }],
  ])('what cannot be checked is never silence: %s', async (_what, env) => {
    const options = { cwd: 'work', env }
    const shown = await alice.run(program, ['log', '-1', '--format=%G?|%GT', 'topic'], options)
    expect(shown.stdout.trim()).toBe('E|undefined')
    const verified = await alice.run(program, ['verify-commit', 'topic'], options)
    expect(verified.status).toBe(1)
    expect(verified.stderr).toContain('git-signet: error: cannot ')
  })

  test('verify-tag and tag -v judge tags alike', async () => {
    const accepted = [...NAMED, '-c', `signet.identityIssuer=${stack.issuer}`]
    const tag = (...args: string[]) => alice.run(program, args, { cwd: 'work' })
    expect((await tag(...accepted, 'verify-tag', 'v1')).status).toBe(0)
    expect((await tag(...accepted, 'tag', '-v', 'v1')).status).toBe(0)
    const refused = ['-c', 'signet.identity=bob@example.org'].concat(accepted.slice(2))
    expect((await tag(...refused, 'verify-tag', 'v1')).status).toBe(1)
    expect((await tag(...refused, 'tag', '-v', 'v1')).status).toBe(1)
    const raw = await tag(...accepted, 'verify-tag', '--raw', 'v1')
    expect(raw.stderr).toContain('[GNUPG:] TRUST_FULLY')
  })

  const archive = sharedPath('interop/repo.git.tar.gz')
  const rootPath = sharedPath('interop/trusted_root.json')
  test.skipIf(archive === undefined)(
    'is told what is so: incomplete (needs ../shared)',
    async () => {
      await alice.run('tar', ['xzf', archive ?? ''])
      const env = { SIGNET_TRUSTED_ROOT: rootPath ?? '' }
      const cwd = 'repo.git'
      const all = await alice.run(program, ['log', '--all', '--format=%G?|%GT|%H'], { cwd, env })
      const incomplete = all.stdout.split('\n').filter((line) => line.startsWith('E|undefined|'))
      expect(incomplete.length).toBeGreaterThan(0)
      const id = incomplete[0]?.split('|')[2] ?? ''
      const verified = await alice.run(program, ['verify-commit', id], { cwd, env })
      expect(verified.status).toBe(1)
      expect(verified.stderr).toContain('NOT_LOGGED')
    },
  )
})
