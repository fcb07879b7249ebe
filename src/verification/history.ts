import { runAsync, runSync } from '../crypto/verify.ts'
import { latin1 } from '../encoding/bytes.ts'
import { UnavailableError } from '../errors.ts'
import type { Facts } from '../facts.ts'
import type { RepositoryAnswers } from '../git/answers.ts'
import { readCommits, readObjects } from '../git/bulk-read.ts'
import type { RawObject, ReadAnswer } from '../git/objects.ts'
import type { CommitRange } from '../git/refs.ts'
import { splitObject, type SplitObject } from '../git/split.ts'
import { listCommits, type WalkOptions } from '../git/walk.ts'
import type { TrustRoots } from '../sigstore/trusted-root.ts'
import type { FactsCache } from './cache.ts'
import { LeafCache } from './leaf-cache.ts'
import type { OpenpgpKey } from './openpgp-packets.ts'
import { missingFacts, tooLargeFacts, verifySplitObject } from './object.ts'

/** One commit of a history with everything that is proven about it. */
export class ProvedCommit {
  readonly id: string
  /** Undefined where the object is missing or too large; valid until the next one is asked for. */
  readonly object: RawObject | undefined
  readonly facts: Facts
  /** The `shallow` file names it: its parents were never fetched. */
  readonly isShallow: boolean
  #split: SplitObject | undefined

  constructor(
    id: string,
    object: RawObject | undefined,
    facts: Facts,
    isShallow: boolean,
    split?: SplitObject,
  ) {
    this.id = id
    this.object = object
    this.facts = facts
    this.isShallow = isShallow
    this.#split = split
  }

