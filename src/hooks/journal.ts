import { closeSync, fstatSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { isJsonObject, parseJson } from '../encoding/json.ts'
import type { JsonObject } from '../encoding/json.ts'
import { MalformedError } from '../errors.ts'
import type { StepVerdict } from '../facts.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import { isZero } from '../policy/context.ts'
import { appendLines, openPrivate, readPrivate, replacePrivate } from './private-file.ts'

/** A step that a hook let through, as one line of the journal; `audit --steps` reads them. */
export interface JournalStep extends StepVerdict {
  /** RFC 3339, when the hook decided. */
  readonly at: string
  /**
   * `hook`: a push. `report`: a hook that refuses nothing. `audit`: found by auditing the ref.
   * `forget`: the owner meant the ref to go back; nothing is known of it from then on.
   */
  readonly source: 'hook' | 'report' | 'audit' | 'forget'
  /** What the ref was when the push came: of several steps in one push only the first starts there. */
  readonly from?: string
}

/** What the journal says about one ref. */
interface RefState {
  /** Its newest value that passed and that it was seen to have. */
  tip?: string
  /** Values that passed on top of a verified one, but which no hook has seen the ref at yet. */
  waiting?: string[]
}

interface Index {
  readonly file: number
  readonly offset: number
  readonly refs: Map<string, RefState>
}

/** More pushes to one ref that were judged and then failed for other reasons are not remembered. */
const MAX_WAITING = 64
const BLOCK = 1 << 20

/**
 * The hook's memory: every step it let through, one JSON line each, and the verified tips they add up
 * to. The tips are kept beside it, as far as they were read; without them the journal is read anew.
 */
export class Journal {
  readonly path: string
  readonly #indexPath: string
  readonly #refs: Map<string, RefState>
  #file: number
  #offset: number
  #isChanged = false

  /**
   * Reads what is new since the last time.
   *
   * @throws UnavailableError HOOK_STATE where somebody else may have written it
   */
  static open(paths: RepositoryPaths): Journal {
    return new Journal(join(paths.commonDir, 'signet'))
  }

  private constructor(folder: string) {
    this.path = join(folder, 'journal.jsonl')
    this.#indexPath = join(folder, 'tips.json')
    const index = readIndex(this.#indexPath)
    this.#refs = index?.refs ?? new Map<string, RefState>()
    this.#file = index?.file ?? 0
    this.#offset = index?.offset ?? 0
    this.#catchUp()
  }

  /** Takes note of what a ref is now. */
  observe(ref: string, id: string | undefined): void {
    const state = this.#refs.get(ref)
    if (state !== undefined && id !== undefined && seen(state, id)) this.#isChanged = true
  }

  /** The newest value of a ref whose steps all passed and that it was seen to have. */
  tip(ref: string): string | undefined {
    return this.#refs.get(ref)?.tip
  }

  /**
   * Whether a push with this certificate was let through before. git takes a nonce again and again while
   * it is young enough (receive.certNonceSlop), whoever sends it.
   *
   * @throws UnavailableError HOOK_STATE
   */
  hasCertificate(id: string): boolean {
    const file = openPrivate(this.path)
    if (file === undefined) return false
    try {
      const sought = `"certificate":"${id}"`
      const block = Buffer.alloc(BLOCK)
      let kept = 0
      for (;;) {
        const read = readSync(file, block, kept, BLOCK - kept, null)
        if (read === 0) return false
        const text = block.subarray(0, kept + read)
        if (text.includes(sought)) return true
        kept = Math.min(text.length, sought.length)
        block.copy(block, 0, text.length - kept, text.length)
      }
    } finally {
      closeSync(file)
    }
  }

  /** @throws UnavailableError HOOK_STATE */
  append(steps: readonly JournalStep[]): void {
    appendLines(
      this.path,
      steps.map((step) => JSON.stringify(step)),
    )
  }

  /** Keeps the tips, so that the next hook need not read the whole journal. */
  save(): void {
    this.#catchUp()
    if (!this.#isChanged) return
    const index = {
      version: 1,
      file: this.#file,
      offset: this.#offset,
      refs: Object.fromEntries(this.#refs),
    }
    replacePrivate(this.#indexPath, JSON.stringify(index))
    this.#isChanged = false
  }

  #catchUp(): void {
    const file = openPrivate(this.path)
    if (file === undefined) {
      if (this.#offset > 0) this.#forget(0)
      return
    }
    try {
      const { ino, size } = fstatSync(file)
      if (ino !== this.#file || size < this.#offset) this.#forget(ino)
      for (const line of this.#newLines(file, size)) {
        const step = readStep(line)
        if (step !== undefined) this.#apply(step)
      }
    } finally {
      closeSync(file)
    }
  }

  #forget(file: number): void {
    this.#refs.clear()
    this.#file = file
    this.#offset = 0
    this.#isChanged = true
  }

  /** Whole lines that were not read yet, in bounded memory. */
  *#newLines(file: number, size: number): Generator<string> {
    let rest = Buffer.alloc(0)
    let at = this.#offset
    while (at < size) {
      const block = Buffer.alloc(Math.min(BLOCK, size - at))
      const read = readSync(file, block, 0, block.length, at)
      if (read === 0) break
      at += read
      rest = Buffer.concat([rest, block.subarray(0, read)])
      for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
        yield rest.toString('utf8', 0, end)
        this.#offset += end + 1
        this.#isChanged = true
        rest = rest.subarray(end + 1)
      }
    }
  }

  #apply({ ref, before, after, verdict, source, from }: JournalStep): void {
    if (verdict !== 'pass' || source === 'report') return
    if (source === 'forget') {
      this.#refs.delete(ref)
      return
    }
    if (source === 'audit') {
      this.#refs.set(ref, { tip: after })
      return
    }
    if (isZero(after)) {
      this.#refs.delete(ref)
      return
    }
    const state = this.#refs.get(ref) ?? {}
    if (from !== undefined) seen(state, from)
    const waiting = state.waiting ?? []
    if (!isZero(before) && before !== state.tip && !waiting.includes(before)) return
    state.waiting = [...waiting.filter((id) => id !== after), after].slice(-MAX_WAITING)
    this.#refs.set(ref, state)
  }
}

/** Takes note that a ref had a value that passed: what came before it is no longer waited for. */
function seen(state: RefState, id: string): boolean {
  const at = state.waiting?.indexOf(id) ?? -1
  if (at === -1) return false
  state.tip = id
  state.waiting = state.waiting?.slice(at + 1) ?? []
  return true
}

function readIndex(path: string): Index | undefined {
  const value = readObject(readPrivate(path) ?? '')
  if (value?.['version'] !== 1) return undefined
  const { file, offset, refs } = value
  if (typeof file !== 'number' || typeof offset !== 'number' || !isJsonObject(refs)) {
    return undefined
  }
  const states = new Map<string, RefState>()
  for (const [ref, state] of Object.entries(refs)) {
    if (!isJsonObject(state)) return undefined
    const { tip, waiting } = state
    states.set(ref, {
      ...(typeof tip === 'string' && { tip }),
      ...(Array.isArray(waiting) && {
        waiting: waiting.filter((id): id is string => typeof id === 'string'),
      }),
    })
  }
  return { file, offset, refs: states }
}

/** A line that is cut or is none of ours says nothing. */
function readStep(line: string): JournalStep | undefined {
  const value = readObject(line)
  if (value === undefined) return undefined
  const { ref, before, after, policy, verdict, codes, source } = value
  const texts = [ref, before, after, policy, verdict, source]
  if (!texts.every((text) => typeof text === 'string') || !Array.isArray(codes)) return undefined
  return value as unknown as JournalStep
}

function readObject(text: string): JsonObject | undefined {
  if (text === '') return undefined
  try {
    const value = parseJson(text, 'journal')
    return isJsonObject(value) ? value : undefined
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
