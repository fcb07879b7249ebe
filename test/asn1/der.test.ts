import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import * as asn1js from 'asn1js'
import { describe, expect, it } from 'vitest'
import { DerReader, readDer } from '../../src/asn1/der.ts'
import { OID, encodeOid } from '../../src/asn1/oid.ts'
import { parseTimeMs } from '../../src/asn1/time.ts'
import {
  der,
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
} from '../../src/asn1/write.ts'

const malformed = expect.objectContaining({ code: 'DER_MALFORMED' }) as unknown
const read = (...bytes: number[]): DerReader => new DerReader(Uint8Array.from(bytes))

describe('DerReader', () => {
  it.each<[string, number[]]>([
    ['nothing', []],
    ['a tag without length', [0x30]],
    ['an indefinite length', [0x30, 0x80, 0x00, 0x00]],
    ['a long form of a short length', [0x04, 0x81, 0x01, 0x00]],
    ['a length with leading zero', [0x04, 0x82, 0x00, 0x80, ...Array<number>(128).fill(0)]],
    ['a length of five octets', [0x04, 0x85, 1, 0, 0, 0, 0]],
    ['a length past the end', [0x04, 0x02, 0x00]],
    ['a length of 2^32 - 1', [0x04, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ['a high tag number', [0x1f, 0x81, 0x01, 0x00]],
  ])('rejects %s', (_, bytes) => {
    expect(() => read(...bytes).next()).toThrow(malformed)
  })

  it('rejects values that are not in their one form', () => {
    expect(() => read(2, 0).integer()).toThrow(malformed)
    expect(() => read(2, 2, 0, 1).integer()).toThrow(malformed)
    expect(() => read(2, 2, 0xff, 0x80).integer()).toThrow(malformed)
    expect(() => read(2, 1, 0x80).smallInteger()).toThrow(malformed)
    expect(() => read(2, 5, 1, 0, 0, 0, 0).smallInteger()).toThrow(malformed)
    expect(() => read(1, 1, 1).boolean()).toThrow(malformed)
    expect(() => read(1, 0).boolean()).toThrow(malformed)
    expect(() => {
      read(5, 1, 0).null()
    }).toThrow(malformed)
    expect(() => read(3, 2, 1, 0).bitString()).toThrow(malformed)
    expect(() => read(3, 0).bitString()).toThrow(malformed)
    expect(() => read(0x0c, 1, 0xff).utf8String()).toThrow(malformed)
    expect(() => read(6, 0).oid()).toThrow(malformed)
    expect(() => read(6, 2, 0x2a, 0x80).oid()).toThrow(malformed)
    expect(() => read(6, 3, 0x2a, 0x80, 0x01).oid()).toThrow(malformed)
    expect(() => {
      read(4, 1, 0, 0).end()
    }).toThrow(malformed)
    expect(() => readDer(Uint8Array.of(5, 0, 5, 0))).toThrow(malformed)
  })

  it('rejects an OBJECT IDENTIFIER of 254 KB by its length', () => {
    const huge = der(6, new Uint8Array(254_000).fill(1))
    expect(() => new DerReader(huge).oid()).toThrow('too long')
  })

  it.each([
    ['201301000000Z', 0x17],
    ['260230000000Z', 0x17],
    ['260101240000Z', 0x17],
    ['260101000060Z', 0x17],
    ['2601010000Z', 0x17],
    ['260101000000+0000', 0x17],
    ['20260101000000', 0x18],
    ['20260101000000.0Z', 0x18],
    ['20260101000000.50Z', 0x18],
  ])('rejects the time %s', (text, tag) => {
    expect(() => parseTimeMs(readDer(der(tag, Buffer.from(text))))).toThrow(malformed)
  })

  it('reads times of both kinds', () => {
    expect(new DerReader(der(0x17, Buffer.from('491231235959Z'))).time()).toBe(2524607999)
    expect(new DerReader(der(0x17, Buffer.from('500101000000Z'))).time()).toBe(-631152000)
    expect(parseTimeMs(readDer(der(0x18, Buffer.from('20260102030405.125Z'))))).toBe(
      Date.UTC(2026, 0, 2, 3, 4, 5, 125),
    )
  })
})

describe('writer', () => {
  it('writes integers that asn1js and the reader take for the same', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), (value) => {
        const bytes = derInteger(value)
        expect(new DerReader(bytes).bigInteger()).toBe(value)
        const other = asn1js.fromBER(bytes.slice().buffer).result
        expect(other).toBeInstanceOf(asn1js.Integer)
        expect((other as asn1js.Integer).toBigInt()).toBe(value)
      }),
    )
  })

  it('writes lengths that the reader accepts, at every edge', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65535, 65536]) {
      const bytes = derOctetString(new Uint8Array(length))
      expect(readDer(bytes).content).toHaveLength(length)
    }
  })

  it('sorts a SET OF by encoding', () => {
    const set = derSet(derUtf8String('b'), derNull(), derUtf8String('a'))
    expect(Buffer.from(set).toString('hex')).toBe('310805000c01610c0162')
  })

  it('writes identifiers that every OID constant reads back as', () => {
    for (const oid of Object.values(OID)) expect(new DerReader(derOid(oid)).oid()).toBe(oid)
    expect(Buffer.from(encodeOid('2.999.3')).toString('hex')).toBe('883703')
  })

  it('agrees with openssl asn1parse', () => {
    const bytes = derSequence(
      derInteger(128),
      derBoolean(true),
      derOid(OID.sha256),
      derBitString(Uint8Array.of(1)),
      derExplicit(0, derTime(1795226754)),
    )
    const text = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], {
      input: bytes,
    }).toString()
    expect(text).toMatch(/INTEGER\s+:80/)
    expect(text).toMatch(/BOOLEAN\s+:255/)
    expect(text).toMatch(/OBJECT\s+:sha256/)
    expect(text).toMatch(/UTCTIME\s+:261121020554Z/)
  })
})
