import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataDirectory } from '../config/directories.ts'

const FILE = 'public-log-notice'

/** Whether a log is Sigstore's public one, where anybody can search and nothing can be deleted. */
export function isPublicLog(url: URL): boolean {
  return /(?:^|\.)sigstore\.dev$/.test(url.hostname)
}

/**
 * Tells a person, once, what the first entry in the public log makes known for ever.
 *
 * @param who - the name that will be in the certificate
 */
export function notePublicLog(
  env: Readonly<Record<string, string | undefined>>,
  who: string,
  url: URL,
  say: (text: string) => void,
): void {
  const directory = dataDirectory(env)
  if (existsSync(join(directory, FILE))) return
  say(
    `git-signet: the log at ${url.hostname} is public and permanent: ${who}, the time of each\n` +
      'git-signet: signature and a digest of what was signed can be seen there by anybody, for ever.\n' +
      'git-signet: this is said once; git commit --no-gpg-sign leaves a commit unsigned.\n',
  )
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, FILE), `${new Date().toISOString()}\n`, { mode: 0o600 })
  } catch {
    // A read-only home: it is said again next time.
  }
}
