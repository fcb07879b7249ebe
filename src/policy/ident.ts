/** A committer, author or tagger line (latin1): `Name <address> seconds zone`. */
export interface Ident {
  readonly name: string
  readonly address: string
}

/**
 * Reads an ident in its one form: one pair of angle brackets, a time and a zone. Anything else has no
 * address that could be compared: git and forges disagree about which of several brackets count.
 */
export function parseIdent(line: string): Ident | undefined {
  const match = /^([^<>\n]*)<([^<>\n]*)> \d{1,20} [+-]\d{4}$/.exec(line)
  return match === null ? undefined : { name: (match[1] ?? '').trim(), address: match[2] ?? '' }
}

/** The text of the file as the bytes of an object: latin1, as `git-answers` gives header values. */
export function identBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
