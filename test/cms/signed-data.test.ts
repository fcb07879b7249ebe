import { describe, expect, it } from 'vitest'
import {
  der,
  derExplicit,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derSet,
} from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { isSorted, readAttributes, singleValue } from '../../src/cms/attributes.ts'
import { berToDer } from '../../src/cms/ber.ts'
import { parseSignedData, signerCertificate } from '../../src/cms/signed-data.ts'
import { LIMITS } from '../../src/encoding/limits.ts'
import { MalformedError } from '../../src/errors.ts'
import { makeLeaf } from '../forge/leaf.ts'
import { PAYLOAD, attribute, makeCms } from '../forge/object.ts'
import type { SignatureOptions } from '../forge/object.ts'
import { makeWorld } from '../forge/world.ts'

const world = makeWorld()
const leaf = makeLeaf(world)
const cms = (options: SignatureOptions = {}): Uint8Array =>
  makeCms(world, PAYLOAD, { leaf, ...options })

const codeOf = (read: () => unknown): string => {
  try {
    read()
    return 'accepted'
  } catch (error) {
    if (error instanceof MalformedError) return error.code
    throw error
  }
}

describe('parseSignedData()', () => {
  it('reads every part as a slice of the original bytes', () => {
    const bytes = new Uint8Array(cms())
    const data = parseSignedData(bytes)
    expect(data).toMatchObject({
      version: 1,
      contentType: OID.data,
      content: undefined,
      unsorted: [],
    })
    expect(data.digestAlgorithms.map(({ oid }) => oid)).toEqual([OID.sha256])
    expect(data.certificates).toEqual([new Uint8Array(leaf.certificate)])
    expect(data.certificates[0]?.buffer).toBe(bytes.buffer)
    expect(data.signer.signature.buffer).toBe(bytes.buffer)
    expect(data.signer.signedAttributes.map(({ type }) => type)).toEqual([
      OID.contentType,
      OID.signingTime,
      OID.messageDigest,
    ])
    expect(data.signer.unsignedAttributes.map(({ type }) => type)).toEqual([OID.rekorEntry])
  })

  it('gives the signed attributes as a SET and leaves the input as it was', () => {
    const bytes = new Uint8Array(cms())
    const before = Buffer.from(bytes).toString('hex')
    const { signer } = parseSignedData(bytes)
    expect(signer.signedBytes[0]).toBe(0x31)
    expect(signer.signedBytes.buffer).not.toBe(bytes.buffer)
    expect(Buffer.from(bytes).toString('hex')).toBe(before)
  })

  it('reads the content of a signature that brings it', () => {
    const data = parseSignedData(cms({ eContent: PAYLOAD, eContentType: OID.tstInfo, version: 3 }))
    expect(data.content).toEqual(new Uint8Array(PAYLOAD))
    expect(data).toMatchObject({ contentType: OID.tstInfo, version: 3 })
  })

  it('names the sets that are not sorted', () => {
    const reverse = (all: Uint8Array[]): Uint8Array[] => [...all].reverse()
    expect(parseSignedData(cms({ signedAttrs: reverse, sort: false })).unsorted).toEqual([
      'signed-attributes',
    ])
    const both = (certificate: Uint8Array): Uint8Array[] => [
      certificate,
      world.intermediate.certificate,
    ]
    const sorted = isSorted(both(leaf.certificate))
    expect(parseSignedData(cms({ certificates: both })).unsorted).toEqual(
      sorted ? [] : ['certificates'],
    )
  })

  it.each<[string, SignatureOptions, string]>([
    ['no signer', { signers: () => [] }, 'CMS_MALFORMED'],
    ['two signers', { signers: (one) => [one, one] }, 'CMS_MALFORMED'],
    ['a signer named by key identifier', { signerVersion: 3 }, 'CMS_MALFORMED'],
    ['no signed attributes', { signedAttrs: () => [] }, 'CMS_MALFORMED'],
    ['revocation lists', { crls: der(0xa1, derSequence()) }, 'CMS_MALFORMED'],
    [
      'bytes after its end',
      { edit: (all) => Buffer.concat([all, Uint8Array.of(0)]) },
      'DER_MALFORMED',
    ],
    ['its beginning alone', { edit: (all) => all.subarray(0, -1) }, 'DER_MALFORMED'],
    [
      'another content type',
      { edit: () => derSequence(derOid(OID.data), derExplicit(0, derOctetString(PAYLOAD))) },
      'CMS_MALFORMED',
    ],
    [
      'more certificates than are read',
      { certificates: (one) => Array<Uint8Array>(LIMITS.certificates + 1).fill(one) },
      'CMS_MALFORMED',
    ],
    [
      'more attributes than are read',
      {
        unsignedAttrs: () =>
          Array.from({ length: LIMITS.attributes + 1 }, (_, i) =>
            attribute(OID.data, derInteger(i)),
          ),
      },
      'CMS_MALFORMED',
    ],
  ])('refuses %s', (_, options, code) => {
    expect(codeOf(() => parseSignedData(cms(options)))).toBe(code)
  })
})

