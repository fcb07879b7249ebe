import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { escapeText } from '../encoding/escape.ts'
import { UnavailableError } from '../errors.ts'

/** Environment variables as a child process gets them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Where git runs: the working directory and the environment it inherits. */
export interface GitPlace {
  readonly cwd: string
  readonly env: Environment
}

export interface GitOptions {
  readonly input?: Uint8Array | string
  /** Standard output beyond this is an error; default 64 MiB. */
  readonly maxBytes?: number
  readonly timeoutMs?: number
  /** Exit codes that are an answer; default only 0. Nothing but the exit code tells success. */
  readonly answers?: readonly number[]
  /** Leaves the configuration and hooks alone: for commands that write on the user's behalf. */
  readonly plain?: boolean
}

export interface GitResult {
  readonly status: number
  readonly stdout: Buffer
  readonly stderr: string
}

/** A running git with its streams; `finished` rejects unless it exits as expected (or was stopped). */
export interface GitProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly finished: Promise<void>
  stop(): void
}

/**
 * Configuration nobody may turn on under a command that reads objects: no program is started, and
 * parents come from the commits themselves, never from a commit-graph file that only says so.
 */
export const readingOptions: readonly string[] = [
  '--no-replace-objects',
  ...['-c', 'core.commitGraph=false'],
  ...['-c', 'core.fsmonitor=false'],
  ...['-c', 'core.hooksPath=/dev/null'],
]

/**
 * The environment of every git process: C locale, no replace refs, no grafts, no prompt, and no
 * network. git before 2.45 does not know GIT_NO_LAZY_FETCH; without an allowed protocol its lazy
 * fetch of a missing object fails before anything is started.
 */
export function gitEnvironment(base: Environment): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {}
  for (const name of Object.keys(base)) {
    if (!name.startsWith('GIT_TRACE') && !dropped.has(name)) env[name] = base[name]
  }
  return Object.assign(env, forcedEnvironment)
}

export const forcedEnvironment = {
  LC_ALL: 'C',
  LANGUAGE: 'C',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: 'none',
  GIT_GRAFT_FILE: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
}

const dropped = new Set([
  'GIT_REPLACE_REF_BASE',
  'GIT_EXTERNAL_DIFF',
  'GIT_DIFF_OPTS',
  'GIT_LITERAL_PATHSPECS',
  'GIT_GLOB_PATHSPECS',
  'GIT_NOGLOB_PATHSPECS',
  'GIT_ICASE_PATHSPECS',
  'GIT_REDIRECT_STDIN',
  'GIT_REDIRECT_STDOUT',
  'GIT_REDIRECT_STDERR',
])

/** Runs git to its end. @throws UnavailableError GIT_MISSING, GIT_FAILED, GIT_TIMEOUT, GIT_OUTPUT */
export async function runGit(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitResult> {
  const child = launch(place, args, options.plain === true)
  const maxBytes = options.maxBytes ?? 64 << 20
  const chunks: Buffer[] = []
  let length = 0
  let failure: UnavailableError | undefined
  const end = (): void => {
    child.kill('SIGKILL')
    // A grandchild may hold the pipes open for longer than git lives.
    child.stdout.destroy()
    child.stderr.destroy()
  }
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          failure = gitError(
            'GIT_TIMEOUT',
            args,
            `no answer within ${String(options.timeoutMs)} ms`,
          )
          end()
        }, options.timeoutMs)
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= maxBytes) chunks.push(chunk)
    else {
      failure ??= gitError('GIT_OUTPUT', args, `more than ${String(maxBytes)} bytes of output`)
      end()
    }
  })
  const stderr = collectStderr(child.stderr)
  // A child that exits early closes the pipe: its exit code is the answer, not EPIPE.
  child.stdin.on('error', () => undefined)
  if (options.input === undefined) child.stdin.destroy()
  else child.stdin.end(options.input)
  try {
    const status = await exitOf(child, args)
    if (failure !== undefined) throw failure
    if (!(options.answers ?? [0]).includes(status)) {
      throw gitError('GIT_FAILED', args, gitReason(status, stderr()))
    }
    return { status, stdout: Buffer.concat(chunks), stderr: stderr() }
  } finally {
    clearTimeout(timer)
  }
}

/** Standard output of a git command as text without its last newline. */
export async function gitLine(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string> {
  const { stdout } = await runGit(place, args, options)
  return stdout.toString('utf8').replace(/\n$/, '')
}

/**
 * Starts a git whose streams the caller drives; `answers` are the exit codes that are no failure.
 *
 * @throws UnavailableError as runGit, by `finished`
 */
export function startGit(
  place: GitPlace,
  args: readonly string[],
  answers: readonly number[] = [0],
): GitProcess {
  const child = launch(place, args, false)
  const stderr = collectStderr(child.stderr)
  let stopped = false
  child.stdin.on('error', () => undefined)
  const finished = exitOf(child, args).then((status) => {
    if (!answers.includes(status) && !stopped)
      throw gitError('GIT_FAILED', args, gitReason(status, stderr()))
  })
  // Nobody may be waiting yet when it fails; whoever awaits `finished` still gets the error.
  finished.catch(() => undefined)
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    finished,
    stop: () => {
      stopped = true
      child.kill('SIGKILL')
    },
  }
}

/** An error about a git command; git's words are escaped. */
export function gitError(code: string, args: readonly string[], why: string): UnavailableError {
  if (why.includes('fatal: not a git repository')) {
    return new UnavailableError(code, 'this is not a git repository', {
      hint: 'cd into one, or name it: git -C FOLDER signet …',
    })
  }
  const command = args.find((arg) => !arg.startsWith('-')) ?? ''
  return new UnavailableError(code, `git ${escapeText(command)}: ${why}`)
}

function launch(
  place: GitPlace,
  args: readonly string[],
  plain: boolean,
): ChildProcessByStdio<Writable, Readable, Readable> {
  // Loaded by the first that starts a program: a hook of a small push starts none, and it takes 3 ms.
  const { spawn } = process.getBuiltinModule('node:child_process')
  return spawn('git', plain ? args : [...readingOptions, ...args], {
    cwd: place.cwd,
    env: gitEnvironment(place.env),
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  })
}

/** Keeps the first 8 KiB. */
function collectStderr(stream: Readable): () => string {
  let text = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    if (text.length < 8192) text = Buffer.concat([text, chunk])
  })
  return () => text.subarray(0, 8192).toString('utf8')
}

function exitOf(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  args: readonly string[],
): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new UnavailableError(
              'GIT_MISSING',
              'git cannot be started: not found, or no such folder',
              {
                hint: 'install git and make sure it is on PATH',
              },
            )
          : gitError('GIT_FAILED', args, escapeText(error.message)),
      )
    })
    child.on('close', (status, signal) => {
      resolve(status ?? 128 + (signal === 'SIGKILL' ? 9 : 15))
    })
  })
}

/** What a git that failed said, for a message. */
export function gitReason(status: number | null, stderr: string): string {
  const line = stderr.trim().split('\n').slice(-3).join('; ')
  return line === '' ? `exit ${String(status)}` : escapeText(line, 500)
}
