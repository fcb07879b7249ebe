import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { concatBytes, encodeUtf8 } from '../../src/encoding/bytes.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { digest, sha256 } from '../../src/crypto/digest.ts'
import { RepositoryAnswers } from '../../src/git/answers.ts'
import type { Policy } from '../../src/policy/model.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { policyFilesInFolder, policyFilesInTree } from '../../src/verification/policy-files.ts'
import type { PolicyFiles } from '../../src/verification/policy-files.ts'
import { loadPolicyMaterial, policyMaterial } from '../../src/verification/policy-material.ts'
import { runGit } from '../../src/git/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'signet-material-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** A version 4 key packet with an Ed25519 key (RFC 9580 §5.5.2). */
function keyPacket(fill: number): { bytes: Uint8Array; fingerprint: string } {
  // Any 32 bytes are a key to look for; whether they are a point matters when it verifies.
  const body = concatBytes(Uint8Array.of(4, 0, 0, 0, 1, 27), new Uint8Array(32).fill(fill))
  const fingerprint = encodeHex(digest('sha1', Uint8Array.of(0x99, 0, body.length), body))
  return { bytes: concatBytes(Uint8Array.of(0xc6, body.length), body), fingerprint }
}

const rootText = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}\n'
const root = encodeUtf8(rootText)
const rootDigest = encodeHex(sha256(root))

function policyWith(text: string): Policy {
  const source = `version = 1
admins = ["alice"]

[people.alice]
email = "alice@example.org"
issuer = "github"
${text}
[[protect]]
refs = ["refs/heads/main"]
by = ["alice"]
`
  return parsePolicy(encodeUtf8(source), 'policy.toml', { policyBranch: 'refs/heads/main' })
}

function filesOf(contents: Readonly<Record<string, Uint8Array>>): PolicyFiles {
  const files = new Map(Object.entries(contents))
  return {
    read: (name) => Promise.resolve(files.get(name)),
    list: (name) =>
      Promise.resolve(
        [...files.keys()]
          .filter((file) => dirname(file) === name)
          .map((file) => file.slice(name.length + 1)),
      ),
  }
}

describe('policyMaterial()', () => {
  const [one, two, three] = [keyPacket(1), keyPacket(2), keyPacket(3)]

  it('gives the keys that are pinned, from whichever file, and no others', async () => {
    const policy = policyWith(`pgp = ["${three.fingerprint.toUpperCase()}"]\n`)
    const keys = concatBytes(one.bytes, two.bytes, three.bytes)
    const material = await policyMaterial(policy, filesOf({ '.signet/keys/several.pgp': keys }))
    expect(material.openpgpKeys.map(({ fingerprint }) => fingerprint)).toEqual([three.fingerprint])
    expect(material.problems).toEqual([])
  })

  it('says of a fingerprint without its key where it is pinned', async () => {
    const policy = policyWith(`pgp = [\n  "${one.fingerprint}",\n  "${two.fingerprint}",\n]\n`)
    const material = await policyMaterial(policy, filesOf({ '.signet/keys/one': one.bytes }))
    expect(material.openpgpKeys).toHaveLength(1)
    expect(material.problems).toEqual([
      {
        code: 'MATERIAL',
        line: 9,
        key: 'people.alice.pgp',
        message: `no file in .signet/keys/ has the key ${two.fingerprint.toUpperCase()}`,
      },
    ])
  })

  it('does not look for keys under another folder or a fingerprint’s own name', async () => {
    const policy = policyWith(`pgp = ["${one.fingerprint}"]\n`)
    const files = filesOf({
      [`.signet/trust/${one.fingerprint}`]: one.bytes,
      '.signet/keys/two': two.bytes,
    })
    const material = await policyMaterial(policy, files)
    expect(material.openpgpKeys).toEqual([])
    expect(material.problems).toHaveLength(1)
  })

  it('leaves SSH keys in the folder alone and names files it cannot read', async () => {
    const policy = policyWith(`pgp = ["${one.fingerprint}"]\n`)
    const files = filesOf({
      '.signet/keys/bob.pub': encodeUtf8('ssh-ed25519 AAAA bob\n'),
      '.signet/keys/cut.asc': encodeUtf8('-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n'),
    })
    const [problem] = (await policyMaterial(policy, files)).problems
    expect(problem?.message).toContain('cut.asc (')
    expect(problem?.message).not.toContain('bob.pub')
  })

  it('gives a root whose digest is pinned under the name of its table', async () => {
    const policy = policyWith(
      `\n[trust.corp]\nroot = ".signet/trust/corp.json"\nsha256 = "${rootDigest}"\n`,
    )
    const material = await policyMaterial(policy, filesOf({ '.signet/trust/corp.json': root }))
    expect(material.roots.map(({ name, digest: text }) => [name, text])).toEqual([
      ['corp', rootDigest],
    ])
    expect(material.problems).toEqual([])
  })

  it.each([
    ['absent', {}, /^there is no file \.signet\/trust\/corp\.json /],
    [
      'changed by a byte',
      { '.signet/trust/corp.json': concatBytes(root, Uint8Array.of(10)) },
      /SHA-256 is/,
    ],
  ])('leaves out a root that is %s', async (_, contents, message) => {
    const policy = policyWith(
      `\n[trust.corp]\nroot = ".signet/trust/corp.json"\nsha256 = "${rootDigest}"\n`,
    )
    const material = await policyMaterial(policy, filesOf(contents))
    expect(material.roots).toEqual([])
    expect(material.problems).toMatchObject([
      {
        code: 'MATERIAL',
        line: 8,
        key: 'trust.corp.root',
        message: expect.stringMatching(message),
      },
    ])
  })

  it('lets a pinned root take the place of one of the settings with its name', async () => {
    const policy = policyWith(
      `\n[trust.corp]\nroot = ".signet/trust/corp.json"\nsha256 = "${rootDigest}"\n`,
    )
    const settings = ['public', 'corp'].map((name) => ({ ...parseTrustedRoot(rootText, name) }))
    const absent = await loadPolicyMaterial(policy, filesOf({}), settings)
    expect(absent.roots.map(({ name }) => name)).toEqual(['public'])
    expect(absent.missing).toHaveLength(1)
    const files = filesOf({ '.signet/trust/corp.json': root })
    const there = await loadPolicyMaterial(policy, files, settings)
    expect(there.roots.map(({ name, source }) => [name, source])).toEqual([
      ['corp', '.signet/trust/corp.json'],
      ['public', undefined],
    ])
  })

  it('leaves out a pinned root that is none', async () => {
    const bytes = encodeUtf8('{}')
    const policy = policyWith(
      `\n[trust.corp]\nroot = ".signet/trust/corp.json"\nsha256 = "${encodeHex(sha256(bytes))}"\n`,
    )
    const material = await policyMaterial(policy, filesOf({ '.signet/trust/corp.json': bytes }))
    expect(material.roots).toEqual([])
    expect(material.problems[0]?.message).toContain('trusted root')
  })
})

