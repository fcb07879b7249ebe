import { decodeUtf8 } from '../encoding/bytes.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import type { CertificateAuthority } from './certificate-authority.ts'
import { GRPC, bytesReply, grpcError, jsonReply } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'
import { AUDIENCE, issuerOf } from './id-token.ts'
import type { TokenIssuer } from './id-token.ts'
import { provesPossession, readRequestedKey, readSigningRequest } from './possession.ts'
import type { RequestedKey } from './possession.ts'
import { principalOf } from './principal.ts'
import type { Principal } from './principal.ts'
import { RequestRefusal, readRequest } from './protojson.ts'
import type { Message } from './protojson.ts'

const PEM_CHAIN = 'application/pem-certificate-chain'

/** Fulcio's own words (pkg/server/error.go). */
const MESSAGE = {
  token: 'There was an error processing the identity token',
  proof: 'The signature supplied in the request could not be verified',
  key: 'The public key supplied in the request could not be parsed',
  weak: 'The public key supplied in the request is insecure',
  ct: 'Error entering certificate in CTL',
  request: 'The certificate signing request could not be parsed',
} as const

class Refusal extends Error {}

export interface FulcioOptions {
  readonly authority: CertificateAuthority
  readonly issuers: readonly TokenIssuer[]
  readonly clock: () => number
}

export function fulcioRoutes(options: FulcioOptions): Route[] {
  const { authority } = options
  return [
    {
      service: 'fulcio',
      method: 'POST',
      path: '/api/v2/signingCert',
      handle: (request) =>
        refusable(async () => {
          const chain = await issue(options, request, parseBody(request, REQUEST_V2))
          if (request.fault === 'lie-garbage')
            return jsonReply(200, { signedCertificate: 'garbage' })
          return jsonReply(200, {
            signedCertificateEmbeddedSct: { chain: { certificates: chain.map(trimmed) } },
          })
        }),
    },
    {
      service: 'fulcio',
      method: 'POST',
      path: '/api/v1/signingCert',
      handle: (request) =>
        refusable(async () => {
          const chain = await issue(options, request, fromV1(parseBody(request, REQUEST_V1)))
          if (request.fault === 'lie-garbage') return bytesReply(201, PEM_CHAIN, 'garbage')
          return bytesReply(201, PEM_CHAIN, trimmed(chain.join('')))
        }),
    },
    {
      service: 'fulcio',
      method: 'GET',
      path: '/api/v1/rootCert',
      handle: () => bytesReply(200, PEM_CHAIN, trimmed(authority.chain.join('\n'))),
    },
    {
      service: 'fulcio',
      method: 'GET',
      path: '/api/v2/trustBundle',
      handle: () => jsonReply(200, { chains: [{ certificates: authority.chain }] }),
    },
    {
      service: 'fulcio',
      method: 'GET',
      path: '/api/v2/configuration',
      handle: () => jsonReply(200, { issuers: options.issuers.map(configurationOf) }),
    },
    {
      service: 'fulcio',
      method: 'GET',
      path: '/healthz',
      handle: () => jsonReply(200, { status: 'SERVING' }),
    },
  ]
}

function configurationOf({ url, type }: TokenIssuer): JsonObject {
  return {
    issuerUrl: url,
    audience: AUDIENCE,
    challengeClaim: type === 'email' ? 'email' : 'sub',
    spiffeTrustDomain: '',
    issuerType: type === 'email' ? 'email' : 'ci-provider',
    subjectDomain: '',
    skipEmailVerification: false,
  }
}

async function issue(
  options: FulcioOptions,
  request: StackRequest,
  body: JsonObject,
): Promise<string[]> {
  const principal = await authenticate(options, request, body)
  const key = await provenKey(body, principal)
  if (request.fault === 'ct-down') throw new Refusal(MESSAGE.ct)
  return options.authority.issue(key.spki, principal, request.fault)
}

