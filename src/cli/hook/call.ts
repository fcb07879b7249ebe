import { HOOK_NAMES } from './flags.ts'
import type { HookFlags, HookName } from './flags.ts'

export interface HookCall {
  readonly name: HookName
  readonly flags: HookFlags
  /** What git adds. */
  readonly args: readonly string[]
  /** Where the hook hands over what it has asked git. */
  readonly readAhead: number | undefined
}

/**
 * Reads the command line that an installed hook starts, and nothing else: what people type is for the
 * parser of all commands, which says what is wrong with it.
 */
export function parseHookCall([word, given, ...rest]: readonly string[]): HookCall | undefined {
  const name = HOOK_NAMES.find((each) => each === given)
  const end = rest.indexOf('--')
  if (word !== 'hook' || name === undefined || end === -1) return undefined
  const options = rest.slice(0, end)
  const one = new Map<string, string>()
  const roots: string[] = []
  let audit = false
  for (let at = 0; at < options.length; at++) {
    const option = options[at]
    if (option === '--audit') {
      audit = true
      continue
    }
    const value = options[++at]
    if (value === undefined || value.startsWith('-')) return undefined
    if (option === '--trusted-root') roots.push(value)
    else if (option !== undefined && ONE.has(option) && !one.has(option)) one.set(option, value)
    else return undefined
  }
  const flags = {
    policy: one.get('--policy'),
    anchor: one.get('--anchor'),
    'policy-branch': one.get('--policy-branch'),
    'trusted-root': roots,
    audit,
  }
  const readAhead = one.get('--read-ahead')
  if (readAhead !== undefined && !/^[3-9]$/.test(readAhead)) return undefined
  return {
    name,
    flags,
    args: rest.slice(end + 1),
    readAhead: readAhead === undefined ? undefined : Number(readAhead),
  }
}

const ONE = new Set(['--policy', '--anchor', '--policy-branch', '--read-ahead'])
