import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runSync } from '../../src/crypto/verify.ts'
import { concatBytes, encodeUtf8 } from '../../src/encoding/bytes.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { buildTimestampRequest } from '../../src/rfc3161/request.ts'
import {
  answersNonce,
  encodeTimestampResponse,
  parseTimestampResponse,
} from '../../src/rfc3161/response.ts'
import { parseTimestampToken } from '../../src/rfc3161/token.ts'
import {
  verifyTimestampToken,
  type TimestampAuthority,
  type TimestampProof,
} from '../../src/rfc3161/verify.ts'
import { parseTrustedRoot } from '../../src/sigstore/trusted-root.ts'
import { readShared, sharedFolder } from '../shared.ts'
import { base64, signedObjects } from '../tlog/signed-objects.ts'
import { OpensslTsa, type TsaOptions } from './openssl-tsa.ts'

const DATA = encodeUtf8('what is stamped')
const NONCE = Uint8Array.of(0x80, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)

function verify(
  response: Uint8Array,
  authorities: readonly TimestampAuthority[],
  data = DATA,
): TimestampProof {
  const token = parseTimestampToken(parseTimestampResponse(response))
  return runSync(verifyTimestampToken(token, data, authorities))
}

function why(proof: TimestampProof): string {
  return proof.result === 'passed' ? 'passed' : proof.why
}

describe('a token by OpenSSL', () => {
  const kinds: [string, TsaOptions][] = [
    ['P-256', {}],
    [
      'P-384',
      { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], digest: 'sha384' },
    ],
    [
      'P-521',
      { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], digest: 'sha512' },
    ],
    ['RSA', { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], digest: 'sha512' }],
    ['nonRepudiation', { extensions: ['keyUsage = critical,nonRepudiation'] }],
  ]

  it.each(kinds)('verifies with a %s key, with and without its certificates', (_, options) => {
    const tsa = new OpensslTsa(options)
    try {
      const { authority } = tsa
      const embedded = tsa.reply(buildTimestampRequest(DATA, NONCE))
      const bare = tsa.reply(tsa.query(DATA, '-sha384', '-no_nonce'))
      const token = parseTimestampToken(parseTimestampResponse(embedded))
      expect(token.certificate).toBeDefined()
      expect(answersNonce(token, NONCE)).toBe(true)
      expect(answersNonce(token, NONCE.slice(1))).toBe(false)
      expect(parseTimestampToken(parseTimestampResponse(bare)).certificate).toBeUndefined()
      for (const response of [embedded, bare]) {
        const proof = verify(response, [authority])
        expect(why(proof)).toBe('passed')
        expect(verify(response, [authority], encodeUtf8('other')).result).toBe('failed')
      }
    } finally {
      tsa.remove()
    }
  })

  it.each<[string, TsaOptions, string]>([
    [
      'is not for timestamps alone',
      { extendedKeyUsage: 'critical,timeStamping,codeSigning' },
      'timestamps alone',
    ],
    ['may not sign', { extensions: ['keyUsage = critical,keyEncipherment'] }, 'may not sign'],
    [
      'has an unknown critical extension',
      { extensions: ['1.2.3.4 = critical,DER:0500'] },
      'unknown critical extension 1.2.3.4',
    ],
    [
      'is issued by a CA for other purposes',
      { caExtensions: ['extendedKeyUsage = codeSigning'] },
      'other purposes',
    ],
  ])('is refused where its certificate %s', (_, options, reason) => {
    let tsa: OpensslTsa | undefined
    try {
      tsa = new OpensslTsa(options)
      let response: Buffer
      try {
        response = tsa.reply(buildTimestampRequest(DATA, NONCE))
      } catch {
        // OpenSSL itself refuses to stamp with some of these: then there is nothing to refuse.
        return
      }
      expect(why(verify(response, [tsa.authority]))).toContain(reason)
    } finally {
      tsa?.remove()
    }
  })
})

