/** Short names for issuers (policy.md §2). Consumer: anybody may have an account there. */
export const ISSUER_ALIASES: Readonly<Record<string, string>> = {
  github: 'https://github.com/login/oauth',
  google: 'https://accounts.google.com',
  microsoft: 'https://login.microsoftonline.com',
  'github-actions': 'https://token.actions.githubusercontent.com',
  gitlab: 'https://gitlab.com',
  buildkite: 'https://agent.buildkite.com',
}

export const CONSUMER_ISSUERS: readonly string[] = [
  'https://github.com/login/oauth',
  'https://accounts.google.com',
  'https://login.microsoftonline.com',
  'https://gitlab.com',
]

export const GITHUB_ACTIONS_ISSUER = 'https://token.actions.githubusercontent.com'

/** The URL an alias means, or the text itself when it is a URL; `undefined` otherwise. */
export function resolveIssuer(text: string): string | undefined {
  if (Object.hasOwn(ISSUER_ALIASES, text)) return ISSUER_ALIASES[text]
  if (!URL.canParse(text) || /\s/.test(text)) return undefined
  const url = new URL(text)
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback) ? text : undefined
}

/** The alias of an issuer where it has one, for people to read. */
export function showIssuer(issuer: string): string {
  return Object.keys(ISSUER_ALIASES).find((alias) => ISSUER_ALIASES[alias] === issuer) ?? issuer
}
