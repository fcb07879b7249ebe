import type { Facts } from '../facts.ts'
import { identBytes } from './ident.ts'
import type { Identification } from './identify.ts'

/** Addresses a committer or author may have, as bytes. */
export function addressesOf({ exact, vouched }: Identification, facts: Facts): ReadonlySet<string> {
  const own = exact?.kind === 'forge' ? [exact.committer] : (exact?.addresses ?? [])
  const bot = vouched?.forge === undefined ? [] : [vouched.forge.author]
  // Of a group only the name that this very signature proves.
  const group = exact === undefined && facts.signer !== null ? [facts.signer.value] : []
  return new Set([...own, ...bot, ...group].map(identBytes))
}
