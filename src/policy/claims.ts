/**
 * Claims a bot can be pinned to: policy name and the arc below 1.3.6.1.4.1.57264.1 it is read
 * from. `Signer.claims` has them under the same names.
 */
export const CLAIM_EXTENSIONS = {
  repository: 12,
  'repository-id': 15,
  'owner-id': 17,
  ref: 14,
  trigger: 20,
  runner: 11,
  environment: 23,
  workflow: 9,
  'workflow-sha': 10,
  caller: 18,
} as const

export type ClaimName = keyof typeof CLAIM_EXTENSIONS

export const CLAIM_NAMES = Object.keys(CLAIM_EXTENSIONS) as readonly ClaimName[]
