import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFINITIONS, keysOf, type SettingName } from '../../config/definitions.ts'
import { describeSetting, loadSettings, type Settings } from '../../config/settings.ts'
import { loadTrustRoots } from '../../config/trust-root.ts'
import { escapeText } from '../../encoding/escape.ts'
import { quoteShell } from '../../encoding/shell.ts'
import { SignetError } from '../../errors.ts'
import type { GitConfig } from '../../git/config.ts'
import { runGit } from '../../git/run.ts'
import { isGitHubActions } from '../../oidc/ci.ts'
import { readLastFailure } from '../../signing/last-failure.ts'
import { chooseServices, type SigningServices } from '../../signing/services.ts'
import { displayUrl } from '../../sigstore/url.ts'
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'
import type { Finding, ServiceLine, SettingLine, StatusReport, TrustRootLine } from './report.ts'
import { unreadSettings } from './unread.ts'

const GIT_KEYS = ['gpg.format', 'gpg.x509.program', 'commit.gpgSign', 'tag.gpgSign']
const HOOKS = ['pre-receive', 'update', 'pre-push']
const DAY_MS = 86_400_000

export interface Collected {
  readonly report: StatusReport
  /** For `--check`; undefined where the configuration does not let us know. */
  readonly settings: Settings | undefined
  readonly services: SigningServices | undefined
}

/** Gathers what is in force. A broken setting is a finding, not the end: the rest is still shown. */
export async function collectStatus(context: Context, gitConfig: GitConfig): Promise<Collected> {
  const { env, clock } = context
  const findings: Finding[] = []
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      findings.push(configurationFinding(error))
      return undefined
    }
  }
  const settings = attempt(() => loadSettings({ env, gitConfig }))
  const services = settings && attempt(() => chooseServices(settings, clock() / 1000))
  const roots = settings && attempt(() => loadTrustRoots(settings.trustedRoot))
  findings.push(...gitFindings(gitConfig), ...unreadSettings(gitConfig))
  if (settings) findings.push(...anchorFindings(settings))
  const report: StatusReport = {
    version: VERSION,
    program: context.programPath,
    git: gitKeys(gitConfig),
    login: settings ? describeLogin(settings, context) : 'unknown',
    signers: settings ? describeSigners(settings) : 'unknown',
    services: services ? serviceLines(services) : [],
    settings: settings ? settingLines(settings) : [],
    trustRoots: (roots ?? []).map((root) => trustRootLine(root, clock())),
    hooks: await hooksOf(context),
    lastFailure: readLastFailure(env),
    findings,
  }
  return { report, settings, services }
}

function gitKeys(gitConfig: GitConfig): Record<string, string> {
  const found: Record<string, string> = {}
  for (const key of GIT_KEYS) {
    const value = gitConfig.get(key)
    if (value !== undefined) found[key] = escapeText(value ?? 'true')
  }
  return found
}

function configurationFinding(error: unknown): Finding {
  if (!(error instanceof SignetError)) throw error
  const { message, hint } = error
  return { code: String(error.code), kind: 'configuration', message, hint }
}

function gitFindings(gitConfig: GitConfig): Finding[] {
  const program = gitConfig.get('gpg.x509.program') ?? undefined
  const signs = gitConfig.get('gpg.format') === 'x509'
  if (!signs || program === undefined) {
    return [
      {
        code: 'NOT_SET_UP',
        kind: 'configuration',
        message: 'git does not sign through git-signet here',
        hint: 'git-signet setup',
      },
    ]
  }
  if (program.startsWith('/') && !existsSync(program)) {
    return [
      {
        code: 'LAUNCHER_MISSING',
        kind: 'configuration',
        message: `gpg.x509.program is ${escapeText(program)}, which is not there`,
        hint: 'git-signet setup',
      },
    ]
  }
  return []
}

