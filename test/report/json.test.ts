import { describe, expect, it } from 'vitest'
import { CHECK_NAMES, REASON_CODES } from '../../src/facts.ts'
import { jsonLinesSink, jsonSink } from '../../src/report/json.ts'
import {
  Collected,
  details,
  facts,
  failing,
  feed,
  idOf,
  summaryOf,
  verdict,
  without,
} from './sample.ts'
import { problems, schemaOf } from './schemas.ts'

const items = [
  { verdict: verdict(1), details: details({ facts: facts(1) }) },
  { verdict: failing(2, 'UNSIGNED', 'COMMITTER_MISMATCH'), details: details() },
  {
    verdict: verdict(3, { verdict: 'unknown', codes: ['NOT_LOGGED'] }),
    details: details({ facts: facts(3, { signer: null, certificate: null }) }),
  },
]
const steps = [
  {
    ref: 'refs/heads/main',
    before: idOf(1),
    after: idOf(2),
    policy: idOf(3),
    verdict: 'fail' as const,
    codes: ['FOXTROT' as const],
  },
]

describe('jsonLinesSink()', () => {
  it('prints one verdict a line as they come, then one summary, each valid by its schema', () => {
    const output = new Collected()
    feed(jsonLinesSink(output, { facts: true }), items, { steps })
    const lines = output.text.trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    for (const line of lines.slice(0, 3)) expect(problems('verdict', JSON.parse(line))).toEqual([])
    expect(problems('summary', JSON.parse(lines[3] ?? ''))).toEqual([])
  })

  it('carries facts only when they are asked for', () => {
    const output = new Collected()
    feed(jsonLinesSink(output, { facts: false }), [
      { verdict: verdict(1, { facts: facts(1) }), details: details() },
    ])
    expect(output.text).not.toContain('"facts"')
  })

  it('streams: a verdict is written before the next one is known', () => {
    const output = new Collected()
    const sink = jsonLinesSink(output, { facts: false })
    sink.verdict(verdict(1), details())
    expect(output.text.endsWith('}\n')).toBe(true)
  })
})

describe('jsonSink()', () => {
  it.each([0, 1, 3])('writes one valid document about %i objects', (count) => {
    const output = new Collected()
    feed(jsonSink(output, { facts: true }), items.slice(0, count), { steps })
    const document: unknown = JSON.parse(output.text)
    expect(problems('report', document)).toEqual([])
    expect((document as { verdicts: unknown[] }).verdicts).toHaveLength(count)
  })
})

describe('the shipped schemas', () => {
  it('list every reason code and every check', () => {
    const schema = schemaOf('facts').schema as {
      $defs: { reasonCode: { enum: string[] } }
      properties: { checks: { items: { properties: { name: { enum: string[] } } } } }
    }
    expect(schema.$defs.reasonCode.enum).toEqual([...REASON_CODES])
    expect(schema.properties.checks.items.properties.name.enum).toEqual([...CHECK_NAMES])
  })

  it('describe every member that is printed', () => {
    for (const [name, value] of [
      ['facts', facts(1)],
      ['verdict', verdict(1, { facts: facts(1) })],
      ['summary', { ...summaryOf([]), warnings: ['the policy did not land'] }],
    ] as const) {
      const schema = schemaOf(name).schema as { properties: object }
      expect(Object.keys(schema.properties).sort()).toEqual(
        expect.arrayContaining(Object.keys(value)),
      )
    }
  })

  it('refuse a missing member, an unknown code and a number where a decimal string belongs', () => {
    expect(problems('facts', without(facts(1), 'outcome'))).not.toEqual([])
    expect(problems('verdict', { ...verdict(1), codes: ['BORING'] })).not.toEqual([])
    const [entry] = facts(1).log
    expect(problems('facts', { ...facts(1), log: [{ ...entry, index: 7 }] })).not.toEqual([])
    expect(problems('summary', { ...summaryOf([]), exit: 5 })).not.toEqual([])
  })

  it('allow members that a later release adds', () => {
    expect(problems('verdict', { ...verdict(1), later: 1 })).toEqual([])
  })
})