describe('signerCertificate()', () => {
  it('finds the one that the signer names, wherever it stands', () => {
    const certificates = (one: Uint8Array): Uint8Array[] => [world.intermediate.certificate, one]
    expect(signerCertificate(parseSignedData(cms({ certificates })))).toEqual(
      new Uint8Array(leaf.certificate),
    )
  })

  it('finds none where none fits, and refuses two that fit', () => {
    const certificates = (): Uint8Array[] => [world.intermediate.certificate]
    expect(signerCertificate(parseSignedData(cms({ certificates })))).toBeUndefined()
    const twice = parseSignedData(cms({ certificates: (one) => [one, one] }))
    expect(codeOf(() => signerCertificate(twice))).toBe('CMS_MALFORMED')
  })
})

describe('singleValue()', () => {
  const read = (...attributes: Uint8Array[]) => readAttributes(Buffer.concat(attributes))
  const value = derOctetString(PAYLOAD)
  it('gives the one value, nothing where there is none', () => {
    expect(singleValue(read(attribute(OID.data, value)), OID.data, 'x')).toEqual(
      new Uint8Array(value),
    )
    expect(singleValue(read(attribute(OID.sct, value)), OID.data, 'x')).toBeUndefined()
  })

  it('refuses two attributes, two values and none', () => {
    for (const attributes of [
      read(attribute(OID.data, value), attribute(OID.data, value)),
      read(attribute(OID.data, value, derInteger(1))),
      read(attribute(OID.data)),
    ]) {
      expect(codeOf(() => singleValue(attributes, OID.data, 'x'))).toBe('CMS_MALFORMED')
    }
  })
})

describe('berToDer()', () => {
  const indefinite = (tag: number, ...parts: Uint8Array[]): Uint8Array =>
    Buffer.concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)])

  it('leaves DER as it is', () => {
    const bytes = cms()
    expect(Buffer.from(berToDer(bytes))).toEqual(Buffer.from(bytes))
  })

  it('gives indefinite and long lengths their definite form', () => {
    const inner = derInteger(5)
    expect(Buffer.from(berToDer(indefinite(0x30, inner)))).toEqual(Buffer.from(derSequence(inner)))
    expect(
      Buffer.from(berToDer(Buffer.concat([Uint8Array.of(0x30, 0x83, 0, 0, inner.length), inner]))),
    ).toEqual(Buffer.from(derSequence(inner)))
    expect(Buffer.from(berToDer(indefinite(0x31, indefinite(0x30, inner), inner)))).toEqual(
      Buffer.from(der(0x31, derSequence(inner), inner)),
    )
  })

  it('joins an OCTET STRING in pieces', () => {
    const pieces = indefinite(
      0x24,
      derOctetString(Uint8Array.of(1, 2)),
      derOctetString(Uint8Array.of(3)),
    )
    expect(Buffer.from(berToDer(pieces))).toEqual(
      Buffer.from(derOctetString(Uint8Array.of(1, 2, 3))),
    )
    expect(codeOf(() => berToDer(indefinite(0x24, derInteger(1))))).toBe('DER_MALFORMED')
  })

  it.each([
    ['20,000 levels', Buffer.alloc(40_000, Uint8Array.of(0x30, 0x80))],
    ['1 MiB of empty elements', indefinite(0x30, Buffer.alloc(1 << 20, Uint8Array.of(0x05, 0x00)))],
    ['a length of 2^1016', Buffer.concat([Uint8Array.of(0x30, 0xff), Buffer.alloc(127, 0xff)])],
    ['an end without a beginning', Uint8Array.of(0x30, 0x80, 0x02, 0x01)],
    ['nothing', new Uint8Array()],
    ['bytes after its end', Uint8Array.of(0x05, 0x00, 0x00)],
    ['a primitive without a length', Uint8Array.of(0x04, 0x80, 0, 0)],
    ['a tag number above 30', Uint8Array.of(0x3f, 0x81, 0x00, 0x00)],
  ])('refuses %s at once', (_, bytes) => {
    const started = performance.now()
    expect(codeOf(() => berToDer(bytes))).toBe('DER_MALFORMED')
    expect(performance.now() - started).toBeLessThan(500)
  })

  it('sorts nothing: what was signed keeps its order', () => {
    const set = der(0x31, derInteger(9), derInteger(1))
    expect(Buffer.from(berToDer(set))).toEqual(Buffer.from(set))
    expect(Buffer.from(derSet(derInteger(9), derInteger(1)))).not.toEqual(Buffer.from(set))
  })
})
