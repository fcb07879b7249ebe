import type { Arriving } from './arriving.ts'
import type { InForce } from './context.ts'
import type { Judgement, RuleSet } from './judge-commit.ts'
import type { Rule } from './model.ts'

/** Judgements that are held, each below a kilobyte. */
const MAX_JUDGEMENTS = 20_000
/** Each holds what a whole push brings. */
const MAX_ARRIVING = 4

/**
 * What does not depend on the ref, for the steps of one push: many refs often bring the same commits under
 * the same rules. Two questions with one key have one answer, but for the ref that stories name.
 */
export class StepMemo {
  readonly #numbers = new WeakMap<object, number>()
  readonly #arriving = new Map<string, Promise<Arriving>>()
  readonly #judgements = new Map<string, Promise<Judgement>>()
  #count = 0

  /** Rules and policies by which commits are judged; the same objects, the same key. */
  rulesKey(bySet: Iterable<readonly [RuleSet, readonly Rule[]]>, inForce: InForce): string {
    const { policy, newest, landing, isOrderUnknown } = inForce
    const sets = [...bySet].map(([set, rules]) => [
      this.#numberOf(set.policy),
      set.isUnmatched,
      set.isFloor,
      rules.map((rule) => this.#numberOf(rule)),
    ])
    return JSON.stringify([
      this.#numberOf(policy),
      this.#numberOf(newest),
      landing === undefined ? 0 : this.#numberOf(landing),
      isOrderUnknown === true,
      sets,
    ])
  }

  arriving(key: string, find: () => Promise<Arriving>): Promise<Arriving> {
    return kept(this.#arriving, key, MAX_ARRIVING, find)
  }

  judgement(key: string, judge: () => Promise<Judgement>): Promise<Judgement> {
    return kept(this.#judgements, key, MAX_JUDGEMENTS, judge)
  }

  #numberOf(object: object): number {
    const known = this.#numbers.get(object)
    if (known !== undefined) return known
    this.#numbers.set(object, ++this.#count)
    return this.#count
  }
}

/** The oldest answer makes room. */
function kept<T>(held: Map<string, T>, key: string, max: number, find: () => T): T {
  const known = held.get(key)
  if (known !== undefined) return known
  const found = find()
  held.set(key, found)
  for (const oldest of held.keys()) {
    if (held.size <= max) break
    held.delete(oldest)
  }
  return found
}
