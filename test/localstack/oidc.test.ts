import { createHash, randomBytes } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import {
  None,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  clientCredentialsGrant,
  discovery,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import type { ClientAuth, Configuration } from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startLocalStack } from '../../src/localstack/stack.ts'
import type { LocalStack } from '../../src/localstack/stack.ts'

/** As Go's oauth2 library asks first. */
const basicWithoutSecret: ClientAuth = (_server, _client, _body, headers) => {
  headers.set('authorization', `Basic ${Buffer.from('sigstore:').toString('base64')}`)
}

const REDIRECT = 'http://localhost:1/auth/callback'

describe('the issuer', () => {
  let stack: LocalStack

  beforeAll(async () => {
    stack = await startLocalStack({ port: 0, test: true })
  })

  afterAll(async () => {
    await stack.close()
  })

  /* eslint-disable @typescript-eslint/no-deprecated -- deprecated only to stand out; this is loopback */
  const configure = (auth: ClientAuth = None()): Promise<Configuration> =>
    discovery(new URL(stack.issuer), 'sigstore', undefined, auth, {
      execute: [allowInsecureRequests],
    })
  /* eslint-enable @typescript-eslint/no-deprecated */

  /** What a browser does: load the page, fill in the form, follow the answer. */
  async function logIn(url: URL, email: string): Promise<Response> {
    const page = await fetch(url)
    expect(page.status).toBe(200)
    const form = new URLSearchParams()
    for (const [, name = '', value = ''] of (await page.text()).matchAll(
      /type="hidden" name="([^"]*)" value="([^"]*)"/g,
    )) {
      form.set(
        name,
        value.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
      )
    }
    form.set('email', email)
    return fetch(`${stack.url}/oidc/auth`, { method: 'POST', body: form, redirect: 'manual' })
  }

  async function authorizationUrl(more: Record<string, string> = {}): Promise<{
    url: URL
    pkceCodeVerifier: string
    expectedState: string
    expectedNonce: string
  }> {
    const pkceCodeVerifier = randomPKCECodeVerifier()
    const expectedState = randomState()
    const expectedNonce = randomNonce()
    const url = buildAuthorizationUrl(await configure(), {
      redirect_uri: REDIRECT,
      scope: 'openid email',
      code_challenge: await calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      ...more,
    })
    return { url, pkceCodeVerifier, expectedState, expectedNonce }
  }

  test.each([
    ['no client authentication', None()],
    ['Basic with an empty secret', basicWithoutSecret],
  ])('logs in with code and PKCE, with %s', async (_how, auth) => {
    const { url, ...checks } = await authorizationUrl()
    const answer = await logIn(url, 'alice@example.com')
    expect(answer.status).toBe(303)
    const callback = new URL(answer.headers.get('location') ?? '')
    expect(callback.href.startsWith(REDIRECT)).toBe(true)
    const tokens = await authorizationCodeGrant(await configure(auth), callback, checks)
    expect(tokens.claims()).toMatchObject({
      iss: stack.issuer,
      aud: 'sigstore',
      sub: 'alice@example.com',
      email: 'alice@example.com',
      email_verified: true,
      nonce: checks.expectedNonce,
    })
    const keys = (await (await fetch(`${stack.issuer}/keys`)).json()) as JSONWebKeySet
    await jwtVerify(tokens.id_token ?? '', createLocalJWKSet(keys), { algorithms: ['RS256'] })
    const { at_hash } = decodeJwt(tokens.id_token ?? '')
    const half = createHash('sha256').update(tokens.access_token).digest().subarray(0, 16)
    expect(at_hash).toBe(half.toString('base64url'))
  })

  test('a code is good once, for its own redirect and verifier', async () => {
    const { url, pkceCodeVerifier } = await authorizationUrl()
    const newCode = async (): Promise<string> => {
      const answer = await logIn(url, 'alice@example.com')
      return new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
    }
    const redeem = async (code: string, more: Record<string, string> = {}): Promise<unknown> => {
      const response = await fetch(`${stack.issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: 'sigstore',
          code,
          redirect_uri: REDIRECT,
          code_verifier: pkceCodeVerifier,
          ...more,
        }),
      })
      return response.status === 200 ? 200 : ((await response.json()) as { error: string }).error
    }
    const code = await newCode()
    expect(await redeem(code)).toBe(200)
    expect(await redeem(code)).toBe('invalid_grant')
    const spoilt = await newCode()
    expect(await redeem(spoilt, { code_verifier: 'x'.repeat(43) })).toBe('invalid_grant')
    expect(await redeem(spoilt)).toBe('invalid_grant')
    expect(await redeem(await newCode(), { redirect_uri: 'http://localhost:2/' })).toBe(
      'invalid_grant',
    )
    expect(await redeem(await newCode(), { client_id: 'other' })).toBe('invalid_client')
    expect(await redeem(await newCode(), { client_secret: 'guess' })).toBe('invalid_client')
    expect(await redeem(await newCode(), { grant_type: 'password' })).toBe('unsupported_grant_type')
  })

  test('sends codes to this machine only', async () => {
    for (const redirect of [
      'http://127.0.0.1:9/x',
      'http://[::1]:9/',
      'http://localhost/any/path',
    ]) {
      const { url } = await authorizationUrl({ redirect_uri: redirect })
      expect((await logIn(url, 'alice@example.com')).status).toBe(303)
    }
    for (const redirect of [
      'https://evil.example/',
      'http://localhost.evil.example/',
      'http://localhost@evil.example/',
      'https://localhost/',
      'javascript:alert(1)',
      '',
    ]) {
      const { url } = await authorizationUrl({ redirect_uri: redirect })
      const page = await fetch(url, { redirect: 'manual' })
      expect(page.status).toBe(400)
      expect(page.headers.get('location')).toBeNull()
    }
  })

  test('shows the code where a program has no port to redirect to', async () => {
    const { url, pkceCodeVerifier } = await authorizationUrl({
      redirect_uri: 'urn:ietf:wg:oauth:2.0:oob',
    })
    const page = await logIn(url, 'alice@example.com')
    const code = /<code class="code">([^<]+)</.exec(await page.text())?.[1] ?? ''
    const response = await fetch(`${stack.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'sigstore',
        code,
        redirect_uri: 'urn:ietf:wg:oauth:2.0:oob',
        code_verifier: pkceCodeVerifier,
      }),
    })
    expect(response.status).toBe(200)
  })

  test('asks again for an address that is none, and keeps markup out of the page', async () => {
    const { url } = await authorizationUrl({ state: '"><script>alert(1)</script>' })
    const page = await logIn(url, '"><b>nobody')
    expect(page.status).toBe(400)
    const text = await page.text()
    expect(text).toContain('role="alert"')
    expect(text).not.toContain('<script>')
    expect(text).not.toContain('<b>nobody')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('wants PKCE with S256', async () => {
    const { url } = await authorizationUrl({ code_challenge_method: 'plain' })
    const answer = await fetch(url, { redirect: 'manual' })
    const { searchParams } = new URL(answer.headers.get('location') ?? '')
    expect(searchParams.get('error')).toBe('invalid_request')
  })

  test('logs in without a page when a test asks for it', async () => {
    const { url } = await authorizationUrl({ prompt: 'none', login_hint: 'alice@example.com' })
    const answer = await fetch(url, { redirect: 'manual' })
    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('code')).not.toBeNull()
    const { url: bare } = await authorizationUrl({ prompt: 'none' })
    const refused = await fetch(bare, { redirect: 'manual' })
    expect(new URL(refused.headers.get('location') ?? '').searchParams.get('error')).toBe(
      'login_required',
    )
  })

  async function decide(userCode: string, decision: string): Promise<string> {
    const body = new URLSearchParams({ user_code: userCode, email: 'alice@example.com', decision })
    return (await fetch(`${stack.issuer}/device`, { method: 'POST', body })).text()
  }

  test('connects a device that proves who asked', async () => {
    const configuration = await configure()
    const verifier = randomPKCECodeVerifier()
    const device = await initiateDeviceAuthorization(configuration, {
      scope: 'openid email',
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    expect(device.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
    expect(device.verification_uri_complete).toContain(device.user_code)
    const polling = pollDeviceAuthorizationGrant(configuration, device, { code_verifier: verifier })
    // As people type it.
    expect(await decide(device.user_code.toLowerCase().replace('-', ' '), 'allow')).toContain(
      'Done',
    )
    expect((await polling).claims()?.sub).toBe('alice@example.com')
    expect(await decide(device.user_code, 'allow')).toContain('No program waits')
  })

  test('tells a device that it was denied, must wait, or asks too often', async () => {
    const ask = async (
      path: string,
      fields: Record<string, string>,
    ): Promise<Record<string, string>> =>
      (await (
        await fetch(`${stack.issuer}${path}`, {
          method: 'POST',
          body: new URLSearchParams({ client_id: 'sigstore', ...fields }),
        })
      ).json()) as Record<string, string>
    const device = await ask('/device/code', { scope: 'openid email' })
    const poll = async (): Promise<string | undefined> =>
      (
        await ask('/token', {
          grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
          device_code: device['device_code'] ?? '',
        })
      )['error']
    expect(await poll()).toBe('authorization_pending')
    expect(await poll()).toBe('slow_down')
    await decide(device['user_code'] ?? '', 'deny')
    expect(await poll()).toBe('access_denied')
    expect(await poll()).toBe('invalid_grant')
  })

  test('gives programs an ID token for client credentials', async () => {
    const tokens = await clientCredentialsGrant(await configure(), { scope: 'openid' })
    const claims = decodeJwt(tokens.id_token ?? '')
    expect(claims).toMatchObject({
      sub: 'service@localhost',
      email: 'service@localhost',
      aud: 'sigstore',
    })
  })

  test('opens the token route only for tests', async () => {
    const closed = await startLocalStack({ port: 0 })
    try {
      for (const path of ['/test-token', '/ci/github/token']) {
        expect((await fetch(`${closed.url}${path}`)).status).toBe(404)
      }
      expect((await fetch(`${closed.url}/_fault`, { method: 'POST', body: '{}' })).status).toBe(404)
    } finally {
      await closed.close()
    }
    const response = await fetch(
      `${stack.url}/test-token?email=carol@example.com&claims=${encodeURIComponent('{"exp":1}')}`,
    )
    expect(decodeJwt(await response.text())).toMatchObject({ sub: 'carol@example.com', exp: 1 })
  })

  test('gives a CI job its token, with the claims the URL asks for', async () => {
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${stack.ciTokenUrl}&ref=refs/tags/v1&audience=sigstore`, { headers })
    expect((await ask({})).status).toBe(401)
    const response = await ask({ authorization: `bearer ${randomBytes(8).toString('hex')}` })
    const { value } = (await response.json()) as { value: string }
    expect(decodeJwt(value)).toMatchObject({
      iss: `${stack.url}/ci/github`,
      aud: 'sigstore',
      sub: 'repo:octo-org/local:ref:refs/tags/v1',
      job_workflow_ref: 'octo-org/local/.github/workflows/release.yml@refs/tags/v1',
    })
  })
})
