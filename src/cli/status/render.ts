import { escapeText } from '../../encoding/escape.ts'
import type { Finding, StatusReport, TrustRootLine } from './report.ts'

function rows(lines: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((column) =>
    Math.min(60, Math.max(0, ...lines.map((line) => line[column]?.length ?? 0))),
  )
  return lines
    .map((line) =>
      `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function describeRoot({ name, isLocal, source, asOf, ageDays }: TrustRootLine): string[] {
  const age =
    ageDays === undefined ? 'age unknown' : `${ageDays} days old (${asOf?.slice(0, 10) ?? ''})`
  return [isLocal ? `${name} (LOCAL: vouches for nobody outside this machine)` : name, age, source]
}

/** One page for a person. */
export function renderStatus(report: StatusReport): string {
  const { git, settings, lastFailure } = report
  const chosen = settings.filter(({ from }) => from !== 'default')
  const defaults = settings.filter(({ from }) => from === 'default')
  const sections = [
    `git-signet ${report.version}  ${report.program}\n`,
    section('git here', rows(Object.entries(git).map(([key, value]) => [key, value]))),
    section('login', `  ${report.login}\n`),
    section('who may sign', `  ${report.signers}\n`),
    section(
      'services',
      rows(report.services.map(({ service, url, answer }) => [service, url, answer ?? ''])),
    ),
    section('trust roots', rows(report.trustRoots.map(describeRoot))),
    section('settings', rows(chosen.map(({ name, value, from }) => [name, from, value]))),
    section('defaults', rows(defaults.map(({ name, value }) => [name, value]))),
    section('hooks here', rows(report.hooks.map((name) => [name]))),
    lastFailure === undefined
      ? ''
      : section(
          'last failure',
          `  ${escapeText(lastFailure.at)}  ${escapeText(lastFailure.message, 500)}\n${(
            lastFailure.hint ?? ''
          )
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => `  hint: ${escapeText(line, 500)}\n`)
            .join('')}`,
        ),
    section('to mend', findingLines(report.findings.filter(({ kind }) => kind !== 'note'))),
    section('to know', findingLines(report.findings.filter(({ kind }) => kind === 'note'))),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

function findingLines(findings: readonly Finding[]): string {
  return findings
    .map(({ message, hint }) => `  ${message}\n${hint?.replace(/^/gm, '    ').concat('\n') ?? ''}`)
    .join('')
}

function section(title: string, body: string): string {
  return body === '' ? '' : `${title}\n${body}`
}

/** The same as one JSON document (`git-signet.status/1`). */
export function renderStatusJson(report: StatusReport): string {
  const { trustRoots, lastFailure, ...rest } = report
  const document = {
    schema: 'git-signet.status/1',
    ...rest,
    trust_roots: trustRoots.map(({ isLocal, asOf, ageDays, ...root }) => ({
      ...root,
      local: isLocal,
      as_of: asOf ?? null,
      age_days: ageDays ?? null,
    })),
    last_failure: lastFailure ?? null,
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}
