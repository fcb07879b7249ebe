import { derInteger, derOid, derSequence, derUtf8String } from '../../src/asn1/write.ts'
import { OID } from '../../src/asn1/oid.ts'
import { parsePem } from '../../src/encoding/pem.ts'
import { encodeTimestampResponse } from '../../src/rfc3161/response.ts'
import { bundleOfSignature } from '../../src/verification/signature-bundle.ts'
import { readShared, readTarGz, sharedFolder } from '../shared.ts'
import { signedObjects } from '../tlog/signed-objects.ts'

const PER_TARGET = 40

const text = (value: string): Buffer => Buffer.from(value, 'utf8')

/** What each target starts from where there is no shared data. */
const SMALL: Readonly<Record<string, Uint8Array[]>> = {
  der: [derSequence(derInteger(1), derOid(OID.sha256), derUtf8String('x'))],
  object: [
    text('tree 0\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\ngpgsig x\n y\n\nmessage\n'),
    text(
      'object 0\ntype commit\ntag v1\ntagger a <a> 0 +0000\n\nv1\n-----BEGIN SIGNED MESSAGE-----\n',
    ),
  ],
  note: [text('log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— log AAECAwQ=\n')],
  status: [text('--status-fd=2\n-bsau\nA U Thor <a@example.org>'), text('--verify\nfile\n-')],
}

/** Inputs that a target's mutations start from: real ones where the shared data is. */
export function seedsOf(target: string): Uint8Array[] {
  const seeds = [...(SMALL[target] ?? [Uint8Array.of(0x30, 0)])]
  if (sharedFolder !== undefined) seeds.push(...realSeeds(target))
  return seeds
}

function realSeeds(target: string): Uint8Array[] {
  const objects = [...signedObjects('interop'), ...signedObjects('corpus/dev').slice(0, PER_TARGET)]
  const cms = objects.map(({ armor }) => {
    return parsePem(Buffer.from(armor).toString('latin1'), 'SIGNED MESSAGE')
  })
  switch (target) {
    case 'der':
    case 'cms':
      return cms.slice(0, PER_TARGET)
    case 'object':
      return [
        ...[...readTarGz(readShared('interop/objects.tar.gz')).values()].slice(0, PER_TARGET),
        readShared('interop/push-certificate.txt'),
      ]
    case 'certificate':
      return objects.slice(0, PER_TARGET).map(({ certificate }) => certificate)
    case 'protobuf':
      return objects.flatMap(({ entryBytes }) => entryBytes ?? []).slice(0, PER_TARGET)
    case 'note':
      return objects
        .flatMap(({ entry }) => entry?.inclusionProof?.checkpoint ?? [])
        .slice(0, PER_TARGET)
        .map(text)
    case 'timestamp':
      return objects
        .flatMap(({ token }) =>
          token === undefined ? [] : [token, encodeTimestampResponse(token)],
        )
        .slice(0, PER_TARGET)
    case 'bundle':
      return objects
        .filter(({ entry }) => entry)
        .slice(0, 5)
        .map(({ armor }) => text(bundleOfSignature(armor).bundle))
    default:
      return []
  }
}
