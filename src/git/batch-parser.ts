import { UnavailableError } from '../errors.ts'

export type GitObjectType = 'commit' | 'tag' | 'tree' | 'blob'

/** One answer of `git cat-file --batch`; nothing about it is checked. */
export type BatchAnswer =
  | {
      readonly kind: 'object'
      readonly id: string
      readonly type: GitObjectType
      readonly bytes: Buffer
    }
  | {
      readonly kind: 'too-large'
      readonly id: string
      readonly type: GitObjectType
      readonly size: number
    }
  | { readonly kind: 'missing'; readonly name: string }

const LF = 0x0a
const empty = Buffer.alloc(0)

/**
 * Splits the output of `git cat-file --batch` as it arrives. Objects over `maxObjectBytes` are skipped
 * without being kept. The bytes handed out may share memory with the chunk they came in.
 *
 * @throws UnavailableError GIT_OUTPUT when the stream is not what cat-file writes
 */
export class BatchParser {
  readonly #emit: (answer: BatchAnswer) => void
  readonly #maxObjectBytes: number
  #header: Buffer = empty
  #object: { id: string; type: GitObjectType; size: number } | undefined
  #parts: Buffer[] = []
  #partsLength = 0

  constructor(maxObjectBytes: number, emit: (answer: BatchAnswer) => void) {
    this.#maxObjectBytes = maxObjectBytes
    this.#emit = emit
  }

  /** Whether nothing is half-read. */
  get idle(): boolean {
    return this.#object === undefined && this.#header.length === 0
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      at = this.#object === undefined ? this.#readHeader(chunk, at) : this.#readBytes(chunk, at)
    }
  }

  #readHeader(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(LF, from)
    const piece = chunk.subarray(from, end === -1 ? chunk.length : end)
    const line = this.#header.length === 0 ? piece : Buffer.concat([this.#header, piece])
    if (line.length > 16384) throw unexpected('a line without end')
    if (end === -1) {
      this.#header = Buffer.from(line)
      return chunk.length
    }
    this.#header = empty
    const text = line.toString('utf8')
    const match = /^([0-9a-f]{40}|[0-9a-f]{64}) (commit|tag|tree|blob) (0|[1-9][0-9]{0,14})$/.exec(
      text,
    )
    if (match !== null) {
      const [, id = '', type = '', size = ''] = match
      this.#object = { id, type: type as GitObjectType, size: Number(size) }
    } else {
      const name = /^(.*) (?:missing|ambiguous)$/s.exec(text)?.[1]
      if (name === undefined) throw unexpected('a line that is no header')
      this.#emit({ kind: 'missing', name })
    }
    return end + 1
  }

  #readBytes(chunk: Buffer, from: number): number {
    const object = this.#object
    if (object === undefined) return from
    const { id, type, size } = object
    const tooLarge = size > this.#maxObjectBytes
    const end = Math.min(chunk.length, from + size + 1 - this.#partsLength)
    const whole = this.#partsLength === 0 && end - from === size + 1
    if (!whole) {
      // A small copy: it must not keep the whole chunk alive while the rest is awaited.
      if (!tooLarge) this.#parts.push(Buffer.from(chunk.subarray(from, end)))
      this.#partsLength += end - from
      if (this.#partsLength < size + 1) return end
    }
    if (chunk[end - 1] !== LF) throw unexpected('an object without its end')
    const parts = this.#parts
    this.#object = undefined
    this.#parts = []
    this.#partsLength = 0
    if (tooLarge) this.#emit({ kind: 'too-large', id, type, size })
    else {
      const bytes = whole ? chunk.subarray(from, end - 1) : Buffer.concat(parts).subarray(0, size)
      this.#emit({ kind: 'object', id, type, bytes })
    }
    return end
  }
}

function unexpected(what: string): UnavailableError {
  return new UnavailableError('GIT_OUTPUT', `git cat-file: unexpected output: ${what}`)
}
