import type { Facts, ReasonCode, Summary, Verdict, VerdictValue } from '../../src/facts.ts'
import type { ReportOutput, ResultSink, Run, VerdictDetails } from '../../src/report/result.ts'

export const NOW = Date.UTC(2026, 4, 1, 12) / 1000

export const run: Run = {
  command: 'audit refs/heads/main',
  ref: 'refs/heads/main',
  policy: '.signet/policy.toml at 3f2a9c1d00',
  anchor: 'a1'.repeat(20),
  trustRoots: [{ name: 'public', local: false, asOf: NOW - 12 * 86_400 }],
  warnings: [],
  now: NOW,
}

/** A distinct, valid-looking object id for each number. */
export function idOf(n: number): string {
  return ((n * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0').repeat(5)
}

export function facts(n: number, over: Partial<Facts> = {}): Facts {
  const at = new Date((NOW - 86_400 * 300 + n * 3600) * 1000).toISOString().replace('.000', '')
  return {
    schema: 'git-signet.facts/1',
    object: { id: idOf(n), type: 'commit', format: 'sha1' },
    signature: 'x509',
    outcome: 'proven',
    codes: [],
    signer: {
      kind: 'email',
      value: 'alice@example.org',
      issuer: 'https://accounts.example.org',
      trust: 'public',
      claims: {},
    },
    certificate: {
      serial: '5a0a',
      sha256: 'c0'.repeat(32),
      not_before: at,
      not_after: at,
      issuer: 'CN=sigstore-intermediate,O=sigstore.dev',
      san: ['email:alice@example.org'],
    },
    times: [{ source: 'rekor-v1', at, by: 'https://rekor.example.org' }],
    log: [
      {
        by: 'https://rekor.example.org',
        index: '2345438208',
        kind: 'hashedrekord',
        version: '0.0.1',
      },
    ],
    checks: [
      { name: 'content-digest', result: 'passed' },
      { name: 'log-entry', result: 'passed' },
    ],
    tolerated: [],
    payload_sha256: 'ab'.repeat(32),
    ...over,
  }
}

export function verdict(n: number, over: Partial<Verdict> = {}): Verdict {
  return {
    schema: 'git-signet.verdict/1',
    object: { id: idOf(n), type: 'commit', format: 'sha1' },
    ref: 'refs/heads/main',
    verdict: 'pass',
    strength: 'signed',
    codes: [],
    person: 'alice',
    rules: ['refs/heads/main'],
    policy: '3f2a9c1d'.repeat(5),
    ...over,
  }
}

/** A copy of `value` that lacks some members. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  const copy = { ...value }
  for (const key of keys) Reflect.deleteProperty(copy, key)
  return copy
}

export function failing(n: number, ...codes: ReasonCode[]): Verdict {
  return without(verdict(n, { verdict: 'fail', codes }), 'strength', 'person')
}

export function details(over: Partial<VerdictDetails> = {}): VerdictDetails {
  return { subject: 'Add the frobnicator', author: 'Alice', authorTime: NOW - 3600, ...over }
}

/** The summary that fits verdicts. */
export function summaryOf(verdicts: readonly Verdict[], over: Partial<Summary> = {}): Summary {
  const count = (value: VerdictValue): number =>
    verdicts.filter((each) => each.verdict === value).length
  const codes: Partial<Record<ReasonCode, number>> = {}
  for (const each of verdicts) for (const code of each.codes) codes[code] = (codes[code] ?? 0) + 1
  return {
    schema: 'git-signet.summary/1',
    exit: count('fail') > 0 ? 1 : count('unknown') > 0 ? 4 : 0,
    checked: verdicts.length,
    pass: count('pass'),
    fail: count('fail'),
    unknown: count('unknown'),
    codes,
    steps: [],
    ...over,
  }
}

export class Collected implements ReportOutput {
  text = ''
  write(text: string): void {
    this.text += text
  }
}

export interface Item {
  verdict: Verdict
  details: VerdictDetails
}

export function feed(sink: ResultSink, items: readonly Item[], over: Partial<Summary> = {}): void {
  for (const item of items) sink.verdict(item.verdict, item.details)
  sink.end(
    summaryOf(
      items.map((item) => item.verdict),
      over,
    ),
  )
}
