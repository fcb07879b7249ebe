import { closeSync, openSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isJsonObject } from '../encoding/json.ts'
import type { JsonValue } from '../encoding/json.ts'
import { UnavailableError, UsageError } from '../errors.ts'
import { startInBackground } from '../git/background.ts'
import { isAlive, readLock } from './lock.ts'
import { checkPort, startLocalStack } from './stack.ts'
import type { StackInfo } from './stack.ts'
import { STATE_FILES, deleteState, makeStateDirectory, readIdentity } from './state-directory.ts'

/** Tells the background process, started with the same command line, what it is. */
export const BACKGROUND_VARIABLE = 'SIGNET_STACK_BACKGROUND'

const START_TIMEOUT_MS = 30_000
/** How long a process may hold the directory without answering. */
const SILENCE_MS = 5_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 25
const MAX_LOG_BYTES = 1 << 20

export type StackStatus =
  /** There is no state in the directory. */
  | { readonly kind: 'none' }
  | { readonly kind: 'stopped'; readonly port: number | undefined }
  | { readonly kind: 'running'; readonly url: string; readonly info: StackInfo }

/**
 * Waits a little for a process that is just starting or ending.
 *
 * @throws UsageError STACK_DIRECTORY; UnavailableError STACK_SILENT when its process does not answer
 */
export async function readStackStatus(directory: string): Promise<StackStatus> {
  const deadline = Date.now() + SILENCE_MS
  for (;;) {
    const holder = await readLock(join(directory, STATE_FILES.lock))
    const identity = await readIdentity(directory)
    if (holder === undefined) {
      return identity === undefined ? { kind: 'none' } : { kind: 'stopped', port: identity.port }
    }
    const info = identity?.port === undefined ? undefined : await askStack(identity.port)
    if (identity?.port !== undefined && info?.pid === holder.pid) {
      return { kind: 'running', url: `http://localhost:${identity.port}`, info }
    }
    if (Date.now() > deadline) {
      throw new UnavailableError(
        'STACK_SILENT',
        `cannot reach the local stack: process ${holder.pid} holds its directory and does not answer`,
        { hint: 'end that process, then: git-signet stack up' },
      )
    }
    await delay(POLL_MS)
  }
}

export interface BackgroundStackOptions {
  readonly directory: string
  readonly port: number | undefined
  readonly isTest: boolean
  /** What to start: this program with the same arguments. */
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Starts the stack as a process of its own and waits until it answers; does nothing where it runs.
 *
 * @throws UsageError STACK_DIRECTORY, STACK_PORT, STACK_MODE; UnavailableError STACK_START,
 * STACK_SILENT
 */
export async function startBackgroundStack(
  options: BackgroundStackOptions,
): Promise<{ url: string; info: StackInfo; isNew: boolean }> {
  const { directory } = options
  const status = await readStackStatus(directory)
  if (status.kind === 'running') {
    checkSame(options, status.url, status.info)
    return { url: status.url, info: status.info, isNew: false }
  }
  if (status.kind === 'stopped') checkPort(options.port, status.port)
  await makeStateDirectory(directory)
  const output = join(directory, STATE_FILES.output)
  const outputFd = openSync(output, hasGrown(output) ? 'w' : 'a', 0o600)
  const from = statSync(output).size
  try {
    const child = await startInBackground(options.program, options.args, {
      outputFd,
      cwd: directory,
      env: { ...options.env, [BACKGROUND_VARIABLE]: '1' },
    })
    const started = await Promise.race([child.ended, waitForAnswer(directory, child.pid)])
    if (typeof started === 'object') return { ...started, isNew: true }
    // Another `up` may have been a moment quicker.
    const now = await readStackStatus(directory)
    if (now.kind === 'running') return { url: now.url, info: now.info, isNew: false }
    throw await startFailure(output, from)
  } finally {
    closeSync(outputFd)
  }
}

/** @returns undefined when it takes too long; the process is then ended */
async function waitForAnswer(
  directory: string,
  pid: number,
): Promise<{ url: string; info: StackInfo } | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (isAlive(pid)) {
    const { port } = (await readIdentity(directory)) ?? {}
    const info = port === undefined ? undefined : await askStack(port)
    if (port !== undefined && info?.pid === pid) return { url: `http://localhost:${port}`, info }
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL')
    await delay(POLL_MS)
  }
  return undefined
}

