/** Fewer questions are answered by looking through the list. */
const FEW = 8

interface Shared {
  /** Grows at its end only. */
  readonly ids: string[]
  places: Map<string, number> | undefined
  asked: number
}

/** The commits of a first-parent chain, the anchor first. Chains that begin alike share one list. */
export class ChainCommits implements Iterable<string> {
  readonly length: number
  readonly #shared: Shared

  /** @param ids - is the chain's from then on */
  static of(ids: string[]): ChainCommits {
    return new ChainCommits({ ids, places: undefined, asked: 0 }, ids.length)
  }

  private constructor(shared: Shared, length: number) {
    this.#shared = shared
    this.length = length
  }

  at(index: number): string | undefined {
    return index < this.length ? this.#shared.ids[index] : undefined
  }

  /** -1 for none. */
  indexOf(id: string): number {
    const shared = this.#shared
    if (shared.places === undefined && shared.asked++ < FEW) {
      return this.length === 0 ? -1 : shared.ids.lastIndexOf(id, this.length - 1)
    }
    shared.places ??= new Map(shared.ids.map((one, index) => [one, index]))
    const index = shared.places.get(id) ?? -1
    return index < this.length ? index : -1
  }

  /** The same chain up to an index, that commit included. */
  upTo(index: number): ChainCommits {
    return new ChainCommits(this.#shared, Math.min(index + 1, this.length))
  }

  /** A chain that goes on. */
  with(more: readonly string[]): ChainCommits {
    const { ids, places } = this.#shared
    if (ids.length !== this.length) return ChainCommits.of([...this, ...more])
    for (const id of more) {
      places?.set(id, ids.length)
      ids.push(id)
    }
    return new ChainCommits(this.#shared, ids.length)
  }

  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.#shared.ids[index] ?? ''
  }
}
