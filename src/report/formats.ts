import { escapeText } from '../encoding/escape.ts'
import { UsageError } from '../errors.ts'
import { githubSink } from './github.ts'
import { htmlSink } from './html.ts'
import { jsonLinesSink, jsonSink } from './json.ts'
import type { OutputFile } from './output-file.ts'
import { openOutputFile } from './output-file.ts'
import type { ReportOutput, ResultSink, Run } from './result.ts'
import { styleFor } from './terminal.ts'
import { textSink } from './text.ts'

export const FORMATS = ['text', 'json', 'jsonl', 'github', 'html'] as const
export type Format = (typeof FORMATS)[number]

export interface FormatRequest {
  format: Format
  /** Undefined: standard output. */
  file?: string
}

function isFormat(name: string): name is Format {
  return (FORMATS as readonly string[]).includes(name)
}

/**
 * Reads the values of `--format F[=FILE]`. Where all go to files, text still goes to standard
 * output.
 *
 * @throws UsageError `FORMAT_UNKNOWN`, `FORMAT_FILE` (empty name), `FORMAT_TWICE` (two to one place)
 */
export function parseFormats(values: readonly string[]): FormatRequest[] {
  const requests = values.map(parseFormat)
  const places = new Set<string>()
  for (const { file } of requests) {
    const place = file ?? ''
    if (places.has(place)) {
      const where = file === undefined ? 'standard output' : escapeText(file)
      throw new UsageError('FORMAT_TWICE', `two formats are to be written to ${where}`, {
        hint: 'give each but one a file of its own: --format text --format html=report.html',
      })
    }
    places.add(place)
  }
  return places.has('') ? requests : [{ format: 'text' }, ...requests]
}

function parseFormat(value: string): FormatRequest {
  const equals = value.indexOf('=')
  const name = equals < 0 ? value : value.slice(0, equals)
  if (!isFormat(name)) {
    throw new UsageError('FORMAT_UNKNOWN', `unknown format ${escapeText(name)}`, {
      hint: `known formats: ${FORMATS.join(', ')}; --format F or --format F=FILE`,
    })
  }
  if (equals < 0) return { format: name }
  const file = value.slice(equals + 1)
  if (file === '') {
    throw new UsageError('FORMAT_FILE', `no file is named after ${name}=`, {
      hint: `--format ${name}=FILE, or --format ${name} for standard output`,
    })
  }
  return file === '-' ? { format: name } : { format: name, file }
}

export interface SinkOptions {
  stdout: ReportOutput
  env: Readonly<Record<string, string | undefined>>
  /** `--facts`: machine formats carry the facts, text shows what each signature says. */
  facts: boolean
  /** One object was asked for: text shows what its signature says. */
  single: boolean
}

/**
 * One sink that feeds every requested format. Files are created now and put in place by `end`; when
 * anything fails, all of them are given up.
 *
 * @throws UsageError `REPORT_FILE`
 */
export function openSinks(
  requests: readonly FormatRequest[],
  run: Run,
  options: SinkOptions,
): ResultSink {
  const files: OutputFile[] = []
  const sinks: ResultSink[] = []
  const discard = (): void => {
    for (const file of files.splice(0)) file.discard()
  }
  const guarded = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      discard()
      throw error
    }
  }
  guarded(() => {
    for (const { format, file } of requests) {
      let output = options.stdout
      if (file !== undefined) {
        const opened = openOutputFile(file)
        files.push(opened)
        output = opened
      }
      sinks.push(openSink(format, output, run, options))
    }
  })
  return {
    verdict(verdict, details) {
      guarded(() => {
        for (const sink of sinks) sink.verdict(verdict, details)
      })
    },
    end(summary, faults) {
      guarded(() => {
        for (const sink of sinks) sink.end(summary, faults)
        for (let file = files.shift(); file !== undefined; file = files.shift()) commit(file)
      })
    },
    abort() {
      for (const sink of sinks) sink.abort()
      discard()
    },
  }
}

function commit(file: OutputFile): void {
  try {
    file.commit()
  } catch (error) {
    file.discard()
    throw error
  }
}

function openSink(
  format: Format,
  output: ReportOutput,
  run: Run,
  options: SinkOptions,
): ResultSink {
  switch (format) {
    case 'text':
      return textSink(output, run, {
        style: styleFor(output, options.env),
        evidence: options.facts || options.single,
      })
    case 'json':
      return jsonSink(output, { facts: options.facts })
    case 'jsonl':
      return jsonLinesSink(output, { facts: options.facts })
    case 'github':
      return githubSink(output, run)
    case 'html':
      return htmlSink(output, run)
  }
}