function describeLogin({ idToken, tokenFile, tokenProvider }: Settings, context: Context): string {
  if (tokenProvider.value !== undefined && tokenProvider.value !== 'auto') {
    return `${escapeText(tokenProvider.value)} (${tokenProvider.source.name})`
  }
  if (idToken.value !== undefined) return `the token in ${idToken.source.name}`
  if (tokenFile.value !== undefined) {
    return `the token in ${escapeText(tokenFile.value)} (${tokenFile.source.name})`
  }
  if (isGitHubActions(context.env)) return 'GitHub Actions (this job’s identity, not a person’s)'
  return 'your browser, at each signature; where none can open, a code to type elsewhere'
}

function describeSigners({ policyFile, anchor, policyBranch, identity }: Settings): string {
  const floor = policyFile.value === undefined ? '' : escapeText(policyFile.value, 1000)
  if (anchor.value !== undefined && anchor.value !== '') {
    const branch = escapeText(policyBranch.value ?? 'refs/heads/main')
    const inTree = `.signet/policy.toml on ${branch}, since anchor ${escapeText(anchor.value.slice(0, 10))}`
    return floor === '' ? inTree : `${inTree}, floor ${floor}`
  }
  if (floor !== '') return floor
  if (identity.value !== undefined) return `${escapeText(identity.value)} alone`
  return 'nobody is named: git-signet help policy'
}

/** Where trust starts is never found by a short name, which can come to mean something else. */
function anchorFindings({ anchor }: Settings): Finding[] {
  const { value, source } = anchor
  if (value === undefined || value === '' || /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value))
    return []
  return [
    {
      code: 'ANCHOR_INVALID',
      kind: 'configuration',
      message: `${source.name} is ${escapeText(value, 80)}, which is no full object id`,
      hint: `git config signet.anchor "$(git rev-parse ${quoteShell(value)})"`,
    },
  ]
}

function settingLines(settings: Settings): SettingLine[] {
  return (Object.keys(DEFINITIONS) as SettingName[])
    .filter((name) => settings[name].value !== undefined)
    .map((name) => {
      const setting = settings[name]
      const { kind, name: from } = setting.source
      return {
        name: keysOf(DEFINITIONS[name])[0] ?? name,
        value: describeSetting(name, setting),
        from: kind === 'default' ? 'default' : from,
      }
    })
}

function serviceLines({ fulcio, issuer, log, timestampUrl }: SigningServices): ServiceLine[] {
  return [
    { service: 'issuer', url: displayUrl(issuer) },
    { service: 'fulcio', url: displayUrl(fulcio) },
    { service: `rekor v${log.version}`, url: displayUrl(log.url) },
    ...(timestampUrl ? [{ service: 'timestamps', url: displayUrl(timestampUrl) }] : []),
  ]
}

function trustRootLine(
  root: { name: string; isLocal: boolean; source?: string | undefined; asOf?: number | undefined },
  nowMs: number,
): TrustRootLine {
  const asOfMs = root.asOf === undefined ? undefined : root.asOf * 1000
  return {
    name: escapeText(root.name),
    isLocal: root.isLocal,
    source: escapeText(root.source ?? 'unknown'),
    asOf: asOfMs === undefined ? undefined : new Date(asOfMs).toISOString(),
    ageDays: asOfMs === undefined ? undefined : Math.floor((nowMs - asOfMs) / DAY_MS),
  }
}

/** Hooks here that name git-signet; none outside a repository. */
async function hooksOf({ cwd, env }: Context): Promise<string[]> {
  const { status, stdout } = await runGit(
    { cwd, env },
    ['rev-parse', '--path-format=absolute', '--git-path', 'hooks'],
    { answers: [0, 128], plain: true },
  )
  if (status !== 0) return []
  const folder = stdout.toString('utf8').replace(/\n$/, '')
  return HOOKS.filter((name) => {
    const path = join(folder, name)
    return existsSync(path) && readFileSync(path, 'utf8').includes('git-signet')
  })
}
