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
import { TimestampAuthority, parseStampRequest } from './timestamp-authority.ts'
import type { StampRequest } from './timestamp-authority.ts'

/** gitsign compares this as a string. */
const REPLY_TYPE = 'application/timestamp-reply'
const QUERY_TYPE = 'application/timestamp-query'

const HASH_OID: Readonly<Record<string, string>> = {
  sha256: OID.sha256,
  sha384: OID.sha384,
  sha512: OID.sha512,
}

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
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  let asked: StampRequest | undefined
  if (type === QUERY_TYPE) asked = parseStampRequest(request.body)
  else if (type === 'application/json') asked = parseJsonRequest(request.body)
  else {
    return openapiError(
      415,
      `unsupported media type ${JSON.stringify(type)}, only [${QUERY_TYPE} application/json] are allowed`,
      NO_STORE,
    )
  }
  if (request.fault === 'lie-garbage') return bytesReply(200, REPLY_TYPE, 'garbage', NO_STORE)
  const signer =
    request.fault === 'lie-chain'
      ? new TimestampAuthority(await createTimestampingHierarchy('stranger', clock()), clock)
      : authority
  const response = asked === undefined ? undefined : signer.stamp(asked, request.fault)
  if (response === undefined) {
    return openapiError(400, 'Error generating timestamp response', {
      ...NO_STORE,
      'content-type': REPLY_TYPE,
    })
  }
  return bytesReply(200, REPLY_TYPE, response, NO_STORE)
}

function parseJsonRequest(body: Uint8Array): StampRequest | undefined {
  const text = decodeUtf8(body) ?? ''
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    // JSON.parse throws SyntaxError only.
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const { artifactHash, hashAlgorithm, certificates, tsaPolicyOID } = value
  const hashOid = typeof hashAlgorithm === 'string' ? HASH_OID[hashAlgorithm] : undefined
  const imprint = typeof artifactHash === 'string' ? decodeBase64(artifactHash) : undefined
  if (hashOid === undefined || imprint === undefined) return undefined
  // As text: a 64-bit number does not survive JSON.parse.
  const nonce = /"nonce"\s*:\s*(\d+)/.exec(text)?.[1]
  return {
    hashOid,
    imprint,
    nonce: nonce === undefined ? undefined : derInteger(BigInt(nonce)).subarray(2),
    policy: typeof tsaPolicyOID === 'string' && tsaPolicyOID !== '' ? tsaPolicyOID : undefined,
    wantsCertificate: certificates === true,
    hasNullParameters: true,
  }
}
