import type { JsonObject } from '../encoding/json.ts'

/** Who a token says somebody is, as it goes into a certificate. */
export interface Principal {
  readonly sanType: 'email' | 'uri'
  readonly san: string
  /** What proof of possession may be signed over: the name of the principal, or the token's `sub`. */
  readonly challenges: readonly string[]
  /** Below 1.3.6.1.4.1.57264.1, in order; `isRaw` ones have no inner DER. */
  readonly extensions: readonly {
    readonly arc: number
    readonly value: string
    readonly isRaw?: true
  }[]
}

/** How an issuer's tokens become principals. */
export type IssuerType = 'email' | 'github-workflow'

/**
 * @returns undefined when the token lacks what its issuer's type needs
 * @see Fulcio docs/oidc.md
 */
export function principalOf(type: IssuerType, claims: JsonObject): Principal | undefined {
  return type === 'email' ? emailPrincipal(claims) : workflowPrincipal(claims)
}

function emailPrincipal(claims: JsonObject): Principal | undefined {
  const { iss, sub, email, email_verified: isVerified } = claims
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub === '') return undefined
  if (typeof email !== 'string' || !isEmail(email)) return undefined
  if (isVerified !== true && isVerified !== 'true') return undefined
  return {
    sanType: 'email',
    san: email,
    challenges: [email, sub],
    extensions: [
      { arc: 1, value: iss, isRaw: true },
      { arc: 8, value: iss },
      { arc: 24, value: sub },
    ],
  }
}

export function isEmail(text: string): boolean {
  return text.length <= 254 && /^[!-?A-~]+@[!-?A-~]+$/.test(text)
}

const GITHUB_URL = 'https://github.com'

/** @see Fulcio pkg/identity/github, and its OID table (docs/oid-info.md) */
function workflowPrincipal(claims: JsonObject): Principal | undefined {
  const claim = (name: string): string => {
    const value = claims[name]
    return typeof value === 'string' ? value : ''
  }
  const needed = [
    'iss',
    'sub',
    'job_workflow_ref',
    'job_workflow_sha',
    'sha',
    'event_name',
    'repository',
    'repository_id',
    'repository_owner',
    'repository_owner_id',
    'repository_visibility',
    'workflow',
    'workflow_ref',
    'workflow_sha',
    'ref',
    'runner_environment',
    'run_id',
    'run_attempt',
  ]
  if (needed.some((name) => claim(name) === '')) return undefined
  const repository = `${GITHUB_URL}/${claim('repository')}`
  const workflow = `${GITHUB_URL}/${claim('job_workflow_ref')}`
  const environment = claim('environment')
  return {
    sanType: 'uri',
    san: workflow,
    challenges: [claim('sub')],
    extensions: [
      { arc: 1, value: claim('iss'), isRaw: true },
      { arc: 2, value: claim('event_name'), isRaw: true },
      { arc: 3, value: claim('sha'), isRaw: true },
      { arc: 4, value: claim('workflow'), isRaw: true },
      { arc: 5, value: claim('repository'), isRaw: true },
      { arc: 6, value: claim('ref'), isRaw: true },
      { arc: 8, value: claim('iss') },
      { arc: 9, value: workflow },
      { arc: 10, value: claim('job_workflow_sha') },
      { arc: 11, value: claim('runner_environment') },
      { arc: 12, value: repository },
      { arc: 13, value: claim('sha') },
      { arc: 14, value: claim('ref') },
      { arc: 15, value: claim('repository_id') },
      { arc: 16, value: `${GITHUB_URL}/${claim('repository_owner')}` },
      { arc: 17, value: claim('repository_owner_id') },
      { arc: 18, value: `${GITHUB_URL}/${claim('workflow_ref')}` },
      { arc: 19, value: claim('workflow_sha') },
      { arc: 20, value: claim('event_name') },
      {
        arc: 21,
        value: `${repository}/actions/runs/${claim('run_id')}/attempts/${claim('run_attempt')}`,
      },
      { arc: 22, value: claim('repository_visibility') },
      ...(environment === '' ? [] : [{ arc: 23, value: environment }]),
      { arc: 24, value: claim('sub') },
    ],
  }
}
