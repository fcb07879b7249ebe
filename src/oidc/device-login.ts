import {
  calculatePKCECodeChallenge,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  randomPKCECodeVerifier,
} from 'openid-client'
import { escapeText } from '../encoding/escape.ts'
import { RefusedError } from '../errors.ts'
import { LOGIN_SCOPE, asLoginError, discoverProvider } from './provider.ts'
import type { ProviderOptions } from './provider.ts'

export interface DeviceLoginOptions extends ProviderOptions {
  /** Shown to the person: where to go, what to type. */
  readonly say: (text: string) => void
  readonly timeoutMs: number
}

/**
 * Logs in with a code that is typed on another device.
 *
 * @returns the ID token, unchecked
 * @throws RefusedError LOGIN_FAILED, LOGIN_NO_DEVICE; UnavailableError LOGIN_TIMEOUT
 * @see RFC 8628
 */
export async function loginByDevice(options: DeviceLoginOptions): Promise<string> {
  const { issuer, say } = options
  const provider = await discoverProvider(options)
  if (provider.serverMetadata().device_authorization_endpoint === undefined) {
    throw new RefusedError(
      'LOGIN_NO_DEVICE',
      `cannot log in at ${issuer} without a browser: it has no device login`,
      { hint: 'give a token in SIGSTORE_ID_TOKEN, or sign where a browser can be opened' },
    )
  }
  return asLoginError(issuer, async () => {
    const verifier = randomPKCECodeVerifier()
    const start = await initiateDeviceAuthorization(provider, {
      scope: LOGIN_SCOPE,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const where = start.verification_uri_complete ?? start.verification_uri
    say(
      `To sign, open  ${escapeText(where)}\nand check that the code is  ${escapeText(start.user_code)}\n`,
    )
    const timeoutMs = Math.min(options.timeoutMs, start.expires_in * 1000)
    const tokens = await pollDeviceAuthorizationGrant(
      provider,
      start,
      { code_verifier: verifier },
      { signal: AbortSignal.timeout(timeoutMs) },
    )
    if (tokens.id_token === undefined) {
      throw new RefusedError('LOGIN_FAILED', `cannot log in at ${issuer}: it gave no ID token`)
    }
    return tokens.id_token
  })
}
