import { digest, hexDigest } from '../crypto/digest.ts'
import { encodeHex } from '../encoding/hex.ts'
import { LIMITS } from '../encoding/limits.ts'
import { UsageError } from '../errors.ts'
import type { ObjectFormat } from '../facts.ts'
import { BatchParser, type BatchAnswer, type GitObjectType } from './batch-parser.ts'
import { startGit, type GitPlace, type GitProcess } from './run.ts'

/** An object with its hash recomputed. */
export interface RawObject {
  readonly kind: 'object'
  /** The id git stores it under. */
  readonly id: string
  readonly type: GitObjectType
  readonly format: ObjectFormat
  /** Without the `type size NUL` header; may share memory with neighbours. */
  readonly bytes: Buffer
  /** Whether the hash of header and bytes is the id. Where it is not, nothing else may be believed. */
  readonly idMatches: boolean
}

export type ReadAnswer =
  | RawObject
  | {
      readonly kind: 'too-large'
      readonly id: string
      readonly type: GitObjectType
      readonly size: number
    }
  | { readonly kind: 'missing'; readonly name: string }

/** Whoever reads objects by name. */
export interface ReadsObjects {
  /** @throws as ObjectReader.read */
  read(name: string): Promise<ReadAnswer>
  close(): Promise<void>
  letGo(): void
}

/** The id git would give these bytes. */
export function objectId(type: GitObjectType, bytes: Uint8Array, format: ObjectFormat): string {
  const header = Buffer.from(`${type} ${String(bytes.length)}\0`, 'latin1')
  return encodeHex(digest(format, header, bytes))
}

/** The hash an id is of, by its length. */
export function objectFormatOf(id: string): ObjectFormat {
  return id.length === 64 ? 'sha256' : 'sha1'
}

/**
 * Reads single objects, in any number and order, through one long-lived `git cat-file --batch`. It is
 * started by the first read; `close` ends it.
 */
export class ObjectReader implements ReadsObjects {
  readonly #place: GitPlace
  readonly #waiting: { resolve: (answer: ReadAnswer) => void; reject: (error: unknown) => void }[] =
    []
  readonly #names: string[] = []
  #process: GitProcess | undefined
  #failure: unknown

  constructor(place: GitPlace) {
    this.#place = place
  }

  /**
   * Reads one object by id or by any name git understands. A name is never an option.
   *
   * @throws UsageError OBJECT_NAME a name that cannot be asked for; UnavailableError as runGit
   */
  read(name: string): Promise<ReadAnswer> {
    if (/[\n\r\0]/.test(name) || name === '') {
      return Promise.reject(
        new UsageError('OBJECT_NAME', 'no object name: empty, or it has a line break'),
      )
    }
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure))
    const { stdin } = (this.#process ??= this.#start())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      // What is asked in one go is one write.
      if (this.#names.length === 0) {
        queueMicrotask(() => {
          stdin.write(this.#names.splice(0).join(''))
        })
      }
      this.#names.push(`${name}\n`)
    })
  }

  /** Ends the process; reads still waiting fail. */
  async close(): Promise<void> {
    await this.letGo()?.finished.catch(() => undefined)
  }

  /** As `close`, without waiting for the process: it ends by itself, also when this one has ended. */
  letGo(): GitProcess | undefined {
    const process = this.#process
    if (process === undefined) return undefined
    process.stdin.end()
    if (this.#waiting.length > 0) process.stop()
    this.#process = undefined
    return process
  }

  #start(): GitProcess {
    const process = startGit(this.#place, ['cat-file', '--batch'])
    const parser = new BatchParser(LIMITS.objectBytes, (answer) => {
      this.#waiting.shift()?.resolve(checked(answer))
    })
    process.stdout.on('data', (chunk: Buffer) => {
      try {
        parser.push(chunk)
      } catch (error) {
        this.#fail(error)
        process.stop()
      }
    })
    process.finished.then(
      () => {
        if (this.#waiting.length > 0)
          this.#fail(new UsageError('OBJECT_READER', 'reader is closed'))
      },
      (error: unknown) => {
        this.#fail(error)
      },
    )
    return process
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

/** An answer with its hash recomputed. */
export function checked(answer: BatchAnswer): ReadAnswer {
  if (answer.kind !== 'object') return answer
  const { id, type, bytes, preimage } = answer
  const format = objectFormatOf(id)
  return { kind: 'object', id, type, format, bytes, idMatches: hexDigest(format, preimage) === id }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
