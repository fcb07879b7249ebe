import { ObjectReader } from './objects.ts'
import type { RawObject, ReadAnswer, ReadsObjects } from './objects.ts'
import type { GitPlace } from './run.ts'

/** Far more than judging one object takes; what is read after them is read as often as it is asked. */
const REMEMBERED = 64

/**
 * Reads objects for several that ask for the same few: the first of them are remembered, by the name
 * they were asked by, while it is open.
 */
export class RememberingReader implements ReadsObjects {
  readonly #reader: ObjectReader
  readonly #known = new Map<string, Promise<ReadAnswer>>()

  constructor(place: GitPlace) {
    this.#reader = new ObjectReader(place)
  }

  /** @throws as ObjectReader.read */
  read(name: string): Promise<ReadAnswer> {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const asked = this.#reader.read(name)
    if (this.#known.size < REMEMBERED) {
      this.#known.set(name, asked)
      // Whoever awaits it gets the error; it may be asked for ahead of anybody.
      asked.catch(() => undefined)
    }
    return asked
  }

  /** Takes note of an object whose bytes are at hand already. */
  remember(object: RawObject): void {
    this.#known.set(object.id, Promise.resolve(object))
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  letGo(): void {
    this.#reader.letGo()
  }
}
