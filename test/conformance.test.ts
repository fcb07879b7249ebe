import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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

async function verify(
  name: string,
  form: 'path' | 'digest',
  root: 'given' | 'shipped',
  wanted: { identity?: string; issuer?: string } = {},
): Promise<{ exit: ExitCode; said: string }> {
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
    'certificate-identity':
      key === undefined ? (wanted.identity ?? text('identity') ?? IDENTITY) : undefined,
    'certificate-oidc-issuer':
      key === undefined ? (wanted.issuer ?? text('issuer') ?? ISSUER) : undefined,
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
const REASONS: Readonly<Record<string, RegExp>> = {
  'bundle-empty-certificate-chain_fail': /BUNDLE_MALFORMED .*its chain is empty/,
  'bundle-invalid-base64-signature_fail': /BUNDLE_MALFORMED .*signature is not canonical base64/,
  'bundle-malformed-json_fail': /JSON_MALFORMED/,
  'bundle-unknown-version_fail': /BUNDLE_MALFORMED .*media type/,
  'bundle-with-root-cert_fail': /MALFORMED .*holds a root certificate/,
  'checkpoint-bad-keyhint_fail': /log-checkpoint: .*has not signed it/,
  'checkpoint-wrong-roothash_fail': /log-inclusion: .*root hash is not the checkpoint/,
  'dsse-mismatch-envelope_fail': /log-entry: it is over another payload/,
  'dsse-mismatch-sig_fail': /log-entry: it has another signature/,
  'inclusion-proof-corrupted-hash_fail': /log-inclusion: the proof does not lead to the root/,
  'integrated-time-in-future_fail': /OUTSIDE_CERTIFICATE_VALIDITY/,
  'intoto-expired-certificate_fail': /OUTSIDE_CERTIFICATE_VALIDITY/,
  'intoto-missing-inclusion-proof_fail': /BUNDLE_MALFORMED .*no inclusion proof/,
  'intoto-set-outside-signing-cert-validity_fail': /OUTSIDE_CERTIFICATE_VALIDITY/,
  'invalid-checkpoint-signature_fail': /log-checkpoint: .*signature does not hold/,
  'invalid-inclusion-proof_fail': /BUNDLE_MALFORMED .*no inclusion proof with a checkpoint/,
  'managed-key-no-key_fail': /MALFORMED .*needs a key/,
  'managed-key-wrong-key_fail': /PEM_MALFORMED/,
  'rekor2-checkpoint-missing-log-signature_fail': /log-checkpoint: .*no signature/,
  'rekor2-checkpoint-missing-root-hash_fail': /log-checkpoint: cannot read checkpoint/,
  'rekor2-checkpoint-missing-size_fail': /log-checkpoint: cannot read checkpoint/,
  'rekor2-checkpoint-no-matching-signature_fail': /log-checkpoint: .*has not signed it/,
  'rekor2-dsse-mismatch-envelope_fail': /log-entry: it is over another digest/,
  'rekor2-dsse-mismatch-sig_fail': /log-entry: it has another signature/,
  'rekor2-no-inclusion-proof_fail': /BUNDLE_MALFORMED .*no inclusion proof/,
  'rekor2-no-timestamp_fail': /NO_TRUSTED_TIME/,
  'rekor2-timestamp-outside-tsa-cert-validity_fail': /timestamp: .*not valid then/,
  'rekor2-timestamp-payload-mismatch_fail': /timestamp: it is not over this signature/,
  'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail': /NO_TRUSTED_TIME/,
  'rekor2-timestamp-with-incorrect-time_fail': /OUTSIDE_CERTIFICATE_VALIDITY/,
  'signature-mismatch_fail': /BAD_SIGNATURE .*signature: the signature does not hold/,
  'trust-root-tlog-missing-validity-start_fail': /NOT_LOGGED/,
  'wrong-hashedrekord-artifact_fail': /log-entry: it is over another digest/,
  'wrong-hashedrekord-entry_fail': /log-entry: it is over another digest/,
  'wrong-material_fail': /BAD_SIGNATURE .*content-digest/,
}

describe.skipIf(folder === undefined)('sigstore-conformance (skipped: no shared data)', () => {
  it('has its 47 cases, and a reason for each refusal', () => {
    expect(cases).toHaveLength(47)
    expect(Object.keys(REASONS)).toEqual(cases.filter((name) => name.endsWith('_fail')))
  })

  describe.each(['given', 'shipped'] as const)('with the public root %s', (root) => {
    describe.each(['path', 'digest'] as const)('by %s', (form) => {
      it.each(cases)('%s', async (name) => {
        const { exit, said } = await verify(name, form, root)
        expect([exit === 0, said]).toEqual([!name.endsWith('_fail'), said])
        if (exit === 0) expect(said).toBe('')
        expect(said).toMatch(REASONS[name] ?? /^/)
      })
    })
  })

  it('refuses a good signature by another identity or issuer, exactly compared', async () => {
    for (const wrong of [
      { identity: `${IDENTITY}x` },
      { identity: '.*' },
      { issuer: `${ISSUER}/` },
    ]) {
      const { exit, said } = await verify('happy-path-v0.3', 'path', 'given', wrong)
      expect(exit).toBe(1)
      expect(said).toContain('refused: signed by https://github.com/')
    }
  })
})

describe.skipIf(folder === undefined)('verify-bundle, as built (skipped: no shared data)', () => {
  const program = fileURLToPath(new URL('../bin/git-signet.cjs', import.meta.url))
  const at = (name: string): string => join(folder ?? '', name)
  const bundle = (name: string): string[] => ['--bundle', at(`${name}/bundle.sigstore.json`)]
  const identity = ['--certificate-identity', IDENTITY, '--certificate-oidc-issuer', ISSUER]
  const digest = (): string => `sha256:${encodeHex(sha256(readFileSync(at('a.txt'))))}`
  const run = (...args: string[]): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [program, 'verify-bundle', ...args], { encoding: 'utf8' })

  it('speaks the protocol: 0 accepts, anything else refuses, 2 for what cannot be asked', () => {
    const good = [...bundle('happy-path-v0.3'), ...identity]
    expect(run(...good, at('a.txt'))).toMatchObject({ status: 0, stderr: '' })
    expect(run(...good, digest())).toMatchObject({ status: 0, stderr: '' })
    expect(run(...good, digest().toUpperCase().replace('SHA', 'sha')).status).toBe(0)
    expect(run(...good, `sha256:${'0'.repeat(64)}`).status).toBe(1)
    const v2 = 'rekor2-checkpoint-cosigned'
    const root = ['--trusted-root', at(`${v2}/trusted_root.json`)]
    expect(run('--staging', ...bundle(v2), ...identity, ...root, at('a.txt')).status).toBe(0)
    expect(run('--staging', ...bundle(v2), ...identity, at('a.txt')).status).toBe(2)
    const key = 'managed-key-and-trusted-root'
    const managed = [
      '--key',
      at(`${key}/key.pub`),
      '--trusted-root',
      at(`${key}/trusted_root.json`),
    ]
    expect(run(...bundle(key), ...managed, digest()).status).toBe(0)
    // managed-key-and-client-identity_fail: nobody would compare what is given beside a key.
    for (const part of [identity, identity.slice(0, 2), identity.slice(2)]) {
      expect(run(...bundle(key), ...part, ...managed, at('a.txt')).status).toBe(2)
    }
    expect(run(...bundle('happy-path-v0.3'), ...identity.slice(0, 2), at('a.txt')).status).toBe(2)
    expect(run(...bundle(key), at('a.txt')).status).toBe(2)
    expect(run(...identity, at('a.txt')).status).toBe(2)
    expect(run(...good, at('no-such-file')).status).toBe(4)
    expect(run(...good).status).toBe(2)
  })
})