  /** What lies where in the object. One whose facts are known is not split before somebody asks. */
  get split(): SplitObject | undefined {
    const { object } = this
    if (object?.type !== 'commit') return undefined
    return (this.#split ??= splitObject('commit', object.bytes, object.format))
  }

  /** The same commit with more proven about it. */
  with(facts: Facts): ProvedCommit {
    return new ProvedCommit(this.id, this.object, facts, this.isShallow, this.#split)
  }
}

export interface HistoryOptions extends WalkOptions {
  /** Verifications at one time; 1 verifies on this thread alone. Default 64. */
  readonly inFlight?: number
  readonly cache?: FactsCache | undefined
  /** OpenPGP keys that a policy pins; undefined: their signatures are UNSUPPORTED. */
  readonly openpgpKeys?: readonly OpenpgpKey[] | undefined
}

const defaultInFlight = 64

/**
 * Proves every commit of a range, in the order of the walk, in bounded memory: one reading stream,
 * verifications side by side, nothing read ahead of a consumer that waits. Commits that a broken
 * repository lacks come last, as MISSING_OBJECT; what else is there is still proven.
 *
 * @throws UnavailableError as runGit
 */
export async function* verifyHistory(
  repository: RepositoryAnswers,
  range: CommitRange,
  roots: TrustRoots,
  options: HistoryOptions = {},
): AsyncGenerator<ProvedCommit, void, undefined> {
  const prove = prover(repository, roots, options)
  const limit = options.inFlight ?? defaultInFlight
  let proved = 0
  try {
    for await (const one of inOrder(readCommits(repository.place, range, options), prove, limit)) {
      proved++
      yield one
    }
  } catch (error) {
    if (!(error instanceof UnavailableError) || error.code !== 'GIT_FAILED') throw error
    yield* inOrder(restOf(repository, range, options, proved), prove, limit)
  }
}

/** Proves commits by id, in the order given. */
export function verifyCommits(
  repository: RepositoryAnswers,
  ids: readonly string[],
  roots: TrustRoots,
  options: HistoryOptions = {},
): AsyncGenerator<ProvedCommit, void, undefined> {
  return inOrder(
    readObjects(repository.place, ids),
    prover(repository, roots, options),
    options.inFlight ?? defaultInFlight,
  )
}

/**
 * Commits of one certificate come together. The first goes ahead, so that the others find what it
 * proved about the certificate instead of proving it beside it. Where the certificate lies in an armor
 * is only guessed: a wrong guess costs time and nothing else.
 */
class CertificateQueue {
  readonly #ahead = new Map<string, Promise<unknown>>()

  run<T>({ signature }: SplitObject, start: () => Promise<T>): Promise<T> {
    if (signature === undefined || signature.length < certificateHint.end) return start()
    const hint = latin1(signature.subarray(certificateHint.start, certificateHint.end))
    const ahead = this.#ahead.get(hint)
    if (ahead !== undefined) return ahead.then(start, start)
    const first = start()
    this.#ahead.set(hint, first)
    const forget = (): void => {
      this.#ahead.delete(hint)
    }
    first.then(forget, forget)
    return first
  }
}

/** Characters of an armor that hold the serial number and key of the certificate. */
const certificateHint = { start: 160, end: 640 }

type Prove = (answer: ReadAnswer) => ProvedCommit | Promise<ProvedCommit>

function prover(repository: RepositoryAnswers, roots: TrustRoots, options: HistoryOptions): Prove {
  const leaves = new LeafCache()
  const { cache } = options
  const certificates = new CertificateQueue()
  const verified = (object: RawObject, split: SplitObject): Facts | Promise<Facts> => {
    const { id, format, bytes, idMatches } = object
    const stored = { id, type: 'commit', format, bytes, idMatches } as const
    const verification = verifySplitObject(stored, split, roots, {
      leaves,
      openpgpKeys: options.openpgpKeys,
    })
    if (options.inFlight === 1) return remember(runSync(verification))
    return certificates.run(split, () => runAsync(verification)).then(remember)
  }
  const remember = (facts: Facts): Facts => {
    cache?.add(facts)
    return facts
  }
  return (answer) => {
    if (answer.kind !== 'object') return unread(repository, answer)
    if (answer.type !== 'commit') return unread(repository, { kind: 'missing', name: answer.id })
    const { id, idMatches } = answer
    const isShallow = repository.isShallow(id)
    // The cache knows what the bytes of this id prove, so they must be the bytes of this id.
    const known = idMatches ? cache?.get(id) : undefined
    if (known !== undefined) {
      return new ProvedCommit(id, answer, known, isShallow)
    }
    const split = splitObject('commit', answer.bytes, answer.format)
    const facts = verified(answer, split)
    return facts instanceof Promise
      ? facts.then((proven) => new ProvedCommit(id, answer, proven, isShallow, split))
      : new ProvedCommit(id, answer, facts, isShallow, split)
  }
}

function unread(
  repository: RepositoryAnswers,
  answer: Exclude<ReadAnswer, RawObject>,
): ProvedCommit {
  const id = answer.kind === 'missing' ? answer.name : answer.id
  const facts = answer.kind === 'missing' ? missingFacts(id, 'commit') : tooLargeFacts(id, 'commit')
  return new ProvedCommit(id, undefined, facts, repository.isShallow(id))
}

/** Starts up to `limit` at a time and gives their results in the order of the source. */
async function* inOrder(
  source: AsyncIterable<readonly ReadAnswer[]>,
  prove: Prove,
  limit: number,
): AsyncGenerator<ProvedCommit, void, undefined> {
  const running: (ProvedCommit | Promise<ProvedCommit>)[] = []
  for await (const answers of source) {
    for (const answer of answers) {
      const started = prove(answer)
      // Whoever takes it from the queue gets the error; until then nobody waits for it.
      if (started instanceof Promise) started.catch(() => undefined)
      running.push(started)
      if (running.length < limit) continue
      const oldest = running.shift()
      if (oldest !== undefined) yield oldest instanceof Promise ? await oldest : oldest
    }
  }
  for (const one of running) yield await one
}

/**
 * What a walk that git gave up has not shown yet. git's order is the same each time, so what it showed
 * is found by walking again; only a broken repository pays for it.
 */
async function* restOf(
  repository: RepositoryAnswers,
  range: CommitRange,
  options: HistoryOptions,
  proved: number,
): AsyncGenerator<ReadAnswer[], void, undefined> {
  const shown = new Set<string>()
  try {
    for await (const { id } of listCommits(repository.place, range, options)) {
      if (shown.size >= proved) break
      shown.add(id)
    }
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
  }
  const rest: string[] = []
  const query = { ...range, firstParent: options.firstParent ?? false }
  const missing: string[] = []
  for await (const { id, absent } of repository.walk(query)) {
    if (absent === 'MISSING_OBJECT') missing.push(id)
    else if (absent === undefined && !shown.has(id)) rest.push(id)
  }
  yield* readObjects(repository.place, rest)
  for (const name of missing) yield [{ kind: 'missing', name }]
}
