import { UnavailableError } from '../errors.ts'

export type GitObjectType = 'commit' | 'tag' | 'tree' | 'blob'

/** One answer of `git cat-file --batch`; nothing about it is checked. */
export type BatchAnswer =
  | {
      readonly kind: 'object'
      readonly id: string
      readonly type: GitObjectType
      readonly bytes: Buffer
      /** What the id is the hash of: type, size, NUL, bytes. */
      readonly preimage: Buffer
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
 * without being kept. A chunk is the parser's from then on: it writes to it, and the bytes handed out
 * may share its memory.
 *
 * @throws UnavailableError GIT_OUTPUT when the stream is not what cat-file writes
 */
export class BatchParser {
  readonly #emit: (answer: BatchAnswer) => void
  readonly #maxObjectBytes: number
  #header: Buffer = empty
  #object: { id: string; type: GitObjectType; size: number } | undefined
  /** Where the preimage starts in this chunk; -1 where its header is not in it. */
  #preimageAt = -1
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
      // Its first byte may come in the next chunk.
      const isHere = line === piece && end + 1 < chunk.length
      this.#preimageAt = isHere ? from + id.length + 1 : -1
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
      const header = `${type} ${String(size)}\0`
      let preimage: Buffer
      if (whole && this.#preimageAt >= 0) {
        // git has written it already, but for the NUL.
        chunk[from - 1] = 0
        preimage = chunk.subarray(this.#preimageAt, end - 1)
      } else {
        const bytes = whole ? [chunk.subarray(from, end)] : parts
        preimage = Buffer.concat([Buffer.from(header), ...bytes]).subarray(0, -1)
      }
      const bytes = preimage.subarray(header.length)
      this.#emit({ kind: 'object', id, type, bytes, preimage })
    }
    return end
  }
}

function unexpected(what: string): UnavailableError {
  return new UnavailableError('GIT_OUTPUT', `git cat-file: unexpected output: ${what}`)
}
