import { EXIT, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import { escapeText } from '../../encoding/escape.ts'
import { listRefs, repositoryPaths } from '../../git/refs.ts'
import { Journal } from '../../hooks/journal.ts'
import type { Context } from '../context.ts'

/**
 * Lets a server's hook forget the verified tip of a ref whose owner moved it back on purpose. The next
 * hook that needs it audits the ref.
 *
 * @throws UsageError REF_UNKNOWN, NOTHING_REMEMBERED; UnavailableError HOOK_STATE, and as runGit
 */
export async function forgetTip(
  ref: string,
  { cwd, env, clock, streams }: Context,
): Promise<ExitCode> {
  const place = { cwd, env }
  const shown = escapeText(ref, 200)
  if (!ref.startsWith('refs/')) {
    throw new UsageError('REF_UNKNOWN', `"${shown}" is not the full name of a ref`, {
      hint: `git signet hook forget refs/heads/${shown}`,
    })
  }
  const journal = Journal.open(await repositoryPaths(place))
  const tip = journal.tip(ref)
  if (tip === undefined) {
    throw new UsageError('NOTHING_REMEMBERED', `the hook remembers no verified tip of ${shown}`, {
      hint: 'nothing has to be done; type it in the repository that the hook guards',
    })
  }
  const now = (await listRefs(place, [ref])).find(({ name }) => name === ref)?.id
  const at = new Date(clock()).toISOString()
  const after = now ?? '0'.repeat(tip.length)
  const step = { ref, before: tip, after, policy: '', codes: [], at }
  journal.append([{ ...step, verdict: 'pass', source: 'forget' }])
  journal.save()
  streams.stdout.write(
    `forgotten: ${shown} was at ${tip}\nThe next push that needs it has the hook audit the ref.\n`,
  )
  return EXIT.ok
}
