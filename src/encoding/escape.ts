/**
 * What must not reach a terminal raw: C0 and C1 controls, soft hyphen, Arabic letter mark, Mongolian
 * vowel separator, zero-width and bidi controls, line and paragraph separators, invisible operators,
 * lone surrogates, BOM, interlinear marks, tag characters.
 */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu

/**
 * Makes attackers' text fit to be read by people: one line, every unsafe character as `\u{hex}`,
 * backslash doubled so that an escape cannot be forged, cut at `maxLength` characters with `…`.
 */
export function escapeText(text: string, maxLength = 200): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return cut
    .replaceAll('\\', '\\\\')
    .replace(unsafe, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/**
 * Escapes text for a GnuPG status line: controls, DEL, `%` and bytes above 0x7f of unsafe characters
 * as %XX of their UTF-8 bytes (GnuPG doc/DETAILS). Never contains LF.
 */
export function escapeStatus(text: string): string {
  return text.replace(
    /[%\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/gu,
    (character) =>
      [...Buffer.from(character, 'utf8')]
        .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
        .join(''),
  )
}
