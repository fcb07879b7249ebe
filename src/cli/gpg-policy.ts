import { loadTrustRoots } from '../config/trust-root.ts'
import { readSetting } from '../config/settings.ts'
import type { SettingSources } from '../config/settings.ts'
import { runSync } from '../crypto/verify.ts'
import { latin1 } from '../encoding/bytes.ts'
import { SignetError } from '../errors.ts'
import { tagFields } from '../git/object-form.ts'
import { objectId } from '../git/objects.ts'
import { splitObject } from '../git/split.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import { withSignatureHeader } from '../verification/object.ts'
import { verifySignedPayload } from '../verification/signed-payload.ts'
import type { SignatureFacts } from '../verification/signed-payload.ts'
import type { Judged } from './audit/history-verdict.ts'
import { openPolicy } from './audit/policy-source.ts'
import type { OpenPolicy } from './audit/policy-source.ts'
import { PolicyVerdicts } from './audit/policy-verdicts.ts'
import type { IdentityVerdict } from './gpg-identity.ts'

export interface PolicyAnswer {
  readonly facts: SignatureFacts
  readonly verdict: IdentityVerdict
  readonly roots: TrustRoots
}

/**
 * What a policy says about a payload that git hands over: the object it is of is judged as `verify`
 * judges it, a commit for the policy branch, a tag for the ref of its name. A policy that cannot be
 * used, or an object that is not here, leaves it undecided; never accepted.
 */
export async function judgePayload(
  payload: Uint8Array,
  signature: { readonly armor: Uint8Array } | { readonly cmsDer: Uint8Array },
  sources: SettingSources,
): Promise<PolicyAnswer> {
  const roots = loadTrustRoots(readSetting('trustedRoot', sources))
  const plain = (): SignatureFacts => runSync(verifySignedPayload({ payload, ...signature, roots }))
  const undecided = (why: string): PolicyAnswer => ({
    facts: plain(),
    verdict: { kind: 'undecided', why },
    roots,
  })
  let policy: OpenPolicy | undefined
  try {
    const context = { cwd: process.cwd(), env: process.env }
    const proving = { sources, roots, completion: nothing, isSingle: true }
    policy = await openPolicy(context, proving, NOTHING_TYPED)
    if (policy === undefined) return undecided('no policy is configured')
    // No object of git holds anything but armor.
    const judged =
      'armor' in signature ? await judgeObject(payload, signature.armor, policy) : undefined
    if (judged?.details.facts === undefined) return undecided('the signed object is not here')
    return { facts: judged.details.facts, verdict: verdictOf(judged), roots }
  } catch (error) {
    if (!(error instanceof SignetError)) throw error
    return undecided(error.message)
  } finally {
    await policy?.close()
  }
}

const NOTHING_TYPED = { policy: undefined, anchor: undefined }

function nothing(): Promise<undefined> {
  return Promise.resolve(undefined)
}

async function judgeObject(
  payload: Uint8Array,
  armor: Uint8Array,
  { session, refs, repository }: OpenPolicy,
): Promise<Judged | undefined> {
  const { format } = repository
  const verdicts = new PolicyVerdicts(session, false)
  let found: AsyncGenerator<Judged, void, undefined>
  if (latin1(payload.subarray(0, 5)) === 'tree ') {
    const header = format === 'sha1' ? 'gpgsig' : 'gpgsig-sha256'
    const id = objectId('commit', withSignatureHeader(payload, armor, header), format)
    if ((await repository.objectType(id)) !== 'commit') return undefined
    found = verdicts.commit(id, refs.policyBranch)
  } else {
    const bytes = Buffer.concat([payload, armor])
    const id = objectId('tag', bytes, format)
    if ((await repository.objectType(id)) !== 'tag') return undefined
    const name = tagFields(splitObject('tag', bytes, format))?.name ?? new Uint8Array()
    found = verdicts.tag(id, `refs/tags/${Buffer.from(name).toString('utf8')}`)
  }
  const first = await found.next()
  // A commit that an [[accept]] covers is not looked at; nobody then says that it is good.
  return first.done === true ? undefined : first.value
}

function verdictOf({ verdict, details }: Judged): IdentityVerdict {
  const why = (details.reasons ?? []).map(({ code, detail }) => `${code}, ${detail}`).join('; ')
  switch (verdict.verdict) {
    case 'pass':
      return { kind: 'accepted' }
    case 'fail':
      return { kind: 'refused', wanted: '', why }
    case 'unknown':
      return { kind: 'undecided', why }
  }
}
