/** Commits of a graph by their numbers. */
export interface CommitSet {
  /** 1 for each that is in it. */
  readonly marks: Uint8Array
  /** Reached too, and not in the graph. */
  readonly outside: readonly number[]
}

/** Of so many commits sets are held at once: a byte each for every commit of the graph. */
const MAX_SETS = 8
/** Lists of more commits are left alone. */
const MAX_LISTED = 64
/** Who was in the way this often will be again. */
const OFTEN = 2

/**
 * All that a commit reaches, or is reached by, for those few that many questions are about: a push of many
 * refs asks for each of them what is not on the same old branch.
 */
export class CommitSets {
  readonly #make: (number: number) => CommitSet
  readonly #sets = new Map<number, CommitSet>()
  readonly #noted = new Map<number, number>()

  /** @param make - looks at every commit of the graph once */
  constructor(make: (number: number) => CommitSet) {
    this.#make = make
  }

  /** Undefined where that has not been asked for often. */
  of(number: number): CommitSet | undefined {
    return this.#sets.get(number)
  }

  /** Takes note of a question that took long. */
  note(numbers: readonly number[]): void {
    if (numbers.length > MAX_LISTED) return
    for (const number of numbers) {
      const times = (this.#noted.get(number) ?? 0) + 1
      this.#noted.set(number, times)
      if (times < OFTEN || this.#sets.size >= MAX_SETS || this.#sets.has(number)) continue
      this.#sets.set(number, this.#make(number))
    }
  }

  /** The graph has changed. */
  clear(): void {
    this.#sets.clear()
  }
}
