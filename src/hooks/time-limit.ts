import { UnavailableError } from '../errors.ts'
import { HOOK_LIMITS } from './limits.ts'

/** Longer is no time that a timer can wait. */
const MAX_MS = 2 ** 31 - 1

/** How long a hook may take, counted from the start of its process. */
export class TimeLimit {
  /** Rejects with LIMIT once the time is over. */
  readonly passed: Promise<never>
  #timer: NodeJS.Timeout | undefined
  #reject: (error: Error) => void = () => undefined

  constructor() {
    this.passed = new Promise((_, reject) => {
      this.#reject = reject
    })
    // Nobody may be waiting when it is over.
    this.passed.catch(() => undefined)
    this.set(HOOK_LIMITS.seconds)
  }

  /**
   * Another limit than the default.
   *
   * @throws UnavailableError LIMIT where it has passed already
   */
  set(seconds: number): void {
    this.stop()
    // Not performance.now(): loading that takes longer than the rest of this file.
    const leftMs = (seconds - process.uptime()) * 1000
    if (leftMs <= 0) throw tooLong(seconds)
    const wait = (): void => {
      this.#reject(tooLong(seconds))
    }
    this.#timer = setTimeout(wait, Math.min(leftMs, MAX_MS)).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

function tooLong(seconds: number): UnavailableError {
  return new UnavailableError(
    'LIMIT',
    `over a limit of the hook: it took longer than ${String(seconds)} s`,
    { hint: 'push in smaller parts, or on the server: git config signet.hook.maxSeconds' },
  )
}
