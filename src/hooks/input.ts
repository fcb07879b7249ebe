import { decodeUtf8 } from '../encoding/bytes.ts'
import { MalformedError, UnavailableError } from '../errors.ts'
import { isObjectId } from '../git/object-form.ts'
import type { Step } from '../policy/context.ts'
import { HOOK_LIMITS } from './limits.ts'
import type { HookLimits } from './limits.ts'

/** All that a hook is given on standard input. @throws UnavailableError LIMIT */
export async function readHookInput(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limits: HookLimits = HOOK_LIMITS,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > limits.inputBytes) throw limit(`more than ${String(limits.inputBytes)} bytes`)
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

/**
 * Reads what git writes to pre-receive: `OLD NEW REF` a line.
 *
 * @throws MalformedError HOOK_INPUT also where the input ends in the middle of a line;
 *   UnavailableError LIMIT
 */
export function parseReceiveInput(bytes: Uint8Array, limits: HookLimits = HOOK_LIMITS): Step[] {
  const steps = linesOf(bytes, limits).map((line) => {
    const [before = '', after = '', ref = ''] = splitAt(line, 2)
    return stepOf(ref, before, after)
  })
  if (steps.length === 0) throw malformed('nothing to judge')
  return once(steps)
}

/**
 * Reads what git writes to pre-push: `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID` a line; nothing where
 * there is nothing to push.
 *
 * @throws as `parseReceiveInput`
 */
export function parsePushInput(bytes: Uint8Array, limits: HookLimits = HOOK_LIMITS): Step[] {
  const steps = linesOf(bytes, limits).map((line) => {
    // A local name may be any revision, so the line is read from its end.
    const [, after = '', ref = '', before = ''] = /^.* (\S+) (\S+) (\S+)$/.exec(line) ?? []
    return stepOf(ref, before, after)
  })
  return once(steps)
}

/** The one movement that update is given as arguments. @throws MalformedError HOOK_INPUT */
export function parseUpdateArguments(args: readonly string[]): Step {
  const [ref = '', before = '', after = '', ...more] = args
  if (more.length > 0) throw malformed('update is given REF OLD NEW')
  return stepOf(ref, before, after)
}

function linesOf(bytes: Uint8Array, limits: HookLimits): string[] {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw malformed('the name of a ref is not UTF-8')
  const lines = text.split('\n')
  if (lines.pop() !== '') throw malformed('it was cut off')
  if (lines.length > limits.refs) throw limit(`more than ${String(limits.refs)} refs in one push`)
  return lines
}

function splitAt(line: string, spaces: number): string[] {
  const parts: string[] = []
  let rest = line
  for (let count = 0; count < spaces; count++) {
    const at = rest.indexOf(' ')
    if (at === -1) return []
    parts.push(rest.slice(0, at))
    rest = rest.slice(at + 1)
  }
  return [...parts, rest]
}

function stepOf(ref: string, before: string, after: string): Step {
  const format = before.length === 64 ? 'sha256' : 'sha1'
  if (!isObjectId(before, format) || !isObjectId(after, format)) {
    throw malformed('a line without two object ids')
  }
  if (!isRefName(ref)) throw malformed('a line without the full name of a ref')
  return { ref, before, after }
}

// git checks names before it starts a hook; what cannot be one is not judged as if it were.
function isRefName(ref: string): boolean {
  return ref.startsWith('refs/') && !/[\x00-\x20\x7f~^:?*[\\]|\.\.|\/\/|\/$/.test(ref)
}

/** Ids of one format: all are of one repository. */
function once(steps: readonly Step[]): Step[] {
  if (new Set(steps.map(({ after }) => after.length)).size > 1) {
    throw malformed('ids of two formats')
  }
  if (new Set(steps.map(({ ref }) => ref)).size < steps.length) {
    throw malformed('one ref is moved twice')
  }
  return [...steps]
}

function malformed(why: string): MalformedError {
  return new MalformedError('HOOK_INPUT', `what git told the hook cannot be read: ${why}`)
}

function limit(why: string): UnavailableError {
  return new UnavailableError('LIMIT', `over a limit of the hook: ${why}`, {
    hint: 'push in smaller parts',
  })
}
