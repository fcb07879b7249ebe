import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { quoteShell } from '../../encoding/shell.ts'
import { UnavailableError, UsageError } from '../../errors.ts'
import { runBareProgram } from '../../git/run-program.ts'
import { VERSION } from '../version.ts'

const MARK = '# Written by git-signet'

/**
 * A shell script that starts the program with absolute paths: an editor, a service or a hook often
 * has no node on its PATH. Where that node has gone (an upgrade), the one on the PATH is tried.
 *
 * @param args - put before what the caller gives.
 */
export function renderLauncher(
  nodePath: string,
  programPath: string,
  args: readonly string[] = [],
): string {
  const words = ['exec "$node" "$program"', ...args.map(quoteShell), '"$@"'].join(' ')
  return `#!/bin/sh
${MARK} ${VERSION}. git starts this; "git-signet setup" writes it anew.
node=${quoteShell(nodePath)}
program=${quoteShell(programPath)}
if [ ! -f "$program" ]; then
  echo "git-signet: error: $program is gone" >&2
  echo "git-signet: hint: install git-signet again, then: git-signet setup" >&2
  exit 2
fi
[ -x "$node" ] || node=node
${words}
`
}

/**
 * Writes a launcher in one step and starts it once with a bare environment.
 *
 * @throws UsageError LAUNCHER_OCCUPIED when a file that we did not write is there
 * @throws UnavailableError LAUNCHER_FAILED; nothing new is left behind
 */
export async function installLauncher(
  path: string,
  script: string,
  home: string | undefined,
): Promise<void> {
  const before = readLauncher(path)
  if (before !== undefined && !isOurs(before)) {
    throw new UsageError('LAUNCHER_OCCUPIED', `${path} is another program`, {
      hint: `look at it, and move it away: mv ${quoteShell(path)} ${quoteShell(`${path}.old`)}`,
    })
  }
  const fresh = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(fresh, script)
    chmodSync(fresh, 0o755)
  } catch (error) {
    rmSync(fresh, { force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new UnavailableError('LAUNCHER_FAILED', `cannot write the launcher: ${why}`, {
      cause: error,
    })
  }
  const { status, stdout, stderr } = await runBareProgram(fresh, ['--version'], home)
  if (status !== 0 || stdout !== `git-signet ${VERSION}\n`) {
    rmSync(fresh, { force: true })
    const why = (stderr || stdout).trim().split('\n')[0] ?? ''
    throw new UnavailableError(
      'LAUNCHER_FAILED',
      `the launcher does not start (exit ${status ?? 'none'}): ${why}`,
      { hint: 'install git-signet again where node and every user of it can be read' },
    )
  }
  renameSync(fresh, path)
}

/** Removes a launcher if it is ours; tells whether it is gone. */
export function removeLauncher(path: string): boolean {
  const before = readLauncher(path)
  if (before === undefined) return true
  if (!isOurs(before)) return false
  rmSync(path, { force: true })
  return true
}

function isOurs(script: string): boolean {
  return script.includes(`\n${MARK} `)
}

function readLauncher(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UsageError('LAUNCHER_OCCUPIED', `${path} cannot be read`, { cause: error })
  }
}