async function authenticate(
  { issuers, clock }: FulcioOptions,
  request: StackRequest,
  body: JsonObject,
): Promise<Principal> {
  const bearer = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const token = text(member(body, 'credentials'), 'oidcIdentityToken') ?? bearer ?? ''
  const issuer = issuerOf(token, issuers)
  const claims = await issuer?.verify(token, clock())
  const principal =
    issuer === undefined || claims === undefined ? undefined : principalOf(issuer.type, claims)
  if (principal === undefined) throw new Refusal(MESSAGE.token)
  return principal
}

async function provenKey(body: JsonObject, principal: Principal): Promise<RequestedKey> {
  const signingRequest = text(body, 'certificateSigningRequest')
  if (signingRequest !== undefined && signingRequest !== '') {
    const pem = Buffer.from(signingRequest, 'base64').toString('utf8')
    const key = usable(await readSigningRequest(pem), MESSAGE.request)
    if (key === 'unproven') throw new Refusal(MESSAGE.proof)
    return key
  }
  const asked = member(body, 'publicKeyRequest')
  const content = text(member(asked, 'publicKey'), 'content') ?? ''
  const key = usable(readRequestedKey(Buffer.from(content, 'latin1')), MESSAGE.key)
  const proof = Buffer.from(text(asked, 'proofOfPossession') ?? '', 'base64')
  if (!provesPossession(key, principal.challenges, proof)) throw new Refusal(MESSAGE.proof)
  return key
}

function usable<T extends RequestedKey | 'unproven'>(
  key: T | 'insecure' | undefined,
  message: string,
): T {
  if (key === undefined) throw new Refusal(message)
  if (key === 'insecure') throw new Refusal(MESSAGE.weak)
  return key
}

/** The legacy request in the newer one's words. */
function fromV1(body: JsonObject): JsonObject {
  const content = Buffer.from(text(member(body, 'publicKey'), 'content') ?? '', 'base64')
  return {
    publicKeyRequest: {
      publicKey: { content: content.toString('latin1') },
      proofOfPossession: body['signedEmailAddress'] ?? null,
    },
    certificateSigningRequest: body['certificateSigningRequest'] ?? null,
  }
}

/** What of the two requests counts here. */
const REQUEST_V2: Message = {
  isOpen: true,
  fields: {
    credentials: { isOpen: true, fields: { oidcIdentityToken: 'string' } },
    publicKeyRequest: {
      isOpen: true,
      fields: {
        publicKey: { isOpen: true, fields: { content: 'string' } },
        proofOfPossession: 'bytes',
      },
    },
    certificateSigningRequest: 'bytes',
  },
  oneof: {
    name: 'dev.sigstore.fulcio.v2.CreateSigningCertificateRequest.key',
    of: ['publicKeyRequest', 'certificateSigningRequest'],
  },
}
const REQUEST_V1: Message = {
  isOpen: true,
  fields: {
    publicKey: { isOpen: true, fields: { content: 'bytes' } },
    signedEmailAddress: 'bytes',
    certificateSigningRequest: 'bytes',
  },
}

function parseBody(request: StackRequest, message: Message): JsonObject {
  return readRequest(decodeUtf8(request.body) ?? '\ufffd', message)
}

function member(object: JsonValue | undefined, name: string): JsonObject | undefined {
  const value = isJsonObject(object) ? object[name] : undefined
  return isJsonObject(value) ? value : undefined
}

function text(object: JsonValue | undefined, name: string): string | undefined {
  const value = isJsonObject(object) ? object[name] : undefined
  return typeof value === 'string' ? value : undefined
}

async function refusable(run: () => Promise<StackReply>): Promise<StackReply> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof RequestRefusal)) throw error
    return error.message === MESSAGE.ct
      ? grpcError(500, GRPC.internal, error.message)
      : grpcError(400, GRPC.invalidArgument, error.message)
  }
}

/** Fulcio's chains do not end in a line feed. */
function trimmed(pem: string): string {
  return pem.trimEnd()
}
