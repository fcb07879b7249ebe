import { runAsync, runSync } from '../crypto/verify.ts'
import type { Facts } from '../facts.ts'
import { LruCache } from '../git/lru-cache.ts'
import type { ReadAnswer } from '../git/objects.ts'
import { splitObject } from '../git/split.ts'
import type { FactsCache } from './cache.ts'
import { LeafCache } from './leaf-cache.ts'
import { missingFacts, tooLargeFacts, verifySplitObject } from './object.ts'
import type { StoredObject } from './object.ts'
import { isCompletable } from './online-keep.ts'
import type { LogCompletion } from './online-keep.ts'
import type { PolicyMaterial } from './policy-material.ts'

/** What of a cache is used here. */
export type KnownFacts = Pick<FactsCache, 'get' | 'add' | 'save' | 'close'>

export interface FactsOnDemandOptions {
  /** Reads any object; whoever gave it ends it. */
  readonly read: (id: string) => Promise<ReadAnswer>
  readonly material: Pick<PolicyMaterial, 'roots' | 'openpgpKeys'>
  readonly cache?: KnownFacts | undefined
  /** What signatures that bring no log entry are completed with. */
  readonly completion?: LogCompletion | undefined
}

/** Facts that are held in memory, each in about 3 KiB. */
const HELD = 4_096

/**
 * Facts about commits and tags as a policy asks for them, by the roots and keys of one policy; whoever
 * asks for many at once has them proven side by side. Each is proven once as long as it is held.
 */
export class FactsOnDemand {
  readonly #options: FactsOnDemandOptions
  readonly #leaves = new LeafCache()
  readonly #known = new LruCache<Promise<Facts>>(HELD)
  /** Asked for and not yet proven. */
  #open = 0

  constructor(options: FactsOnDemandOptions) {
    this.#options = options
  }

  /** @throws UnavailableError as runGit */
  readonly facts = (id: string): Promise<Facts> => {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    this.#open++
    const asked = this.#options
      .read(id)
      .then((answer) => this.#prove(id, answer))
      .finally(() => this.#open--)
    this.#known.set(id, asked)
    return asked
  }

  close(): void {
    this.#options.cache?.save()
    this.#options.cache?.close()
  }

  async #prove(id: string, answer: ReadAnswer): Promise<Facts> {
    if (answer.kind === 'missing') return missingFacts(id, 'commit')
    const type = answer.type === 'tag' ? 'tag' : 'commit'
    if (answer.kind === 'too-large') return tooLargeFacts(id, type)
    if (answer.type !== type) return missingFacts(id, 'commit')
    const { cache, completion, material } = this.#options
    // The cache knows what the bytes of this id prove, so they must be the bytes of this id.
    const known = answer.idMatches ? cache?.get(id) : undefined
    const object: StoredObject = { ...answer, type }
    const facts = known ?? (await this.#verify(object, material))
    if (known === undefined) cache?.add(facts)
    return completion === undefined || !isCompletable(facts)
      ? facts
      : completion.complete(object, facts)
  }

  #verify(
    object: StoredObject,
    material: FactsOnDemandOptions['material'],
  ): Facts | Promise<Facts> {
    const split = splitObject(object.type, object.bytes, object.format)
    const { roots, openpgpKeys } = material
    const options = { leaves: this.#leaves, openpgpKeys }
    const verification = verifySplitObject(object, split, roots, options)
    // Of one alone nothing can be checked side by side.
    return this.#open === 1 ? runSync(verification) : runAsync(verification)
  }
}