/**
 * Ends the background process; its logs stay.
 *
 * @returns whether there was one
 */
export async function stopBackgroundStack(directory: string): Promise<boolean> {
  const status = await readStackStatus(directory)
  if (status.kind !== 'running') return false
  const { pid } = status.info
  process.kill(pid, 'SIGTERM')
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (isAlive(pid) && Date.now() < deadline) await delay(POLL_MS)
  // Nothing is lost: what it answered is on disk.
  if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  return true
}

/**
 * Deletes the state of a stack that does not run.
 *
 * @returns names in the directory that were not the stack's and stay
 * @throws UsageError STACK_RUNNING, STACK_DIRECTORY
 */
export async function resetStack(directory: string): Promise<string[]> {
  const status = await readStackStatus(directory)
  if (status.kind === 'running') {
    throw new UsageError('STACK_RUNNING', 'cannot reset the local stack: it is running', {
      hint: 'git-signet stack down',
    })
  }
  return deleteState(directory)
}

/** The background process itself: serves until it is told to end. */
export async function serveStack(
  options: { directory: string; port: number | undefined; isTest: boolean },
  write: (line: string) => void,
): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve()
      })
    }
  })
  process.on('SIGHUP', () => undefined)
  const log = (line: string): void => {
    write(`${new Date().toISOString()} ${line}\n`)
  }
  const stack = await startLocalStack({
    directory: options.directory,
    ...(options.port === undefined ? {} : { port: options.port }),
    test: options.isTest,
    log,
  })
  log(`up at ${stack.url}`)
  await ended
  await stack.close()
  log('down')
}

function checkSame(options: BackgroundStackOptions, url: string, info: StackInfo): void {
  checkPort(options.port, Number(new URL(url).port))
  if (options.isTest && !info.isTest) {
    throw new UsageError('STACK_MODE', 'the local stack runs without --test', {
      hint: 'git-signet stack down && git-signet stack up --test',
    })
  }
}

/** What `GET /_stack` says at a port; undefined when nothing there says it. */
function askStack(port: number): Promise<StackInfo | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { host: '127.0.0.1', port, path: '/_stack', timeout: 2000, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text = (text + chunk).slice(0, 10_000)
        })
        response.on('end', () => {
          resolve(parseInfo(text))
        })
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(undefined)
    })
  })
}

function parseInfo(text: string): StackInfo | undefined {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    // Another program's answer.
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const { directory, pid, isTest, entries } = value
  if (typeof directory !== 'string' || typeof pid !== 'number' || !isJsonObject(entries)) {
    return undefined
  }
  const count = (name: string): number => Number(entries[name] ?? 0)
  return {
    directory,
    pid,
    isTest: isTest === true,
    entries: { ct: count('ct'), rekor: count('rekor'), rekorV2: count('rekorV2') },
  }
}

function hasGrown(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && stat.size > MAX_LOG_BYTES
}

/** The error that the process wrote before it ended. */
async function startFailure(output: string, from: number): Promise<UnavailableError> {
  const text = (await readFile(output)).subarray(from).toString('utf8')
  const find = (kind: string): string | undefined =>
    new RegExp(`^git-signet: ${kind}: (.*)$`, 'm').exec(text)?.[1]
  return new UnavailableError(
    'STACK_START',
    find('error') ?? 'cannot start the local stack: its process ended',
    { hint: find('hint') ?? `its words are in ${output}` },
  )
}
