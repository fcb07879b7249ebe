import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifyBundleCommand } from '../src/cli/commands/verify-bundle.ts'
import { sha256 } from '../src/crypto/digest.ts'
import { encodeHex } from '../src/encoding/hex.ts'
import { SignetError, type ExitCode } from '../src/errors.ts'
import { sharedPath } from './shared.ts'

const folder = sharedPath('conformance/bundle-verify')
const publicRoot = sharedPath('corpus/trusted_root.json')
const cases =
  folder === undefined
    ? []
    : readdirSync(folder).filter((name) => existsSync(join(folder, name, 'bundle.sigstore.json')))

const IDENTITY =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main'
const ISSUER = 'https://token.actions.githubusercontent.com'

async function verify(name: string, form: 'path' | 'digest', root: 'given' | 'shipped') {
  const own = (file: string): string | undefined => {
    const path = join(folder ?? '', name, file)
    return existsSync(path) ? path : undefined
  }
  const text = (file: string): string | undefined => {
    const path = own(file)
    return path && readFileSync(path, 'utf8').trim()
  }
  const artifact = own('artifact') ?? join(folder ?? '', 'a.txt')
  const key = own('key.pub')
  const trusted = own('trusted_root.json') ?? (root === 'given' ? publicRoot : undefined)
  const options = {
    staging: false,
    bundle: own('bundle.sigstore.json'),
    'certificate-identity': key === undefined ? (text('identity') ?? IDENTITY) : undefined,
    'certificate-oidc-issuer': key === undefined ? (text('issuer') ?? ISSUER) : undefined,
    key,
    'trusted-root': trusted,
  }
  const digest = `sha256:${encodeHex(sha256(readFileSync(artifact)))}`
  const positionals = [form === 'path' ? artifact : digest]
  let said = ''
  const stderr = { write: (chunk: string | Uint8Array) => void (said += String(chunk)) }
  const context = { cwd: folder ?? '', streams: { stderr } } as never
  try {
    const args = { options, positionals, beforeTerminator: undefined }
    const exit: ExitCode = await verifyBundleCommand.run(context, args)
    return { exit, said }
  } catch (error) {
    if (error instanceof SignetError)
      return { exit: error.exit, said: `${error.code} ${error.message}` }
    throw error
  }
}

/** What each refusal must rest on: one that is refused for another reason proves nothing. */
const REASONS: Readonly<Record<string, RegExp>> = {}

describe.skipIf(folder === undefined)('sigstore-conformance (skipped: no shared data)', () => {
  it('has its 47 cases', () => {
    expect(cases).toHaveLength(47)
  })

  describe.each(['given', 'shipped'] as const)('with the public root %s', (root) => {
    describe.each(['path', 'digest'] as const)('by %s', (form) => {
      it.each(cases)('%s', async (name) => {
        const { exit, said } = await verify(name, form, root)
        if (process.env['SHOW'] !== undefined && root === 'given')
          console.log(form, name, exit, said.trim())
        expect([exit === 0, said]).toEqual([!name.endsWith('_fail'), said])
        const reason = REASONS[name]
        if (reason !== undefined) expect(said).toMatch(reason)
      })
    })
  })
})
