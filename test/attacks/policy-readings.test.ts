import { describe, expect, test } from 'vitest'
import { ident } from '../policy/memory-git.ts'
import { FORGE_KEY, GOOGLE, MAIN, MemoryWorld, policyOf, rule } from '../policy/memory-world.ts'

const SSH = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'
const RELEASE = 'refs/heads/release/1'

describe('sentences of policy.md that could be read two ways, read the stricter one', () => {
  const staff = `[shared.staff]\nemail = "*@corp.example"\nissuer = "google"\n`
  const eve = { value: 'eve@corp.example' }

  test('a group may commit, and create neither a branch nor a tag, not even by a signed push', async () => {
    const refs = ['refs/heads/release/*', 'refs/tags/v*']
    const rules = refs.map((ref) => rule('alice staff', '', ref)).join('')
    const world = await MemoryWorld.of(
      policyOf(['alice'], `${staff}${rule('alice staff')}${rules}`),
    )
    const work = world.commit({ parents: [world.anchor], by: eve, files: { a: '1' } })
    expect((await world.push(MAIN, work)).exit).toBe(0)
    const more = world.commit({ parents: [work], by: eve, files: { a: '2' } })
    expect((await world.push(RELEASE, more)).codes).toEqual(['CREATED'])
    world.certify({ by: eve })
    expect((await world.push(RELEASE, more)).codes).toEqual(['CREATED'])
    world.certify({ by: 'alice' })
    expect((await world.push(RELEASE, more)).exit).toBe(0)
    const tag = world.tag('v1', work, { by: eve })
    expect((await world.push('refs/tags/v1', tag)).codes).toEqual(['NOT_ALLOWED_HERE'])
    const byAlice = world.tag('v1', work, { by: 'alice' })
    expect((await world.push('refs/tags/v1', byAlice)).exit).toBe(0)
  })

  test('an address of an exact entry is kept from groups in any spelling of case', async () => {
    const gone = `[people.eve]\nemail = "Eve@corp.example"\nissuer = "google"\nuntil = 2025-12-31T00:00:00Z\n`
    const world = await MemoryWorld.of(policyOf(['alice', gone], `${staff}${rule('alice staff')}`))
    const work = world.commit({ parents: [world.anchor], by: eve, files: { a: '1' } })
    expect((await world.push(MAIN, work)).of(work).codes).toEqual(['UNKNOWN_SIGNER'])
  })

  test('a protected tag descends from the anchor, unless its target need not be verified', async () => {
    const build = async (rest: string): Promise<string[]> => {
      const policy = policyOf(['alice'], `${rule('alice')}${rule('alice', rest, 'refs/tags/v*')}`)
      const world = new MemoryWorld()
      const old = world.commit({ by: 'alice', files: { a: '1' } })
      world.anchor = world.commit({ parents: [old], by: 'alice', policy })
      expect((await world.push(MAIN, world.anchor)).exit).toBe(0)
      const tag = world.tag('v1', old, { by: 'alice' })
      return [...(await world.push('refs/tags/v1', tag)).codes]
    }
    expect(await build('')).toEqual(['NOT_DESCENDANT'])
    expect(await build('unsigned-target = true')).toEqual([])
  })

  test('a signature without time that arrives with the landing that ends it did not come before', async () => {
    const bob = (until: string): string =>
      `[people.bob]\nssh = ["${SSH}"]\ngit = ["key@example.org"]\n${until}\n`
    const world = await MemoryWorld.of(policyOf(['alice', bob('')], rule('alice bob')))
    const by = { kind: 'ssh-key', value: SSH, issuer: '' } as const
    const early = world.commit({ parents: [world.anchor], by, files: { a: '1' } })
    expect((await world.push(MAIN, early)).exit).toBe(0)
    const late = world.commit({ parents: [early], by, files: { a: '2' } })
    const policy = policyOf(['alice', bob('until = 2025-12-31T00:00:00Z')], rule('alice bob'))
    const landing = world.merge(early, late, { by: 'alice', policy })
    const result = await world.push(MAIN, landing)
    expect(result.of(late).codes).toEqual(['AFTER_UNTIL'])
    const audit = await world.audit(landing)
    expect(audit.of(early).verdict).toBe('pass')
    expect(audit.of(late).codes).toEqual(['AFTER_UNTIL'])
  })

  test('Signet-Policy-After counts in the last paragraph of the message alone', async () => {
    const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n`
    const rest = `${forge}${rule('alice bob', 'merge-by = ["alice", "bob", "github"]')}`
    for (const [tail, exit] of [
      ['', 0],
      ['Signed-off-by: Alice <alice@example.org>\n', 0],
      ['\nbecause the old one was quoted above\n', 1],
    ] as const) {
      const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rest))
      const proposal = world.commit({
        parents: [world.anchor],
        by: 'alice',
        policy: policyOf(['alice', 'bob', 'carol'], rest),
        message: `policy: add carol\n\nSignet-Policy-After: ${world.anchor}\n${tail}`,
      })
      const merge = world.merge(world.anchor, proposal, { by: 'forge' })
      const result = await world.push(MAIN, merge)
      expect(result.exit).toBe(exit)
      if (exit === 1) expect(result.of(merge).codes).toContain('POLICY_CHANGE_NOT_ADMIN')
    }
  })
})

describe('attacks that the other files try in passing', () => {
  const bot = `[bots.ci]
uri = "https://ci.example/land"
issuer = "google"
git = ["key@example.org"]
repository-id = "7"
ref = "refs/heads/main"
`

  test.each([
    ['both there', { 'repository-id': '7', ref: MAIN }, []],
    ['absent', { ref: MAIN }, ['CLAIM_MISMATCH']],
    ['all absent', {}, ['CLAIM_MISMATCH']],
    ['empty', { 'repository-id': '', ref: MAIN }, ['CLAIM_MISMATCH']],
    ['under another name', { repository: '7', ref: MAIN }, ['CLAIM_MISMATCH']],
    ['longer', { 'repository-id': '77', ref: MAIN }, ['CLAIM_MISMATCH']],
  ])('attack 29: a claim that the policy names is %s', async (_, claims, codes) => {
    const world = await MemoryWorld.of(policyOf(['alice'], `${bot}${rule('alice ci')}`))
    const by = { kind: 'uri', value: 'https://ci.example/land', issuer: GOOGLE, claims } as const
    const work = world.commit({ parents: [world.anchor], by, files: { a: '1' } })
    expect((await world.push(MAIN, work)).of(work).codes).toEqual(codes)
  })

  test('attack 41: a merge by the forge or a bot that drops a fix: -s ours', async () => {
    const merging = 'merge-by = ["alice", "ci", "github"]'
    const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n`
    const lander = bot.replace(/repository-id.*\nref.*\n/, '')
    const policy = policyOf(['alice'], `${forge}${lander}${rule('alice', merging)}`)
    for (const by of ['forge', { kind: 'uri', value: 'https://ci.example/land' } as const]) {
      const world = await MemoryWorld.of(policy, { src: 'bug', other: '1' })
      const main = world.commit({ parents: [world.anchor], by: 'alice', files: { other: '2' } })
      const fix = world.commit({ parents: [world.anchor], by: 'alice', files: { src: 'fixed' } })
      await world.push(MAIN, main)
      const ours = world.merge(main, fix, { by, files: { src: 'bug' } })
      expect((await world.push(MAIN, ours)).of(ours).codes).toEqual(['MERGE_ADDS_CHANGES'])
      expect((await world.push(MAIN, world.merge(main, fix, { by }))).exit).toBe(0)
    }
  })

  test('attack 51: a bad ref among good ones, in either order, is judged bad', async () => {
    const policy = policyOf(['alice'], rule('alice'), { top: 'other-refs = "any"' })
    for (const order of [
      ['refs/heads/topic', MAIN],
      [MAIN, 'refs/heads/topic'],
    ]) {
      const world = await MemoryWorld.of(policy)
      const evil = world.commit({ parents: [world.anchor], by: undefined, files: { a: '1' } })
      const exits: number[] = []
      for (const ref of order) exits.push((await world.push(ref, evil)).exit)
      expect(exits.sort()).toEqual([0, 1])
    }
  })

  test('attack 76: twins of a ruled path and of .signet', async () => {
    const policy = policyOf(
      ['alice', 'bob'],
      `${rule('alice bob')}${rule('alice', 'paths = ["Äpfel/ci.yml", "src/"]')}`,
    )
    for (const path of [
      'A\u0308pfel/ci.yml',
      'äpfel/CI.yml',
      'Äpfel/ci.yml. ',
      'Äp\u200cfel/ci.yml',
      'SRC/x',
      'src',
    ]) {
      const world = await MemoryWorld.of(policy)
      const work = world.commit({ parents: [world.anchor], by: 'bob', files: { [path]: '1' } })
      expect((await world.push(MAIN, work)).of(work).codes, path).toEqual(['PATH_NOT_ALLOWED'])
    }
    for (const path of ['.Signet/x', '.signet./x', '.SIGNET', '.sig\u200dnet/policy.toml']) {
      const world = await MemoryWorld.of(policy)
      const work = world.commit({ parents: [world.anchor], by: 'bob', files: { [path]: '1' } })
      expect((await world.push(MAIN, work)).exit, path).toBe(1)
    }
  })

  test('attack 80: where by decides and no path is ruled, no merge is made and no range walked twice', async () => {
    const world = await MemoryWorld.of(policyOf(['alice', 'bob'], rule('alice bob')))
    let merges = 0
    const made = world.git.mechanicalMerge.bind(world.git)
    world.git.mechanicalMerge = (first, second) => {
      merges += 1
      return made(first, second)
    }
    let tip = world.anchor
    for (let at = 0; at < 200; at++) {
      const side = world.commit({ parents: [tip], by: 'bob', files: { a: String(at) } })
      tip = world.merge(tip, side, { by: 'alice' })
    }
    const before = world.git.walks
    expect((await world.push(MAIN, tip)).exit).toBe(0)
    expect(world.git.walks - before).toBeLessThan(200 * 2 + 10)
    expect(merges).toBe(0)
    // The count is real: who may only merge is asked what the merge adds.
    const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\n`
    const policy = policyOf(['alice'], `${forge}${rule('alice', 'merge-by = ["github"]')}`)
    const landing = world.commit({ parents: [tip], by: 'alice', policy })
    expect((await world.push(MAIN, landing)).exit).toBe(0)
    const side = world.commit({ parents: [landing], by: 'alice', files: { b: '1' } })
    expect((await world.push(MAIN, world.merge(landing, side, { by: 'forge' }))).exit).toBe(0)
    expect(merges).toBe(1)
  })

  test('a forge keeps to its committer line whatever a rule says about committers (47)', async () => {
    const forge = `[forges.github]\npgp = ["${FORGE_KEY}"]\ncommitter = "noreply@github.com"\naccept = ["edit"]\n`
    const rest = `${forge}${rule('alice', 'merge-by = ["github"]\ncommitter = "any"')}`
    const world = await MemoryWorld.of(policyOf(['alice'], rest))
    const committer = ident('alice@example.org')
    const work = world.commit({ parents: [world.anchor], by: 'forge', committer })
    expect((await world.push(MAIN, work)).of(work).codes).toEqual(['COMMITTER_MISMATCH'])
  })
})
