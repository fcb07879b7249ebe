import { isZero } from '../../policy/context.ts'

interface Value {
  readonly id: string
  readonly isVerified: boolean
}

/**
 * A ref as a journal tells it. A hook writes down what it lets through, and git may still refuse that:
 * a value only counts as the ref's own once it is seen where the next push starts.
 */
export class RefState {
  #seen: string | undefined
  #verified: string | undefined
  /** Values that were let through since. */
  #waiting: Value[] = []

  /** Newest value, seen or not; undefined while nobody knows. */
  get newest(): string | undefined {
    return this.#waiting.at(-1)?.id ?? this.#seen
  }

  /** Newest value that was seen. */
  get seen(): string | undefined {
    return this.#seen
  }

  /** Newest value that was seen and all of whose steps passed. */
  get verified(): string | undefined {
    return this.#verified
  }

  /** The verified value that the newest value stands on, were all seen. */
  get likelyVerified(): string | undefined {
    const good = this.#waiting.findLast(({ isVerified }) => isVerified)
    if (good === undefined) return this.#verified
    return isZero(good.id) ? undefined : good.id
  }

  /** Says what the ref is, and up to where that is verified. */
  start(id: string, verified: string | undefined): void {
    this.#seen = id
    this.#verified = verified
    this.#waiting = []
  }

  /** Takes note of a value the ref has; false where no push that is known put it there. */
  see(id: string): boolean {
    if (this.#seen === id) return true
    const at = this.#waiting.findIndex((value) => value.id === id)
    const value = this.#waiting[at]
    if (value === undefined) return false
    this.#waiting = this.#waiting.slice(at + 1)
    this.#seen = id
    if (value.isVerified) this.#verified = isZero(id) ? undefined : id
    return true
  }

  /** An audit found that everything up to the newest value passes. */
  verify(): void {
    const { newest } = this
    if (newest !== undefined) this.start(newest, newest)
  }

  /** A movement from the value that was seen. */
  move(after: string, passes: boolean): void {
    const stands = this.#seen === this.#verified || isZero(this.#seen ?? '')
    this.#waiting.push({ id: after, isVerified: passes && stands })
  }
}
