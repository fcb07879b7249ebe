import type { Facts } from '../facts.ts'
import { identBytes } from './ident.ts'
import type { Identification } from './identify.ts'

/** Addresses a committer may have, as bytes; undefined where the entry has none to compare. */
export function addressesOf(
  { exact, shared, vouched }: Identification,
  facts: Facts,
): Set<string> | undefined {
  if (exact?.kind === 'forge') {
    // A forge's committer was compared when it was identified; authors are whoever asked it.
    return vouched === undefined
      ? undefined
      : new Set([identBytes(exact.committer), identBytes(vouched.forge?.author ?? '')])
  }
  if (exact !== undefined) return new Set(exact.addresses.map(identBytes))
  return shared.length > 0 ? new Set([identBytes(facts.signer?.value ?? '')]) : undefined
}
