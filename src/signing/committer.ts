import { decodeUtf8, latin1 } from '../encoding/bytes.ts'
import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'
import type { Principal } from '../oidc/id-token.ts'

/** Who a payload says made it: a commit's committer, a tag's tagger, a push certificate's pusher. */
export interface Committer {
  readonly name: string
  readonly email: string
}

/**
 * Reads the committer out of what git wants signed; undefined where there is none. The headers end at
 * the first empty line.
 */
export function committerOf(payload: Uint8Array): Committer | undefined {
  const end = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).indexOf('\n\n')
  const head = payload.subarray(0, end === -1 ? Math.min(payload.length, 64 << 10) : end)
  const text = decodeUtf8(head) ?? latin1(head)
  const match = /^(?:committer|tagger|pusher) (.*?) ?<([^<>\n]*)>/m.exec(text)
  if (match === null) return undefined
  return { name: match[1] ?? '', email: match[2] ?? '' }
}

/**
 * Compares the committer with the identity that is going to sign, before a certificate is asked for.
 * With `warn` only e-mail identities are compared: a workflow has no address.
 *
 * @param workflowUri - the name a workflow's certificate will have, which may be the committer's name
 * @returns what to say, where they differ and that is allowed
 * @throws UsageError COMMITTER_MISMATCH
 */
export function checkCommitter(
  payload: Uint8Array,
  principal: Principal,
  mode: boolean | 'warn',
  workflowUri: string | undefined,
): string | undefined {
  if (mode === false) return undefined
  const committer = committerOf(payload)
  if (committer === undefined) return undefined
  if (principal.kind === 'email' && isSameAddress(committer.email, principal.value)) {
    return undefined
  }
  if (principal.kind === 'subject') {
    if (mode === 'warn') return undefined
    if (committer.name === (workflowUri ?? principal.value)) return undefined
  }
  const who = escapeText(principal.value)
  const what = `the committer is ${escapeText(committer.email)}, the login ${who}`
  if (mode === 'warn') return `warning: ${what}`
  throw new UsageError('COMMITTER_MISMATCH', `cannot sign: ${what}`, {
    hint: `git -c user.email=ADDRESS commit …, or log in as the committer (signet.matchCommitter)`,
  })
}

/** Addresses differ in case only by accident: providers fold it, people type it. */
export function isSameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
