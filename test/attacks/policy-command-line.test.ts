import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { digest } from '../../src/crypto/digest.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { byCommit, World } from '../policy-worked/world.ts'
import type { Outcome, Signer } from '../policy-worked/world.ts'

const NAMES = ['alice', 'bob', 'carol'] as const

// What the commands themselves add to the rules; everybody signs with an SSH key.
describe('policies by the command line', () => {
  let world: World
  let alice: Signer
  let bob: Signer
  let carol: Signer
  let stranger: Signer
  let policy = ''
  let anchor = ''
  let old = ''

  beforeAll(async () => {
    world = await World.create()
    const tables: string[] = []
    const person = async (name: string): Promise<Signer> => {
      const email = `${name}@example.org`
      const { signer, line } = await world.forge(name, email)
      tables.push(`[people.${name}]\nssh = ["${line}"]\ngit = ["${email}"]\n`)
      return signer
    }
    alice = await person(NAMES[0])
    bob = await person(NAMES[1])
    carol = await person(NAMES[2])
    policy = `version = 1
admins = ["alice", "carol"]
${tables.join('')}
[[protect]]
refs = ["refs/heads/main"]
by = ["alice", "bob"]

[[protect]]
refs = ["refs/tags/v*"]
by = ["alice"]

[[protect]]
refs = ["refs/heads/release/*"]
by = ["alice", "bob"]

[[protect]]
refs = ["refs/heads/wip/*"]
by = ["alice", "bob"]
rewrite = true
`
    stranger = (await world.forge('mallory', 'mallory@example.org')).signer
    old = await world.commit(stranger, 'older than the policy')
    anchor = await world.commit(alice, 'adopt', { '.signet/policy.toml': policy })
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    world.forgetTips()
    await world.git('checkout', '-q', '-f', '-B', 'main', anchor)
  })

  const judge = (command: string, ...args: string[]): Promise<Outcome> =>
    world.judge(command, '--anchor', anchor, ...args)

  test('a landing that failed is told by every report, in every format', async () => {
    const landing = await world.commit(bob, 'land', { '.signet/policy.toml': `${policy}# bob\n` })
    const later = await world.commit(bob, 'later')
    const told = `the policy change at ${landing.slice(0, 10)} did not land (POLICY_CHANGE_NOT_ADMIN`
    for (const args of [['audit'], ['verify', `${anchor}..HEAD`], ['verify', landing]]) {
      const [command = '', ...rest] = args
      const outcome = await judge(command, ...rest)
      expect(outcome.status, args.join(' ')).toBe(1)
      expect(byCommit(outcome).get(landing)).toBe('POLICY_CHANGE_NOT_ADMIN')
      expect(outcome.summary.warnings?.[0]).toContain(told)
    }
    const single = await judge('verify', later)
    expect(single.status).toBe(0)
    expect(single.summary.warnings?.[0]).toContain(told)
    for (const format of ['text', 'json', 'jsonl', 'github', 'html']) {
      const { stdout } = await world.signet('verify', '--anchor', anchor, '--format', format)
      expect(stdout, format).toContain(landing.slice(0, 10))
      expect(stdout, format).toContain('did not land')
    }
  })

  test('attack 53: verify-tag asks of every tag an object of its own, by its name', async () => {
    await world.as(carol, ['tag', '-s', '-m', 'x', 'nightly'])
    await world.git('tag', 'light')
    await world.git('update-ref', 'refs/tags/weekly', 'refs/tags/nightly')
    await world.git('update-ref', 'refs/tags/blob', `${anchor}:.signet/policy.toml`)
    const codes = async (...args: string[]): Promise<string> => {
      const [command = '', tag = ''] = args
      const { status, verdicts } = await judge(command, tag)
      return `${String(status)} ${verdicts.flatMap((one) => one.codes).join(' ')}`
    }
    expect(await codes('verify-tag', 'nightly')).toBe('0 ')
    expect(await codes('verify', 'nightly')).toBe('0 ')
    expect(await codes('verify-tag', 'light')).toBe('1 TAG_NOT_ANNOTATED')
    expect(await codes('verify-tag', 'blob')).toBe('1 TAG_NOT_ANNOTATED')
    expect(await codes('verify-tag', 'weekly')).toBe('1 TAG_NAME')
    expect(await codes('verify', 'weekly')).toBe('1 TAG_NAME')
  })

  test('attack 50: a tag that no rule is about is judged with the commits it brings', async () => {
    const unsigned = await world.commit(carol, 'by carol, whom main does not let in')
    await world.as(carol, ['tag', '-s', '-m', 'x', 'good'])
    const codes = async (tag: string): Promise<string> => {
      const { status, verdicts } = await judge('verify-tag', tag)
      return `${String(status)} ${verdicts.map((one) => one.codes.join(' ')).join(', ')}`
    }
    expect(await codes('good')).toBe('0 ')
    await world.as(carol, ['commit', '-q', '--no-gpg-sign', '--allow-empty', '-m', 'nobody'])
    await world.as(carol, ['tag', '-s', '-m', 'x', 'bad'])
    expect(await codes('bad')).toBe('1 UNSIGNED')
    await world.git('reset', '-q', '--hard', unsigned)
    await world.commit(stranger, 'stranger')
    await world.as(carol, ['tag', '-s', '-m', 'x', 'worse'])
    expect(await codes('worse')).toBe('1 UNKNOWN_SIGNER')
  })
  test('attack 89: an audit of a ref older than the anchor, protected or not', async () => {
    await world.git('branch', 'release/old', old)
    await world.git('branch', 'old', old)
    const protectedOne = await judge('audit', 'release/old')
    expect(protectedOne.status).toBe(1)
    expect(protectedOne.summary.codes).toEqual({ NOT_DESCENDANT: 1 })
    const free = await judge('audit', 'old')
    expect(free.status).toBe(4)
    expect(free.summary.codes).toEqual({ NOTHING_TO_CHECK: 1 })
  })

  test('attack 22: a ref that may be rewritten, or that no rule is about, goes back without a rollback', async () => {
    await world.git('checkout', '-q', '--detach', anchor)
    const first = await world.commit(bob, 'first')
    for (const [ref, status] of [
      ['refs/heads/wip/a', 0],
      ['refs/heads/topic', 0],
      ['refs/heads/release/1', 1],
    ] as const) {
      await world.git('update-ref', ref, first)
      expect((await judge('audit', ref)).status, ref).toBe(0)
      await world.git('checkout', '-q', '--detach', anchor)
      const other = await world.commit(bob, `instead of ${ref}`)
      await world.git('update-ref', ref, other)
      const { status: found, summary } = await judge('audit', ref)
      expect(found, ref).toBe(status)
      expect(Object.keys(summary.codes), ref).toEqual(status === 0 ? [] : ['ROLLBACK'])
    }
  })

  test('other-refs = "deny": audits and ranges let nothing onto a ref that no rule is about', async () => {
    const denying = policy.replace('\n[people', '\nother-refs = "deny"\n[people')
    const landing = await world.commit(alice, 'deny', { '.signet/policy.toml': denying })
    await world.git('checkout', '-q', '-b', 'denied')
    const work = await world.commit(alice, 'work')
    for (const outcome of [
      await judge('audit', 'denied'),
      await judge('verify', '--for', 'denied', `${landing}..denied`),
    ]) {
      expect(outcome.status).toBe(1)
      expect(byCommit(outcome).get(work)).toBe('REF_NOT_ALLOWED')
    }
    expect((await judge('verify', `${landing}..denied`)).status).toBe(0)
    await world.git('checkout', '-q', 'main')
    await world.git('branch', '-q', '-D', 'denied')
  })
  test('attack 10: the only admin signs with an OpenPGP key, which has to lie in .signet/keys/', async () => {
    const body = Buffer.concat([Buffer.from([4, 0, 0, 0, 1, 27]), Buffer.alloc(32, 1)])
    const fingerprint = encodeHex(digest('sha1', Uint8Array.of(0x99, 0, body.length), body))
    const dave = `[people.dave]\npgp = ["${fingerprint}"]\ngit = ["dave@example.org"]\n`
    const withDave = policy
      .replace('admins = ["alice", "carol"]', 'admins = ["dave"]')
      .replace('\n[[protect]]', `\n${dave}\n[[protect]]`)
    const locked = await world.commit(alice, 'land', { '.signet/policy.toml': withDave })
    expect(byCommit(await judge('audit')).get(locked)).toBe('POLICY_LOCKOUT')
    world.forgetTips()
    await world.git('reset', '-q', '--hard', anchor)
    mkdirSync(world.path('.signet/keys'), { recursive: true })
    const key = Buffer.concat([Buffer.from([0xc6, body.length]), body])
    writeFileSync(world.path('.signet/keys/dave.pgp'), key)
    const landed = await world.commit(alice, 'land', { '.signet/policy.toml': withDave })
    expect(byCommit(await judge('audit')).get(landed)).toBe('signed')
    // With another admin beside him nobody is locked out.
    world.forgetTips()
    await world.git('reset', '-q', '--hard', anchor)
    const both = withDave.replace('admins = ["dave"]', 'admins = ["dave", "carol"]')
    const other = await world.commit(alice, 'land', { '.signet/policy.toml': both })
    expect(byCommit(await judge('audit')).get(other)).toBe('signed')
  })
})
