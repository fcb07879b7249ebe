import { isZero } from '../../policy/context.ts'
import type { Step, StepOutcome } from '../../policy/context.ts'
import { verdictOf, codesOf } from '../../policy/reason.ts'

const HEADS = 'refs/heads/'

/** A server's refs as its pusher knows them: by what is pushed, and by remote-tracking refs. */
export interface ClientView {
  readonly current: (ref: string) => Promise<string | undefined>
  readonly ruleName: (local: string) => string | undefined
  readonly localName: (ref: string) => string
}

/** @param remote - as git names it to pre-push: the remote's name, or its URL */
export function clientView(
  remote: string,
  given: readonly Step[],
  resolve: (ref: string) => Promise<string | undefined>,
): ClientView {
  const named = new Map(given.map(({ ref, before }) => [ref, before]))
  const prefix = `refs/remotes/${/^[\w.-]+$/.test(remote) ? remote : 'origin'}/`
  const localName = (ref: string): string =>
    ref.startsWith(HEADS) ? `${prefix}${ref.slice(HEADS.length)}` : ref
  return {
    localName,
    ruleName(local) {
      if (local.startsWith(prefix)) {
        const branch = local.slice(prefix.length)
        return branch === 'HEAD' ? undefined : `${HEADS}${branch}`
      }
      return local.startsWith('refs/tags/') ? local : undefined
    },
    current(ref) {
      const before = named.get(ref)
      if (before === undefined) return resolve(localName(ref))
      return Promise.resolve(isZero(before) ? undefined : before)
    },
  }
}

/** Whether a push is signed is only known to the server. */
export function withoutCertificates(outcome: StepOutcome): StepOutcome {
  const reasons = outcome.reasons.filter(({ code }) => code !== 'PUSH_CERT')
  if (reasons.length === outcome.reasons.length) return outcome
  const all = [...reasons, ...outcome.judgements.flatMap((judgement) => judgement.reasons)]
  return { ...outcome, reasons, codes: codesOf(all), verdict: verdictOf(all) }
}
