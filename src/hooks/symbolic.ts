import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MalformedError } from '../errors.ts'
import { symbolicRefTarget } from '../git/refs.ts'
import type { RepositoryPaths } from '../git/refs.ts'
import type { GitPlace } from '../git/run.ts'
import type { Step } from '../policy/context.ts'

/** As many as git itself follows. */
const MAX_DEPTH = 5

/**
 * The movements of what refs resolve to here: a symbolic ref moves its target, also one that is not
 * there yet.
 *
 * @throws MalformedError HOOK_INPUT where two names of one ref are moved to different places
 */
export async function resolveSymbolic(
  place: GitPlace,
  paths: RepositoryPaths,
  steps: readonly Step[],
): Promise<Step[]> {
  const isTable = existsSync(join(paths.commonDir, 'reftable'))
  const targetOf = isTable
    ? (ref: string) => symbolicRefTarget(place, ref)
    : (ref: string) => Promise.resolve(targetInFile(join(paths.commonDir, ref)))
  const resolved = new Map<string, Step>()
  for (const step of steps) {
    let { ref } = step
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const target = await targetOf(ref)
      if (target === undefined) break
      ref = target
    }
    const other = resolved.get(ref)
    if (other !== undefined && other.after !== step.after) {
      throw new MalformedError('HOOK_INPUT', 'two names of one ref are moved to different places')
    }
    resolved.set(ref, { ...step, ref })
  }
  return [...resolved.values()]
}

function targetInFile(path: string): string | undefined {
  try {
    return /^ref:\s*(\S+)\s*$/.exec(readFileSync(path, 'utf8'))?.[1]
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw error
  }
}
