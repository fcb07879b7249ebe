import { readSync } from 'node:fs'
import { EXIT } from '../errors.ts'
import { errorText } from './error-text.ts'
import { tell } from './gpg-io.ts'
import { parseHookCall } from './hook/call.ts'
import { takeReadAhead } from './hook/read-ahead.ts'
import { runHook } from './hook/run.ts'
import type * as ToldPart from './hook/told.ts'

/** Of CommonJS: bin/git-signet.cjs gives one that finds compiled code. */
declare const require: (id: string) => unknown

/** What only a push needs that is refused or reported: a bundle of its own beside this one. */
function told(): Promise<typeof ToldPart> {
  return Promise.resolve(require('./hook-report.cjs') as typeof ToldPart)
}

const CHUNK = 64 << 10
const RETRY = new Int32Array(new SharedArrayBuffer(4))

/** Standard input as git writes it: all at once. */
function* readInput(): Generator<Uint8Array> {
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK)
    let count: number
    try {
      count = readSync(0, chunk, 0, CHUNK, null)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code === 'EOF') return
      if (code !== 'EAGAIN') throw error
      Atomics.wait(RETRY, 0, 0, 5)
      continue
    }
    if (count === 0) return
    yield chunk.subarray(0, count)
  }
}

/**
 * Runs a hook as its installed file starts it: `hook NAME [--option VALUE]… -- [ARGUMENT…]`.
 *
 * @returns whether it was that; else nothing was done, and the whole command line has to read it
 */
export function startHook(argv: readonly string[]): boolean {
  const call = parseHookCall(argv)
  if (call === undefined) return false
  const { name, flags, args, readAhead } = call
  runHook(name, {
    flags,
    args,
    cwd: process.cwd(),
    env: process.env,
    stdin: readInput,
    readAhead: () => (readAhead === undefined ? undefined : takeReadAhead(readAhead)),
    stderr: { write: tell },
    clock: Date.now,
    told,
  }).then(
    (exit) => process.exit(exit),
    (error: unknown) => {
      tell(errorText(error))
      process.exit(EXIT.internal)
    },
  )
  return true
}
