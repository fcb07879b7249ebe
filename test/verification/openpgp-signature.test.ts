/** GnuPG makes keys and signatures in a home of its own; forgeries are put together from its packets. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import type { SignatureFacts } from '../../src/verification/signed-payload.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { parseOpenpgpKeys } from '../../src/verification/openpgp-packets.ts'
import type { OpenpgpKey } from '../../src/verification/openpgp-packets.ts'
import { verifyOpenpgpSignature } from '../../src/verification/openpgp-signature.ts'
import { PAYLOAD, commitWith, objectId } from '../forge/object.ts'

const home = mkdtempSync(join(tmpdir(), 'signet-gpg-'))
const run = (command: string, args: string[], input?: Uint8Array): Buffer =>
  execFileSync(command, args, {
    input: input ?? Buffer.alloc(0),
    env: { PATH: process.env['PATH'], GNUPGHOME: home },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
const gpg = (args: string[], input?: Uint8Array): Buffer =>
  run('gpg', ['--batch', '--quiet', '--no-tty', '--passphrase', '', ...args], input)

function hasGpg(): boolean {
  try {
    gpg(['--version'])
    return true
  } catch {
    process.stderr.write('OpenPGP tests are skipped: there is no gpg\n')
    return false
  }
}

afterAll(() => {
  try {
    run('gpgconf', ['--kill', 'all'])
  } catch {
    // No agent was started where gpg is absent.
  }
  rmSync(home, { recursive: true, force: true })
})

function makeKey(algorithm: string, name: string): string {
  gpg(['--quick-gen-key', `${name} <${name}@forge.test>`, algorithm, 'sign', 'never'])
  return `${name}@forge.test`
}

const keysOf = (user: string): OpenpgpKey[] => parseOpenpgpKeys(gpg(['--armor', '--export', user]))
const sign = (user: string, ...more: string[]): Buffer =>
  gpg(['--armor', '--detach-sign', '-u', user, ...more], PAYLOAD)

const verify = (
  armor: Uint8Array,
  keys: readonly OpenpgpKey[] | undefined,
  payload: Uint8Array = PAYLOAD,
): SignatureFacts => runSync(verifyOpenpgpSignature(payload, armor, keys))

const unarmor = (armor: Buffer): Buffer => gpg(['--dearmor'], armor)
const rearmor = (bytes: Uint8Array): Buffer =>
  Buffer.from(
    `-----BEGIN PGP SIGNATURE-----\n\n${(
      Buffer.from(bytes)
        .toString('base64')
        .match(/.{1,64}/g) ?? []
    ).join('\n')}\n-----END PGP SIGNATURE-----\n`,
  )

describe.skipIf(!hasGpg())('verifyOpenpgpSignature()', () => {
  describe.each(['rsa2048', 'rsa3072', 'ed25519', 'nistp256', 'nistp384'])('by %s', (algorithm) => {
    const user = hasGpg() ? makeKey(algorithm, algorithm) : ''
    const armor = user === '' ? Buffer.alloc(0) : sign(user)
    const keys = user === '' ? [] : keysOf(user)

    it('is proven by a pinned key and names its fingerprint', () => {
      expect(verify(armor, keys)).toMatchObject({
        signature: 'openpgp',
        outcome: 'proven',
        codes: [],
        signer: { kind: 'openpgp-key', value: keys[0]?.fingerprint },
        checks: [
          { name: 'armor', result: 'passed' },
          { name: 'signature', result: 'passed' },
        ],
      })
      expect(keys[0]?.fingerprint).toMatch(/^[0-9a-f]{40}$/)
    })

    it('is bad over another payload', () => {
      expect(verify(armor, keys, Buffer.from('x')).codes).toEqual(['BAD_SIGNATURE'])
    })

    it('is not proven with any bit of its packet flipped', () => {
      const packet = unarmor(armor)
      const proven: number[] = []
      fc.assert(
        fc.property(fc.nat(packet.length * 8 - 1), (bit) => {
          const flipped = Uint8Array.from(packet)
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          if (verify(rearmor(flipped), keys).outcome === 'proven') proven.push(bit >> 3)
        }),
        { numRuns: 500 },
      )
      // Not signed: the issuer's key id in the unhashed part, its length, and the two guessing octets.
      const hashedEnd = 6 + packet.readUInt16BE(packet.indexOf(Buffer.of(4, 0)) + 4)
      const start = packet.indexOf(Buffer.of(4, 0)) + hashedEnd
      expect(proven.every((at) => at >= start && at < start + 2 + 10 + 2)).toBe(true)
    })
  })

  it('says that it is unsupported where nobody pins keys, and untrusted where others are pinned', () => {
    const user = makeKey('ed25519', 'alice')
    const others = keysOf(makeKey('ed25519', 'mallory'))
    expect(verify(sign(user), undefined)).toMatchObject({
      outcome: 'incomplete',
      codes: ['UNSUPPORTED'],
    })
    expect(verify(sign(user), others)).toMatchObject({
      outcome: 'untrusted',
      codes: ['UNTRUSTED_CERTIFICATE'],
      signer: null,
    })
  })

  it('attack 33: a subkey counts by its own fingerprint only', () => {
    const user = makeKey('ed25519', 'subkey')
    const [primary] = keysOf(user)
    gpg(['--quick-add-key', primary?.fingerprint ?? '', 'ed25519', 'sign', 'never'])
    const [, subkey] = keysOf(user)
    const armor = sign(`${subkey?.fingerprint ?? ''}!`)
    expect(verify(armor, primary && [primary]).outcome).toBe('untrusted')
    expect(verify(armor, subkey && [subkey])).toMatchObject({
      outcome: 'proven',
      signer: { value: subkey?.fingerprint },
    })
  })

  it('attack 33: two signatures, other packets, SHA-1 and text signatures are refused', () => {
    const user = makeKey('rsa2048', 'forms')
    const keys = keysOf(user)
    const good = unarmor(sign(user))
    const refused = (bytes: Uint8Array): void => {
      expect(verify(rearmor(bytes), keys).codes).toEqual(['MALFORMED'])
    }
    refused(Buffer.concat([good, good]))
    refused(Buffer.concat([good, Buffer.of(0xb4, 1, 0x61)]))
    refused(gpg(['--export', user]))
    refused(gpg(['--sign', '-u', user], PAYLOAD))
    refused(gpg(['--detach-sign', '-u', user, '--textmode'], PAYLOAD))
    refused(gpg(['--detach-sign', '-u', user, '--digest-algo', 'SHA1'], PAYLOAD))
    refused(gpg(['--detach-sign', '-u', user, '--sig-notation', '!critical@forge.test=x'], PAYLOAD))
    expect(verify(rearmor(good), keys).outcome).toBe('proven')
  })

  it('a wrong checksum and text around the armor are malformed', () => {
    const user = makeKey('ed25519', 'armor')
    const keys = keysOf(user)
    const text = sign(user).toString('latin1')
    const codes = (changed: string): string[] => verify(Buffer.from(changed, 'latin1'), keys).codes
    expect(codes(text)).toEqual([])
    expect(codes(text.replace(/^=..../m, '=AAAA'))).toEqual(['MALFORMED'])
    expect(codes(`x${text}`)).toEqual(['MALFORMED'])
    expect(codes(`${text}x`)).toEqual(['MALFORMED'])
    expect(codes(text + text)).toEqual(['MALFORMED'])
    expect(codes(text.replaceAll('PGP SIGNATURE', 'PGP MESSAGE'))).toEqual(['MALFORMED'])
  })

  it('gives facts about a commit', () => {
    const user = makeKey('ed25519', 'commit')
    const bytes = commitWith(sign(user).toString('utf8'))
    const id = objectId('commit', bytes)
    const object = { id, type: 'commit', format: 'sha1', bytes, idMatches: true } as const
    const facts = runSync(verifyObject(object, [], { openpgpKeys: keysOf(user) }))
    expect(facts).toMatchObject({ signature: 'openpgp', outcome: 'proven', times: [] })
  })
})
