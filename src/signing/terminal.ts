import { closeSync, openSync, writeSync } from 'node:fs'

/** Where a person is told things while git holds our output; not our standard error. */
export interface Terminal {
  write(text: string): void
  close(): void
}

/** The terminal of this process; undefined where it has none (a service, a CI job, an editor). */
export function openTerminal(platform: NodeJS.Platform = process.platform): Terminal | undefined {
  let descriptor: number
  try {
    descriptor = openSync(platform === 'win32' ? '\\\\.\\CONOUT$' : '/dev/tty', 'w')
  } catch {
    // ENXIO, ENOENT, EACCES: all of them mean that there is no terminal to speak to.
    return undefined
  }
  return {
    write(text) {
      try {
        writeSync(descriptor, text)
      } catch {
        // The terminal has gone (EIO): nobody is there to be told.
      }
    },
    close() {
      closeSync(descriptor)
    },
  }
}
