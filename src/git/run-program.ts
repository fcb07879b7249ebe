import { execFile } from 'node:child_process'

export interface ProgramResult {
  /** undefined when it could not be started, was killed or took too long. */
  readonly status: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Starts a program as a service with a bare environment would: no PATH but the system's, no
 * variables of the shell. Tells whether what git is going to start can be started at all.
 */
export function runBareProgram(
  path: string,
  args: readonly string[],
  home: string | undefined,
): Promise<ProgramResult> {
  const env = { PATH: '/usr/bin:/bin', ...(home === undefined ? {} : { HOME: home }) }
  return new Promise((resolve) => {
    execFile(
      path,
      args,
      { env, cwd: '/', timeout: 20_000, maxBuffer: 1 << 20 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
        resolve({
          status,
          stdout,
          stderr: status === undefined ? (error?.message ?? stderr) : stderr,
        })
      },
    )
  })
}
