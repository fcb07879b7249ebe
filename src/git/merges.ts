import type { MergeAnswer, Unanswered } from '../policy/git-answers.ts'
import { pathText } from '../policy/path-text.ts'
import { LruCache } from './lru-cache.ts'
import type { MergePair } from './merge-process.ts'
import type { MergeResult, MergeScratch } from './merge-tree.ts'
import { unanswered } from './tree-diff.ts'

type Answer = MergeAnswer | Unanswered

/** Each with its question takes a few hundred bytes. */
const maxAnswers = 20_000

/** Many enough that what a question costs besides counts for nothing. */
const largeBatch = 32

interface Waiting extends MergePair {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** Answers merges one by one and carries them out together: what is asked while git works is asked next. */
export class MergeQueue {
  readonly #open: () => MergeScratch
  readonly #check: (pair: MergePair) => Promise<Answer | undefined>
  readonly #answers = new LruCache<Promise<Answer>>(maxAnswers)
  #scratch: MergeScratch | undefined
  #waiting: Waiting[] = []
  #running = false
  #checking = 0

  /** `check` answers a pair that must not reach git: no common ancestor, a missing tree. */
  constructor(open: () => MergeScratch, check: (pair: MergePair) => Promise<Answer | undefined>) {
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
  get scratch(): MergeScratch | undefined {
    return this.#scratch
  }

  close(): void {
    this.#scratch?.remove()
    this.#scratch = undefined
  }

  async #ask(pair: MergePair): Promise<Answer> {
    this.#checking += 1
    let isJoining = false
    let known: Answer | undefined
    try {
      known = await this.#check(pair)
      isJoining = known === undefined
    } finally {
      this.#checking -= 1
      // The others of its batch must not wait for one that never joins.
      if (!isJoining) this.#start()
    }
    if (known !== undefined) return known
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...pair, resolve, reject })
      this.#start()
    })
  }

  /** Begins when nothing more is about to join the batch, or it is large enough. */
  #start(): void {
    if (this.#running || this.#waiting.length === 0) return
    if (this.#checking > 0 && this.#waiting.length < largeBatch) return
    this.#running = true
    void this.#run()
  }

  async #run(): Promise<void> {
    const batch = this.#waiting.splice(0)
    try {
      const results = await (this.#scratch ??= this.#open()).merge(batch)
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
