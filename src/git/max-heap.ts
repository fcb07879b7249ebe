/** The largest number first. */
export class MaxHeap {
  readonly #items: number[] = []

  push(item: number): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if ((items[above] ?? 0) >= item) break
      items[at] = items[above] ?? 0
      at = above
    }
    items[at] = item
  }

  /** -1 where it is empty. */
  pop(): number {
    const items = this.#items
    const top = items[0] ?? -1
    const last = items.pop()
    if (last === undefined || items.length === 0) return top
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= items.length) break
      if ((items[below + 1] ?? -1) > (items[below] ?? -1)) below++
      if ((items[below] ?? -1) <= last) break
      items[at] = items[below] ?? 0
      at = below
    }
    items[at] = last
    return top
  }
}
