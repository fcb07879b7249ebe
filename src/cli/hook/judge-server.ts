import { readSetting } from '../../config/settings.ts'
import { EXIT, UnavailableError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { parseGitBoolean } from '../../git/config.ts'
import type { GitConfig } from '../../git/config.ts'
import { readCertificate } from '../../hooks/certificate.ts'
import { Journal } from '../../hooks/journal.ts'
import type { JournalStep } from '../../hooks/journal.ts'
import { judgePush } from '../../hooks/judge-push.ts'
import { readHookLimits } from '../../hooks/limits.ts'
import { openHookSession } from '../../hooks/policy.ts'
import { resolveSymbolic } from '../../hooks/symbolic.ts'
import { VerifiedTips } from '../../hooks/verified-tips.ts'
import { inForceNow, isZero } from '../../policy/context.ts'
import type { Step } from '../../policy/context.ts'
import { policyWarnings } from '../audit/policy-warnings.ts'
import { policyOf } from './flags.ts'
import { keeping } from './keeping.ts'
import { Push } from './push.ts'
import type { HookRun } from './run.ts'
import type { Surroundings } from './surroundings.ts'
import { renderWarnings } from './warn.ts'

/** Judges what arrives at a server, and writes down what was let in. */
export async function judgeServer(
  name: 'pre-receive' | 'update',
  run: HookRun,
  surroundings: Surroundings,
  given: readonly Step[],
): Promise<ExitCode> {
  const { flags } = run
  const { place, repository, sources, config, roots } = surroundings
  const steps = await resolveSymbolic(place, repository.paths, given)
  // Where this is not set, git refuses what is cut off before it asks a hook.
  if (isTrue(config, 'receive.shallowUpdate')) repository.expectShallow()
  const current = (ref: string): Promise<string | undefined> => surroundings.current(ref)
  for (const step of steps) await refuseStale(step, current)
  const opened = await openHookSession({
    ...policyOf(flags),
    repository,
    roots,
    openCache: surroundings.openCache,
    keeping: keeping(place.env),
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
    now: run.clock,
  })
  const certificate = await readCertificate({
    git: session.context.git,
    env: name === 'pre-receive' ? run.env : {},
    steps: given,
    gitDir: repository.paths.gitDir,
    pushees: config.all('signet.hook.pushee').filter((value) => value !== null),
    isUsed: (id) => journal.hasCertificate(id),
  })
  const push = new Push(async (earlier) =>
    (await run.told()).openReport(name, run, surroundings, opened, earlier),
  )
  try {
    const isWatched = (['hookFormat', 'hookAuditFile'] as const).some(
      (setting) => (readSetting(setting, sources).value ?? '') !== '',
    )
    if (flags.audit || isWatched) await push.watch()
    const question = {
      ...opened,
      repository,
      steps,
      certificate,
      roots,
      limits: readHookLimits(sources),
    }
    const remembered = (ref: string): string | undefined => journal.tip(ref)
    const verifiedTip = (ref: string) => tips.of(ref)
    for await (const { step, outcomes } of judgePush({ ...question, remembered, verifiedTip })) {
      await push.add(step, outcomes, certificate?.evidence.id)
    }
    const summary = push.end()
    const exit = summary?.exit ?? EXIT.ok
    const { policyBranch } = session.context
    // update runs once for each ref.
    const isOnce = name === 'pre-receive' || given[0]?.ref === policyBranch
    if (isOnce && push.report?.isForPeople !== false) {
      const warnings = policyWarnings(session, { now: run.clock(), isServer: true })
      run.stderr.write(renderWarnings(warnings))
    }
    const isLetThrough = exit === EXIT.ok || flags.audit
    const at = new Date(run.clock()).toISOString()
    const source = flags.audit ? 'report' : 'hook'
    const judged: JournalStep[] = push.steps.map((step) => ({ ...step, at, source }))
    if (summary !== undefined && push.report !== undefined) {
      const { writeAudit } = await run.told()
      writeAudit(surroundings, flags, { ...summary, at, refused: !isLetThrough }, push.report)
    }
    if (isLetThrough) journal.append([...tips.found, ...whole(steps, judged)])
    else journal.append(tips.found)
    journal.save()
    await session.keepChain()
    return flags.audit ? EXIT.ok : exit
  } catch (error) {
    push.abort()
    throw error
  } finally {
    await session.close()
  }
}

function isTrue(config: GitConfig, key: string): boolean {
  const value = config.get(key)
  return value !== undefined && parseGitBoolean(value) === true
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
