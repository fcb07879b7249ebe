import type { Facts } from '../facts.ts'
import { isoTime } from '../encoding/time.ts'
import { ownersOf, trustedTime } from './identify.ts'
import type { Owner, SignedObject } from './identify.ts'
import type { Policy, Revocation } from './model.ts'
import type { Reason } from './reason.ts'

/** What revocations are compared with. */
export interface Deniable {
  readonly id: string
  readonly payloadSha256: string
  readonly facts: Facts
  /** Tells the bots of a forge. */
  readonly signed?: SignedObject
}

/**
 * What a policy takes away from an object after the fact (policy.md §4.6): `until` and `[[revoke]]`.
 * Signatures without time are not touched by an `until`: they were judged before the step that set it,
 * or by the policy that has it (`identify`).
 *
 * @param payloadOf - SHA-256 of the payload of an object that a revocation names, where it is there
 */
export async function denialsOf(
  policy: Policy,
  object: Deniable,
  payloadOf: (id: string) => Promise<string | undefined>,
): Promise<Reason[]> {
  const reasons: Reason[] = []
  const { facts } = object
  const time = trustedTime(facts)
  const owners = facts.signer === null ? [] : ownersOf(policy, facts.signer, object.signed)
  const closed = owners.map((owner) => closedAt(owner, time))
  // Of several shared entries one that is open is enough.
  const isClosed = owners.every(({ entry }) => entry.kind === 'shared')
    ? closed.every((until) => until !== undefined)
    : closed.some((until) => until !== undefined)
  const at = closed.findIndex((until) => until !== undefined)
  const until = closed[at]
  if (isClosed && until !== undefined && time !== undefined) {
    const detail = `${owners[at]?.entry.name ?? ''} counted until ${isoTime(until)}; signed ${isoTime(time)}`
    reasons.push({ code: 'AFTER_UNTIL', detail })
  }
  const names = new Set(owners.map(({ entry }) => entry.name))
  for (const revocation of policy.revoke) {
    if (!(await isRevoked(revocation, object, names, time, payloadOf))) continue
    reasons.push({ code: 'REVOKED', detail: revocation.reason })
  }
  return reasons
}

/** The `until` of an entry, or of the identity in it, that a time is not before. */
function closedAt({ entry, mark }: Owner, time: number | undefined): number | undefined {
  if (time === undefined) return undefined
  return [entry.until, mark.until].find((until) => until !== undefined && time >= until)
}

async function isRevoked(
  revocation: Revocation,
  object: Deniable,
  owners: ReadonlySet<string>,
  time: number | undefined,
  payloadOf: (id: string) => Promise<string | undefined>,
): Promise<boolean> {
  const { target, from, to, except } = revocation
  if (except.has(object.id)) return false
  const { facts } = object
  const isInside =
    time !== undefined && (from === undefined || from <= time) && (to === undefined || time <= to)
  const hasWindow = from !== undefined || to !== undefined
  // Without a time nothing says that a signature lies outside the window.
  const mayBeInside = !hasWindow || time === undefined || isInside
  switch (target.kind) {
    case 'person':
      if (!owners.has(target.name)) return false
      // With a window a person's revocation reaches timed signatures only.
      return hasWindow ? isInside : true
    case 'cert':
      return facts.certificate?.sha256 === target.sha256 && mayBeInside
    case 'log-entry':
      return (
        mayBeInside &&
        facts.log.some(
          ({ index, by }) =>
            index === target.index && (target.log === undefined || target.log === by),
        )
      )
    case 'key':
      return facts.signer?.value === target.value && mayBeInside
    case 'commit':
      return object.id === target.id || object.payloadSha256 === (await payloadOf(target.id))
  }
}
