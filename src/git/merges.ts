import type { MergeAnswer, Unanswered } from '../policy/git-answers.ts'
import { pathText } from '../policy/path-text.ts'
import type { MergeScratch } from './merge-tree.ts'
import { type MergePair, type MergeResult } from './merge-tree.ts'
import { unanswered } from './tree-diff.ts'

type Answer = MergeAnswer | Unanswered

/** Many enough that starting a process for them costs nothing. */
const fullBatch = 1000

interface Waiting extends MergePair {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Answers merges one by one and carries them out together: what is asked while one batch runs goes into
 * the next, so that many questions in flight need few processes.
 */
export class MergeQueue {
  readonly #open: () => Promise<MergeScratch>
  readonly #check: (pair: MergePair) => Promise<Answer | undefined>
  readonly #answers = new Map<string, Promise<Answer>>()
  #scratch: Promise<MergeScratch> | undefined
  #waiting: Waiting[] = []
  #running = false
  #checking = 0

  /** `check` answers a pair that must not reach git: no common ancestor, a missing tree. */
  constructor(
    open: () => Promise<MergeScratch>,
    check: (pair: MergePair) => Promise<Answer | undefined>,
  ) {
    this.#open = open
    this.#check = check
  }

  merge(first: string, second: string): Promise<Answer> {
    const key = `${first} ${second}`
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const asked = this.#ask({ first, second })
    this.#answers.set(key, asked)
    return asked
  }

  /** The scratch repository, where one was needed; it has the trees that merging wrote. */
  get scratch(): Promise<MergeScratch> | undefined {
    return this.#scratch
  }

  async close(): Promise<void> {
    const scratch = await this.#scratch?.catch(() => undefined)
    this.#scratch = undefined
    scratch?.remove()
  }

  async #ask(pair: MergePair): Promise<Answer> {
    this.#checking++
    let known: Answer | undefined
    try {
      known = await this.#check(pair)
    } catch (error) {
      this.#checked()
      throw error
    }
    if (known !== undefined) {
      this.#checked()
      return known
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...pair, resolve, reject })
      this.#checked()
    })
  }

  #checked(): void {
    this.#checking--
    this.#start()
  }

  /** Begins when nothing more is about to join the batch. */
  #start(): void {
    if (this.#running || this.#waiting.length === 0) return
    if (this.#checking > 0 && this.#waiting.length < fullBatch) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    try {
      const scratch = await (this.#scratch ??= this.#open())
      const results = await scratch.merge(batch)
      for (const [index, waiting] of batch.entries()) waiting.resolve(answerOf(results[index]))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.#running = false
    this.#start()
  }
}

function answerOf(result: MergeResult | undefined): Answer {
  switch (result?.kind) {
    case 'merged':
      return { kind: 'merged', tree: result.tree, conflicts: result.conflicts.map(pathText) }
    case 'unrelated':
      return { kind: 'unrelated' }
    case 'time-limit':
      return unanswered('LIMIT', 'the merge takes too long')
    default:
      return unanswered('MISSING_OBJECT', 'something the merge needs is missing')
  }
}
