import { readTextFile } from '../config/text-file.ts'
import type { Settings } from '../config/settings.ts'
import { UsageError } from '../errors.ts'
import { ciTokenHint, isGitHubActions, requestGitHubToken } from '../oidc/ci.ts'
import type { HttpClient } from '../oidc/http-client.ts'
import { checkIdToken } from '../oidc/id-token.ts'
import type { IdToken } from '../oidc/id-token.ts'
import { browserOpener } from './open-browser.ts'

export interface IdentityOptions {
  readonly settings: Settings
  readonly issuer: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly http: HttpClient
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  /** Somebody is there to log in. */
  readonly isInteractive: boolean
  /** To the terminal, else standard error. */
  readonly say: (text: string) => void
}

/** A token and where it came from, for people: which login is taken is always said. */
export interface Identity {
  readonly token: IdToken
  readonly from: string
}

const BROWSER_TIMEOUT_MS = 120_000
const DEVICE_TIMEOUT_MS = 300_000

/** Names of `signet.tokenProvider`, gitsign's among them. */
const PROVIDERS: Readonly<Record<string, Provider>> = {
  auto: 'auto',
  token: 'given',
  envvar: 'given',
  filesystem: 'given',
  'github-actions': 'github-actions',
  github: 'github-actions',
  interactive: 'browser',
  browser: 'browser',
  device: 'device',
}
type Provider = 'auto' | 'given' | 'github-actions' | 'browser' | 'device'

/**
 * Obtains an ID token in the order of the command line's rules: what a setting says, a token that was
 * given, the CI provider, the browser, the device code. Without anybody to log in it fails at once.
 *
 * @throws UsageError NO_LOGIN, TOKEN_PROVIDER, CI_PERMISSION, TOKEN_*; RefusedError; UnavailableError
 */
export async function obtainIdentity(options: IdentityOptions): Promise<Identity> {
  const { settings, env } = options
  const { value: name = 'auto', source } = settings.tokenProvider
  const provider = PROVIDERS[name]
  if (provider === undefined) {
    const known = Object.keys(PROVIDERS).join(', ')
    throw new UsageError('TOKEN_PROVIDER', `cannot use ${source.name}: it is none of ${known}`)
  }
  switch (provider) {
    case 'auto':
      return (
        givenToken(options) ??
        (isGitHubActions(env) ? await gitHubToken(options) : await login(options, 'browser'))
      )
    case 'given': {
      const given = givenToken(options)
      if (given === undefined) throw noLogin(env, `${source.name} asks for a token, none is given`)
      return given
    }
    case 'github-actions':
      return gitHubToken(options)
    case 'browser':
    case 'device':
      return login(options, provider)
  }
}

function givenToken({ settings, clock }: IdentityOptions): Identity | undefined {
  const { idToken, tokenFile, clientId } = settings
  let jwt: string
  let from: string
  if (idToken.value !== undefined) {
    jwt = idToken.value
    from = idToken.source.name
  } else if (tokenFile.value !== undefined) {
    from = `${tokenFile.value} (${tokenFile.source.name})`
    jwt = readTextFile(tokenFile.value, 'TOKEN_FILE', 'the token file').trim()
  } else return undefined
  const token = checkIdToken(jwt, {
    audience: clientId.value,
    now: clock() / 1000,
    origin: 'given',
    from,
  })
  return { token, from: `the token in ${from}` }
}

async function gitHubToken(options: IdentityOptions): Promise<Identity> {
  const { env, http, settings, clock } = options
  const audience = settings.clientId.value
  const jwt = await requestGitHubToken(env, audience, http)
  const token = checkIdToken(jwt, {
    audience,
    now: clock() / 1000,
    origin: 'issued',
    from: 'GitHub Actions',
  })
  return { token, from: 'GitHub Actions (this job’s identity, not a person’s)' }
}

async function login(options: IdentityOptions, wanted: 'browser' | 'device'): Promise<Identity> {
  const { settings, issuer, env, say } = options
  if (!options.isInteractive) {
    throw noLogin(env, 'there is no token, and no terminal to log in at')
  }
  const provider = {
    issuer,
    clientId: settings.clientId.value,
    clientSecret: clientSecret(settings),
    connectorId: settings.connectorId.value,
    http: options.http,
    say,
  }
  const openBrowser = browserOpener(env, settings.urlOpener.value)
  if (wanted === 'browser' && openBrowser !== undefined) {
    const { loginByBrowser } = await import('../oidc/browser-login.ts')
    const closes = settings.autoclose.value
    const result = await loginByBrowser({
      ...provider,
      redirectUrl: settings.redirectUrl.value,
      openBrowser,
      timeoutMs: BROWSER_TIMEOUT_MS,
      closeAfterSeconds: closes ? settings.autocloseTimeout.value : undefined,
    })
    if (result !== undefined) {
      return issued(options, result.jwt, result.nonce, `a login in the browser (${issuer})`)
    }
    say('git-signet: no browser could be opened here\n')
  }
  const { loginByDevice } = await import('../oidc/device-login.ts')
  const jwt = await loginByDevice({ ...provider, timeoutMs: DEVICE_TIMEOUT_MS })
  return issued(options, jwt, undefined, `a login with a code (${issuer})`)
}

function issued(
  { settings, issuer, clock }: IdentityOptions,
  jwt: string,
  nonce: string | undefined,
  from: string,
): Identity {
  const token = checkIdToken(jwt, {
    audience: settings.clientId.value,
    issuer,
    nonce,
    now: clock() / 1000,
    origin: 'issued',
    from: 'the login',
  })
  return { token, from }
}

function clientSecret({ clientSecretFile }: Settings): string | undefined {
  const { value } = clientSecretFile
  return value === undefined
    ? undefined
    : readTextFile(value, 'CLIENT_SECRET_FILE', 'the client secret file').trim()
}

function noLogin(env: IdentityOptions['env'], why: string): UsageError {
  const hint =
    ciTokenHint(env) ??
    'sign in a terminal, or give a token: SIGSTORE_ID_TOKEN=…, or git config signet.tokenFile FILE\n' +
      'unsigned for now: git commit --no-gpg-sign'
  return new UsageError('NO_LOGIN', `cannot log in: ${why}`, { hint })
}
