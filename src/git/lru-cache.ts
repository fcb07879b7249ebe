/** Keeps the most recently used values, up to a total cost. */
export class LruCache<V> {
  readonly #values = new Map<string, { value: V; cost: number }>()
  readonly #maxCost: number
  #cost = 0

  constructor(maxCost: number) {
    this.#maxCost = maxCost
  }

  get(key: string): V | undefined {
    const found = this.#values.get(key)
    if (found === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, found)
    return found.value
  }

  set(key: string, value: V, cost = 1): void {
    this.delete(key)
    this.#values.set(key, { value, cost })
    this.#cost += cost
    for (const oldest of this.#values.keys()) {
      if (this.#cost <= this.#maxCost || this.#values.size <= 1) return
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#cost -= this.#values.get(key)?.cost ?? 0
    this.#values.delete(key)
  }
}
