import { AUDIENCE } from './id-token.ts'

/** For programs that cannot open a port: the page shows the code (as Dex and Go's oauthflow do). */
export const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob'

/** An authorization request that passed (RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1). */
export interface AuthorizationRequest {
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string | undefined
  readonly nonce: string | undefined
  readonly codeChallenge: string
  readonly scope: string
  readonly loginHint: string
  readonly prompt: string | undefined
}

export type ReadAuthorization =
  | { readonly kind: 'request'; readonly request: AuthorizationRequest }
  /** Nobody can be told by redirect: it cannot be trusted. */
  | { readonly kind: 'page'; readonly message: string }
  | {
      readonly kind: 'redirect'
      readonly to: string
      readonly error: string
      readonly description: string
      readonly state: string | undefined
    }

/** Names of parameters that the login form sends back as they came. */
export const AUTHORIZATION_PARAMETERS = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'login_hint',
  'prompt',
]

export function readAuthorization(parameters: URLSearchParams): ReadAuthorization {
  const get = (name: string): string | undefined => parameters.get(name) ?? undefined
  const clientId = get('client_id')
  if (clientId !== AUDIENCE) {
    return {
      kind: 'page',
      message: `The program calls itself by a client_id that is not known here; use ${AUDIENCE}.`,
    }
  }
  const redirectUri = get('redirect_uri') ?? ''
  if (!isLoopbackRedirect(redirectUri)) {
    return {
      kind: 'page',
      message: 'The program wants the answer sent to an address that is not on this machine.',
    }
  }
  const state = get('state')
  const refuse = (error: string, description: string): ReadAuthorization => ({
    kind: 'redirect',
    to: redirectUri,
    error,
    description,
    state,
  })
  if (get('response_type') !== 'code') return refuse('unsupported_response_type', 'only code')
  const scope = get('scope') ?? ''
  if (!scope.split(' ').includes('openid')) return refuse('invalid_scope', 'openid is needed')
  const codeChallenge = get('code_challenge') ?? ''
  if (get('code_challenge_method') !== 'S256' || !/^[\w-]{43}$/.test(codeChallenge)) {
    return refuse('invalid_request', 'PKCE with S256 is needed')
  }
  return {
    kind: 'request',
    request: {
      clientId,
      redirectUri,
      state,
      nonce: get('nonce'),
      codeChallenge,
      scope,
      loginHint: get('login_hint') ?? '',
      prompt: get('prompt'),
    },
  }
}

/** Any port and path of this machine (RFC 8252 §7.3), or out of band. */
function isLoopbackRedirect(uri: string): boolean {
  if (uri === OUT_OF_BAND) return true
  if (!URL.canParse(uri)) return false
  const { protocol, hostname, hash, username } = new URL(uri)
  return (
    protocol === 'http:' &&
    hash === '' &&
    username === '' &&
    ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  )
}
