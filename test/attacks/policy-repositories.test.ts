import * as asn1js from 'asn1js'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { byCommit, World } from '../policy-worked/world.ts'
import type { Outcome, Signer } from '../policy-worked/world.ts'

function partsOf<T = asn1js.BaseBlock>(block: unknown): T[] {
  return (block as asn1js.Constructed).valueBlock.value as unknown as T[]
}

/** A CMS signature after a change of its one signer: signature value, unsigned attributes. */
function resigned(
  der: Uint8Array,
  change: (signature: Uint8Array, unsigned: asn1js.BaseBlock[]) => [Uint8Array, asn1js.BaseBlock[]],
): Buffer {
  const { result } = asn1js.fromBER(der)
  const inside = (block: unknown): asn1js.BaseBlock[] =>
    (block as asn1js.Constructed).valueBlock.value
  const [data] = inside(inside(result)[1])
  const [signer] = inside(inside(data).at(-1))
  const fields = inside(signer)
  const at = fields.findIndex((field) => field instanceof asn1js.OctetString)
  const old = new Uint8Array((fields[at] as asn1js.OctetString).valueBlock.valueHexView)
  const [signature, unsigned] = change(old, partsOf(fields[at + 1]))
  const tag = { tagClass: 3, tagNumber: 1 }
  fields.splice(
    at,
    2,
    new asn1js.OctetString({ valueHex: signature }),
    ...(unsigned.length === 0 ? [] : [new asn1js.Constructed({ idBlock: tag, value: unsigned })]),
  )
  return Buffer.from(result.toBER())
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The other signature of the same message: r, and the order less s. */
function negated(signature: Uint8Array): Uint8Array {
  const { result } = asn1js.fromBER(signature)
  const [r, s] = partsOf<asn1js.Integer>(result).map((value) => value.toBigInt())
  const all = [r ?? 0n, P256_ORDER - (s ?? 0n)].map((value) => asn1js.Integer.fromBigInt(value))
  return new Uint8Array(new asn1js.Sequence({ value: all }).toBER())
}

/** One that nobody knows. */
function attribute(): asn1js.BaseBlock {
  const value = new asn1js.Set({ value: [new asn1js.Utf8String({ value: 'x' })] })
  return new asn1js.Sequence({ value: [new asn1js.ObjectIdentifier({ value: '1.2.3.4' }), value] })
}

// What lies beside the objects, and other bytes of the same objects; judged by the command line.
describe('attacks by the repository itself', () => {
  let world: World
  let alice: Signer
  let bob: Signer
  let mallory: Signer
  let anchor = ''
  let first = ''
  let second = ''
  let policy = ''

  beforeAll(async () => {
    world = await World.create()
    alice = world.person('Alice', 'alice@example.org')
    bob = world.person('Bob', 'bob@example.org')
    mallory = world.person('Mallory', 'mallory@evil.example')
    const table = (name: string): string =>
      `[people.${name}]\nemail = "${name}@example.org"\nissuer = "${world.stack.issuer}"\ntrust = "stack"\n`
    const rule = `[[protect]]\nrefs = ["refs/heads/main"]\nby = ["alice", "bob"]\n\n[[protect]]\nrefs = ["refs/heads/main"]\npaths = ["src/"]\nby = ["alice"]\n`
    policy = `version = 1\nadmins = ["alice"]\n${world.pinRoot('stack')}\n${table('alice')}${table('bob')}${rule}`
    anchor = await world.commit(alice, 'adopt', { '.signet/policy.toml': policy, 'src/a': '1' })
    first = await world.commit(bob, 'first')
    second = await world.commit(alice, 'second', { 'src/a': '2' })
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    world.forgetTips()
    await world.git('checkout', '-q', '-f', 'main')
    await world.git('reset', '-q', '--hard', second)
  })

  const audit = (...args: string[]): Promise<Outcome> =>
    world.judge('audit', '--anchor', anchor, ...args, 'main')
  const raw = async (id: string): Promise<string> => {
    const { stdout } = await world.rawGit('cat-file', 'commit', id)
    return stdout
  }
  const stored = (bytes: string): Promise<string> => world.store('commit', Buffer.from(bytes))

  test('attack 7: an anchor that is abbreviated, a name, a tag, a tree, missing', async () => {
    const tree = await world.git('rev-parse', `${anchor}^{tree}`)
    await world.as(alice, ['tag', '-s', '-m', 'x', 'anchored', anchor])
    const tag = await world.git('rev-parse', 'refs/tags/anchored')
    for (const wrong of [
      anchor.slice(0, 39),
      anchor.slice(0, 8),
      anchor.toUpperCase(),
      `${anchor}^0`,
      'main',
      tree,
      tag,
      '1'.repeat(40),
      first,
    ]) {
      const { status, stdout, stderr } = await world.signet('audit', '--anchor', wrong, 'main')
      // The last has the policy and is on the chain: an anchor like any other.
      expect(status, `${wrong}: ${stdout}${stderr}`).toBe(wrong === first ? 0 : 3)
    }
  }, 60_000)

  test('attack 20: a revoked commit re-encoded: armor, signature value, unsigned attributes, headers', async () => {
    const evil = await world.commit(bob, 'stolen', { b: '1' })
    const text = await raw(evil)
    const [, armor = ''] = /gpgsig (-----BEGIN[^-]*-----\n[^-]*-----END[^-]*-----)/.exec(text) ?? []
    const body = armor.split('\n ').slice(1, -1).join('')
    const wrapped = (width: number): string =>
      text.replace(
        armor,
        [
          '-----BEGIN SIGNED MESSAGE-----',
          ...(body.match(new RegExp(`.{1,${String(width)}}`, 'g')) ?? []),
          '-----END SIGNED MESSAGE-----',
        ].join('\n '),
      )
    expect(wrapped(64)).toBe(text)
    const der = Buffer.from(body, 'base64')
    const encoded = (bytes: Buffer): string =>
      text.replace(
        armor,
        [
          '-----BEGIN SIGNED MESSAGE-----',
          ...(bytes.toString('base64').match(/.{1,64}/g) ?? []),
          '-----END SIGNED MESSAGE-----',
        ].join('\n '),
      )
    expect(encoded(resigned(der, (signature, unsigned) => [signature, unsigned]))).toBe(text)
    const copies = {
      's negated': encoded(resigned(der, (signature, all) => [negated(signature), all])),
      'unsigned attributes stripped': encoded(resigned(der, (signature) => [signature, []])),
      'another unsigned attribute behind': encoded(
        resigned(der, (signature, all) => [signature, [...all, attribute()]]),
      ),
      'unsigned attributes in another order': encoded(
        resigned(der, (signature, all) => [signature, [attribute(), ...all]]),
      ),
      'wrapped at 60': wrapped(60),
      'with a signature of the other format': text.replace(
        /\ngpgsig /,
        '\ngpgsig-sha256 junk\ngpgsig ',
      ),
    }
    const revoking = `${policy}[[revoke]]\ncommit = "${evil}"\nreason = "stolen"\n`
    await world.git('reset', '-q', '--hard', second)
    const landing = await world.commit(alice, 'revoke', { '.signet/policy.toml': revoking })
    const tree = await world.git('rev-parse', `${landing}^{tree}`)
    for (const [what, bytes] of Object.entries(copies)) {
      const copy = await stored(bytes)
      expect(copy, what).not.toBe(evil)
      const merge = await world.make(alice, tree, [landing, copy], what)
      await world.git('update-ref', 'refs/heads/main', merge)
      world.forgetTips()
      const outcome = await audit()
      expect(outcome.status, what).toBe(1)
      expect(byCommit(outcome).get(copy), what).toContain('REVOKED')
    }
  }, 60_000)

  test('attack 37: a replacement of the anchor, of a landing, of a bad commit changes no verdict', async () => {
    const bad = await world.commit(mallory, 'stranger')
    const good = await world.commit(alice, 'good again')
    const before = byCommit(await audit())
    expect(before.get(bad)).toBe('UNKNOWN_SIGNER')
    const tree = await world.git('rev-parse', `${bad}^{tree}`)
    const fine = await world.make(alice, tree, [second], 'instead')
    const planted = await world.make(mallory, tree, [], 'another anchor')
    for (const [from, to] of [
      [bad, fine],
      [anchor, planted],
      [good, fine],
    ] as const) {
      await world.git('update-ref', `refs/replace/${from}`, to)
      world.forgetTips()
      expect(byCommit(await audit())).toEqual(before)
      await world.git('update-ref', '-d', `refs/replace/${from}`)
    }
  }, 60_000)

  test('attack 38: grafts and alternates have no effect', async () => {
    const bad = await world.commit(mallory, 'stranger')
    await world.commit(alice, 'on top')
    const before = byCommit(await audit())
    expect(before.get(bad)).toBe('UNKNOWN_SIGNER')
    mkdirSync(world.path('.git/info'), { recursive: true })
    // As if the bad commit had never been an ancestor.
    const tip = await world.id('main')
    writeFileSync(world.path('.git/info/grafts'), `${tip} ${second}\n`)
    expect(await world.git('rev-list', '-2', 'main')).toBe(`${tip}\n${second}`)
    world.forgetTips()
    expect(byCommit(await audit())).toEqual(before)
    rmSync(world.path('.git/info/grafts'))

    const other = world.path('../other.git')
    await world.git('clone', '-q', '--bare', world.path('.'), other)
    writeFileSync(world.path('.git/objects/info/alternates'), `${other}/objects\n`)
    world.forgetTips()
    expect(byCommit(await audit())).toEqual(before)
    rmSync(world.path('.git/objects/info/alternates'))
    rmSync(other, { recursive: true })
  }, 60_000)

  test('attack 38: below a shallow edge nothing is taken for good', async () => {
    const tip = await world.commit(alice, 'on top')
    expect((await audit()).status).toBe(0)
    // Parents are there or not: a shallow repository says that nobody fetched them.
    for (const [edge, exit] of [
      [anchor, 0],
      [second, 4],
    ] as const) {
      world.forgetTips()
      writeFileSync(world.path('.git/shallow'), `${edge}\n`)
      const outcome = await world.signet('audit', '--anchor', anchor, 'main')
      expect(outcome.status, outcome.stderr + outcome.stdout).toBe(exit)
      const range = await world.signet('verify', '--anchor', anchor, `${first}..${tip}`)
      expect(range.status).toBe(exit)
    }
    rmSync(world.path('.git/shallow'))
  }, 60_000)

  test('attack 38: a partial clone without the trees or blobs that rules read fetches nothing', async () => {
    const bare = world.path('../server.git')
    await world.git('clone', '-q', '--bare', world.path('.'), bare)
    await world.git('-C', bare, 'config', 'uploadpack.allowFilter', 'true')
    for (const [filter, exit] of [
      ['blob:none', 4],
      ['tree:0', 4],
    ] as const) {
      const name = filter.replace(':', '-')
      const clone = world.path(`../${name}.git`)
      const url = `file://${bare}`
      await world.git('clone', '-q', '--bare', `--filter=${filter}`, url, clone)
      const told = await world.signetIn(`${name}.git`, 'audit', '--anchor', anchor, 'main')
      expect(told.status, told.stderr).toBe(exit)
      rmSync(clone, { recursive: true })
    }
    rmSync(bare, { recursive: true })
  }, 60_000)

  test('attack 75: the policy of the anchor is there, the blob of a ruled file is not', async () => {
    const tip = await world.commit(bob, 'docs', { doc: 'x' })
    const blob = await world.git('rev-parse', `${tip}:doc`)
    rmSync(world.path(`.git/objects/${blob.slice(0, 2)}/${blob.slice(2)}`))
    // No rule reads contents: what was signed is the name of the blob.
    expect((await audit()).status).toBe(0)
    const tree = await world.git('rev-parse', `${tip}^{tree}`)
    rmSync(world.path(`.git/objects/${tree.slice(0, 2)}/${tree.slice(2)}`))
    const outcome = await world.signet('audit', '--anchor', anchor, 'main')
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(4)
    expect(outcome.stdout + outcome.stderr).toContain('MISSING_OBJECT')
  }, 60_000)
})
