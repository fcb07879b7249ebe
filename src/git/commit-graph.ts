import { CommitSets } from './commit-sets.ts'
import type { CommitSet } from './commit-sets.ts'
import { IdTable } from './id-table.ts'
import { MaxHeap } from './max-heap.ts'
import type { ListedCommit } from './walk.ts'

/** Questions that look at more in vain are noted. */
const MANY = 256

/**
 * Commits and their parents in memory, about 40 bytes each, so that an audit of many steps walks
 * without a process a step. Commits are added parents first.
 */
export class CommitGraph {
  readonly #ids: IdTable
  /** Parents of commit n: `#parents[#firstParent[n]]` up to `#firstParent[n + 1]`. */
  #firstParent = new Uint32Array(1025)
  #parents = new Int32Array(1024)
  #parentCount = 0
  /** Parents that were never added, by number from -2 down. */
  readonly #outside: string[] = []
  readonly #outsideNumbers = new Map<string, number>()
  /** All that some commits reach, or are reached by, once that was asked for in vain too often. */
  readonly #below = new CommitSets((number) => this.#reachedBy(number))
  readonly #above = new CommitSets((number) => this.#reaching(number))

  constructor(idBytes: 20 | 32) {
    this.#ids = new IdTable(idBytes)
  }

  get size(): number {
    return this.#ids.size
  }

  has(id: string): boolean {
    return this.#ids.find(id) >= 0
  }

