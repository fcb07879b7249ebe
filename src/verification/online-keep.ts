import { runSync } from '../crypto/verify.ts'
import { RefusedError, UnavailableError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { TransparencyLogEntry } from '../tlog/entry.ts'
import type { ProvedCommit } from './history.ts'
import type { KeptEntries } from './kept-entries.ts'
import { verifyObject } from './object.ts'
import type { StoredObject } from './object.ts'
import { signerCertificateOf } from './online.ts'
import type { LogLookup } from './online.ts'

export interface CompletionOptions {
  readonly roots: TrustRoots
  readonly kept: KeptEntries | undefined
  /** Undefined: nobody is asked. */
  readonly lookup: LogLookup | undefined
  /** Told each time that the log could not be asked. */
  readonly onFailure: (error: UnavailableError | RefusedError) => void
}

/** Whether facts lack a log entry and nothing else that is known. */
export function isCompletable(facts: Facts): boolean {
  return facts.codes.includes('NOT_LOGGED')
}

/**
 * Completes facts that lack only a log entry: with what was kept, then by asking the log. Whatever goes
 * wrong with either leaves the facts as they were.
 */
export class LogCompletion {
  readonly #options: CompletionOptions

  constructor(options: CompletionOptions) {
    this.#options = options
  }

  /** Whether anything was completed with what was kept. */
  get hasFound(): boolean {
    return this.#options.kept?.hasFound === true
  }

  /** The same by other trust roots. */
  under(roots: TrustRoots): LogCompletion {
    return new LogCompletion({ ...this.#options, roots })
  }

  async complete(object: StoredObject, facts: Facts): Promise<Facts> {
    if (!isCompletable(facts)) return facts
    const { kept, lookup } = this.#options
    const entries = (await kept?.find(object.id)) ?? []
    if (entries.length > 0) {
      const known = this.#verify(object, entries)
      // A kept entry that does not prove may be anybody's; it must not spoil anything either.
      if (known.outcome === 'proven') {
        await kept?.keep(object.id, object.type)
        return known
      }
    }
    return lookup === undefined ? facts : this.#ask(object, facts, lookup)
  }

  async #ask(object: StoredObject, facts: Facts, lookup: LogLookup): Promise<Facts> {
    const certificate = signerCertificateOf(object)
    if (certificate === undefined) return facts
    let entries: readonly TransparencyLogEntry[]
    try {
      entries = await lookup.find(certificate)
    } catch (error) {
      if (!(error instanceof UnavailableError || error instanceof RefusedError)) throw error
      this.#options.onFailure(error)
      return facts
    }
    for (const entry of entries) {
      const found = this.#verify(object, [entry])
      if (found.outcome !== 'proven') continue
      await this.#options.kept?.add(object.id, object.type, entry)
      return found
    }
    const all = this.#verify(object, entries)
    // A wrong answer is the log's failure, not the signer's.
    return all.codes.includes('LOG_ENTRY_INVALID') ? facts : all
  }

  #verify(object: StoredObject, entries: readonly TransparencyLogEntry[]): Facts {
    return runSync(verifyObject(object, this.#options.roots, { entries }))
  }
}

/** Commits that may wait for an answer, or for one before them. */
const WINDOW = 8

/** Completes a history in its order, a few questions at a time. */
export async function* completeHistory(
  source: AsyncIterable<ProvedCommit>,
  completion: LogCompletion,
): AsyncGenerator<ProvedCommit, void, undefined> {
  const running: Promise<ProvedCommit>[] = []
  for await (const proved of source) {
    const { object } = proved
    if (object === undefined || !isCompletable(proved.facts)) {
      // Nobody waits before it: it goes on at once.
      if (running.length === 0) yield proved
      else running.push(Promise.resolve(proved))
    } else {
      const stored = { ...object, type: 'commit', bytes: Buffer.from(object.bytes) } as const
      const completed = completion
        .complete(stored, proved.facts)
        .then((facts) => proved.with(facts))
      // Whoever takes it from the queue gets the error.
      completed.catch(() => undefined)
      running.push(completed)
    }
    while (running.length >= WINDOW) {
      const oldest = running.shift()
      if (oldest !== undefined) yield await oldest
    }
  }
  for (const one of running) yield await one
}
