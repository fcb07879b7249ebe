import { createInterface } from 'node:readline'
import { isatty } from 'node:tty'

/** A stream that results (stdout) or words for people (stderr) are written to. */
export interface Output {
  write(chunk: string | Uint8Array): void
  readonly isTerminal: boolean
  /** Width of the terminal now; undefined when it is none. */
  readonly columns?: number | undefined
  /** The reader has gone (EPIPE). Writing stays allowed and does nothing: a verdict is still owed. */
  readonly isClosed: boolean
}

export interface Input {
  readonly isTerminal: boolean
  /** Chunks until the end, for anything that is not a person. */
  chunks(): AsyncIterable<Uint8Array>
  /** One line typed by a person, without its end; undefined when the input ends first. */
  line(): Promise<string | undefined>
}

export interface Streams {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
}

/** @param onError - called once for anything but EPIPE: output was lost (a full disk). */
export function processOutput(
  stream: NodeJS.WriteStream,
  onError: (error: Error) => void,
): Output & { flushed(): Promise<void> } {
  let isClosed = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isClosed) return
    isClosed = true
    if (error.code !== 'EPIPE') onError(error)
  })
  return {
    isTerminal: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : undefined
    },
    get isClosed() {
      return isClosed
    },
    write(chunk) {
      if (!isClosed) stream.write(chunk)
    },
    flushed() {
      if (isClosed) return Promise.resolve()
      // A failure of the last write is told one turn after it.
      return new Promise((resolve) => {
        stream.write('', () => {
          setImmediate(resolve)
        })
      })
    },
  }
}

/** Standard input, opened only when somebody reads it. */
export function processInput(): Input {
  return {
    isTerminal: isatty(0),
    chunks: () => process.stdin as AsyncIterable<Uint8Array>,
    async line() {
      const lines = createInterface({ input: process.stdin, terminal: false })
      try {
        const first = await lines[Symbol.asyncIterator]().next()
        return first.done === true ? undefined : first.value
      } finally {
        lines.close()
      }
    },
  }
}
