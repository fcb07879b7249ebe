import { describe, expect, it } from 'vitest'
import { REASON_CODES } from '../../src/facts.ts'
import type { Refusal } from '../../src/report/refusal.ts'
import { refusalSink, renderRefusal } from '../../src/report/refusal.ts'
import { Collected, details, failing, feed, idOf, verdict } from './sample.ts'

const step = {
  ref: 'refs/heads/main',
  before: idOf(1000),
  after: idOf(1001),
  policy: idOf(1002),
  verdict: 'fail' as const,
  codes: [],
}

function refusal(over: Partial<Refusal> = {}): Refusal {
  return { steps: [step], findings: [], failed: 0, checked: 0, ...over }
}

function unsigned(count: number): Partial<Refusal> {
  const findings = Array.from({ length: count }, (_, n) => ({
    verdict: failing(n, 'UNSIGNED'),
    details: details({ subject: `change ${n}` }),
  }))
  return { findings, failed: count, checked: count + 5, base: idOf(999) }
}

/** What holds whatever is refused: it fits on a screen behind git's prefix. */
function checked(text: string): string {
  const lines = text.trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(24)
  for (const line of lines) {
    expect(line.length).toBeLessThanOrEqual(72)
    expect(line).toMatch(/^[ -~]*$/)
  }
  return text
}

