import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { derBitString, derNull, derOid, derSequence } from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { generateSigningKey, parsePublicKey } from '../../src/crypto/keys.ts'
import { runAsync, runSync } from '../../src/crypto/verify.ts'
import type { SignatureCheck, Verification } from '../../src/crypto/verify.ts'

function* once(check: SignatureCheck): Verification<boolean> {
  return yield check
}

async function both(check: SignatureCheck): Promise<boolean> {
  const holds = runSync(once(check))
  expect(await runAsync(once(check))).toBe(holds)
  return holds
}

const data = Buffer.from('data')

describe('parsePublicKey() and the two runners', () => {
  it.each(['P-256', 'P-384', 'P-521'] as const)('verify ECDSA on %s', async (namedCurve) => {
    const pair = generateKeyPairSync('ec', { namedCurve })
    const key = parsePublicKey(pair.publicKey.export({ format: 'der', type: 'spki' }))
    expect(key.curve).toBe(namedCurve)
    const signature = sign('sha384', data, pair.privateKey)
    expect(await both({ key, hash: 'sha384', data, signature })).toBe(true)
    expect(await both({ key, hash: 'sha256', data, signature })).toBe(false)
    expect(await both({ key, hash: 'none', data, signature })).toBe(false)
    expect(await both({ key, hash: 'sha384', data, signature: Buffer.from('junk') })).toBe(false)
    expect(await both({ key, hash: 'sha384', data, signature: Buffer.alloc(0) })).toBe(false)
  })

  it('verify Ed25519 and RSA', async () => {
    const ed = generateKeyPairSync('ed25519')
    const edKey = parsePublicKey(ed.publicKey.export({ format: 'der', type: 'spki' }))
    const edSignature = sign(null, data, ed.privateKey)
    expect(await both({ key: edKey, hash: 'none', data, signature: edSignature })).toBe(true)
    expect(await both({ key: edKey, hash: 'sha256', data, signature: edSignature })).toBe(false)
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const key = parsePublicKey(rsa.publicKey.export({ format: 'der', type: 'spki' }))
    expect(key.bits).toBe(2048)
    const signature = sign('sha256', data, rsa.privateKey)
    expect(await both({ key, hash: 'sha256', data, signature })).toBe(true)
  })

  it('take a point that is not on its curve for a key that verifies nothing', async () => {
    const point = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])
    const key = parsePublicKey(
      derSequence(derSequence(derOid(OID.ecPublicKey), derOid(OID.secp256r1)), derBitString(point)),
    )
    expect(await both({ key, hash: 'sha256', data, signature: Buffer.alloc(70) })).toBe(false)
  })

  it('reject other algorithms, curves, point forms and short RSA keys', () => {
    const spki = (algorithm: Uint8Array[], raw: Uint8Array): Uint8Array =>
      derSequence(derSequence(...algorithm), derBitString(raw))
    const fail = (code: string): unknown => expect.objectContaining({ code })
    const ec = [derOid(OID.ecPublicKey), derOid(OID.secp256r1)]
    expect(() => parsePublicKey(spki(ec, Buffer.alloc(65, 2)))).toThrow(fail('KEY_MALFORMED'))
    expect(() => parsePublicKey(spki(ec, Buffer.alloc(33, 2)))).toThrow(fail('KEY_MALFORMED'))
    expect(() =>
      parsePublicKey(spki([derOid(OID.ecPublicKey), derOid('1.3.132.0.10')], Buffer.alloc(65, 4))),
    ).toThrow(fail('KEY_UNSUPPORTED'))
    expect(() => parsePublicKey(spki([derOid(OID.ed25519), derNull()], Buffer.alloc(32)))).toThrow(
      fail('DER_MALFORMED'),
    )
    expect(() => parsePublicKey(spki([derOid('1.3.101.113')], Buffer.alloc(57)))).toThrow(
      fail('KEY_UNSUPPORTED'),
    )
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
    expect(() => parsePublicKey(rsa.publicKey.export({ format: 'der', type: 'spki' }))).toThrow(
      fail('KEY_UNSUPPORTED'),
    )
  })
})

describe('generateSigningKey()', () => {
  it('signs what its public key verifies', async () => {
    const key = generateSigningKey()
    const check = { key: parsePublicKey(key.spki), hash: 'sha256', data } as const
    expect(await both({ ...check, signature: key.sign(data) })).toBe(true)
    expect(JSON.stringify(key)).not.toContain('PRIVATE')
  })
})
