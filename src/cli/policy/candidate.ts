import { join } from 'node:path'
import { dataDirectory } from '../../config/directories.ts'
import { sha256 } from '../../crypto/digest.ts'
import { encodeHex } from '../../encoding/hex.ts'
import { RepositoryAnswers } from '../../git/answers.ts'
import { resolveRevision } from '../../git/refs.ts'
import { landingAt } from '../../policy/chain.ts'
import type { FailedLanding, PolicyChain } from '../../policy/chain.ts'
import type { PolicyContext, VerifiedTip } from '../../policy/context.ts'
import { judgeLanding } from '../../policy/landing.ts'
import type { Policy } from '../../policy/model.ts'
import { readPolicy } from '../../policy/parse.ts'
import { policyEntry } from '../../policy/policy-entry.ts'
import { FactsCache } from '../../verification/cache.ts'
import { PolicySession } from '../../verification/policy-session.ts'
import type { FixedPolicy } from '../../verification/policy-session.ts'
import { openPolicy } from '../audit/policy-source.ts'
import type { PolicyFlags } from '../audit/policy-source.ts'
import { RefView } from '../audit/ref-view.ts'
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'
import type { Prover } from '../verify/prover.ts'
import { policyInCommit } from './policy-text.ts'
import type { PolicyText } from './policy-text.ts'

/** A policy that is not in force, as it would judge in the place of the one that is; `close` it. */
export interface Candidate {
  readonly session: PolicySession
  readonly repository: RepositoryAnswers
  readonly refs: RefView
  /** By what the candidate is compared; undefined: there is no policy yet. */
  readonly baseline: { readonly session: PolicySession; readonly name: string } | undefined
  close(): Promise<void>
}

/**
 * Puts a policy in the place of the one in force: that of the flags and settings, else the one that
 * HEAD has. Refs, their verified tips and the anchor stay those of the policy in force.
 *
 * @throws as `openPolicy`
 */
export async function openCandidate(
  context: Context,
  prover: Prover,
  flags: PolicyFlags,
  written: { readonly policy: Policy; readonly text: PolicyText },
): Promise<Candidate> {
  const place = { cwd: context.cwd, env: context.env }
  const { policy, text } = written
  const inForce = await openPolicy(context, prover, flags)
  const repository = inForce?.repository ?? (await RepositoryAnswers.open(place))
  const refs = inForce?.refs ?? (await RefView.open(place, prover.sources))
  const { policyBranch } = refs
  const completion = await prover.completion()
  const open = (fixed: FixedPolicy): Promise<PolicySession> =>
    PolicySession.open({
      repository,
      roots: prover.roots,
      openCache: (roots) =>
        FactsCache.open({
          paths: repository.paths,
          roots,
          version: VERSION,
          keyFile: join(dataDirectory(context.env), 'facts.key'),
        }),
      completion,
      policyBranch,
      tip: undefined,
      anchor: inForce?.anchor,
      fixed,
      isInTree: false,
      squashSources: [],
      tipOf: (ref) => refs.tipOf(ref),
      ruleName: (local) => refs.ruleName(local),
      localName: (ref) => refs.localName(ref),
    })
  const alone = await open({ policy, id: digestOf(text), files: text.files })
  const committed = inForce === undefined ? await policyOfHead(repository, policyBranch) : undefined
  const baseline =
    inForce !== undefined
      ? { session: inForce.session, name: inForce.source }
      : committed && { session: await open(committed), name: 'the policy that HEAD has' }
  return {
    session:
      inForce === undefined ? alone : alone.under(inTheirPlace(inForce.session, alone, policy)),
    repository,
    refs,
    baseline,
    async close() {
      await alone.close()
      if (inForce !== undefined) await inForce.close()
      else {
        await baseline?.session.close()
        await repository.close()
      }
    },
  }
}

function inTheirPlace(
  inForce: PolicySession,
  candidate: PolicySession,
  policy: Policy,
): PolicyContext {
  const { context } = inForce
  const verifiedTip = (ref: string): Promise<VerifiedTip> => inForce.verifiedTip(ref)
  const { chain, floor, anchor = '' } = context
  if (chain === undefined) return { ...candidate.context, verifiedTip }
  const facts: PolicyContext['facts'] = (id, by) =>
    (by === floor ? inForce : candidate).facts(id, by)
  const landing = { commit: anchor, index: 0, policy, at: undefined, signedBy: undefined }
  const openpgpKeys = (by: Policy): ReturnType<PolicySession['openpgpKeysOf']> =>
    inForce.openpgpKeysOf(by)
  const question = { ...context, facts, openpgpKeys, anchor, tip: chain.tip }
  const asked = new Map<string, ReturnType<typeof judgeLanding>>()
  /** Every change of the policy as if it had come while the candidate was in force. */
  const byCandidate = async (real: PolicyChain): Promise<PolicyChain> => {
    const { landings, failed, uncertain } = real
    const changes = [
      ...landings.slice(1),
      ...failed,
      ...(uncertain === undefined ? [] : [uncertain]),
    ]
    const refused: FailedLanding[] = []
    for (const { commit: id, index } of changes.sort((a, b) => a.index - b.index)) {
      const before = { ...landing, commit: landingAt(real, index - 1).commit }
      const entry = await policyEntry(context.git, id)
      const known = asked.get(id)
      const judged = known ?? judgeLanding(question, { id, index }, entry, before)
      asked.set(id, judged)
      const result = await judged
      if ('reasons' in result) refused.push(result)
    }
    return { ...real, landings: [landing], failed: refused, uncertain: undefined }
  }
  return {
    ...context,
    facts,
    chain: { ...chain, landings: [landing], failed: [], uncertain: undefined },
    chainTo: async (tip) => byCandidate(await inForce.chainTo(tip)),
    verifiedTip,
  }
}

async function policyOfHead(
  repository: RepositoryAnswers,
  policyBranch: string,
): Promise<FixedPolicy | undefined> {
  const head = await resolveRevision(repository.place, 'HEAD^{commit}')
  const text = head === undefined ? undefined : await policyInCommit(repository, head, head)
  if (text === undefined) return undefined
  const { policy } = readPolicy(text.bytes, text.name, { policyBranch })
  return policy && { policy, id: digestOf(text), files: text.files }
}

function digestOf({ bytes }: PolicyText): string {
  return encodeHex(sha256(bytes))
}
