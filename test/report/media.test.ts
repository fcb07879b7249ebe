import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  escapeHtml,
  escapeLine,
  escapeWorkflowData,
  escapeWorkflowProperty,
  jsonForHtml,
  jsonLine,
} from '../../src/report/media.ts'
import { annotation } from '../../src/report/github.ts'

const dangerous = fc.constantFrom(
  ...[
    '\u001b',
    '\r',
    '\n',
    '\u202e',
    '<',
    '>',
    '&',
    '</script>',
    '<!--',
    '##[',
    '::',
    '%',
    ',',
    ':',
  ],
  ...['\\', '"', "'", '\ud800', '\udc00', '\u{e0041}', '\u2028', 'a', '##vso[', '\u0000', '\u009b'],
)
/** Any text, with the pieces that matter more often than chance would have them. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(dangerous, { maxLength: 12 }).map((parts) => parts.join('')),
)
const raw =
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/u

describe('whatever an attacker writes', () => {
  it('is one harmless line for people', () => {
    fc.assert(
      fc.property(text, (value) => {
        const line = escapeLine(value)
        expect(line).not.toMatch(raw)
        expect(line).not.toMatch(/##[a-z]*\[/i)
        expect(line.startsWith('::')).toBe(false)
      }),
    )
  })

  it('is escaped so that two different texts stay different', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other && one.length <= 200 && other.length <= 200)
        // Escapes of CI markers are read as the same characters; everything else is one to one.
        fc.pre(!/#|:/.test(one + other))
        expect(escapeLine(one)).not.toBe(escapeLine(other))
      }),
    )
  })

  it('comes back from JSON as it was, in a terminal’s and in a page’s form', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(JSON.parse(jsonLine({ value }))).toEqual({ value })
        expect(JSON.parse(jsonForHtml({ value }))).toEqual({ value })
        expect(jsonLine(value)).not.toMatch(raw)
        expect(jsonForHtml(value)).not.toMatch(/[<>&]/)
      }),
    )
  })

  it('is one workflow command whose parts the runner reads back', () => {
    const decode = (value: string): string =>
      value.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')
    fc.assert(
      fc.property(text, text, (title, message) => {
        const command = annotation('error', title, message)
        expect(command.indexOf('\n')).toBe(command.length - 1)
        expect(command).not.toContain('\r')
        const rest = command.slice('::error title='.length, -1)
        const end = rest.indexOf('::')
        expect(decode(rest.slice(end + 2))).toBe(message)
        expect(decode(rest.slice(0, end).replaceAll('%3A', ':').replaceAll('%2C', ','))).toBe(title)
        expect(escapeWorkflowProperty(title)).not.toMatch(/[:,\r\n]/)
        expect(escapeWorkflowData(message)).not.toMatch(/[\r\n]/)
      }),
    )
  })

  it('is text in HTML, also inside a quoted attribute', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(escapeHtml(value)).not.toMatch(/[<>"']/)
        expect(escapeHtml(value)).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/)
      }),
    )
  })
})
