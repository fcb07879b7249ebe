import { startDetached } from '../git/detached.ts'
import { UsageError } from '../errors.ts'
import { hasBrowser, splitUrlOpener } from '../oidc/browser.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** How a login page is shown to the person at this terminal; undefined where it cannot be. */
export function browserOpener(
  env: Environment,
  urlOpener: string | undefined,
): ((url: string) => Promise<boolean>) | undefined {
  if (urlOpener !== undefined) {
    return async (url) => {
      const [program, ...args] = splitUrlOpener(urlOpener, url) ?? []
      if (program === undefined) {
        throw new UsageError(
          'SETTING_INVALID',
          'cannot use signet.urlOpener: it is no command with {{.URL}} among its arguments',
          { hint: "git config signet.urlOpener 'firefox --new-window {{.URL}}'" },
        )
      }
      return startDetached(program, args)
    }
  }
  return hasBrowser(env, process.platform) ? openDefault : undefined
}

async function openDefault(url: string): Promise<boolean> {
  const { default: open } = await import('open')
  try {
    const child = await open(url)
    return await new Promise((resolve) => {
      child.once('error', () => {
        resolve(false)
      })
      // xdg-open ends at once; with an error code when it found no browser.
      child.once('exit', (code) => {
        resolve(code === 0)
      })
      setTimeout(() => {
        resolve(true)
      }, 1500)
    })
  } catch {
    // `open` says in many ways that there is no browser; the device login is next.
    return false
  }
}
