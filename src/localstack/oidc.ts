import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { encodeBase64Url } from '../encoding/base64.ts'
import { encodeUtf8 } from '../encoding/bytes.ts'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { sha256 } from '../crypto/digest.ts'
import {
  AUTHORIZATION_PARAMETERS,
  OUT_OF_BAND,
  readAuthorization,
} from './authorization-request.ts'
import { DEVICE_INTERVAL_S, DEVICE_LIFETIME_S, Grants } from './grants.ts'
import type { Grant, GrantError } from './grants.ts'
import { jsonReply, parseForm } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'
import { AUDIENCE } from './id-token.ts'
import type { TokenIssuer } from './id-token.ts'
import { codePage, devicePage, loginPage, messagePage } from './issuer-pages.ts'
import { isEmail } from './principal.ts'

/** Path of the issuer below the stack's URL. */
export const OIDC_PATH = '/oidc'

/** How long an ID token lives, in seconds; the public issuer's live a minute. */
export const ID_TOKEN_LIFETIME_S = 600

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
const NOT_EMAIL = 'Type an e-mail address, as in you@example.com.'
const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' }
/** Who a program is that asks in its own name. */
const SERVICE_IDENTITY = 'service@localhost'

export interface OidcOptions {
  readonly issuer: TokenIssuer
  readonly clock: () => number
  /** Also serve `/test-token`, and log in without a page when asked (`prompt=none`). */
  readonly isTest: boolean
}

/**
 * The issuer people log in at: authorization code with PKCE, device code, client credentials.
 *
 * Anybody who can reach it may be anybody: it proves that the flows work, not who somebody is.
 */
export class OidcProvider {
  readonly #issuer: TokenIssuer
  readonly #clock: () => number
  readonly #isTest: boolean
  readonly #grants: Grants
  /** Offered in the next form. */
  #lastEmail = ''

  constructor(options: OidcOptions) {
    this.#issuer = options.issuer
    this.#clock = options.clock
    this.#isTest = options.isTest
    this.#grants = new Grants(options.clock)
  }

