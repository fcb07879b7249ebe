import {
  None,
  ClientSecretPost,
  allowInsecureRequests,
  customFetch,
  discovery,
} from 'openid-client'
import type { Configuration } from 'openid-client'
import { escapeText } from '../encoding/escape.ts'
import { RefusedError, SignetError, UnavailableError } from '../errors.ts'
import type { HttpClient } from './http-client.ts'

/** Whom a person logs in with. */
export interface ProviderOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** Preselects the account provider behind a federated issuer. */
  readonly connectorId: string | undefined
  readonly http: HttpClient
}

export const LOGIN_SCOPE = 'openid email'

/**
 * Reads the issuer's metadata.
 *
 * @throws RefusedError LOGIN_FAILED; UnavailableError
 * @see OpenID Connect Discovery 1.0
 */
export async function discoverProvider(options: ProviderOptions): Promise<Configuration> {
  const issuer = new URL(options.issuer)
  const isPlain = issuer.protocol === 'http:'
  return asLoginError(options.issuer, () =>
    discovery(
      issuer,
      options.clientId,
      undefined,
      options.clientSecret === undefined ? None() : ClientSecretPost(options.clientSecret),
      {
        [customFetch]: (url, init) => fetchThrough(options.http, url, init),
        // Deprecated only to stand out. A private instance on this machine has no TLS, and the
        // address is the person's own setting.
        // eslint-disable-next-line @typescript-eslint/no-deprecated
        ...(isPlain ? { execute: [allowInsecureRequests] } : {}),
      },
    ),
  )
}

/** The part of `fetch` that openid-client uses, by the clients' way to the network. */
async function fetchThrough(
  http: HttpClient,
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: unknown
  },
): Promise<Response> {
  const body = init.body instanceof URLSearchParams ? init.body.toString() : undefined
  const response = await http.request({
    service: 'the login',
    method: init.method === 'POST' ? 'POST' : 'GET',
    url: new URL(url),
    headers: {
      ...init.headers,
      ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(body === undefined ? {} : { body }),
    secrets: [],
  })
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === 'string') headers.set(name, value)
  }
  const hasBody = response.status !== 204 && response.status !== 304
  return new Response(hasBody ? Buffer.from(response.body) : null, {
    status: response.status,
    headers,
  })
}

const AGAIN = 'commit again to log in again\nunsigned for now: git commit --no-gpg-sign'

/** Turns what openid-client throws into our errors; codes and tokens are never in those. */
export async function asLoginError<T>(issuer: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof SignetError) throw error
    const inner: unknown = error instanceof Error ? error.cause : undefined
    if (inner instanceof SignetError) throw inner
    if (error instanceof Error && error.name === 'AbortError') {
      throw new UnavailableError('LOGIN_TIMEOUT', `cannot log in at ${issuer}: nobody answered`, {
        hint: AGAIN,
      })
    }
    const said = error instanceof Error && 'error' in error ? error.error : undefined
    const description =
      error instanceof Error && 'error_description' in error ? error.error_description : undefined
    if (said === 'access_denied') {
      const message = `cannot log in at ${issuer}: the login was denied`
      throw new RefusedError('LOGIN_FAILED', message, { hint: AGAIN })
    }
    const why =
      typeof said === 'string'
        ? [said, description]
            .filter((part) => typeof part === 'string')
            .map((part) => escapeText(part))
            .join(': ')
        : escapeText(error instanceof Error ? error.message : String(error))
    throw new RefusedError('LOGIN_FAILED', `cannot log in at ${issuer}: ${why}`, { hint: AGAIN })
  }
}
