import { escapeText } from '../../encoding/escape.ts'
import { isPublicLog } from '../../signing/public-notice.ts'
import { displayUrl } from '../../sigstore/url.ts'
import { quoteShell } from '../../encoding/shell.ts'
import type { ConfigScope } from './git-config-file.ts'
import type { Change } from './journal.ts'

/** Values as people read them. */
export function renderValues(values: readonly string[]): string {
  return values.length === 0 ? 'not set' : values.map((value) => escapeText(value)).join(', ')
}

/** Said before anything is written: what signing makes known, to whom, and that it stays. */
export function renderConsequences(
  log: URL,
  changes: readonly Change[],
  scope: ConfigScope,
): string {
  const where = scope === 'global' ? 'all your repositories' : 'this repository'
  const readers = isPublicLog(log)
    ? `${displayUrl(log)}, which everybody can read`
    : `${displayUrl(log)}, for everybody who can read that log`
  const tags = changes.some(({ key }) => key === 'tag.gpgSign') ? ' and tag' : ''
  return `git-signet will sign every commit${tags} of ${where}
with your login: no key to keep.

Each signature is recorded in a log that nothing can be removed from:
  ${readers}
It will hold for ever: the address you log in with, the time, and the digest of
the commit.
It will not hold: the commit's text, its files, or the name of the repository.

`
}

/** The commands that a person could type instead. */
export function renderPlan(
  scope: ConfigScope,
  changes: readonly Change[],
  files: readonly string[],
): string {
  const lines = changes.map(
    ({ key, before, after: [value = ''] }) =>
      `  git config --${scope} --replace-all ${key} ${quoteShell(value)}  # now: ${renderValues(before)}`,
  )
  return [
    'Nothing was changed. git-signet setup would write',
    ...files.map((path) => `  ${path}`),
    'and run',
    ...lines,
    '',
  ].join('\n')
}

export function renderDone(
  scope: ConfigScope,
  changes: readonly Change[],
  shadowed: readonly (readonly [string, string])[],
): string {
  const width = Math.max(...changes.map(({ key }) => key.length))
  const rows = changes.map(
    ({ key, before, after }) =>
      `  ${key.padEnd(width)}  ${renderValues(after)}${before.length > 0 ? `  (was ${renderValues(before)})` : ''}`,
  )
  const notes = shadowed.map(
    ([key, value]) =>
      `But here ${key} is ${escapeText(value)}: see  git config --show-origin --get-all ${key}`,
  )
  const where = scope === 'global' ? 'everywhere' : 'in this repository'
  return [
    `git now signs with your login ${where}:`,
    ...rows,
    ...notes,
    'Commit as always. Then look:  git log --show-signature -1',
    `The way back:  git-signet setup${scope === 'local' ? ' --local' : ''} --undo`,
    '',
  ].join('\n')
}
