import { gitError, startGit, type GitPlace, type GitProcess } from './run.ts'

/** A pair of commits to merge. */
export interface MergePair {
  readonly first: string
  readonly second: string
}

/** What git makes of a pair; conflicting paths as raw bytes. */
export interface Merged {
  readonly kind: 'merged'
  readonly tree: string
  readonly conflicts: readonly Uint8Array[]
}

export interface AskOptions {
  readonly timeoutMs: number
  /** Nothing is asked after it: input ends. */
  readonly isLast: boolean
}

/** `clean NUL tree NUL (path NUL)* NUL` for each merge. */
export const mergeArguments = [
  'merge-tree',
  '--write-tree',
  '-z',
  '--name-only',
  '--no-messages',
] as const

const maxAnswerBytes = 256 << 20

/**
 * One `git merge-tree --stdin` that is asked again and again. git keeps what it has to say until its
 * output buffer is full or its input ends, so each question but the last is followed by a pair whose
 * answer is longer than that buffer.
 */
export class MergeProcess {
  readonly #git: GitProcess
  readonly #pusher: string
  readonly #records = new RecordParser()
  #onRecords: (records: readonly Buffer[][]) => void = () => undefined
  #onBytes: (length: number) => void = () => undefined
  /** Whether the pusher's answer is still to come, or its end. */
  #isPushed = false
  #hasEnded = false
  #asked = 0

  /** `pusher`: a pair of commits that git can merge, with a long answer. */
  constructor(place: GitPlace, pusher: MergePair) {
    this.#pusher = lineOf(pusher)
    this.#git = startGit(place, [...mergeArguments, '--stdin'], [0, 1, 128, 129])
    this.#git.stdout.on('data', (chunk: Buffer) => {
      this.#onBytes(chunk.length)
      this.#onRecords(this.#records.push(chunk))
    })
    const end = (): void => {
      this.#hasEnded = true
    }
    this.#git.finished.then(end, end)
  }

  /** Pairs it was asked for so far: git's memory grows with what it has seen. */
  get asked(): number {
    return this.#asked
  }

  /** Whether it can be asked again. */
  get isOpen(): boolean {
    return !this.#hasEnded
  }

  /**
   * Merges pairs in order; fewer results than pairs where git refused the next one and has ended. One
   * question at a time.
   *
   * @throws UnavailableError GIT_OUTPUT and as startGit
   */
  async ask(
    pairs: readonly MergePair[],
    { timeoutMs, isLast }: AskOptions,
  ): Promise<Merged[] | 'time-limit'> {
    this.#asked += pairs.length
    const results: (readonly Buffer[])[] = []
    const answered = new Promise<void>((resolve, reject) => {
      let length = 0
      this.#onBytes = (more) => {
        length += more
        if (length <= maxAnswerBytes) return
        reject(gitError('GIT_OUTPUT', mergeArguments, `more than ${String(maxAnswerBytes)} bytes`))
      }
      this.#onRecords = (records) => {
        for (const record of records) {
          if (this.#isPushed) {
            this.#isPushed = false
            continue
          }
          results.push(record)
          if (results.length < pairs.length) continue
          this.#isPushed = !isLast
          resolve()
        }
      }
    })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'time-limit'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'time-limit')
    })
    this.#git.stdin.write(pairs.map(lineOf).join('') + (isLast ? '' : this.#pusher))
    if (isLast) this.#git.stdin.end()
    try {
      const isLate = await Promise.race([answered, this.#git.finished, late])
      if (isLate !== undefined) return isLate
      if (this.#isPushed && results.length < pairs.length) {
        throw gitError('GIT_FAILED', mergeArguments, 'ended before it was asked')
      }
      return results.map(mergedOf)
    } finally {
      clearTimeout(timer)
    }
  }

  stop(): void {
    this.#hasEnded = true
    this.#git.stop()
  }
}

function lineOf({ first, second }: MergePair): string {
  return `${first} ${second}\n`
}

function mergedOf([clean, tree, ...conflicts]: readonly Buffer[]): Merged {
  if (clean === undefined || tree === undefined) {
    throw gitError('GIT_OUTPUT', mergeArguments, 'an answer has no tree')
  }
  return { kind: 'merged', tree: tree.toString('latin1'), conflicts }
}

/** Splits output into records of NUL-ended fields; an empty field ends a record. */
class RecordParser {
  #fields: Buffer[] = []
  /** Of a field whose end has not come. */
  #parts: Buffer[] = []

  push(chunk: Buffer): Buffer[][] {
    const records: Buffer[][] = []
    let at = 0
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, at)) {
      const field = Buffer.concat([...this.#parts, chunk.subarray(at, end)])
      this.#parts = []
      at = end + 1
      if (field.length > 0) this.#fields.push(field)
      else {
        records.push(this.#fields)
        this.#fields = []
      }
    }
    if (at < chunk.length) this.#parts.push(chunk.subarray(at))
    return records
  }
}