  routes(): Route[] {
    const route = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
      service: 'oidc',
      method,
      path: `${OIDC_PATH}${path}`,
      handle,
    })
    return [
      route('GET', '/.well-known/openid-configuration', () => jsonReply(200, this.#discovery())),
      route('GET', '/keys', async () => jsonReply(200, await this.#issuer.keySet())),
      route('GET', '/auth', (request) => this.#authorize(request.query, undefined)),
      route('POST', '/auth', (request) => {
        const form = parseForm(request)
        return this.#authorize(form, form.get('email') ?? '')
      }),
      route('POST', '/token', (request) => this.#token(request)),
      route('POST', '/device/code', (request) => this.#deviceAuthorization(request)),
      route('GET', '/device', (request) =>
        devicePage(`${OIDC_PATH}/device`, request.query.get('user_code') ?? '', this.#lastEmail),
      ),
      route('POST', '/device', (request) => this.#decideDevice(parseForm(request))),
      ...(this.#isTest
        ? (['GET', 'POST'] as const).map((method) => ({
            service: 'oidc' as const,
            method,
            path: '/test-token',
            handle: (request: StackRequest) => this.#testToken(request),
          }))
        : []),
    ]
  }

  /** An ID token for `email` with further or other claims. */
  idToken(email: string, claims: JsonObject = {}, fault?: string): Promise<string> {
    const now = Math.floor(this.#clock() / 1000)
    const issued = fault === 'lie-expired' ? now - 2 * ID_TOKEN_LIFETIME_S : now
    const named = fault === 'lie-identity' ? 'stranger@example.com' : email
    return this.#issuer.sign(
      {
        sub: named,
        aud: AUDIENCE,
        iat: issued,
        exp: issued + ID_TOKEN_LIFETIME_S,
        email: named,
        email_verified: true,
        ...claims,
        ...(fault === 'lie-nonce' ? { nonce: 'another' } : {}),
        ...(fault === 'lie-audience' ? { aud: 'another' } : {}),
        ...(fault === 'lie-issuer' ? { iss: 'https://issuer.example.com' } : {}),
      },
      fault === 'lie-key'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
        : undefined,
    )
  }

  #discovery(): JsonObject {
    const { url } = this.#issuer
    return {
      issuer: url,
      authorization_endpoint: `${url}/auth`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/keys`,
      device_authorization_endpoint: `${url}/device/code`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'client_credentials', DEVICE_CODE],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256'],
      scopes_supported: ['openid', 'email'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      claims_supported: ['iss', 'sub', 'aud', 'iat', 'exp', 'nonce', 'email', 'email_verified'],
      authorization_response_iss_parameter_supported: true,
    }
  }

  /** @param email - what the form sent; undefined when it has not been shown yet */
  #authorize(parameters: URLSearchParams, email: string | undefined): StackReply {
    const read = readAuthorization(parameters)
    if (read.kind === 'page') return messagePage(400, 'This cannot be answered', read.message)
    if (read.kind === 'redirect') {
      const { to, error, description, state } = read
      return this.#redirect(to, { error, error_description: description, state })
    }
    const { request } = read
    if (request.prompt === 'none' && !(this.#isTest && isEmail(request.loginHint))) {
      const { redirectUri, state } = request
      return this.#redirect(redirectUri, { error: 'login_required', state })
    }
    const named = request.prompt === 'none' ? request.loginHint : email
    if (named === undefined || !isEmail(named)) {
      const hidden = [...parameters].filter(([name]) => AUTHORIZATION_PARAMETERS.includes(name))
      const hint = named ?? (request.loginHint === '' ? this.#lastEmail : request.loginHint)
      return loginPage(`${OIDC_PATH}/auth`, hidden, hint, named === undefined ? '' : NOT_EMAIL)
    }
    this.#lastEmail = named
    const { clientId, redirectUri, codeChallenge, nonce, state } = request
    const code = this.#grants.createCode({
      clientId,
      redirectUri,
      codeChallenge,
      nonce,
      email: named,
    })
    return this.#redirect(redirectUri, { code, state })
  }

  #redirect(to: string, parameters: Readonly<Record<string, string | undefined>>): StackReply {
    if (to === OUT_OF_BAND) {
      return parameters['code'] === undefined
        ? messagePage(400, 'This cannot be answered', parameters['error_description'] ?? '')
        : codePage(parameters['code'])
    }
    const url = new URL(to)
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    url.searchParams.set('iss', this.#issuer.url)
    return { status: 303, headers: { location: url.href, ...NO_STORE } }
  }

  async #token(request: StackRequest): Promise<StackReply> {
    const form = parseForm(request)
    const client = readClient(request, form)
    if (client === undefined) {
      return jsonReply(
        401,
        { error: 'invalid_client' },
        { ...NO_STORE, 'www-authenticate': 'Basic realm="git-signet LOCAL"' },
      )
    }
    const grant = this.#grantOf(form, client)
    if (typeof grant === 'string') return jsonReply(400, { error: grant }, NO_STORE)
    const accessToken = encodeBase64Url(randomBytes(24))
    const idToken = await this.idToken(
      grant.email,
      {
        aud: grant.clientId,
        at_hash: encodeBase64Url(sha256(encodeUtf8(accessToken)).subarray(0, 16)),
        ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
      },
      request.fault,
    )
    return jsonReply(
      200,
      {
        access_token: accessToken,
        token_type: 'bearer',
        expires_in: ID_TOKEN_LIFETIME_S,
        id_token: idToken,
      },
      NO_STORE,
    )
  }

  #grantOf(
    form: URLSearchParams,
    clientId: string,
  ): Grant | GrantError | 'unsupported_grant_type' | 'invalid_request' {
    const codeVerifier = form.get('code_verifier') ?? ''
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return this.#grants.redeemCode(form.get('code') ?? '', {
          clientId,
          redirectUri: form.get('redirect_uri') ?? '',
          codeVerifier,
        })
      case DEVICE_CODE:
        return this.#grants.pollDevice(form.get('device_code') ?? '', { clientId, codeVerifier })
      case 'client_credentials': {
        const email = form.get('login_hint') ?? SERVICE_IDENTITY
        return isEmail(email) ? { clientId, email, nonce: undefined } : 'invalid_request'
      }
      default:
        return 'unsupported_grant_type'
    }
  }

  #deviceAuthorization(request: StackRequest): StackReply {
    const form = parseForm(request)
    const client = readClient(request, form)
    if (client === undefined) return jsonReply(401, { error: 'invalid_client' }, NO_STORE)
    const challenge = form.get('code_challenge') ?? undefined
    if (challenge !== undefined && form.get('code_challenge_method') !== 'S256') {
      return jsonReply(400, { error: 'invalid_request' }, NO_STORE)
    }
    const { deviceCode, userCode } = this.#grants.createDevice(client, challenge)
    const page = `${this.#issuer.url}/device`
    return jsonReply(
      200,
      {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${userCode}`,
        expires_in: DEVICE_LIFETIME_S,
        interval: DEVICE_INTERVAL_S,
      },
      NO_STORE,
    )
  }

  #decideDevice(form: URLSearchParams): StackReply {
    const userCode = form.get('user_code') ?? ''
    const email = form.get('email') ?? ''
    const isAllowed = form.get('decision') === 'allow'
    const again = (error: string): StackReply =>
      devicePage(`${OIDC_PATH}/device`, userCode, email, error)
    if (isAllowed && !isEmail(email)) return again(NOT_EMAIL)
    if (!this.#grants.decideDevice(userCode, isAllowed ? { email } : 'denied')) {
      return again('No program waits for this code. Look at it again, or start the program anew.')
    }
    if (!isAllowed) return messagePage(200, 'Denied', 'The program was told no.')
    this.#lastEmail = email
    return messagePage(200, 'Done', 'The program goes on by itself. You can close this page.')
  }

  async #testToken(request: StackRequest): Promise<StackReply> {
    const parameters = request.method === 'POST' ? parseForm(request) : request.query
    const email = parameters.get('email') ?? parameters.get('sub') ?? 'test@example.com'
    const claims: Record<string, JsonValue> = {}
    for (const name of ['sub', 'aud', 'nonce', 'iss']) {
      const value = parameters.get(name)
      if (value !== null) claims[name] = value
    }
    const more = parseClaims(parameters.get('claims') ?? '{}')
    if (more === undefined) return jsonReply(400, { error: 'claims is not a JSON object' })
    return {
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8', ...NO_STORE },
      body: await this.idToken(email, { ...claims, ...more }, request.fault),
    }
  }
}

/** JSON object given in a query; undefined for anything else. */
export function parseClaims(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue
    return isJsonObject(value) ? value : undefined
  } catch {
    // JSON.parse throws SyntaxError only.
    return undefined
  }
}

/** The public client, named by Basic with an empty secret or in the form (Go tries both). */
function readClient(request: StackRequest, form: URLSearchParams): string | undefined {
  const basic = /^basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  let clientId = form.get('client_id')
  let secret = form.get('client_secret') ?? ''
  if (basic !== undefined) {
    const text = Buffer.from(basic, 'base64').toString('utf8')
    const colon = text.indexOf(':')
    clientId = decodeURIComponent(text.slice(0, colon))
    secret = text.slice(colon + 1)
  }
  return clientId === AUDIENCE && secret === '' ? clientId : undefined
}
