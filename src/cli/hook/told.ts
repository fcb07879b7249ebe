import { join } from 'node:path'
import { readSetting } from '../../config/settings.ts'
import type { Summary } from '../../facts.ts'
import { appendAuditLine } from '../../hooks/audit-file.ts'
import type { HookSession } from '../../hooks/policy.ts'
import { inForceNow } from '../../policy/context.ts'
import { renderRefusal } from '../../report/refusal.ts'
import { policyWarnings } from '../audit/policy-warnings.ts'
import type { HookFlags, HookName } from './flags.ts'
import { PushReport } from './push-report.ts'
import type { EarlierSteps } from './push-report.ts'
import type { HookRun } from './run.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * What a push that passes unreported does not need: a bundle of its own (`hook-report.cjs`).
 *
 * @throws UsageError FORMAT_UNKNOWN, FORMAT_FILE, REPORT_FILE, SETTING_INVALID
 */
export function openReport(
  name: HookName,
  run: HookRun,
  { sources, roots }: Surroundings,
  opened: HookSession,
  earlier: EarlierSteps,
): PushReport {
  const { session, isInTree } = opened
  const { id } = inForceNow(session.context)
  const file = run.flags.policy ?? ''
  return new PushReport({
    ...opened,
    sources,
    roots,
    env: run.env,
    stderr: run.stderr,
    command: `hook ${name}`,
    policySource: isInTree
      ? `.signet/policy.toml as landed at ${id.slice(0, 10)}${file === '' ? '' : `, floor ${file}`}`
      : file,
    isAudit: run.flags.audit,
    now: run.clock(),
    earlier,
    warnings: policyWarnings(session, { now: run.clock(), isServer: name !== 'pre-push' }),
  })
}

/** Appends the push to the audit file, where there is one. @throws UnavailableError AUDIT_FILE */
export function writeAudit(
  { sources, repository }: Surroundings,
  { audit }: HookFlags,
  line: Summary & { readonly at: string; readonly refused: boolean },
  report: PushReport,
): void {
  const named = readSetting('hookAuditFile', sources).value
  const path = named ?? (audit ? join(repository.paths.commonDir, 'signet-pushes.jsonl') : '')
  if (path === '') return
  const verdicts = report.findings.map(({ verdict }) => verdict)
  const mode = audit ? 'audit' : 'enforce'
  try {
    appendAuditLine(path, JSON.stringify({ ...line, mode, verdicts }))
  } catch (error) {
    // A hook that refuses nothing is not to start with its own file.
    if (!audit) throw error
  }
}

/** What a pusher reads when the push could not be judged at all. */
export function renderFailure(
  failure: { readonly message: string; readonly hint?: string },
  auditOnly: boolean,
): string {
  const shown = { ...failure, message: withoutFolders(failure.message) }
  return renderRefusal({
    steps: [],
    findings: [],
    failed: 0,
    checked: 0,
    failure: shown,
    auditOnly,
  })
}

/** Where files lie on the server is no pusher's business. */
function withoutFolders(text: string): string {
  return text.replace(/(^|[\s"'(])\/(?:[^\s/:"']+\/)+(?=[^\s/:"')])/g, '$1')
}
