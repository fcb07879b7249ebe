import { accessSync, constants, renameSync, rmSync } from 'node:fs'
import { escapeText } from '../../encoding/escape.ts'
import { EXIT, UsageError } from '../../errors.ts'
import type { ExitCode } from '../../errors.ts'
import type { Context } from '../context.ts'
import { HOOK_NAMES } from './flags.ts'
import type { HookName } from './flags.ts'
import { openHookPlace, readHookFile } from './place.ts'
import type { HookFile } from './place.ts'
import { readDescription, readPath } from './script.ts'

/** Removes a hook of ours and puts back what was there. @throws UsageError HOOK_OCCUPIED */
export async function uninstallHook(name: HookName, context: Context): Promise<ExitCode> {
  const { stdout } = context.streams
  const file = readHookFile(await openHookPlace(context), name)
  if (file.text === undefined) {
    stdout.write(`there is no ${name} hook at ${file.path}\n`)
    return EXIT.ok
  }
  if (!file.isOurs) {
    throw new UsageError('HOOK_OCCUPIED', `${escapeText(file.path)} is another program`, {
      hint: `look at it: less ${file.path}`,
    })
  }
  if (file.hasKept) renameSync(file.keptPath, file.path)
  else rmSync(file.path)
  const after = file.hasKept ? '; the hook that was there before is back' : ''
  stdout.write(`removed ${file.path}${after}\n`)
  return EXIT.ok
}

/** Says which hooks are there and what they enforce. @returns 1 where the one that is named is none */
export async function hookStatus(name: HookName | undefined, context: Context): Promise<ExitCode> {
  const { stdout } = context.streams
  const where = await openHookPlace(context)
  let isGood = true
  for (const each of name === undefined ? HOOK_NAMES : [name]) {
    const file = readHookFile(where, each)
    const faults = file.isOurs ? faultsOf(file) : []
    stdout.write(`${each}: ${stateOf(file)}\n`)
    if (file.isOurs) {
      for (const line of readDescription(file.text ?? '')) stdout.write(`  ${line}\n`)
    }
    for (const fault of faults) stdout.write(`  WRONG: ${escapeText(fault, 400)}\n`)
    if (file.isOurs && file.hasKept) stdout.write(`  Runs after it: ${file.keptPath}\n`)
    if (name !== undefined && (!file.isOurs || faults.length > 0)) isGood = false
  }
  return isGood ? EXIT.ok : EXIT.violation
}

function stateOf({ text, isOurs, path }: HookFile): string {
  if (text === undefined) return 'not installed'
  return isOurs ? `installed at ${path}` : `another program, ${path}`
}

function faultsOf({ text = '', isExecutable, path }: HookFile): string[] {
  const faults = isExecutable ? [] : [`${path} is not executable, so git leaves it out`]
  for (const name of ['node', 'program'] as const) {
    const target = readPath(text, name)
    if (target === undefined || canUse(target, name)) continue
    faults.push(`${target} is gone: git signet hook install writes it anew`)
  }
  return faults
}

function canUse(path: string, name: 'node' | 'program'): boolean {
  try {
    accessSync(path, name === 'node' ? constants.X_OK : constants.R_OK)
    return true
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}
