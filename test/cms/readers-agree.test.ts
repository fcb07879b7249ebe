import { fromBER } from 'asn1js'
import { Certificate as PkiCertificate, ContentInfo, SignedData as PkiSignedData } from 'pkijs'
import type { IssuerAndSerialNumber } from 'pkijs'
import { expect, it } from 'vitest'
import { parseSignedData, signerCertificate } from '../../src/cms/signed-data.ts'
import { parsePem } from '../../src/encoding/pem.ts'
import { MalformedError } from '../../src/errors.ts'
import { splitObject } from '../../src/git/split.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { describeShared, found } from '../corpus/truth.ts'
import { readShared, readTarGz } from '../shared.ts'

const hex = (bytes: ArrayBuffer | Uint8Array): string =>
  Buffer.from(bytes as Uint8Array).toString('hex')

/** The DER of every X.509 signature in an archive of objects. */
function signatures(archive: string): Uint8Array[] {
  const all: Uint8Array[] = []
  for (const [name, bytes] of readTarGz(readShared(archive))) {
    const [type, id = ''] = name.split('/')
    if (type !== 'commit' && type !== 'tag') continue
    const format = id.length === 64 ? 'sha256' : 'sha1'
    const { signature, signatureKind } = splitObject(type, bytes, format)
    if (signature === undefined || signatureKind !== 'x509') continue
    all.push(parsePem(Buffer.from(signature).toString('latin1'), 'SIGNED MESSAGE'))
  }
  return all
}

describeShared('pkijs reads what the strict reader accepts as the same values', () => {
  it.each([
    ['corpus/dev/objects.tar.gz', 5],
    ['interop/objects.tar.gz', 3],
  ])('in %s', (archive, every) => {
    let compared = 0
    for (const der of signatures(archive).filter((_, i) => i % every === 0)) {
      let ours: ReturnType<typeof parseSignedData>
      try {
        ours = parseSignedData(der)
      } catch (error) {
        if (error instanceof MalformedError) continue
        throw error
      }
      const info = ContentInfo.fromBER(Uint8Array.from(der))
      const theirs = new PkiSignedData({ schema: info.content as unknown })
      const signer = found(theirs.signerInfos[0], 'signer')
      const sid = signer.sid as IssuerAndSerialNumber
      expect(theirs.signerInfos.length).toBe(1)
      expect(ours.version).toBe(theirs.version)
      expect(ours.contentType).toBe(theirs.encapContentInfo.eContentType)
      expect(ours.content).toBe(theirs.encapContentInfo.eContent)
      expect(ours.certificates.map(hex)).toEqual(
        (theirs.certificates ?? []).map((one) =>
          hex((one as PkiCertificate).toSchema(false).toBER()),
        ),
      )
      expect(hex(ours.signer.serial)).toBe(hex(sid.serialNumber.valueBlock.valueHexView))
      expect(hex(ours.signer.issuer)).toBe(hex(sid.issuer.toSchema().toBER()))
      expect(hex(ours.signer.signature)).toBe(hex(signer.signature.valueBlock.valueHexView))
      expect(ours.signer.signatureAlgorithm.oid).toBe(signer.signatureAlgorithm.algorithmId)
      expect(ours.signer.digestAlgorithm.oid).toBe(signer.digestAlgorithm.algorithmId)
      for (const [mine, other] of [
        [ours.signer.signedAttributes, signer.signedAttrs?.attributes],
        [ours.signer.unsignedAttributes, signer.unsignedAttrs?.attributes],
      ] as const) {
        expect(mine.map(({ type }) => type)).toEqual((other ?? []).map(({ type }) => type))
        expect(mine.map(({ bytes }) => hex(bytes))).toEqual(
          (other ?? []).map((attribute) => hex(attribute.toSchema().toBER())),
        )
      }
      compareCertificate(found(signerCertificate(ours), 'certificate'))
      compared += 1
    }
    expect(compared).toBeGreaterThan(20)
  })
})

function compareCertificate(der: Uint8Array): void {
  const ours = parseCertificate(der)
  const theirs = new PkiCertificate({ schema: fromBER(Uint8Array.from(der)).result })
  expect(hex(ours.serial)).toBe(hex(theirs.serialNumber.valueBlock.valueHexView))
  expect(ours.notBefore * 1000).toBe(theirs.notBefore.value.getTime())
  expect(ours.notAfter * 1000).toBe(theirs.notAfter.value.getTime())
  expect(hex(ours.publicKey.spki)).toBe(hex(theirs.subjectPublicKeyInfo.toSchema().toBER()))
  expect(hex(ours.tbs)).toBe(hex(theirs.tbsView))
  expect(hex(ours.signature)).toBe(hex(theirs.signatureValue.valueBlock.valueHexView))
  expect(ours.extensions.map(({ oid, critical, value }) => [oid, critical, hex(value)])).toEqual(
    (theirs.extensions ?? []).map((extension) => [
      extension.extnID,
      extension.critical,
      hex(extension.extnValue.valueBlock.valueHexView),
    ]),
  )
}
