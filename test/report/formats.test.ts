import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import type { FormatRequest } from '../../src/report/formats.ts'
import { openSinks, parseFormats } from '../../src/report/formats.ts'
import type { ResultSink } from '../../src/report/result.ts'
import { Collected, details, failing, feed, run, summaryOf, verdict } from './sample.ts'

function usageCode(values: string[]): string | undefined {
  try {
    parseFormats(values)
    return undefined
  } catch (error) {
    return error instanceof UsageError ? error.code : 'other'
  }
}

describe('parseFormats()', () => {
  it('is text on standard output when nothing is asked', () => {
    expect(parseFormats([])).toEqual([{ format: 'text' }])
  })

  it('takes several, each to its own place', () => {
    expect(parseFormats(['jsonl', 'html=a=b.html'])).toEqual([
      { format: 'jsonl' },
      { format: 'html', file: 'a=b.html' },
    ])
    expect(parseFormats(['json=-'])).toEqual([{ format: 'json' }])
  })

  it('keeps text on standard output when all go to files', () => {
    expect(parseFormats(['html=r.html'])).toEqual([
      { format: 'text' },
      { format: 'html', file: 'r.html' },
    ])
  })

  it('refuses what cannot be meant', () => {
    expect(usageCode(['xml'])).toBe('FORMAT_UNKNOWN')
    expect(usageCode(['toString'])).toBe('FORMAT_UNKNOWN')
    expect(usageCode(['json='])).toBe('FORMAT_FILE')
    expect(usageCode(['json', 'text'])).toBe('FORMAT_TWICE')
    expect(usageCode(['json=a', 'html=a'])).toBe('FORMAT_TWICE')
  })
})

describe('openSinks()', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'signet-formats-'))
  })
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  const items = [
    { verdict: verdict(1), details: details() },
    { verdict: failing(2, 'UNSIGNED'), details: details() },
  ]

  function open(requests: FormatRequest[], stdout = new Collected()): ResultSink {
    return openSinks(requests, run, { stdout, env: {}, facts: false, single: false })
  }

  it('writes several formats from one run, files readable by everybody', () => {
    const stdout = new Collected()
    const file = join(directory, 'r.jsonl')
    feed(open([{ format: 'text' }, { format: 'jsonl', file }], stdout), items)
    expect(stdout.text).toContain('(exit 1)')
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(3)
    expect(statSync(file).mode & 0o777).toBe(0o644)
    expect(readdirSync(directory)).toEqual(['r.jsonl'])
  })

  it('puts a file in place only when it is whole, and leaves the old one until then', () => {
    const file = join(directory, 'r.json')
    writeFileSync(file, 'old')
    const sink = open([{ format: 'json', file }])
    sink.verdict(verdict(1), details())
    expect(readFileSync(file, 'utf8')).toBe('old')
    sink.abort()
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(readdirSync(directory)).toEqual(['r.json'])
  })

  it('replaces the file that a link names, and not the link', () => {
    const file = join(directory, 'real.json')
    const link = join(directory, 'link.json')
    writeFileSync(file, 'old')
    symlinkSync(file, link)
    feed(open([{ format: 'json', file: link }]), items)
    expect(readlinkSync(link)).toBe(file)
    expect(readFileSync(file, 'utf8')).toContain('git-signet.report/1')
  })

  it('writes into a device rather than replacing it', () => {
    feed(open([{ format: 'json', file: '/dev/null' }]), items)
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  it('refuses at once a file that cannot be created, and leaves nothing of the others', () => {
    const good = join(directory, 'good.json')
    for (const bad of [join(directory, 'no', 'r.html'), directory]) {
      expect(() =>
        open([
          { format: 'json', file: good },
          { format: 'html', file: bad },
        ]),
      ).toThrow(expect.objectContaining({ code: 'REPORT_FILE', exit: 2 }))
    }
    expect(readdirSync(directory)).toEqual([])
  })

  it.skipIf(!existsSync('/dev/full'))(
    'reports a full disk as "could not", and leaves nothing behind',
    () => {
      const other = join(directory, 'other.json')
      const sink = open([
        { format: 'json', file: '/dev/full' },
        { format: 'jsonl', file: other },
      ])
      expect(() => {
        for (let n = 0; n < 1000; n++) sink.verdict(verdict(1), details())
        sink.end(summaryOf([]))
      }).toThrow(expect.objectContaining({ code: 'REPORT_WRITE', exit: 4 }))
      expect(readdirSync(directory)).toEqual([])
    },
  )

  it.skipIf(process.getuid?.() === 0)('refuses a directory that may not be written', () => {
    const locked = join(directory, 'locked')
    mkdirSync(locked)
    chmodSync(locked, 0o500)
    expect(() => open([{ format: 'json', file: join(locked, 'r.json') }])).toThrow(UsageError)
  })
})
