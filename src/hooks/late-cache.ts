import type { Facts } from '../facts.ts'
import type { FactsCache } from '../verification/cache.ts'

/** What is verified within a millisecond each is not worth opening a cache for. */
const FEW = 8

/**
 * A facts cache that is opened only once more is asked of it than a small push brings: opening and
 * writing it costs more than it saves there.
 */
export class LateCache implements Pick<FactsCache, 'get' | 'add' | 'save' | 'close'> {
  readonly #open: () => FactsCache | undefined
  #cache: FactsCache | undefined
  #early: Facts[] = []
  #asked = 0

  constructor(open: () => FactsCache | undefined) {
    this.#open = open
  }

  get(id: string): Facts | undefined {
    if (++this.#asked === FEW) {
      this.#cache = this.#open()
      for (const facts of this.#early.splice(0)) {
        if (this.#cache?.get(facts.object.id) === undefined) this.#cache?.add(facts)
      }
    }
    return this.#cache?.get(id)
  }

  add(facts: Facts): void {
    if (this.#asked < FEW) this.#early.push(facts)
    else this.#cache?.add(facts)
  }

  save(): void {
    this.#cache?.save()
  }

  close(): void {
    this.#cache?.close()
  }
}
