import { constants, openSync, readSync } from 'node:fs'
import { parseGitConfig } from '../../git/config.ts'
import type { GitConfig } from '../../git/config.ts'
import { forcedEnvironment, readingOptions } from '../../git/run.ts'
import { QUARANTINE } from '../../hooks/environment.ts'
import type { Step } from '../../policy/context.ts'
import { quoteShell } from '../../encoding/shell.ts'

/** What the installed hook asks git while this program starts: 8 ms of a push of one commit. */
export interface ReadAhead {
  readonly config: GitConfig
  /** `git cat-file --batch` of `namesAhead`; cut off where it is long. */
  readonly objects: Buffer
}

/** Where the installed hook hands it over. */
export const READ_AHEAD_FD = 3
/** Movements of one push whose objects are asked for. */
export const MOST_STEPS = 8
const MAX_BYTES = 4 << 20
const MAX_MS = 10_000
const PAUSE = new Int32Array(new SharedArrayBuffer(4))
/** Of the environment, beside what `serverEnvironment` keeps of git's: where git's configuration lies. */
const KEPT = ['PATH', 'HOME', 'XDG_CONFIG_HOME', ...QUARANTINE]

/** What judging a small push asks for whatever the policy says. */
export function namesAhead(steps: readonly Step[], anchor: string | undefined): string[] {
  const names = steps.slice(0, MOST_STEPS).flatMap(({ before, after, ref }) => {
    const known = [before, after, ref]
    // Where the policy lies in the tree, these tell whether it has changed: now, and by the push before.
    const trees = [before, after, `${before}~1`].map((id) => `${id}^{tree}`)
    return anchor === undefined ? known : [...known, `${before}~1`, ...trees]
  })
  return anchor === undefined ? names : [...names, anchor, `${anchor}^{tree}`]
}

/**
 * The shell function `ahead` of an installed hook, with what git wrote to it in `$input`: configuration
 * as `git config --list -z` has it, NUL, then the objects. What is cut off is asked for again.
 */
export function renderReadAhead(anchor: string | undefined): string {
  const kept = KEPT.map((name) => `\${${name}+"${name}=$${name}"}`)
  const forced = Object.entries(forcedEnvironment).map(([name, value]) => `${name}=${value}`)
  const trees = anchor === undefined ? '' : ', $1 "~1", $1 "^{tree}", $2 "^{tree}", $1 "~1^{tree}"'
  const names = [
    `printf '%s\\n' "$input" | LC_ALL=C awk -v OFS='\\n' 'NR <= ${String(MOST_STEPS)} { print $1, $2, $3${trees} }'`,
    ...(anchor === undefined
      ? []
      : [`printf '%s\\n' ${quoteShell(anchor)} ${quoteShell(`${anchor}^{tree}`)}`]),
  ]
  return `ahead() {
  set -- env -i ${kept.join(' ')} \\
    GIT_DIR=. ${forced.join(' ')} git
  "$@" config --list -z && printf '\\0' || return
  { ${names.join('; ')}; } |
    "$@" ${readingOptions.join(' ')} cat-file --batch
}
`
}

/**
 * What `ahead` has written, to its end or to where it gets long; undefined where git failed or takes
 * long: it is then asked once more, by whoever knows what to do about it.
 */
export function takeReadAhead(fd: number): ReadAhead | undefined {
  const bytes = readSome(fd)
  // Every entry of the configuration ends with NUL; another NUL ends them all.
  const end = bytes?.[0] === 0 ? 0 : (bytes?.indexOf('\0\0', 0, 'latin1') ?? -1) + 1
  if (bytes === undefined || (end === 0 && bytes[0] !== 0)) return undefined
  return {
    config: parseGitConfig(bytes.toString('utf8', 0, end)),
    objects: bytes.subarray(end + 1),
  }
}

function readSome(fd: number): Buffer | undefined {
  const file = withoutBlocking(fd)
  const start = Date.now()
  const parts: Buffer[] = []
  for (let left = MAX_BYTES; left > 0;) {
    const block = Buffer.allocUnsafe(1 << 16)
    let count: number
    try {
      count = readSync(file, block)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      if (Date.now() - start > MAX_MS) return undefined
      Atomics.wait(PAUSE, 0, 0, 1)
      continue
    }
    if (count === 0) break
    parts.push(block.subarray(0, count))
    left -= count
  }
  return Buffer.concat(parts)
}

/** Linux opens a pipe anew; elsewhere a git that never answers is waited for, as git itself does. */
function withoutBlocking(fd: number): number {
  try {
    return openSync(`/dev/fd/${String(fd)}`, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return fd
  }
}
