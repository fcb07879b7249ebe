import { spawn } from 'node:child_process'

export interface BackgroundProcess {
  readonly pid: number
  /** Resolves with the exit code, undefined for a signal, once it has ended. */
  readonly ended: Promise<number | undefined>
}

/**
 * Starts a program of ours that outlives this process: its own session, nothing on standard input,
 * its output in a file.
 *
 * @throws Error of the system when it cannot be started
 */
export function startInBackground(
  program: string,
  args: readonly string[],
  options: {
    readonly outputFd: number
    readonly cwd: string
    readonly env: Readonly<Record<string, string | undefined>>
  },
): Promise<BackgroundProcess> {
  const { outputFd, cwd, env } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', outputFd, outputFd],
      detached: true,
      windowsHide: true,
      cwd,
      env,
    })
    const ended = new Promise<number | undefined>((settle) => {
      child.once('exit', (code) => {
        settle(code ?? undefined)
      })
    })
    child.once('error', reject)
    child.once('spawn', () => {
      child.unref()
      if (child.pid !== undefined) resolve({ pid: child.pid, ended })
    })
  })
}
