import { OID } from '../../src/asn1/oid.ts'
import { DerReader } from '../../src/asn1/der.ts'
import { parseSignedData, signerCertificate } from '../../src/cms/signed-data.ts'
import { parsePublicKey } from '../../src/crypto/keys.ts'
import { sha256 } from '../../src/crypto/digest.ts'
import { decodeBase64 } from '../../src/encoding/base64.ts'
import { parsePem } from '../../src/encoding/pem.ts'
import { decodeLogEntry, type TransparencyLogEntry } from '../../src/tlog/entry.ts'
import { hashedrekordBodies, type LogBody } from '../../src/tlog/hashedrekord.ts'
import type { TransparencyLog } from '../../src/tlog/log.ts'
import { parseCertificate } from '../../src/x509/certificate.ts'
import { readShared, readSharedLines, readTarGz } from '../shared.ts'

/** What one object of the shared data embeds in its signature, read without git. */
export interface SignedObject {
  id: string
  expect: string
  armor: Uint8Array
  entry: TransparencyLogEntry | undefined
  entryBytes: Uint8Array | undefined
  token: Uint8Array | undefined
  bodies: LogBody[]
  signature: Uint8Array
  signedBytes: Uint8Array
  certificate: Uint8Array
}

interface IndexLine {
  oid: string
  type: 'commit' | 'tag'
  expect: string
}

/** Objects of `corpus/dev` or `interop` whose CMS is DER with its certificate. */
export function signedObjects(folder: 'corpus/dev' | 'interop'): SignedObject[] {
  const files = readTarGz(readShared(`${folder}/objects.tar.gz`))
  const wanted = ['PASS', 'INCOMPLETE-NO-TLOG', 'TIMESTAMP-NO-TLOG', 'NO-TRUSTED-TIME']
  const objects: SignedObject[] = []
  for (const line of readSharedLines<IndexLine>(`${folder}/index.jsonl`)) {
    const bytes = files.get(`${line.type}/${line.oid}`)
    if (bytes === undefined || !wanted.includes(line.expect)) continue
    objects.push(readObject(line, bytes.toString('latin1')))
  }
  return objects
}

function readObject(line: IndexLine, text: string): SignedObject {
  const match =
    /(?:^gpgsig(?:-sha256)? |^)(-----BEGIN SIGNED MESSAGE-----\n[\s\S]*?-----END SIGNED MESSAGE-----)/m.exec(
      text,
    )
  const armor = (match?.[1] ?? '').replaceAll('\n ', '\n')
  const data = parseSignedData(parsePem(`${armor}\n`, 'SIGNED MESSAGE'))
  const certificate = signerCertificate(data)
  if (certificate === undefined) throw new Error(`${line.oid} has no signer certificate`)
  const { signature, signedBytes, unsignedAttributes } = data.signer
  const value = (type: string): Uint8Array | undefined =>
    unsignedAttributes.find((attribute) => attribute.type === type)?.values[0]
  const attribute = value(OID.rekorEntry)
  const entryBytes = attribute && new DerReader(attribute).octetString()
  const entry = entryBytes && decodeLogEntry(entryBytes)
  const publicKey = parseCertificate(certificate).publicKey
  const content = {
    algorithm: 'sha256',
    digest: sha256(signedBytes),
    signature,
    verifier: { der: certificate, isCertificate: true, publicKey },
  } as const
  return {
    id: line.oid,
    expect: line.expect,
    armor: Buffer.from(`${armor}\n`),
    entry,
    entryBytes,
    token: value(OID.timeStampToken),
    bodies: entry ? hashedrekordBodies(entry, content) : [],
    signature,
    signedBytes,
    certificate,
  }
}

/** The logs of a trusted root, read without any of the checks of src/sigstore. */
export function logsOf(path: string): TransparencyLog[] {
  const root = JSON.parse(readShared(path).toString('utf8')) as {
    tlogs: {
      baseUrl: string
      logId: { keyId: string }
      publicKey: { rawBytes: string; validFor: { start: string; end?: string } }
    }[]
  }
  return root.tlogs.map((log) => ({
    baseUrl: log.baseUrl,
    logId: base64(log.logId.keyId),
    publicKey: parsePublicKey(base64(log.publicKey.rawBytes)),
    validFrom: Date.parse(log.publicKey.validFor.start) / 1000,
    validUntil:
      log.publicKey.validFor.end === undefined
        ? undefined
        : Date.parse(log.publicKey.validFor.end) / 1000,
  }))
}

export function base64(text: string): Uint8Array {
  const bytes = decodeBase64(text)
  if (bytes === undefined) throw new Error('not base64')
  return bytes
}
