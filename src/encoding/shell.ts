/** A word that a POSIX shell reads as exactly this text. */
export function quoteShell(text: string): string {
  const isPlain = /^[\w@%+=:,./-][\w@%+=:,./^~-]*$/.test(text)
  return isPlain ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
