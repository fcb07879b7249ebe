import { describe, expect, it } from 'vitest'
import { progressText, startProgress } from '../../src/report/progress.ts'

class Terminal {
  text = ''
  isTerminal = true
  columns = 60
  write(text: string): void {
    this.text += text
  }
}

function clockOf(times: { now: number }): () => number {
  return () => times.now
}

describe('progressText()', () => {
  it('says count, rate, what remains and what was found so far', () => {
    expect(progressText({ pass: 1231, fail: 2, unknown: 1 }, 'commit', 9000, 3000)).toBe(
      '1,234 of 9,000 commits  411/s  19 s left  2 fail, 1 unknown',
    )
    expect(progressText({ pass: 1, fail: 0, unknown: 0 }, 'commit', undefined, 1000)).toBe(
      '1 commit  1/s',
    )
    expect(progressText({ pass: 10, fail: 0, unknown: 0 }, 'commit', 100_000, 1000)).toContain(
      '2 h 47 min left',
    )
  })
})

describe('startProgress()', () => {
  it('writes nothing where the output is not a terminal', () => {
    const output = Object.assign(new Terminal(), { isTerminal: false })
    const time = { now: 0 }
    const progress = startProgress(output, { noun: 'commit', clock: clockOf(time) })
    for (let n = 0; n < 100; n++) {
      time.now += 50
      progress.add('pass')
    }
    progress.end()
    expect(output.text).toBe('')
  })

  it('shows nothing for a short run, one line for a long one, and takes it away at the end', () => {
    const output = new Terminal()
    const time = { now: 0 }
    const progress = startProgress(output, { noun: 'commit', total: 100, clock: clockOf(time) })
    progress.add('pass')
    expect(output.text).toBe('')
    time.now = 1000
    progress.add('fail')
    expect(output.text).toBe('\r\u001b[K2 of 100 commits  2/s  49 s left  1 fail')
    progress.add('fail')
    expect(output.text).not.toContain('3 of')
    progress.end()
    expect(output.text.endsWith('\r\u001b[K')).toBe(true)
    expect(output.text).not.toContain('\n')
  })

  it('stays within one line of the terminal', () => {
    const output = Object.assign(new Terminal(), { columns: 20 })
    const time = { now: 0 }
    const progress = startProgress(output, {
      noun: 'commit',
      total: 1_000_000,
      clock: clockOf(time),
    })
    time.now = 5000
    progress.add('fail')
    expect(output.text.replace('\r\u001b[K', '').length).toBeLessThan(20)
  })

  it('is taken away before a result is written to the same terminal, not before one to a file', () => {
    const output = new Terminal()
    const time = { now: 0 }
    const progress = startProgress(output, { noun: 'commit', clock: clockOf(time) })
    const results = progress.around(output)
    const piped = new Terminal()
    piped.isTerminal = false
    time.now = 1000
    progress.add('pass')
    progress.around(piped).write('x\n')
    expect(piped.text).toBe('x\n')
    results.write('a result\n')
    expect(output.text).toBe('\r\u001b[K1 commit  1/s\r\u001b[Ka result\n')
  })
})
