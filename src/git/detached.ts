import { spawn } from 'node:child_process'

/**
 * Starts a program of the user's (a browser) and leaves it alone: none of our streams is its own, so
 * nothing it says can end up in a signature.
 *
 * @returns whether it could be started
 */
export function startDetached(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', detached: true, windowsHide: true })
    child.once('error', () => {
      resolve(false)
    })
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
