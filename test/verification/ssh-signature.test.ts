/** OpenSSH itself makes the signatures (PROTOCOL.sshsig); those of security keys are put together here. */
import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import { verifyObject } from '../../src/verification/object.ts'
import { verifySshSignature } from '../../src/verification/ssh-signature.ts'
import { PAYLOAD, commitWith, objectId } from '../forge/object.ts'

const folder = mkdtempSync(join(tmpdir(), 'signet-ssh-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const keygen = (...args: string[]): void => {
  execFileSync('ssh-keygen', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
}

let serial = 0
function makeKey(type: string, bits?: number): string {
  serial += 1
  const name = `${type}-${String(serial)}`
  const size = bits === undefined ? [] : ['-b', String(bits)]
  keygen('-q', '-t', type, ...size, '-N', '', '-C', 'comment', '-f', join(folder, name))
  return join(folder, name)
}

function signFile(key: string, payload: Uint8Array, namespace = 'git', hash = 'sha512'): Buffer {
  const file = join(folder, 'payload')
  rmSync(`${file}.sig`, { force: true })
  writeFileSync(file, payload)
  keygen('-Y', 'sign', '-n', namespace, '-O', `hashalg=${hash}`, '-f', key, file)
  return readFileSync(`${file}.sig`)
}

const verify = (armor: Uint8Array, payload: Uint8Array = PAYLOAD) =>
  runSync(verifySshSignature(payload, armor))

describe.each([
  ['ed25519', undefined],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['ecdsa', 521],
  ['rsa', 2048],
] as const)('a signature of ssh-keygen -t %s (%s bits)', (type, bits) => {
  const key = makeKey(type, bits)
  const line = readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')

  it.each(['sha256', 'sha512'])('over %s is proven and names its key', (hash) => {
    expect(verify(signFile(key, PAYLOAD, 'git', hash))).toMatchObject({
      signature: 'ssh',
      outcome: 'proven',
      codes: [],
      signer: { kind: 'ssh-key', value: line },
      checks: [
        { name: 'armor', result: 'passed' },
        { name: 'signature', result: 'passed' },
      ],
    })
  })

  it('is bad over another payload', () => {
    const facts = verify(signFile(key, PAYLOAD), Buffer.from('another'))
    expect(facts).toMatchObject({ outcome: 'bad', codes: ['BAD_SIGNATURE'], signer: null })
  })

  it('attack 33: is malformed in another namespace', () => {
    expect(verify(signFile(key, PAYLOAD, 'file')).codes).toEqual(['MALFORMED'])
  })

  it('is not proven with any bit flipped', () => {
    const armor = signFile(key, PAYLOAD)
    fc.assert(
      fc.property(fc.nat(armor.length * 8 - 1), (bit) => {
        const flipped = Uint8Array.from(armor)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(verify(flipped).outcome).not.toBe('proven')
      }),
    )
  })
})

const string = (value: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const armored = (blob: Uint8Array): Buffer => {
  const lines =
    Buffer.from(blob)
      .toString('base64')
      .match(/.{1,70}/g) ?? []
  return Buffer.from(
    `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`,
  )
}

interface Parts {
  algorithm?: string
  flags?: number
  application?: string
  reserved?: string
  version?: number
  hash?: string
  after?: Uint8Array
}

/** What a FIDO Ed25519 key signs (PROTOCOL.u2f). */
function securityKeySignature(parts: Parts = {}): Buffer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const name = 'sk-ssh-ed25519@openssh.com'
  const hash = createHash('sha512').update(PAYLOAD).digest()
  const message = Buffer.concat([
    Buffer.from('SSHSIG'),
    string('git'),
    string(''),
    string('sha512'),
    string(hash),
  ])
  const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest()
  const rest = Buffer.of(parts.flags ?? 1, 0, 0, 0, 7)
  const signature = sign(null, Buffer.concat([sha256('ssh:'), rest, sha256(message)]), privateKey)
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const version = Buffer.alloc(4)
  version.writeUInt32BE(parts.version ?? 1)
  return armored(
    Buffer.concat([
      Buffer.from('SSHSIG'),
      version,
      string(Buffer.concat([string(name), string(raw), string(parts.application ?? 'ssh:')])),
      string('git'),
      string(parts.reserved ?? ''),
      string(parts.hash ?? 'sha512'),
      string(Buffer.concat([string(parts.algorithm ?? name), string(signature), rest])),
      parts.after ?? Buffer.alloc(0),
    ]),
  )
}

describe('a security key', () => {
  it('is proven when somebody touched it', () => {
    expect(verify(securityKeySignature())).toMatchObject({ outcome: 'proven' })
  })

  it.each<[string, Parts, string]>([
    ['nobody touched it', { flags: 4 }, 'BAD_SIGNATURE'],
    ['it signed for another application', { application: 'ssh:x' }, 'BAD_SIGNATURE'],
    ['the signature says another kind', { algorithm: 'ssh-ed25519' }, 'BAD_SIGNATURE'],
    ['the reserved field is used', { reserved: 'x' }, 'MALFORMED'],
    ['it is version 2', { version: 2 }, 'MALFORMED'],
    ['the digest is SHA-1', { hash: 'sha1' }, 'MALFORMED'],
    ['bytes follow', { after: Buffer.of(0) }, 'MALFORMED'],
  ])('is refused where %s', (_, parts, code) => {
    expect(verify(securityKeySignature(parts)).codes).toEqual([code])
  })
})

describe('an RSA signature', () => {
  it('attack 33: with SHA-1 is bad', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = publicKey.export({ format: 'jwk' })
    const number = (text = ''): Buffer => {
      const bytes = Buffer.from(text, 'base64url')
      return string((bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes)
    }
    const hash = createHash('sha512').update(PAYLOAD).digest()
    const message = Buffer.concat([
      Buffer.from('SSHSIG'),
      ...['git', '', 'sha512'].map(string),
      string(hash),
    ])
    const make = (algorithm: string, digest: string): Buffer =>
      armored(
        Buffer.concat([
          Buffer.from('SSHSIG'),
          Buffer.of(0, 0, 0, 1),
          string(Buffer.concat([string('ssh-rsa'), number(jwk.e), number(jwk.n)])),
          ...['git', '', 'sha512'].map(string),
          string(Buffer.concat([string(algorithm), string(sign(digest, message, privateKey))])),
        ]),
      )
    expect(verify(make('rsa-sha2-512', 'sha512')).outcome).toBe('proven')
    expect(verify(make('ssh-rsa', 'sha1')).codes).toEqual(['BAD_SIGNATURE'])
    expect(verify(make('rsa-sha2-512', 'sha256')).codes).toEqual(['BAD_SIGNATURE'])
  })
})

describe('a commit', () => {
  it('signed with ssh gives facts with the key as signer', () => {
    const key = makeKey('ed25519')
    const bytes = commitWith(signFile(key, PAYLOAD).toString('utf8'))
    const id = objectId('commit', bytes)
    const facts = runSync(
      verifyObject({ id, type: 'commit', format: 'sha1', bytes, idMatches: true }, []),
    )
    expect(facts).toMatchObject({
      signature: 'ssh',
      outcome: 'proven',
      times: [],
      certificate: null,
    })
    expect(facts.checks.map(({ name }) => name)).toEqual([
      'object-id',
      'object-form',
      'armor',
      'signature',
    ])
  })
})
