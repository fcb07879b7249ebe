import { LIMITS } from '../encoding/limits.ts'
import { UnavailableError } from '../errors.ts'
import { BatchParser } from './batch-parser.ts'
import { checked, ObjectReader } from './objects.ts'
import type { RawObject, ReadAnswer, ReadsObjects } from './objects.ts'
import { readingOptions } from './run.ts'
import type { GitPlace } from './run.ts'
import { runGitNow } from './run-now.ts'

/** Far more than judging one object takes; what is read after them is read as often as it is asked. */
const REMEMBERED = 64
/** Larger objects are read as often too. */
const SMALL = 1 << 16
/** Of all that is read at once; more is read as it is asked for. */
const MAX_BYTES_NOW = 4 << 20

/**
 * Reads objects for several that ask for the same few: the first of them are remembered, by the name
 * they were asked by, while it is open.
 */
export class RememberingReader implements ReadsObjects {
  readonly #place: GitPlace
  readonly #reader: ObjectReader
  readonly #known = new Map<string, Promise<ReadAnswer>>()

  constructor(place: GitPlace) {
    this.#place = place
    this.#reader = new ObjectReader(place)
  }

  /**
   * Reads a few objects at once by any names git understands, waiting for git. Where that fails, nothing
   * is remembered: whoever reads one of them is told why.
   */
  readNow(names: readonly string[]): void {
    try {
      const options = { input: `${names.join('\n')}\n`, maxBytes: MAX_BYTES_NOW }
      const args = [...readingOptions, 'cat-file', '--batch']
      this.take(names, runGitNow(this.#place, args, options))
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
    }
  }

  /**
   * Remembers what `git cat-file --batch` has written of these names, by them and by the objects' ids,
   * if it has answered all of them.
   *
   * @throws UnavailableError GIT_OUTPUT
   */
  take(names: readonly string[], output: Buffer): void {
    const answers: ReadAnswer[] = []
    const parser = new BatchParser(LIMITS.objectBytes, (answer) => answers.push(checked(answer)))
    parser.push(output)
    if (!parser.idle || answers.length !== names.length) return
    for (const [at, name] of names.entries()) {
      const answer = answers[at]
      if (answer === undefined) continue
      const settled = Promise.resolve(answer)
      this.#known.set(name, settled)
      if (answer.kind !== 'missing') this.#known.set(answer.id, settled)
    }
  }

  /** @throws as ObjectReader.read */
  read(name: string): Promise<ReadAnswer> {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const asked = this.#reader.read(name)
    if (this.#known.size < REMEMBERED) {
      this.#known.set(name, asked)
      asked.then(
        (answer) => {
          if (answer.kind === 'object' && answer.bytes.length > SMALL) this.#known.delete(name)
        },
        // Whoever awaits it gets the error; it may be asked for ahead of anybody.
        () => undefined,
      )
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
