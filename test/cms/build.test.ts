import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OID } from '../../src/asn1/oid.ts'
import {
  armorSignature,
  buildSignedAttrs,
  buildSignedData,
  logEntryAttribute,
  timestampAttribute,
} from '../../src/cms/build.ts'
import { parseSignedData } from '../../src/cms/signed-data.ts'
import { sha256 } from '../../src/crypto/digest.ts'
import { encodeHex } from '../../src/encoding/hex.ts'
import { parsePem } from '../../src/encoding/pem.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { readSharedLines, sharedPath } from '../shared.ts'

test('buildSignedAttrs() is 107 bytes in the one order that gitsign writes', () => {
  const attributes = buildSignedAttrs(sha256(), Date.UTC(2026, 10, 21) / 1000)
  expect(encodeHex(attributes)).toBe(
    '3169' +
      '301806092a864886f70d010903310b06092a864886f70d010701' +
      '301c06092a864886f70d010905310f170d3236313132313030303030305a' +
      '302f06092a864886f70d01090431220420' +
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  )
})

test('buildSignedAttrs() writes GeneralizedTime from 2050 on', () => {
  const text = encodeHex(buildSignedAttrs(sha256(), Date.UTC(2050, 0, 1) / 1000))
  expect(text).toContain(`180f${Buffer.from('20500101000000Z').toString('hex')}`)
})

interface InteropLine {
  oid: string
  type: string
  expect: string
  made_with: { gitsign: string; entry: string; tsa: boolean }
}

const archive = sharedPath('interop/objects.tar.gz')

describe.skipIf(archive === undefined)('gitsign’s own signatures (needs ../shared)', () => {
  test('buildSignedData() gives every one of them back byte for byte', () => {
    const folder = mkdtempSync(join(tmpdir(), 'git-signet-cms-'))
    let count = 0
    try {
      execFileSync('tar', ['xzf', archive ?? '', '-C', folder])
      for (const line of readSharedLines<InteropLine>('interop/index.jsonl')) {
        const object = readFileSync(join(folder, line.type, line.oid), 'latin1')
        const armor = armorIn(object)
        if (armor === undefined) continue
        const cms = parsePem(armor, 'SIGNED MESSAGE')
        expect(encodeHex(rebuild(cms)), line.oid).toBe(encodeHex(cms))
        expect(armorSignature(cms)).toBe(armor)
        count += 1
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect(count).toBeGreaterThan(50)
  })
})

function armorIn(object: string): string | undefined {
  const unfolded = object.replaceAll('\n ', '\n')
  return /-----BEGIN SIGNED MESSAGE-----\n[^-]*-----END SIGNED MESSAGE-----\n/.exec(unfolded)?.[0]
}

/** Takes a signature apart with our reader and builds it anew from its parts. */
function rebuild(cms: Uint8Array): Uint8Array {
  const { certificates, signer } = parseSignedData(cms)
  const certificate = parseCertificate(certificates[0] ?? new Uint8Array())
  const attributes = signer.unsignedAttributes.map(({ type: oid, values }) => {
    const [value = new Uint8Array()] = values
    return { oid, value }
  })
  return buildSignedData(certificate, signer.signedBytes, signer.signature, attributes)
}

test('unsigned attributes are sorted as DER has it: the shorter one first', () => {
  const certificate = {
    der: Uint8Array.of(0x30, 0),
    issuer: Uint8Array.of(0x30, 0),
    serial: Uint8Array.of(1),
  }
  const entry = logEntryAttribute(new Uint8Array(300))
  const token = timestampAttribute(Uint8Array.of(0x30, 0))
  const build = (...attributes: (typeof entry)[]): string =>
    encodeHex(buildSignedData(certificate, Uint8Array.of(0x31, 0), new Uint8Array(70), attributes))
  expect(build(entry, token)).toBe(build(token, entry))
  expect(entry.oid).toBe(OID.rekorEntry)
})

test('armorSignature() is what openssl reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'git-signet-cms-'))
  writeFileSync(join(folder, 'a'), armorSignature(new Uint8Array(100)))
  const text = readFileSync(join(folder, 'a'), 'utf8')
  rmSync(folder, { recursive: true })
  expect(text.split('\n').map((line) => line.length)).toEqual([30, 64, 64, 8, 28, 0])
})