describe('policy files', () => {
  const key = keyPacket(9)

  it('come from a folder that stands for .signet', async () => {
    const place = join(folder, 'beside')
    mkdirSync(join(place, 'keys'), { recursive: true })
    writeFileSync(join(place, 'keys', 'k.pgp'), key.bytes)
    const files = policyFilesInFolder(place)
    expect(await files.list('.signet/keys')).toEqual(['k.pgp'])
    expect(await files.list('.signet/trust')).toEqual([])
    expect(await files.read('.signet/trust/corp.json')).toBeUndefined()
    const policy = policyWith(`pgp = ["${key.fingerprint}"]\n`)
    expect((await policyMaterial(policy, files)).openpgpKeys).toHaveLength(1)
  })

  it('come from the tree of a commit, where only regular files count', async () => {
    const cwd = join(folder, 'repository')
    mkdirSync(cwd)
    const place = { cwd, env: process.env }
    const git = async (args: string[], input?: Uint8Array): Promise<string> =>
      (await runGit(place, args, input && { input })).stdout.toString().trim()
    await git(['init', '--quiet'])
    const blob = await git(['hash-object', '-w', '--stdin'], key.bytes)
    const link = await git(['hash-object', '-w', '--stdin'], encodeUtf8('k.pgp'))
    const keys = await git(
      ['mktree'],
      encodeUtf8(
        `100644 blob ${blob}\tk.pgp\n120000 blob ${link}\tlink.pgp\n100755 blob ${blob}\trun.pgp\n`,
      ),
    )
    const signet = await git(['mktree'], encodeUtf8(`040000 tree ${keys}\tkeys\n`))
    const tree = await git(['mktree'], encodeUtf8(`040000 tree ${signet}\t.signet\n`))
    const commit = await git(
      ['hash-object', '-w', '-t', 'commit', '--stdin'],
      encodeUtf8(`tree ${tree}\nauthor A <a@b> 0 +0000\ncommitter A <a@b> 0 +0000\n\nx\n`),
    )
    const answers = await RepositoryAnswers.open(place)
    try {
      const files = policyFilesInTree(answers, commit)
      expect(await files.list('.signet/keys')).toEqual(['k.pgp'])
      expect(Buffer.from((await files.read('.signet/keys/k.pgp')) ?? []).equals(key.bytes)).toBe(
        true,
      )
      expect(await files.read('.signet/keys/link.pgp')).toBeUndefined()
      expect(await files.read('.signet/keys')).toBeUndefined()
      expect(await files.list('.signet/trust')).toEqual([])
      await expect(
        policyFilesInTree(answers, '0'.repeat(40)).list('.signet/keys'),
      ).rejects.toMatchObject({
        code: 'POLICY_FILE',
      })
    } finally {
      await answers.close()
    }
  })
})
