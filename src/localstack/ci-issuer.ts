import { generateKeyPairSync } from 'node:crypto'
import type { JsonObject, JsonValue } from '../encoding/json.ts'
import { jsonReply } from './http.ts'
import type { Route, StackReply, StackRequest } from './http.ts'
import { AUDIENCE } from './id-token.ts'
import type { TokenIssuer } from './id-token.ts'
import { ID_TOKEN_LIFETIME_S } from './oidc.ts'

/** Path of the issuer below the stack's URL. */
export const CI_PATH = '/ci/github'

/** What a workflow run of a made-up repository has in its token (all strings, as GitHub has them). */
const RUN: Readonly<Record<string, string>> = {
  repository: 'octo-org/local',
  repository_id: '1296269',
  repository_owner: 'octo-org',
  repository_owner_id: '6811672',
  repository_visibility: 'public',
  ref: 'refs/heads/main',
  ref_type: 'branch',
  sha: '0123456789abcdef0123456789abcdef01234567',
  workflow: 'release',
  event_name: 'push',
  runner_environment: 'github-hosted',
  run_id: '4242',
  run_number: '7',
  run_attempt: '1',
  actor: 'octocat',
  actor_id: '583231',
}

/**
 * An issuer like that of GitHub Actions, with the endpoint that a job asks for its token. Any query
 * parameter of the token URL replaces the claim of that name.
 */
export function ciRoutes(issuer: TokenIssuer, clock: () => number): Route[] {
  const get = (path: string, handle: Route['handle']): Route => ({
    service: 'ci',
    method: 'GET',
    path: `${CI_PATH}${path}`,
    handle,
  })
  return [
    get('/.well-known/openid-configuration', () =>
      jsonReply(200, {
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/keys`,
        subject_types_supported: ['public', 'pairwise'],
        response_types_supported: ['id_token'],
        id_token_signing_alg_values_supported: ['RS256'],
        scopes_supported: ['openid'],
      }),
    ),
    get('/keys', async () => jsonReply(200, await issuer.keySet())),
    get('/token', (request) => token(issuer, clock, request)),
  ]
}

async function token(
  issuer: TokenIssuer,
  clock: () => number,
  request: StackRequest,
): Promise<StackReply> {
  if (!/^bearer \S+$/i.test(request.headers.authorization ?? '')) {
    return jsonReply(401, { message: 'a bearer token is needed' })
  }
  const claims: Record<string, string> = {}
  for (const [name, value] of request.query) {
    if (name !== 'audience' && name !== 'api-version') claims[name] = value
  }
  const value = await ciToken(issuer, clock(), claims, {
    audience: request.query.get('audience') ?? AUDIENCE,
    ...(request.fault === undefined ? {} : { fault: request.fault }),
  })
  return jsonReply(200, { count: value.length, value })
}

/** An ID token as a workflow run gets it; `given` replaces claims. */
export function ciToken(
  issuer: TokenIssuer,
  nowMs: number,
  given: JsonObject = {},
  { audience = AUDIENCE, fault = '' }: { audience?: string; fault?: string } = {},
): Promise<string> {
  const run: Record<string, JsonValue> = { ...RUN, ...given }
  const claim = (name: string): string => {
    const value = run[name]
    return typeof value === 'string' ? value : ''
  }
  const repository = claim('repository')
  const ref = claim('ref')
  const sha = claim('sha')
  const environment = claim('environment')
  const workflow = `${repository}/.github/workflows/${claim('workflow')}.yml@${ref}`
  const context = environment === '' ? `ref:${ref}` : `environment:${environment}`
  const now = Math.floor(nowMs / 1000) - (fault === 'lie-expired' ? 2 * ID_TOKEN_LIFETIME_S : 0)
  return issuer.sign(
    {
      sub: `repo:${repository}:${context}`,
      workflow_ref: workflow,
      workflow_sha: sha,
      job_workflow_ref: workflow,
      job_workflow_sha: sha,
      ...run,
      aud: fault === 'lie-audience' ? 'another' : audience,
      iat: now,
      nbf: now - 300,
      exp: now + ID_TOKEN_LIFETIME_S,
    },
    fault === 'lie-key'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : undefined,
  )
}
