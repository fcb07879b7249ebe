import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { RefusedError } from '../errors.ts'
import { listenForCallback } from './callback-listener.ts'
import { LOGIN_SCOPE, asLoginError, discoverProvider } from './provider.ts'
import type { ProviderOptions } from './provider.ts'

export interface BrowserLoginOptions extends ProviderOptions {
  /** Where the browser is sent back to; undefined: a free port on loopback. */
  readonly redirectUrl: string | undefined
  /** Opens the browser; resolves to whether it could. */
  readonly openBrowser: (url: string) => Promise<boolean>
  readonly say: (text: string) => void
  readonly timeoutMs: number
  /** After how long the page closes itself; undefined: never. */
  readonly closeAfterSeconds: number | undefined
}

/** An ID token and the nonce that it must have. */
export interface LoginResult {
  readonly jwt: string
  readonly nonce: string
}

/**
 * Logs in with a browser on this machine: authorization code with PKCE, answered on loopback.
 *
 * @returns undefined where no browser could be opened
 * @throws RefusedError LOGIN_FAILED; UnavailableError LOGIN_TIMEOUT; UsageError REDIRECT_URL
 * @see RFC 6749 §4.1, RFC 7636, RFC 8252 §7.3
 */
export async function loginByBrowser(
  options: BrowserLoginOptions,
): Promise<LoginResult | undefined> {
  const { issuer, say } = options
  const provider = await discoverProvider(options)
  const state = randomState()
  const listener = await listenForCallback(options.redirectUrl, state, options.closeAfterSeconds)
  try {
    const codeVerifier = randomPKCECodeVerifier()
    const nonce = randomNonce()
    const url = buildAuthorizationUrl(provider, {
      redirect_uri: listener.redirectUrl,
      scope: LOGIN_SCOPE,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      access_type: 'online',
      ...(options.connectorId === undefined ? {} : { connector_id: options.connectorId }),
    })
    say(`To sign, log in with your browser:\n${url.href}\n`)
    if (!(await options.openBrowser(url.href))) return undefined
    const answer = await listener.answer(options.timeoutMs)
    const tokens = await asLoginError(issuer, () =>
      authorizationCodeGrant(provider, answer, {
        pkceCodeVerifier: codeVerifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      }),
    )
    if (tokens.id_token === undefined) {
      throw new RefusedError('LOGIN_FAILED', `cannot log in at ${issuer}: it gave no ID token`)
    }
    return { jwt: tokens.id_token, nonce }
  } finally {
    listener.close()
  }
}
