import { decodeBase64 } from '../encoding/base64.ts'
import { decodeUtf8 } from '../encoding/bytes.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { encodePem } from '../encoding/pem.ts'
import { OID } from '../asn1/oid.ts'
import { derInteger } from '../asn1/write.ts'
import type { Hierarchy } from './ca-hierarchy.ts'
import { createTimestampingHierarchy } from './ca-hierarchy.ts'
import { NO_STORE, bytesReply, openapiError } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'
import { TimestampAuthority, parseStampRequest, whyNotStamped } from './timestamp-authority.ts'
import type { StampRequest } from './timestamp-authority.ts'

/** gitsign compares this as a string. */
const REPLY_TYPE = 'application/timestamp-reply'
const QUERY_TYPE = 'application/timestamp-query'

const HASH_OID: Readonly<Record<string, string>> = {
  sha1: OID.sha1,
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
}

const FAILED = 'Error generating timestamp response'

/** The interface of timestamp-authority. */
export function tsaRoutes(hierarchy: Hierarchy, clock: () => number): Route[] {
  const authority = new TimestampAuthority(hierarchy, clock)
  const chain = hierarchy.chain.map((certificate) => encodePem('CERTIFICATE', certificate)).join('')
  return [
    {
      service: 'tsa',
      method: 'POST',
      path: '/api/v1/timestamp',
      handle: (request) => stamp(authority, request, clock),
    },
    {
      service: 'tsa',
      method: 'GET',
      path: '/api/v1/timestamp/certchain',
      handle: () =>
        bytesReply(200, 'application/pem-certificate-chain', chain, {
          'cache-control': 'max-age=86400, immutable',
        }),
    },
  ]
}

async function stamp(
  authority: TimestampAuthority,
  request: StackRequest,
  clock: () => number,
): Promise<StackReply> {
  const { body } = request
  const header = request.headers['content-type'] ?? 'application/octet-stream'
  const [type = ''] = header.split(';')
  if (type !== QUERY_TYPE && type !== 'application/json') {
    return openapiError(
      415,
      `unsupported media type ${JSON.stringify(type)}, only [${QUERY_TYPE} application/json] are allowed`,
      NO_STORE,
    )
  }
  if (body.length === 0) return openapiError(422, 'request in body is required', NO_STORE, 602)
  // timestamp-authority compares the whole header: with parameters the type is none it knows.
  let asked: StampRequest | string = FAILED
  if (header === QUERY_TYPE) asked = parseStampRequest(body) ?? FAILED
  else if (header === type) asked = parseJsonRequest(body)
  const why = typeof asked === 'string' ? asked : whyNotStamped(asked)
  if (request.fault === 'lie-garbage') return bytesReply(200, REPLY_TYPE, 'garbage', NO_STORE)
  const signer =
    request.fault === 'lie-chain'
      ? new TimestampAuthority(await createTimestampingHierarchy('stranger', clock()), clock)
      : authority
  if (why !== undefined || typeof asked === 'string') {
    return openapiError(400, why ?? FAILED, { ...NO_STORE, 'content-type': REPLY_TYPE })
  }
  return bytesReply(200, REPLY_TYPE, signer.stamp(asked, request.fault), NO_STORE)
}

/** The request, or why it is none, in the words of timestamp-authority. */
function parseJsonRequest(body: Uint8Array): StampRequest | string {
  const text = decodeUtf8(body) ?? ''
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    // JSON.parse throws SyntaxError only.
    return FAILED
  }
  if (!isJsonObject(value)) return FAILED
  const { artifactHash = '', hashAlgorithm, certificates = false, tsaPolicyOID = '' } = value
  const hashOid =
    typeof hashAlgorithm === 'string' ? HASH_OID[hashAlgorithm.toLowerCase()] : undefined
  if (hashOid === undefined || typeof certificates !== 'boolean') return FAILED
  if (typeof artifactHash !== 'string' || typeof tsaPolicyOID !== 'string') return FAILED
  if (typeof (value['nonce'] ?? 0) !== 'number') return FAILED
  if (tsaPolicyOID !== '' && !/^\d+(?:\.\d+){0,128}$/.test(tsaPolicyOID)) {
    return 'OID should be comprised of at most 128 components'
  }
  const imprint = decodeBase64(artifactHash)
  if (imprint === undefined) return FAILED
  // As text: a 64-bit number does not survive JSON.parse.
  const nonce = /"nonce"\s*:\s*(\d+)/.exec(text)?.[1]
  return {
    hashOid,
    imprint,
    nonce: nonce === undefined ? undefined : derInteger(BigInt(nonce)).subarray(2),
    policy: tsaPolicyOID === '' ? undefined : tsaPolicyOID,
    wantsCertificate: certificates,
    hasNullParameters: true,
    hasExtensions: false,
  }
}
