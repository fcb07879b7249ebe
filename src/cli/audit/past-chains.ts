import { PolicyError } from '../../errors.ts'
import { chainUpTo, newestLanding } from '../../policy/chain.ts'
import type { Landing, PolicyChain } from '../../policy/chain.ts'

/** The policy chain as it was when the policy branch stood elsewhere. */
export class PastChains {
  readonly #chain: PolicyChain
  readonly #chainTo: (tip: string) => Promise<PolicyChain>
  readonly #others = new Map<string, Promise<PolicyChain>>()
  /** Policies that a journal names and that never landed. */
  readonly unknown = new Set<string>()
  /** Policies that a journal still names when another had landed. */
  readonly replaced = new Set<string>()

  /** @param chainTo - builds the chain to a tip that is not on this one */
  constructor(chain: PolicyChain, chainTo: (tip: string) => Promise<PolicyChain>) {
    this.#chain = chain
    this.#chainTo = chainTo
  }

  get newest(): Landing {
    return newestLanding(this.#chain)
  }

  /** @throws PolicyError POLICY_INVALID as `buildPolicyChain` */
  to(tip: string): Promise<PolicyChain> {
    const index = this.#chain.commits.indexOf(tip)
    if (index !== -1) return Promise.resolve(chainUpTo(this.#chain, index))
    const known = this.#others.get(tip)
    if (known !== undefined) return known
    const asked = this.#chainTo(tip)
    this.#others.set(tip, asked)
    return asked
  }

  /**
   * The chain before a push: the anchor alone while the policy branch does not have it.
   *
   * @param isBefore - whether a value of the policy branch lies before the anchor
   */
  async before(
    tip: string | undefined,
    isBefore: (tip: string | undefined) => Promise<boolean>,
  ): Promise<{ chain: PolicyChain; isWaiting: boolean }> {
    if (tip === undefined || (this.#chain.commits.indexOf(tip) === -1 && (await isBefore(tip)))) {
      return { chain: chainUpTo(this.#chain, 0), isWaiting: true }
    }
    try {
      return { chain: await this.to(tip), isWaiting: false }
    } catch (error) {
      // It was reset past the hook to where there is no policy: what stands now is the next best.
      if (!(error instanceof PolicyError)) throw error
      return { chain: this.#chain, isWaiting: false }
    }
  }

  /** The chain as it was while a policy was the newest; where that never landed, the one given. */
  withPolicy(chain: PolicyChain, policy: string): PolicyChain {
    if (policy === '' || newestLanding(chain).commit === policy) return chain
    const { landings, commits } = this.#chain
    const at = landings.findIndex(({ commit }) => commit === policy)
    if (at === -1) {
      this.unknown.add(policy)
      return chain
    }
    if ((landings[at]?.index ?? 0) < newestLanding(chain).index) this.replaced.add(policy)
    return chainUpTo(this.#chain, (landings[at + 1]?.index ?? commits.length) - 1)
  }
}
