import { describe, expect, it } from 'vitest'
import type { Run } from '../../src/report/result.ts'
import { annotation, githubSink } from '../../src/report/github.ts'
import { Collected, details, failing, feed, idOf, run, verdict } from './sample.ts'

function render(items: Parameters<typeof feed>[1], over: Partial<Run> = {}): string[] {
  const output = new Collected()
  feed(githubSink(output, { ...run, ...over }), items)
  return output.text.trimEnd().split('\n')
}

/** What the runner reads: its own decoding (ActionCommand.cs). */
function parse(line: string): { level: string; title: string; message: string } | undefined {
  const match = /^::(\w+) title=([^:,]*)::(.*)$/.exec(line)
  if (match === null) return undefined
  const decode = (text: string): string =>
    text
      .replaceAll('%0D', '\r')
      .replaceAll('%0A', '\n')
      .replaceAll('%3A', ':')
      .replaceAll('%2C', ',')
      .replaceAll('%25', '%')
  return { level: match[1] ?? '', title: decode(match[2] ?? ''), message: decode(match[3] ?? '') }
}

describe('annotation()', () => {
  it('escapes what the runner would read as its own syntax', () => {
    expect(annotation('error', 'a,b:c%\r\n', 'x::y,%0A\r\n')).toBe(
      '::error title=a%2Cb%3Ac%25%0D%0A::x::y,%250A%0D%0A\n',
    )
  })
})

describe('githubSink()', () => {
  it('annotates what fails as an error with its reason and its fix, and what passes not at all', () => {
    const lines = render([
      { verdict: verdict(1), details: details() },
      { verdict: failing(2, 'UNSIGNED'), details: details({ subject: 'Sneak in' }) },
    ])
    expect(lines).toHaveLength(2)
    const first = parse(lines[0] ?? '')
    expect(first?.level).toBe('error')
    expect(first?.title).toBe('git-signet UNSIGNED')
    expect(first?.message).toContain(`${idOf(2).slice(0, 10)} “Sneak in”`)
    expect(first?.message).toContain('has no signature')
    expect(first?.message).toContain(`git signet resign ${idOf(2).slice(0, 10)}^..HEAD`)
    expect(parse(lines[1] ?? '')?.message).toContain('2 objects checked for refs/heads/main')
  })

  it('annotates what could not be checked as a warning', () => {
    const unknown = verdict(1, { verdict: 'unknown', codes: ['NOT_LOGGED'] })
    expect(parse(render([{ verdict: unknown, details: details() }])[0] ?? '')?.level).toBe(
      'warning',
    )
  })

  it('ends a good run with a notice', () => {
    const lines = render([{ verdict: verdict(1), details: details() }])
    expect(lines.map((line) => parse(line)?.level)).toEqual(['notice'])
  })

  it('stays under ten annotations a level, says how many more, and still prints them all', () => {
    const items = Array.from({ length: 30 }, (_, n) => ({
      verdict: failing(n, 'UNSIGNED'),
      details: details({ subject: `change ${n}` }),
    }))
    const lines = render(items)
    const commands = lines.map(parse).filter((each) => each !== undefined)
    expect(commands.length).toBeLessThanOrEqual(10)
    expect(commands.at(-2)?.message).toContain('22 more errors')
    for (let n = 0; n < 30; n++)
      expect(lines.filter((line) => line.includes(`change ${n}”`))).toHaveLength(1)
  })

  it('annotates a step of the ref that did not pass though every commit does', () => {
    const output = new Collected()
    const step = {
      ref: 'refs/heads/main',
      before: idOf(1),
      after: idOf(2),
      policy: '',
      verdict: 'fail' as const,
    }
    feed(githubSink(output, run), [], { exit: 1, steps: [{ ...step, codes: ['REWRITTEN'] }] })
    const first = parse(output.text.split('\n')[0] ?? '')
    expect(first?.title).toBe('git-signet REWRITTEN')
    expect(first?.message).toContain('rewrites a branch that may only grow')
  })
})
