import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import { encodePem } from '../../src/encoding/pem.ts'
import type { Facts } from '../../src/facts.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { verifySignedPayload } from '../../src/verification/signed-payload.ts'
import { PAYLOAD } from '../forge/object.ts'
import { makeWorld, trustedRootJson } from '../forge/world.ts'

// Signatures by certificates of other CAs, as OpenSSL makes them: they are good, and nobody vouches.

const roots = [parseTrustedRoot(trustedRootJson(makeWorld()), 'forge')]
const EC = (curve: string): string[] => [
  '-algorithm',
  'EC',
  '-pkeyopt',
  `ec_paramgen_curve:${curve}`,
]
const RSA = (bits: number): string[] => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`]

describe('a signature by a certificate that no trust root knows', () => {
  let folder = ''
  const openssl = (...args: string[]): Buffer =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signet-foreign-'))
    writeFileSync(join(folder, 'payload'), PAYLOAD)
  })
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  function judge(key: string[], sign: string[], isVersion1 = false): Facts['codes'] {
    openssl('genpkey', ...key, '-out', 'key')
    if (isVersion1) {
      openssl('req', '-new', '-key', 'key', '-subj', '/CN=somebody', '-out', 'csr')
      openssl('x509', '-req', '-in', 'csr', '-signkey', 'key', '-out', 'certificate')
    } else {
      openssl('req', '-new', '-x509', '-key', 'key', '-subj', '/CN=somebody', '-out', 'certificate')
    }
    const files = ['-in', 'payload', '-signer', 'certificate', '-inkey', 'key', '-out', 'cms']
    openssl('cms', '-sign', '-binary', '-outform', 'DER', ...files, ...sign)
    const armor = encodePem('SIGNED MESSAGE', readFileSync(join(folder, 'cms')))
    const of = (payload: Uint8Array): Pick<Facts, 'outcome' | 'codes' | 'signer'> =>
      runSync(verifySignedPayload({ payload, armor: Buffer.from(armor), roots }))
    const { codes, signer } = of(PAYLOAD)
    expect(signer).toBeNull()
    if (!codes.includes('UNSUPPORTED'))
      expect(of(PAYLOAD.slice(1)).codes).toEqual(['BAD_SIGNATURE'])
    return codes
  }

  it.each<[string, string[], string[], boolean?]>([
    ['RSA with SHA-256', RSA(2048), []],
    ['RSA with SHA-512 and no S/MIME capabilities', RSA(3072), ['-md', 'sha512', '-nosmimecap']],
    ['RSA with signingCertificateV2', RSA(2048), ['-cades']],
    ['P-256 with SHA-384', EC('P-256'), ['-md', 'sha384']],
    ['P-384', EC('P-384'), ['-md', 'sha384']],
    ['P-521', EC('P-521'), ['-md', 'sha512']],
    ['a certificate of version 1', RSA(2048), [], true],
  ])('is UNTRUSTED_CERTIFICATE by %s', (_, key, sign, isVersion1) => {
    expect(judge(key, sign, isVersion1)).toEqual(['UNTRUSTED_CERTIFICATE'])
  })

  it.each<[string, string[], string[]]>([
    ['RSASSA-PSS', RSA(2048), ['-keyopt', 'rsa_padding_mode:pss']],
    ['SHA-224', RSA(2048), ['-md', 'sha224']],
    ['SHA3-256', RSA(2048), ['-md', 'sha3-256']],
    ['another curve', EC('brainpoolP256r1'), []],
    ['RSA of 1024 bits', RSA(1024), []],
  ])('is UNSUPPORTED, not bad, by %s', (_, key, sign) => {
    expect(judge(key, sign)).toEqual(['UNSUPPORTED'])
  })
})
