import { decodeUtf8 } from '../encoding/bytes.ts'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import { MalformedError, RefusedError, UsageError } from '../errors.ts'
import type { HttpClient } from './http-client.ts'

type Environment = Readonly<Record<string, string | undefined>>

const SERVICE = 'GitHub Actions'

/** Whether this is a job of GitHub Actions, with or without the right to an ID token. */
export function isGitHubActions(env: Environment): boolean {
  return env['GITHUB_ACTIONS'] === 'true' || env['ACTIONS_ID_TOKEN_REQUEST_URL'] !== undefined
}

/**
 * Asks GitHub for the job's ID token.
 *
 * @throws UsageError CI_PERMISSION the workflow does not allow it; RefusedError; UnavailableError
 * @see https://docs.github.com/actions "OpenID Connect reference"
 */
export async function requestGitHubToken(
  env: Environment,
  audience: string,
  http: HttpClient,
): Promise<string> {
  const address = env['ACTIONS_ID_TOKEN_REQUEST_URL']
  const requestToken = env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']
  if (!address || !requestToken || !URL.canParse(address)) {
    throw new UsageError(
      'CI_PERMISSION',
      'cannot log in with GitHub Actions: the workflow does not let this job have an ID token',
      {
        hint: 'add to the job or workflow:\n  permissions:\n    id-token: write\n    contents: read',
      },
    )
  }
  const url = new URL(address)
  url.searchParams.set('audience', audience)
  const response = await http.request({
    service: SERVICE,
    method: 'GET',
    url,
    headers: { authorization: `bearer ${requestToken}`, accept: 'application/json' },
    secrets: [requestToken],
    expected: [200],
  })
  try {
    const answer = parseJson(decodeUtf8(response.body) ?? '', 'answer')
    const value = isJsonObject(answer) ? answer['value'] : undefined
    if (typeof value === 'string') return value
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  throw new RefusedError('SERVICE_ANSWER', `${SERVICE} gave a wrong answer: no ID token in it`)
}

/** What to add so that another CI gives a token; undefined where this is none that is known. */
export function ciTokenHint(env: Environment): string | undefined {
  if (env['GITLAB_CI'] !== undefined) {
    return 'add to the job:\n  id_tokens:\n    SIGSTORE_ID_TOKEN:\n      aud: sigstore'
  }
  if (env['CIRCLECI'] !== undefined) {
    return `export SIGSTORE_ID_TOKEN=$(circleci run oidc get --claims '{"aud":"sigstore"}')`
  }
  if (env['BUILDKITE'] !== undefined) {
    return 'export SIGSTORE_ID_TOKEN=$(buildkite-agent oidc request-token --audience sigstore)'
  }
  return undefined
}