describe('verifyTimestampToken()', () => {
  let tsa: OpensslTsa
  let response: Buffer
  let other: OpensslTsa
  let time: number

  beforeAll(() => {
    tsa = new OpensslTsa()
    other = new OpensslTsa()
    response = tsa.reply(buildTimestampRequest(DATA, NONCE))
    const proof = verify(response, [tsa.authority])
    time = proof.result === 'passed' ? proof.time : NaN
  })
  afterAll(() => {
    tsa.remove()
    other.remove()
  })

  it('does not know a token of an authority that no root names', () => {
    expect(verify(response, []).result).toBe('unknown-authority')
    expect(verify(response, [other.authority]).result).not.toBe('passed')
  })

  it('finds the authority among several', () => {
    expect(verify(response, [other.authority, tsa.authority]).result).toBe('passed')
  })

  it('holds both ends of the window inside', () => {
    const at = (validFrom: number, validUntil: number | undefined): string =>
      verify(response, [{ ...tsa.authority, validFrom, validUntil }]).result
    expect(at(time, time)).toBe('passed')
    expect(at(time, undefined)).toBe('passed')
    expect(at(time + 1, undefined)).toBe('failed')
    expect(at(0, time - 1)).toBe('failed')
  })

  it('judges certificates at genTime, not now', () => {
    const [leaf, ca] = tsa.authority.certificates
    if (leaf === undefined || ca === undefined) throw new Error('no certificates')
    const at = (change: object): string =>
      why(verify(response, [{ ...tsa.authority, certificates: [{ ...leaf, ...change }, ca] }]))
    expect(at({ notBefore: time, notAfter: time })).toBe('passed')
    expect(at({ notBefore: time + 1 })).toContain('not valid then')
    expect(at({ notAfter: time - 1 })).toContain('not valid then')
    const root = { ...ca, notAfter: time - 1 }
    expect(why(verify(response, [{ ...tsa.authority, certificates: [leaf, root] }]))).toContain(
      'not valid then',
    )
  })

  it('takes an embedded certificate where the root pins only its issuer', () => {
    const certificates = tsa.authority.certificates.slice(1)
    expect(verify(response, [{ ...tsa.authority, certificates }]).result).toBe('passed')
    const bare = tsa.reply(tsa.query(DATA))
    expect(verify(bare, [{ ...tsa.authority, certificates }]).result).toBe('unknown-authority')
  })

  it('never trusts what a token brings along', () => {
    const [leaf] = tsa.authority.certificates
    const [, stranger] = other.authority.certificates
    if (leaf === undefined || stranger === undefined) throw new Error('no certificates')
    const proof = verify(response, [{ ...tsa.authority, certificates: [leaf, stranger] }])
    expect(why(proof)).toContain('not issued by the authority')
    expect(verify(response, [{ ...tsa.authority, certificates: [leaf] }]).result).toBe('failed')
  })

  it('refuses every token with one changed byte', () => {
    const token = parseTimestampResponse(response)
    const accepted: number[] = []
    for (let at = 0; at < token.length; at += 1) {
      const changed = Uint8Array.from(token)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      try {
        const proof = verify(encodeTimestampResponse(changed), [tsa.authority])
        if (proof.result === 'passed') accepted.push(at)
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/MALFORMED|UNSUPPORTED/)
      }
    }
    // The one unsigned place: the CA's certificate that OpenSSL puts beside the leaf's.
    const ca = Buffer.from(token).indexOf(tsa.authority.certificates[1]?.der ?? '')
    const caLength = tsa.authority.certificates[1]?.der.length ?? 0
    for (const at of accepted) {
      expect([at, at >= ca && at < ca + caLength]).toEqual([at, true])
    }
  })
})

describe('parseTimestampResponse()', () => {
  const token = Uint8Array.of(0x30, 0)

  it('gives back what encodeTimestampResponse() wraps', () => {
    expect(encodeHex(encodeTimestampResponse(token))).toBe('30073003020100' + '3000')
    expect(encodeHex(parseTimestampResponse(encodeTimestampResponse(token)))).toBe('3000')
  })

  it.each([
    ['granted with modifications', '30073003020101' + '3000', 'status 1'],
    ['rejected', '3005' + '3003020102', 'status 2'],
    ['rejected with failure', '3009' + '3007020102' + '03020520', 'status 2, badRequest'],
    ['rejected with text', '300c' + '300a020102' + '30050c03613162', 'status 2, a1b'],
  ])('refuses one that is %s', (_, hex, message) => {
    expect(() => parseTimestampResponse(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({
        code: 'TIMESTAMP_REFUSED',
        message: expect.stringContaining(message),
      }),
    )
  })

  it.each([
    ['no token', '3005' + '3003020100'],
    ['bytes after the token', '30093003020100' + '30003000'],
    ['bytes after the end', '30073003020100' + '3000' + '00'],
  ])('refuses one with %s', (_, hex) => {
    expect(() => parseTimestampResponse(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/MALFORMED/) }),
    )
  })
})

describe('buildTimestampRequest()', () => {
  it('is what OpenSSL asks, but for the parameters beside the digest', () => {
    const tsa = new OpensslTsa()
    try {
      writeFileSync(join(tsa.folder, 'ours.tsq'), buildTimestampRequest(DATA, NONCE))
      const text = tsa.run('ts', '-query', '-in', 'ours.tsq', '-text')
      expect(text).toContain('Version: 1')
      expect(text).toContain('Hash Algorithm: sha256')
      expect(text).toContain('Certificate required: yes')
      expect(text).toContain(`Nonce: 0x${encodeHex(NONCE).toUpperCase()}`)
      // and OpenSSL holds its own reply to our request to be good
      tsa.reply(buildTimestampRequest(DATA, NONCE))
      const files = ['-queryfile', 'ours.tsq', '-in', 'reply.tsr', '-CAfile', 'ca.pem']
      expect(tsa.run('ts', '-verify', ...files)).toContain('Verification: OK')
    } finally {
      tsa.remove()
    }
  })
})

describe.skipIf(sharedFolder === undefined)('real tokens (skipped: no shared data)', () => {
  it('verify in every object of interop that has one, and in the recorded exchange', () => {
    const root = parseTrustedRoot(readShared('interop/trusted_root.json').toString('utf8'))
    const stamped = signedObjects('interop').filter(({ token }) => token)
    expect(stamped.length).toBeGreaterThan(15)
    for (const { id, token, signature } of stamped) {
      const parsed = parseTimestampToken(token ?? new Uint8Array())
      const verification = verifyTimestampToken(parsed, signature, root.timestampAuthorities)
      expect([id, why(runSync(verification))]).toEqual([id, 'passed'])
    }
    const exchange = JSON.parse(readShared('interop/http/tsa-post.json').toString('utf8'))
    const token = parseTimestampToken(
      parseTimestampResponse(base64(exchange.response.body.base64 as string)),
    )
    const request = base64(exchange.request.body.base64 as string)
    const nonce = request.slice(-3 - 8, -3)
    expect(answersNonce(token, nonce)).toBe(true)
    const imprint = concatBytes(token.info.imprint)
    expect(encodeHex(request)).toContain(encodeHex(imprint))
  })
})