  /** Adds a commit whose parents, as far as they are in the graph, have been added. */
  add({ id, parents }: ListedCommit): void {
    if (this.#ids.find(id) >= 0) return
    this.#grow(parents.length)
    this.#below.clear()
    this.#above.clear()
    for (const parent of parents) {
      const known = this.#ids.find(parent)
      this.#parents[this.#parentCount++] = known >= 0 ? known : this.#outsideNumber(parent)
    }
    this.#firstParent[this.#ids.add(id) + 1] = this.#parentCount
  }

  /** Parents of a commit in the graph; undefined where the commit is not in it. */
  parents(id: string): string[] | undefined {
    const number = this.#ids.find(id)
    return number < 0 ? undefined : this.#parentNumbers(number).map((one) => this.#idOf(one))
  }

  /**
   * Commits reachable from `include` and not from `exclude`, children before parents. Ids that are not
   * in the graph exclude nothing and are yielded with undefined parents, as are parents outside it.
   */
  *walk(
    include: readonly string[],
    exclude: readonly string[],
    firstParent = false,
  ): Generator<{ id: string; parents: string[] | undefined }, void, undefined> {
    const interesting = 1
    const uninteresting = 2
    const marks = new Map<number, number>()
    const queue = new MaxHeap()
    let wanted = 0
    const mark = (number: number, flag: number): void => {
      const before = marks.get(number)
      if (before === undefined) queue.push(number)
      else if (before === uninteresting) return
      if (flag === interesting && before === undefined) wanted++
      if (flag === uninteresting && before === interesting) wanted--
      marks.set(number, before === undefined ? flag : flag === uninteresting ? flag : before)
    }
    const excluded = exclude.map((id) => this.#ids.find(id)).filter((number) => number >= 0)
    const whole: Uint8Array[] = []
    const excludedStrangers = new Set(exclude)
    for (const number of excluded) {
      const set = this.#below.of(number)
      if (set === undefined) mark(number, uninteresting)
      else {
        whole.push(set.marks)
        for (const one of set.outside) excludedStrangers.add(this.#idOf(one))
      }
    }
    const strangers = new Set<string>()
    for (const id of include) {
      const number = this.#ids.find(id)
      if (number >= 0) mark(number, interesting)
      else if (!exclude.includes(id)) strangers.add(id)
    }
    let inVain = 0
    while (wanted > 0) {
      const number = queue.pop()
      const flag = marks.get(number)
      marks.delete(number)
      if (whole.some((marked) => marked[number] === 1)) {
        if (flag === interesting) wanted--
        continue
      }
      if (flag === uninteresting && ++inVain === MANY) this.#below.note(excluded)
      const all = this.#parentNumbers(number)
      const followed = firstParent && flag === interesting ? all.slice(0, 1) : all
      for (const parent of followed) {
        if (parent >= 0) mark(parent, flag ?? uninteresting)
        else if (flag === interesting) strangers.add(this.#idOf(parent))
        else excludedStrangers.add(this.#idOf(parent))
      }
      if (flag !== interesting) continue
      wanted--
      yield { id: this.#idOf(number), parents: all.map((one) => this.#idOf(one)) }
    }
    for (const id of strangers) if (!excludedStrangers.has(id)) yield { id, parents: undefined }
  }

  /** Whether `ancestor` is reachable from `descendant`; both must be in the graph. */
  isAncestor(ancestor: string, descendant: string): boolean {
    const target = this.#ids.find(ancestor)
    const start = this.#ids.find(descendant)
    const above = this.#above.of(target)
    if (above !== undefined) return above.marks[start] === 1
    const seen = new Set<number>()
    const stack = [start]
    for (let number = stack.pop(); number !== undefined; number = stack.pop()) {
      if (number === target) return true
      // Parents have smaller numbers, so nothing below the target leads back to it.
      if (number < target || seen.has(number)) continue
      seen.add(number)
      if (seen.size === MANY) this.#above.note([target])
      stack.push(...this.#parentNumbers(number))
    }
    return false
  }

  /** Best common ancestors of two commits that are in the graph; empty where there is none. */
  mergeBases(first: string, second: string): string[] {
    const [ofFirst, ofSecond, below] = [1, 2, 4]
    const marks = new Map<number, number>()
    const queue = new MaxHeap()
    // Commits in the queue that are not yet known to lie below a common ancestor.
    let open = 0
    const mark = (number: number, flags: number): void => {
      const before = marks.get(number)
      if (before === undefined) queue.push(number)
      const after = (before ?? 0) | flags
      if (before !== undefined && before < below) open--
      if (after < below) open++
      marks.set(number, after)
    }
    mark(this.#ids.find(first), ofFirst)
    mark(this.#ids.find(second), ofSecond)
    const bases: string[] = []
    while (open > 0) {
      const number = queue.pop()
      const flags = marks.get(number) ?? 0
      marks.delete(number)
      if (flags < below) open--
      const common = (flags & 3) === 3
      if (common && flags < below) bases.push(this.#idOf(number))
      for (const parent of this.#parentNumbers(number)) {
        if (parent >= 0) mark(parent, common ? flags | below : flags)
      }
    }
    return bases
  }

  /** All that a commit reaches, itself included. */
  #reachedBy(number: number): CommitSet {
    const marks = new Uint8Array(this.size)
    const outside: number[] = []
    marks[number] = 1
    for (let at = number; at >= 0; at--) {
      if (marks[at] !== 1) continue
      const end = this.#firstParent[at + 1] ?? 0
      for (let place = this.#firstParent[at] ?? 0; place < end; place++) {
        const parent = this.#parents[place] ?? -1
        if (parent >= 0) marks[parent] = 1
        else outside.push(parent)
      }
    }
    return { marks, outside }
  }

  /** All that reach a commit, itself included. */
  #reaching(number: number): CommitSet {
    const marks = new Uint8Array(this.size)
    marks[number] = 1
    for (let at = number + 1; at < marks.length; at++) {
      const end = this.#firstParent[at + 1] ?? 0
      for (let place = this.#firstParent[at] ?? 0; place < end; place++) {
        const parent = this.#parents[place] ?? -1
        if (parent >= 0 && marks[parent] === 1) marks[at] = 1
      }
    }
    return { marks, outside: [] }
  }

  #parentNumbers(number: number): number[] {
    return Array.from(
      this.#parents.subarray(this.#firstParent[number] ?? 0, this.#firstParent[number + 1] ?? 0),
    )
  }

  #idOf(number: number): string {
    if (number < 0) return this.#outside[-2 - number] ?? ''
    return this.#ids.idOf(number)
  }

  #outsideNumber(id: string): number {
    const known = this.#outsideNumbers.get(id)
    if (known !== undefined) return known
    const number = -2 - this.#outside.length
    this.#outside.push(id)
    this.#outsideNumbers.set(id, number)
    return number
  }

  #grow(moreParents: number): void {
    if (this.#ids.size + 2 > this.#firstParent.length) {
      this.#firstParent = doubled(this.#firstParent)
    }
    while (this.#parentCount + moreParents > this.#parents.length) {
      const larger = new Int32Array(this.#parents.length * 2)
      larger.set(this.#parents)
      this.#parents = larger
    }
  }
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2)
  larger.set(array)
  return larger
}
