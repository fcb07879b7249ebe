/** How a setting is read; each has one accepted form per kind. */
export type SettingKind =
  | 'text'
  | 'url'
  /** A file; `~/` is the home directory, as in git. */
  | 'path'
  | 'boolean'
  | 'match'
  | 'rekor-version'
  | 'seconds'
  /** A whole number from 1 on. */
  | 'count'
  | 'secret'

/** gitsign reads most variables with two prefixes, some with its own alone. */
type Prefixes = 'gitsign-and-sigstore' | 'gitsign' | 'sigstore' | 'none'

export interface SettingDefinition {
  readonly kind: SettingKind
  /** Git configuration: `signet.<key>`, and `gitsign.<key>` where `isShared`. */
  readonly key?: string
  readonly isShared?: true
  /** Environment: `SIGNET_<variable>`, and gitsign's by `prefixes`. */
  readonly variable: string
  readonly prefixes: Prefixes
  readonly default?: string
}

const shared = { isShared: true, prefixes: 'gitsign-and-sigstore' } as const
const own = { prefixes: 'none' } as const

/** Every setting, under the name it has in code. Names are gitsign's; those after the gap are ours. */
export const DEFINITIONS = {
  fulcio: {
    kind: 'url',
    key: 'fulcio',
    variable: 'FULCIO_URL',
    default: 'https://fulcio.sigstore.dev',
    ...shared,
  },
  rekor: {
    kind: 'url',
    key: 'rekor',
    variable: 'REKOR_URL',
    default: 'https://rekor.sigstore.dev',
    ...shared,
  },
  rekorVersion: {
    kind: 'rekor-version',
    key: 'rekorVersion',
    variable: 'REKOR_VERSION',
    default: '1',
    ...shared,
  },
  issuer: {
    kind: 'url',
    key: 'issuer',
    variable: 'OIDC_ISSUER',
    default: 'https://oauth2.sigstore.dev/auth',
    ...shared,
  },
  clientId: {
    kind: 'text',
    key: 'clientID',
    variable: 'OIDC_CLIENT_ID',
    default: 'sigstore',
    ...shared,
  },
  clientSecretFile: {
    kind: 'path',
    key: 'clientSecretFile',
    variable: 'OIDC_CLIENT_SECRET_FILE',
    ...shared,
  },
  redirectUrl: { kind: 'url', key: 'redirectURL', variable: 'OIDC_REDIRECT_URL', ...shared },
  connectorId: { kind: 'text', key: 'connectorID', variable: 'CONNECTOR_ID', ...shared },
  tokenProvider: { kind: 'text', key: 'tokenProvider', variable: 'TOKEN_PROVIDER', ...shared },
  timestampServerUrl: {
    kind: 'url',
    key: 'timestampServerURL',
    variable: 'TIMESTAMP_SERVER_URL',
    ...shared,
  },
  autoclose: {
    kind: 'boolean',
    key: 'autoclose',
    variable: 'AUTOCLOSE',
    default: 'true',
    ...shared,
  },
  autocloseTimeout: {
    kind: 'seconds',
    key: 'autocloseTimeout',
    variable: 'AUTOCLOSE_TIMEOUT',
    default: '6',
    ...shared,
  },
  urlOpener: {
    kind: 'text',
    key: 'urlOpener',
    variable: 'URL_OPENER',
    isShared: true,
    prefixes: 'gitsign',
  },
  matchCommitter: {
    kind: 'match',
    key: 'matchCommitter',
    variable: 'MATCH_COMMITTER',
    default: 'warn',
    isShared: true,
    prefixes: 'none',
  },

  idToken: { kind: 'secret', variable: 'ID_TOKEN', prefixes: 'sigstore' },
  tokenFile: { kind: 'path', key: 'tokenFile', variable: 'TOKEN_FILE', ...own },
  trustedRoot: { kind: 'path', key: 'trustedRoot', variable: 'TRUSTED_ROOT', ...own },
  signingConfig: { kind: 'path', key: 'signingConfig', variable: 'SIGNING_CONFIG', ...own },
  caFile: { kind: 'path', key: 'caFile', variable: 'CA_FILE', ...own },
  timeout: { kind: 'seconds', key: 'timeout', variable: 'TIMEOUT', default: '60', ...own },
  identity: { kind: 'text', key: 'identity', variable: 'IDENTITY', ...own },
  identityIssuer: { kind: 'text', key: 'identityIssuer', variable: 'IDENTITY_ISSUER', ...own },
  policyFile: { kind: 'path', key: 'policyFile', variable: 'POLICY_FILE', ...own },
  policyBranch: { kind: 'text', key: 'policyBranch', variable: 'POLICY_BRANCH', ...own },
  anchor: { kind: 'text', key: 'anchor', variable: 'ANCHOR', ...own },
  helpUrl: { kind: 'url', key: 'helpUrl', variable: 'HELP_URL', ...own },
  hookFormat: { kind: 'text', key: 'hook.format', variable: 'HOOK_FORMAT', ...own },
  hookAuditFile: { kind: 'path', key: 'hook.auditFile', variable: 'HOOK_AUDIT_FILE', ...own },
  /** May be set several times. */
  hookPushee: { kind: 'text', key: 'hook.pushee', variable: 'HOOK_PUSHEE', ...own },
  hookMaxCommits: {
    kind: 'count',
    key: 'hook.maxCommits',
    variable: 'HOOK_MAX_COMMITS',
    default: '1000000',
    ...own,
  },
  hookMaxSeconds: {
    kind: 'count',
    key: 'hook.maxSeconds',
    variable: 'HOOK_MAX_SECONDS',
    default: '1800',
    ...own,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>

export type SettingName = keyof typeof DEFINITIONS

/** Environment variables that give a setting, the strongest first. */
export function variablesOf({ variable, prefixes }: SettingDefinition): string[] {
  const names = [`SIGNET_${variable}`]
  if (prefixes === 'gitsign' || prefixes === 'gitsign-and-sigstore') {
    names.push(`GITSIGN_${variable}`)
  }
  if (prefixes === 'sigstore' || prefixes === 'gitsign-and-sigstore') {
    names.push(`SIGSTORE_${variable}`)
  }
  return names
}

/** Keys of git's configuration that give a setting, the strongest first, as people write them. */
export function keysOf({ key, isShared }: SettingDefinition): string[] {
  if (key === undefined) return []
  return isShared === true ? [`signet.${key}`, `gitsign.${key}`] : [`signet.${key}`]
}
