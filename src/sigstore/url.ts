import { UsageError } from '../errors.ts'

/**
 * A URL as it may be shown: without user name, password, query and fragment, which may hold secrets.
 */
export function displayUrl(url: string | URL): string {
  const shown = new URL(url)
  return `${shown.protocol}//${shown.host}${shown.pathname === '/' ? '' : shown.pathname}`
}

/**
 * @param what - names the service and where the URL comes from, for the message
 * @throws UsageError URL_INVALID anything but an absolute http or https URL
 */
export function parseServiceUrl(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UsageError('URL_INVALID', `cannot use ${what}: it is not an http or https URL`)
  }
  return url
}

/** `path` below a service's base URL, which may itself have a path, with or without a final slash. */
export function joinUrl(base: URL, path: string): URL {
  const joined = new URL(base)
  joined.pathname = `${base.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
  return joined
}
