import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/bundle.ts'
import { exportCommand } from '../../src/cli/commands/export.ts'
import { sha256 } from '../../src/crypto/digest.ts'
import { loadPrehashVerifier } from '../../src/crypto/prehash.ts'
import { runSync } from '../../src/crypto/verify.ts'
import { SignetError } from '../../src/errors.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifyBundle } from '../../src/verification/bundle.ts'
import { bundleOfSignature } from '../../src/verification/signature-bundle.ts'
import { readShared, sharedFolder } from '../shared.ts'
import { signedObjects, type SignedObject } from '../tlog/signed-objects.ts'
import { sigstoreVerifyRefuses } from './sigstore-verify.ts'

const present = sharedFolder !== undefined

describe.skipIf(!present)('bundleOfSignature() (skipped: no shared data)', () => {
  it.each([
    ['corpus/dev', 'corpus/trusted_root.json'],
    ['interop', 'interop/trusted_root.json'],
  ] as const)(
    'round trip of %s: verified by us and by @sigstore/verify',
    async (folder, rootPath) => {
      const root = parseTrustedRoot(readShared(rootPath).toString('utf8'))
      const verifyPrehash = await loadPrehashVerifier()
      const logged = signedObjects(folder).filter(({ entry }) => entry)
      let stamped = 0
      for (const object of logged) {
        const { bundle, artifact } = bundleOfSignature(object.armor)
        const parsed = parseBundle(bundle)
        const facts = runSync(verifyBundle(parsed, { bytes: artifact }, undefined, root))
        const isTimeless = object.expect === 'NO-TRUSTED-TIME'
        expect([object.id, facts.codes]).toEqual([object.id, isTimeless ? ['NO_TRUSTED_TIME'] : []])
        const prehashed = { sha256: sha256(artifact), verifyPrehash }
        const again = runSync(verifyBundle(parsed, prehashed, undefined, root))
        expect([object.id, again.codes]).toEqual([object.id, facts.codes])
        const other = runSync(verifyBundle(parsed, { bytes: artifact.slice(1) }, undefined, root))
        expect(other.codes).toContain('BAD_SIGNATURE')
        if (object.token !== undefined) stamped += 1
        if (isTimeless) continue
        const second = sigstoreVerifyRefuses(bundle, artifact, rootPath, object.token !== undefined)
        expect([object.id, second]).toEqual([object.id, undefined])
      }
      expect(logged.length).toBeGreaterThan(30)
      if (folder === 'interop') expect(stamped).toBeGreaterThan(10)
    },
  )

  it('refuses a signature without log entry, and one whose entry is about another', () => {
    const objects = signedObjects('interop')
    const code = (object: SignedObject | undefined): unknown => {
      try {
        bundleOfSignature(object?.armor ?? new Uint8Array())
        return undefined
      } catch (error) {
        return error instanceof SignetError ? error.code : error
      }
    }
    expect(code(objects.find(({ entry }) => !entry))).toBe('NOT_LOGGED')
    expect(code(objects.find(({ entry }) => entry))).toBeUndefined()
    expect(code(undefined)).toBe('PEM_MALFORMED')
  })
})

describe.skipIf(!present)('export (skipped: no shared data)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signet-export-'))
  const said: string[] = []
  const output = { write: (chunk: unknown) => void said.push(String(chunk)) }
  const context = {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
    streams: { stdout: output, stderr: output },
  } as never

  async function run(output: string | undefined, name: string): Promise<unknown> {
    try {
      const args = { options: { output }, positionals: [name], beforeTerminator: undefined }
      return await exportCommand.run(context, args)
    } catch (error) {
      return error instanceof SignetError ? error.code : error
    }
  }

  beforeAll(() => {
    const archive = join(sharedFolder ?? '', 'interop/repo.git.tar.gz')
    execFileSync('tar', ['-xzf', archive, '--no-same-owner'], { cwd: folder })
    const [repository = ''] = readdirSync(folder)
    ;(context as { cwd: string }).cwd = join(folder, repository)
  })
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  it('writes the pair, says nothing, and leaves nothing else behind', async () => {
    const { cwd } = context as { cwd: string }
    const logged = signedObjects('interop').filter(({ entry }) => entry)
    let written: SignedObject | undefined
    for (const object of logged) {
      if ((await run('out.json', object.id)) === 0) {
        written = object
        break
      }
    }
    expect(written).toBeDefined()
    const pair = bundleOfSignature(written?.armor ?? new Uint8Array())
    expect(readFileSync(join(cwd, 'out.json'), 'utf8')).toBe(pair.bundle)
    expect(readFileSync(join(cwd, 'out.json.artifact'))).toEqual(Buffer.from(pair.artifact))
    expect(readdirSync(cwd).filter((name) => name.startsWith('out'))).toHaveLength(2)
    expect(said).toEqual([])
  })

  it('refuses what is no signed commit or tag, and writes nothing', async () => {
    const { cwd } = context as { cwd: string }
    expect(await run(undefined, 'HEAD')).toBe('USAGE')
    expect(await run('none', 'nowhere')).toBe('NO_SUCH_OBJECT')
    expect(await run('none', 'HEAD^{tree}')).toBe('NO_SIGNED_OBJECT')
    const [logged] = signedObjects('interop').filter(({ entry }) => entry)
    expect(await run('no/such/folder', logged?.id ?? '')).toMatch(/FILE_UNWRITABLE|NO_SUCH_OBJECT/)
    expect(existsSync(join(cwd, 'none'))).toBe(false)
  })
})
