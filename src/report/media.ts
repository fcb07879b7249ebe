import { escapeText } from '../encoding/escape.ts'

/**
 * A marker that CI systems look for anywhere in a line, not only at its start: `##[error]` of
 * GitHub and Azure, `##vso[`, `##teamcity[`.
 */
const ciMarker = /##(?=[a-z]*\[)/gi

/** Attackers' text as part of a line that people, or a CI system's log, read. */
export function escapeLine(text: string, maxLength = 200): string {
  const line = escapeText(text, maxLength).replace(ciMarker, '#\\u{23}')
  return line.startsWith('::') ? `\\u{3a}${line.slice(1)}` : line
}

/**
 * Text after `::error …::`.
 *
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions and the
 * runner's `ActionCommand.cs`, which decodes exactly these
 */
export function escapeWorkflowData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** Value of a `name=value` in a workflow command. */
export function escapeWorkflowProperty(text: string): string {
  return escapeWorkflowData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

const unsafeInJson =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g

function unicodeEscapes(text: string): string {
  return text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** JSON on one line that is also safe to look at in a terminal. The value is unchanged. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(unsafeInJson, unicodeEscapes)
}

/** JSON for an HTML data block: nothing in it can end the block or open a comment. */
export function jsonForHtml(value: unknown): string {
  return jsonLine(value).replace(/[<>&]/g, unicodeEscapes)
}

const htmlEntities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Attackers' text as HTML text or as a quoted attribute value. */
export function escapeHtml(text: string, maxLength = 400): string {
  return escapeText(text, maxLength).replace(
    /[&<>"']/g,
    (character) => htmlEntities[character] ?? '',
  )
}
