import { EXIT } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { resolveRevision } from '../../git/refs.ts'
import { judgePush } from '../../hooks/judge-push.ts'
import { readHookLimits } from '../../hooks/limits.ts'
import { openHookSession } from '../../hooks/policy.ts'
import type { Step } from '../../policy/context.ts'
import { clientView, withoutCertificates } from './client-view.ts'
import { policyWarnings } from '../audit/policy-warnings.ts'
import { policyOf } from './flags.ts'
import { keeping } from './keeping.ts'
import { Push } from './push.ts'
import type { HookRun } from './run.ts'
import type { Surroundings } from './surroundings.ts'
import { renderWarnings } from './warn.ts'

/** Judges on the pusher's side what the server will judge again. */
export async function judgeClient(
  run: HookRun,
  surroundings: Surroundings,
  given: readonly Step[],
): Promise<ExitCode> {
  const { flags, args, told } = run
  const { repository, roots, place, sources } = surroundings
  const view = clientView(args[0] ?? '', given, (ref) => resolveRevision(place, ref))
  const opened = await openHookSession({
    ...policyOf(flags),
    repository,
    roots,
    openCache: surroundings.openCache,
    keeping: keeping(place.env),
    current: view.current,
    ruleName: view.ruleName,
    localName: view.localName,
  })
  const push = new Push(async (earlier) =>
    (await told()).openReport('pre-push', run, surroundings, opened, earlier),
  )
  try {
    await push.watch()
    const question = { ...opened, repository, steps: given, certificate: undefined, roots }
    const judged = judgePush({
      ...question,
      // What the server let in is taken as verified: the server judges it again.
      verifiedTip: async (ref) => {
        const id = await view.current(ref)
        return id === undefined ? 'none' : { id }
      },
      remembered: () => undefined,
      limits: readHookLimits(sources),
    })
    for await (const { step, outcomes } of judged) {
      await push.add(step, outcomes.map(withoutCertificates))
    }
    const exit = push.end()?.exit ?? EXIT.ok
    await opened.session.keepChain()
    if (push.report?.isForPeople !== false) {
      run.stderr.write(renderWarnings(policyWarnings(opened.session, { now: run.clock() })))
    }
    return flags.audit ? EXIT.ok : exit
  } catch (error) {
    push.abort()
    throw error
  } finally {
    await opened.session.close()
  }
}
