import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Summary } from '../../src/facts.ts'
import { githubSink } from '../../src/report/github.ts'
import { jsonLinesSink, jsonSink } from '../../src/report/json.ts'
import { refusalSink } from '../../src/report/refusal.ts'
import type { ReportOutput, ResultSink, Run } from '../../src/report/result.ts'
import { textSink } from '../../src/report/text.ts'
import type { Item } from './sample.ts'
import { Collected } from './sample.ts'

interface Case {
  run: Run
  items: Item[]
  summary: Summary
}

const cases = new URL('../../fixtures/report/', import.meta.url)

const renderers: Record<string, (output: ReportOutput, given: Case) => ResultSink> = {
  txt: (output, { run, items }) =>
    textSink(output, run, {
      style: { colour: false, unicode: true },
      evidence: items.length === 1,
    }),
  json: (output) => jsonSink(output, { facts: false }),
  jsonl: (output) => jsonLinesSink(output, { facts: true }),
  github: (output, { run }) => githubSink(output, run),
  refusal: (output, { run }) => refusalSink(output, run),
}

describe.each(readdirSync(cases))('fixtures/report/%s', (name) => {
  const given = JSON.parse(readFileSync(new URL(`${name}/input.json`, cases), 'utf8')) as Case

  it.each(Object.entries(renderers))('renders expected.%s byte for byte', async (kind, open) => {
    const output = new Collected()
    const sink = open(output, given)
    for (const item of given.items) sink.verdict(item.verdict, item.details)
    sink.end(given.summary)
    await expect(output.text).toMatchFileSnapshot(
      new URL(`${name}/expected.${kind}`, cases).pathname,
    )
  })
})
