import { parseJson } from '../encoding/json.ts'
import { ProtoJson } from '../encoding/protojson.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import { logEntryFromJson } from '../tlog/entry-json.ts'
import type { LoggedDigest } from '../tlog/hashedrekord.ts'
import type { DsseEnvelope } from './dsse.ts'

/** Spellings of the media type, and the version each means. */
const MEDIA_TYPES: Readonly<Record<string, BundleVersion>> = {
  'application/vnd.dev.sigstore.bundle+json;version=0.1': '0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2': '0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3': '0.3',
  'application/vnd.dev.sigstore.bundle.v0.3+json': '0.3',
}
const DIGESTS: Readonly<Record<string, LoggedDigest>> = {
  SHA2_256: 'sha256',
  SHA2_384: 'sha384',
  SHA2_512: 'sha512',
}
const MAX_CERTIFICATES = 10
const MAX_ENTRIES = 32
const MAX_TIMESTAMPS = 32

export type BundleVersion = '0.1' | '0.2' | '0.3'

export interface MessageSignature {
  /** What the writer says the artifact hashes to; a hint until compared. */
  digest: { algorithm: LoggedDigest; value: Uint8Array } | undefined
  signature: Uint8Array
}

/** A Sigstore bundle; parsing one proves nothing: see `verifyBundle`. */
export interface Bundle {
  version: BundleVersion
  content:
    { kind: 'message'; message: MessageSignature } | { kind: 'envelope'; envelope: DsseEnvelope }
  /** DER, the signer's certificate first; undefined where a bare key signed, known from elsewhere. */
  certificates: Uint8Array[] | undefined
  entries: TransparencyLogEntry[]
  /** Each a whole TimeStampResp. */
  timestamps: Uint8Array[]
}

/**
 * Reads a Sigstore bundle of version 0.1, 0.2 or 0.3.
 *
 * @throws MalformedError `BUNDLE_MALFORMED`, `LOG_ENTRY_MALFORMED`, `JSON_MALFORMED`
 * @see sigstore protobuf-specs, sigstore_bundle.proto
 */
export function parseBundle(text: string): Bundle {
  const json = new ProtoJson(parseJson(text, 'bundle'), 'bundle', 'BUNDLE_MALFORMED', [
    'mediaType',
    'verificationMaterial',
    'messageSignature',
    'dsseEnvelope',
  ])
  const mediaType = json.string('mediaType') ?? ''
  const version = Object.hasOwn(MEDIA_TYPES, mediaType) ? MEDIA_TYPES[mediaType] : undefined
  if (version === undefined) throw json.malformed('its media type is not known')
  const material = json.required(
    'verificationMaterial',
    json.message('verificationMaterial', [
      'publicKey',
      'x509CertificateChain',
      'certificate',
      'tlogEntries',
      'timestampVerificationData',
    ]),
  )
  const timestamps = material.message('timestampVerificationData', ['rfc3161Timestamps'])
  return {
    version,
    content: readContent(json),
    certificates: readCertificates(material, version),
    entries: material
      .list('tlogEntries', MAX_ENTRIES)
      .map((entry) => readEntry(logEntryFromJson(entry), version, material)),
    timestamps: (timestamps?.list('rfc3161Timestamps', MAX_TIMESTAMPS) ?? []).map((timestamp) => {
      const element = material.inner(timestamp, 'rfc3161Timestamps', ['signedTimestamp'])
      return element.required('signedTimestamp', element.bytes('signedTimestamp'))
    }),
  }
}

function readContent(json: ProtoJson): Bundle['content'] {
  const message = json.message('messageSignature', ['messageDigest', 'signature'])
  const envelope = json.message('dsseEnvelope', ['payload', 'payloadType', 'signatures'])
  if (message !== undefined && envelope !== undefined) {
    throw json.malformed('it has two kinds of content')
  }
  if (message !== undefined) return { kind: 'message', message: readMessage(message) }
  if (envelope !== undefined) return { kind: 'envelope', envelope: readEnvelope(envelope) }
  throw json.malformed('it has no content')
}

function readMessage(json: ProtoJson): MessageSignature {
  const digest = json.message('messageDigest', ['algorithm', 'digest'])
  return {
    digest: digest && readDigest(digest),
    signature: notEmpty(json, 'signature'),
  }
}

function readDigest(json: ProtoJson): NonNullable<MessageSignature['digest']> {
  const name = json.string('algorithm') ?? ''
  const algorithm = Object.hasOwn(DIGESTS, name) ? DIGESTS[name] : undefined
  if (algorithm === undefined) throw json.malformed('its algorithm is not known')
  return { algorithm, value: notEmpty(json, 'digest') }
}

function readEnvelope(json: ProtoJson): DsseEnvelope {
  const [first, ...more] = json.list('signatures', MAX_ENTRIES)
  if (first === undefined || more.length > 0) throw json.malformed('it has not one signature')
  return {
    payloadType: json.required('payloadType', json.string('payloadType')),
    payload: json.required('payload', json.bytes('payload')),
    signature: notEmpty(json.inner(first, 'signatures', ['sig', 'keyid']), 'sig'),
  }
}

function readCertificates(material: ProtoJson, version: BundleVersion): Uint8Array[] | undefined {
  const single = material.message('certificate', ['rawBytes'])
  const chain = material.message('x509CertificateChain', ['certificates'])
  const key = material.message('publicKey', ['hint', 'rawBytes'])
  if ([single, chain, key].filter(Boolean).length !== 1) {
    throw material.malformed('it has not exactly one kind of key')
  }
  if (single !== undefined) return [notEmpty(single, 'rawBytes')]
  if (chain === undefined) return undefined
  // sigstore_bundle.proto: from 0.3 on the leaf alone.
  if (version === '0.3') throw material.malformed('a bundle of version 0.3 has no chain')
  const certificates = chain
    .list('certificates', MAX_CERTIFICATES)
    .map((certificate) =>
      notEmpty(material.inner(certificate, 'certificates', ['rawBytes']), 'rawBytes'),
    )
  if (certificates.length === 0) throw material.malformed('its chain is empty')
  return certificates
}

/** Version 0.1 promises an entry, later ones prove it (sigstore_bundle.proto, `tlog_entries`). */
function readEntry(
  entry: TransparencyLogEntry,
  version: BundleVersion,
  material: ProtoJson,
): TransparencyLogEntry {
  if (entry.canonicalizedBody === undefined) throw material.malformed('a log entry has no body')
  if (version === '0.1' && entry.inclusionPromise === undefined) {
    throw material.malformed('a log entry of version 0.1 has no promise')
  }
  if (entry.inclusionProof?.checkpoint) return entry
  if (version !== '0.1') {
    throw material.malformed('a log entry has no inclusion proof with a checkpoint')
  }
  // The first writers of 0.1 left the checkpoint out: such a proof leads nowhere.
  return { ...entry, inclusionProof: undefined }
}

function notEmpty(json: ProtoJson, name: string): Uint8Array {
  const bytes = json.required(name, json.bytes(name))
  if (bytes.length === 0) throw json.malformed(`${name} is empty`)
  return bytes
}
