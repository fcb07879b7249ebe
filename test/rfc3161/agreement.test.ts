import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBER } from 'asn1js'
import { ContentInfo, SignedData, TSTInfo } from 'pkijs'
import { describe, expect, it } from 'vitest'
import { encodeHex } from '../../src/encoding/hex.ts'
import { encodeTimestampResponse } from '../../src/rfc3161/response.ts'
import { parseTimestampToken } from '../../src/rfc3161/token.ts'
import { sharedFolder } from '../shared.ts'
import { signedObjects } from '../tlog/signed-objects.ts'

const tokens =
  sharedFolder === undefined ? [] : signedObjects('interop').flatMap(({ token }) => token ?? [])

function hex(buffer: ArrayBuffer): string {
  return encodeHex(new Uint8Array(buffer))
}

describe.skipIf(sharedFolder === undefined)(
  'parseTimestampToken() (skipped: no shared data)',
  () => {
    it('reads the same values as pkijs', () => {
      for (const token of tokens) {
        const ours = parseTimestampToken(token)
        const contentInfo = new ContentInfo({ schema: fromBER(token).result })
        const signed = new SignedData({ schema: contentInfo.content })
        const content = signed.encapContentInfo.eContent?.getValue()
        const info = TSTInfo.fromBER(content ?? new ArrayBuffer(0))
        expect(ours.signedData.version).toBe(signed.version)
        expect(ours.signedData.contentType).toBe(signed.encapContentInfo.eContentType)
        expect(ours.info.policy).toBe(info.policy)
        expect(ours.info.genTimeMs).toBe(info.genTime.getTime())
        expect(encodeHex(ours.info.serial)).toBe(
          hex(info.serialNumber.valueBlock.valueHexView.slice().buffer),
        )
        expect(ours.info.imprintAlgorithm.oid).toBe(info.messageImprint.hashAlgorithm.algorithmId)
        expect(encodeHex(ours.info.imprint)).toBe(
          hex(info.messageImprint.hashedMessage.valueBlock.valueHexView.slice().buffer),
        )
        const { nonce } = info
        expect(ours.info.nonce && encodeHex(ours.info.nonce)).toBe(
          nonce && hex(nonce.valueBlock.valueHexView.slice().buffer),
        )
        const [signer] = signed.signerInfos
        expect(encodeHex(ours.signedData.signer.signature)).toBe(
          signer && hex(signer.signature.valueBlock.valueHexView.slice().buffer),
        )
        expect(ours.signedData.certificates).toHaveLength(signed.certificates?.length ?? 0)
      }
      expect(tokens.length).toBeGreaterThan(15)
    })

    it('reads the same values as OpenSSL', () => {
      const folder = mkdtempSync(join(tmpdir(), 'signet-ts-'))
      try {
        for (const token of tokens.slice(0, 5)) {
          const path = join(folder, 'reply.tsr')
          writeFileSync(path, encodeTimestampResponse(token))
          const text = execFileSync('openssl', ['ts', '-reply', '-in', path, '-text'], {
            encoding: 'utf8',
            stdio: 'pipe',
          })
          const { info } = parseTimestampToken(token)
          const stamp = /Time stamp: (.*)/.exec(text)?.[1] ?? ''
          expect(Date.parse(stamp)).toBe(info.genTimeMs)
          expect(text).toContain(`Policy OID: ${info.policy}`)
          const serial = encodeHex(info.serial).replace(/^0+/, '').toUpperCase()
          expect(text).toContain(`Serial number: 0x${serial}`)
          const dump = [...text.matchAll(/^ {4}00[0-9a-f]0 - ((?:[0-9a-f]{2}[ -]){16})/gm)]
          const imprint = dump.map((line) => line[1] ?? '').join('')
          expect(imprint.replace(/[ -]/g, '')).toBe(encodeHex(info.imprint))
        }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  },
)
