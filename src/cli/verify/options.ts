/** Options that `verify` and `verify-tag` share; other long names are gitsign's. */
export const SIGNER_OPTIONS = {
  identity: {
    type: 'string',
    value: 'WHO',
    summary: 'the address or URI that must have signed, exactly',
    aliases: ['certificate-identity'],
  },
  issuer: {
    type: 'string',
    value: 'URL',
    summary:
      'who must vouch for it: a URL or github, google, microsoft, github-actions, gitlab, buildkite',
    aliases: ['certificate-oidc-issuer'],
  },
  'certificate-identity-regexp': {
    type: 'string',
    value: 'RE2',
    summary:
      'instead of --identity: a pattern found anywhere in it, as gitsign does; anchor it yourself',
  },
  'certificate-oidc-issuer-regexp': {
    type: 'string',
    value: 'RE2',
    summary: 'instead of --issuer: a pattern found anywhere in it',
  },
  'certificate-github-workflow-trigger': claim('the event that ran the workflow'),
  'certificate-github-workflow-sha': claim('the commit the workflow ran for'),
  'certificate-github-workflow-name': claim('the name of the workflow'),
  'certificate-github-workflow-repository': claim('the repository of the workflow'),
  'certificate-github-workflow-ref': claim('the ref the workflow ran for'),
  'same-signer-as': {
    type: 'string',
    value: 'REV',
    summary: 'whoever signed REV must have signed this too; says nothing about who that is',
  },
} as const

/** Nothing of it typed: the settings alone say who must have signed. */
export const NO_SIGNER_FLAGS = {
  identity: undefined,
  issuer: undefined,
  'certificate-identity-regexp': undefined,
  'certificate-oidc-issuer-regexp': undefined,
  'certificate-github-workflow-trigger': undefined,
  'certificate-github-workflow-sha': undefined,
  'certificate-github-workflow-name': undefined,
  'certificate-github-workflow-repository': undefined,
  'certificate-github-workflow-ref': undefined,
  'same-signer-as': undefined,
} as const

/** Options for proving anything. */
export const PROOF_OPTIONS = {
  'trusted-root': {
    type: 'string',
    value: 'FILE',
    multiple: true,
    summary: 'trust this trusted_root.json instead of the configured or public one',
  },
  online: { type: 'boolean', summary: 'ask the log for entries that signatures do not bring' },
} as const

/** Of commands that may write what the log said. */
export const KEEP_OPTIONS = {
  keep: {
    type: 'boolean',
    summary: 'with --online: keep what was found in refs/notes/signet, so that others need not ask',
  },
} as const

export const REPORT_OPTIONS = {
  format: {
    type: 'string',
    value: 'F[=FILE]',
    multiple: true,
    summary: 'text, json, jsonl, github or html, to FILE if named',
  },
  json: { type: 'boolean', summary: 'the same as --format json' },
  facts: { type: 'boolean', summary: 'let each verdict carry what its signature says' },
} as const

function claim<const S extends string>(summary: S): { type: 'string'; value: 'TEXT'; summary: S } {
  return { type: 'string', value: 'TEXT', summary }
}

/** Who may sign, said by a policy, or by who one is. */
export const POLICY_OPTIONS = {
  me: {
    type: 'boolean',
    summary: 'you must have signed: your git address, and who vouches for it',
  },
  policy: {
    type: 'string',
    value: 'FILE',
    summary: 'the policy that says who may sign; with an in-tree policy its floor',
  },
  anchor: {
    type: 'string',
    value: 'COMMIT',
    summary:
      'full id of the commit where trust starts: the policy is the one in the tree from there on',
  },
  'squash-source': {
    type: 'string',
    value: 'REF',
    multiple: true,
    summary: 'a branch that may have been squashed into one commit',
  },
  explain: { type: 'boolean', summary: 'tell the story of each verdict, step by step' },
} as const

/** Of commands that judge any number of commits. */
export const STREAM_OPTIONS = {
  'fail-fast': { type: 'boolean', summary: 'stop at the first violation' },
  'allow-empty': { type: 'boolean', summary: 'exit 0, not 4, where there is nothing to check' },
} as const
