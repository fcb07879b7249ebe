import { join } from 'node:path'
import { readSetting } from '../../config/settings.ts'
import { EXIT, SignetError, UnavailableError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { resolveRevision } from '../../git/refs.ts'
import { appendAuditLine } from '../../hooks/audit-file.ts'
import { readCertificate } from '../../hooks/certificate.ts'
import {
  parsePushInput,
  parseReceiveInput,
  parseUpdateArguments,
  readHookInput,
} from '../../hooks/input.ts'
import { Journal } from '../../hooks/journal.ts'
import type { JournalStep } from '../../hooks/journal.ts'
import { judgePush } from '../../hooks/judge-push.ts'
import { readHookLimits } from '../../hooks/limits.ts'
import { openHookSession } from '../../hooks/policy.ts'
import { resolveSymbolic } from '../../hooks/symbolic.ts'
import { TimeLimit } from '../../hooks/time-limit.ts'
import { VerifiedTips } from '../../hooks/verified-tips.ts'
import { inForceNow, isZero } from '../../policy/context.ts'
import type { Step } from '../../policy/context.ts'
import { renderRefusal } from '../../report/refusal.ts'
import type { Context } from '../context.ts'
import { clientView, withoutCertificates } from './client-view.ts'
import type { HookFlags, HookName } from './flags.ts'
import { PushReport } from './push-report.ts'
import { Surroundings } from './surroundings.ts'

/**
 * Judges a push as git's hook of that name. Whatever goes wrong rejects, in audit mode only reports.
 *
 * @returns the exit code for git: 0 lets the push go on
 */
export async function runHook(
  name: HookName,
  context: Context,
  flags: HookFlags,
  args: readonly string[],
): Promise<ExitCode> {
  const time = new TimeLimit()
  try {
    return await Promise.race([judge(name, context, flags, args, time), time.passed])
  } catch (error) {
    const failure = isKnown(error)
      ? { message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }
      : { message: `a mistake in git-signet: ${error instanceof Error ? error.message : '?'}` }
    const refusal = { steps: [], findings: [], failed: 0, checked: 0, failure }
    context.streams.stderr.write(renderRefusal({ ...refusal, auditOnly: flags.audit }))
    if (flags.audit) return EXIT.ok
    return isKnown(error) && error.exit !== EXIT.ok ? error.exit : EXIT.internal
  } finally {
    time.stop()
  }
}

function isKnown(error: unknown): error is SignetError & { exit: ExitCode } {
  return error instanceof SignetError
}

async function judge(
  name: HookName,
  context: Context,
  flags: HookFlags,
  args: readonly string[],
  time: TimeLimit,
): Promise<ExitCode> {
  const input = name === 'update' ? undefined : await readHookInput(context.streams.stdin.chunks())
  const surroundings = await Surroundings.open(context, name, flags)
  try {
    time.set(readHookLimits(surroundings.config).seconds)
    const { format } = surroundings.repository
    const given =
      input === undefined
        ? [parseUpdateArguments(args, format)]
        : name === 'pre-push'
          ? parsePushInput(input, format)
          : parseReceiveInput(input, format)
    if (given.length === 0) return EXIT.ok
    return name === 'pre-push'
      ? await judgeClient(context, surroundings, flags, given, args)
      : await judgeServer(name, context, surroundings, flags, given)
  } finally {
    await surroundings.close()
  }
}

async function judgeServer(
  name: HookName,
  context: Context,
  surroundings: Surroundings,
  flags: HookFlags,
  given: readonly Step[],
): Promise<ExitCode> {
  const { place, repository, config, roots } = surroundings
  const steps = await resolveSymbolic(place, repository.paths, given)
  const current = (ref: string): Promise<string | undefined> => surroundings.current(ref)
  for (const step of steps) await refuseStale(step, current)
  const policyBranch = branchOf(flags)
  const opened = await openHookSession({
    ...policyOf(flags),
    policyBranch,
    repository,
    roots,
    openCache: surroundings.openCache,
    current,
  })
  const { session } = opened
  const journal = Journal.open(repository.paths)
  for (const { ref, before } of steps) journal.observe(ref, isZero(before) ? undefined : before)
  const tips = new VerifiedTips({
    journal,
    current,
    audit: (ref) => session.verifiedTip(ref),
    policy: inForceNow(session.context).id,
    now: context.clock,
  })
  const certificate = await readCertificate({
    git: session.context.git,
    env: name === 'pre-receive' ? context.env : {},
    steps: given,
    gitDir: repository.paths.gitDir,
    pushees: config.all('signet.hook.pushee').filter((value) => value !== null),
  })
  const report = openReport(name, context, surroundings, flags, opened)
  try {
    const question = {
      ...opened,
      repository,
      steps,
      certificate,
      roots,
      limits: readHookLimits(config),
    }
    const remembered = (ref: string): string | undefined => journal.tip(ref)
    const verifiedTip = (ref: string) => tips.of(ref)
    for await (const { step, outcomes } of judgePush({ ...question, remembered, verifiedTip })) {
      await report.add(step, outcomes, certificate?.evidence.id)
    }
    const summary = report.end()
    const isLetThrough = summary.exit === EXIT.ok || flags.audit
    const at = new Date(context.clock()).toISOString()
    const source = flags.audit ? 'report' : 'hook'
    const judged: JournalStep[] = report.steps.map((step) => ({ ...step, at, source }))
    writeAudit(surroundings, flags, { ...summary, at, refused: !isLetThrough }, report)
    if (isLetThrough) journal.append([...tips.found, ...whole(steps, judged)])
    else journal.append(tips.found)
    journal.save()
    return flags.audit ? EXIT.ok : summary.exit
  } catch (error) {
    report.abort()
    throw error
  } finally {
    await session.close()
  }
}

/** With what each ref was when the push came. */
function whole(steps: readonly Step[], judged: readonly JournalStep[]): JournalStep[] {
  const moved = new Map(steps.map(({ ref, before }) => [ref, before]))
  const started = new Set<string>()
  return judged.map((step) => {
    const from = moved.get(step.ref)
    const isFirst = !started.has(step.ref)
    started.add(step.ref)
    if (from === undefined) return step
    // A first push starts at the anchor, and what was there before is no object.
    return isFirst && isZero(from) ? { ...step, before: from } : { ...step, from }
  })
}

async function judgeClient(
  context: Context,
  surroundings: Surroundings,
  flags: HookFlags,
  given: readonly Step[],
  args: readonly string[],
): Promise<ExitCode> {
  const { repository, roots, place } = surroundings
  const policyBranch = branchOf(flags)
  const view = clientView(args[0] ?? '', given, (ref) => resolveRevision(place, ref))
  const opened = await openHookSession({
    ...policyOf(flags),
    policyBranch,
    repository,
    roots,
    openCache: surroundings.openCache,
    current: view.current,
    ruleName: view.ruleName,
    localName: view.localName,
  })
  const report = openReport('pre-push', context, surroundings, flags, opened)
  try {
    const question = { ...opened, repository, steps: given, certificate: undefined, roots }
    const judged = judgePush({
      ...question,
      // What the server let in is taken as verified: the server judges it again.
      verifiedTip: async (ref) => {
        const id = await view.current(ref)
        return id === undefined ? 'none' : { id }
      },
      remembered: () => undefined,
      limits: readHookLimits(surroundings.config),
    })
    for await (const { step, outcomes } of judged) {
      await report.add(step, outcomes.map(withoutCertificates))
    }
    const { exit } = report.end()
    return flags.audit ? EXIT.ok : exit
  } catch (error) {
    report.abort()
    throw error
  } finally {
    await opened.session.close()
  }
}

/** git would refuse it as well, a little later; nothing is judged from where a ref no longer is. */
async function refuseStale(
  { ref, before }: Step,
  current: (ref: string) => Promise<string | undefined>,
): Promise<void> {
  const now = await current(ref)
  if (now === before || (now === undefined && isZero(before))) return
  throw new UnavailableError('STALE', `${ref} is not where this push found it`, {
    hint: 'git fetch, then push again',
  })
}

export function branchOf(flags: Pick<HookFlags, 'policy-branch'>): string {
  return flags['policy-branch'] ?? 'refs/heads/main'
}

function policyOf(flags: HookFlags): {
  policyFile: string | undefined
  anchor: string | undefined
} {
  return { policyFile: flags.policy, anchor: flags.anchor }
}

function openReport(
  name: HookName,
  context: Context,
  { sources, roots }: Surroundings,
  flags: HookFlags,
  opened: Awaited<ReturnType<typeof openHookSession>>,
): PushReport {
  const { session, isInTree } = opened
  const { id } = inForceNow(session.context)
  const file = flags.policy ?? ''
  return new PushReport({
    ...opened,
    sources,
    roots,
    env: context.env,
    stderr: context.streams.stderr,
    command: `hook ${name}`,
    policySource: isInTree
      ? `.signet/policy.toml as landed at ${id.slice(0, 10)}${file === '' ? '' : `, floor ${file}`}`
      : file,
    isAudit: flags.audit,
    now: context.clock(),
  })
}

function writeAudit(
  { sources, repository }: Surroundings,
  flags: HookFlags,
  line: object,
  report: PushReport,
): void {
  const named = readSetting('hookAuditFile', sources).value
  const path = named ?? (flags.audit ? join(repository.paths.commonDir, 'signet-pushes.jsonl') : '')
  if (path === '') return
  const verdicts = report.findings.map(({ verdict }) => verdict)
  const mode = flags.audit ? 'audit' : 'enforce'
  try {
    appendAuditLine(path, JSON.stringify({ ...line, mode, verdicts }))
  } catch (error) {
    // A hook that refuses nothing is not to start with its own file.
    if (!flags.audit) throw error
  }
}