describe('renderRefusal()', () => {
  it('says in one sentence what was refused and why, then what to type', () => {
    const text = checked(renderRefusal(refusal(unsigned(1))))
    expect(text).toBe(
      [
        `refused: commit ${idOf(0).slice(0, 10)} to refs/heads/main: it has no signature`,
        `  ${idOf(0).slice(0, 10)} UNSIGNED  change 0`,
        '    fix: sign it if it is yours; else ask its author, or an admin for an',
        '         [[accept]] entry',
        `      git signet resign ${idOf(999).slice(0, 10)}..HEAD`,
        'git signet not found? npm install -g git-signet',
        '',
      ].join('\n'),
    )
  })

  it("the pusher's ref is one word of the command that the server's owner types", () => {
    const ref = 'refs/heads/$(reboot);$&'
    const steps = [{ ...step, ref, codes: ['ROLLBACK' as const] }]
    expect(renderRefusal(refusal({ steps, failed: 1 }))).toContain(
      "git signet hook forget 'refs/heads/$(reboot);$&'\n",
    )
  })

  it('counts refs beyond those whose commits are listed', () => {
    const many = renderRefusal(refusal({ ...unsigned(3), failed: 10_000, refs: 10_000 }))
    expect(many.replaceAll(/\n */g, ' ')).toContain('to 10,000 refs: each has no signature')
    expect(renderRefusal(refusal({ ...unsigned(3), refs: 1 }))).toContain('to refs/heads/main')
  })

  it.each([2, 15, 16, 17, 18, 19, 300])(
    'fits on a screen with %i commits and counts the rest',
    (count) => {
      const text = checked(
        renderRefusal(refusal({ ...unsigned(count), helpUrl: 'https://example.org/help' })),
      )
      expect(text).toContain(`${count} of ${count + 5} commits`)
      const shown = text.split('\n').filter((line) => line.includes(' UNSIGNED ')).length
      const more = Number(/and ([\d,]+) more/.exec(text)?.[1]?.replace(',', '') ?? 0)
      expect(shown + more).toBe(count)
      expect(text).toContain('git signet resign')
      expect(text).toContain('help: https://example.org/help\n')
    },
  )

  it('keeps a place for every kind of reason among many of one kind', () => {
    const first = unsigned(200)
    const findings = [
      ...(first.findings ?? []),
      { verdict: failing(500, 'PATH_NOT_ALLOWED'), details: details({ subject: 'src/secret' }) },
    ]
    const text = checked(renderRefusal(refusal({ ...first, findings, failed: 201 })))
    expect(text).toContain('PATH_NOT_ALLOWED')
    expect(text).toContain('git signet resign')
  })

  it('fits on a screen with one commit of every reason code', () => {
    const findings = REASON_CODES.map((code, n) => ({
      verdict: failing(n, code),
      details: details({ subject: 'long words '.repeat(20) }),
    }))
    const failed = findings.length
    const text = checked(renderRefusal(refusal({ findings, failed, checked: failed })))
    expect(text).toMatch(/and \d+ more/)
  })

  it('counts commits that were not handed over', () => {
    const text = checked(
      renderRefusal(refusal({ ...unsigned(3), failed: 10_003, checked: 20_000 })),
    )
    expect(text).toContain('10,003 of 20,000 commits')
    expect(text).toContain('and 10,000 more\n')
  })

  it('says whom to ask where the commit is another’s', () => {
    const findings = [{ verdict: failing(1, 'UNSIGNED'), details: details(), own: false }]
    const text = checked(renderRefusal(refusal({ findings, failed: 1, checked: 1 })))
    expect(text).toContain('ask its author')
    expect(text).not.toContain('git signet resign')
  })

  it('names a movement of a ref that is not allowed', () => {
    const text = checked(renderRefusal(refusal({ steps: [{ ...step, codes: ['REWRITTEN'] }] })))
    expect(text).toContain('refused: the push to refs/heads/main: it rewrites a branch')
    expect(text).toContain('git pull --rebase')
  })

  it('says "could not check" where that is the reason', () => {
    const findings = [
      { verdict: verdict(1, { verdict: 'unknown', codes: ['NOT_LOGGED'] }), details: details() },
    ]
    const text = checked(renderRefusal(refusal({ findings, failed: 1, checked: 1 })))
    expect(text).toMatch(/^refused: could not check commit /)
  })

  it('says what failed when nothing could be judged', () => {
    const failure = { message: 'no trust root at /srv/root.json', hint: 'git signet trust update' }
    const text = checked(renderRefusal(refusal({ failure })))
    expect(text).toContain('refused: could not check this push: no trust root at /srv/root.json')
    expect(text).toContain('fix: git signet trust update')
  })

  it('says unmistakably that nothing is refused in audit mode', () => {
    const text = checked(renderRefusal(refusal({ ...unsigned(2), auditOnly: true })))
    expect(text).toMatch(/^AUDIT ONLY, NOTHING IS REFUSED: /)
  })

  it('lets no subject, ref or address draw on the pusher’s terminal', () => {
    const hostile = '\u001b[2J\u202e\r\nremote: ok ::error::x'
    const findings = [{ verdict: failing(1, 'UNSIGNED'), details: details({ subject: hostile }) }]
    checked(
      renderRefusal(
        refusal({
          steps: [{ ...step, ref: `refs/heads/${hostile}`, codes: ['CREATED'] }],
          findings,
          failed: 1,
          checked: 1,
          helpUrl: hostile,
          more: hostile,
        }),
      ),
    )
  })
})

describe('refusalSink()', () => {
  it('is silent while all is well', () => {
    const output = new Collected()
    feed(refusalSink(output, {}), [{ verdict: verdict(1), details: details() }])
    expect(output.text).toBe('')
  })

  it('writes the refusal at the end, with the command only for the pusher’s own commits', () => {
    const output = new Collected()
    const items = Array.from({ length: 500 }, (_, n) => ({
      verdict: failing(n, 'UNSIGNED'),
      details: details({ author: n === 0 ? 'me' : 'you' }),
    }))
    const sink = refusalSink(output, { isOwn: (_verdict, about) => about.author === 'me' })
    feed(sink, items, { steps: [step] })
    checked(output.text)
    expect(output.text).toContain(
      'refused: 500 of 500 commits to refs/heads/main: each has no signature\n',
    )
    expect(output.text.match(/git signet resign/g)).toHaveLength(1)
  })

  it('names the reason of the whole push where no commit has one', () => {
    const output = new Collected()
    feed(refusalSink(output, {}), [], { exit: 4, codes: { NOTHING_TO_CHECK: 1 }, steps: [step] })
    expect(checked(output.text)).toContain(
      'could not check the push to refs/heads/main: it selects',
    )
  })
})
