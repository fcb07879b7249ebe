import { escapeText } from '../encoding/escape.ts'
import type { Facts, Verdict, VerdictValue } from '../facts.ts'
import { jsonForHtml } from './media.ts'
import type { VerdictDetails } from './result.ts'
import { signerName } from './result.ts'

/** Strings beyond this many are written out each time, so that memory stays bounded. */
const MAX_STRINGS = 1 << 16
const MAX_STORY_LINES = 100

const verdictNumbers: Readonly<Record<VerdictValue, number>> = { pass: 0, fail: 1, unknown: 2 }

/**
 * Writes verdicts as the lines that the page's `data.js` reads: `s` and a string that later lines
 * name by its number, or a row, a tab, and its evidence, which the page parses only when somebody
 * looks at it. Attackers' text is escaped here, so the page shows what it finds.
 */
export class RowWriter {
  private readonly write: (text: string) => void
  private readonly numbers = new Map<string, number>()

  constructor(write: (text: string) => void) {
    this.write = write
  }

  add(verdict: Verdict, details: VerdictDetails): void {
    const facts = details.facts ?? verdict.facts
    const row = [
      verdict.object.id,
      verdictNumbers[verdict.verdict],
      this.number(verdict.strength ?? ''),
      this.number(verdict.verdict === 'pass' ? '' : verdict.codes.join(' ')),
      this.number(signerName(verdict, facts) ?? ''),
      this.number(identityText(facts)),
      earliest(facts) ?? 0,
      Number.isSafeInteger(details.authorTime) ? details.authorTime : 0,
      escapeText(details.subject),
      this.number(details.author),
    ]
    const evidence = jsonForHtml(this.evidence(verdict, details, facts))
    this.write(`${jsonForHtml(row)}\t${evidence}\n`)
  }

  private evidence(verdict: Verdict, details: VerdictDetails, facts: Facts | undefined): unknown {
    return {
      object: this.number(`${verdict.object.type} ${verdict.object.format}`),
      ref: this.number(verdict.ref),
      rules: this.number(verdict.rules.join('\n')),
      policy: this.number(verdict.policy),
      reasons: details.reasons?.map((each) => `${each.code}: ${escapeText(each.detail, 400)}`),
      story: details.story?.slice(0, MAX_STORY_LINES).map((text) => escapeText(text, 1000)),
      facts: facts === undefined ? undefined : this.facts(facts),
    }
  }

  private facts(facts: Facts): unknown {
    const { signer, certificate } = facts
    return {
      kind: this.number(`${facts.signature} ${facts.outcome}`),
      payload: facts.payload_sha256,
      signer:
        signer === null
          ? undefined
          : [signer.kind, signer.value, signer.issuer, signer.trust].map((text) =>
              this.number(text),
            ),
      claims:
        signer === null || Object.keys(signer.claims).length === 0
          ? undefined
          : this.number(
              Object.entries(signer.claims)
                .map(([name, value]) => `${name}: ${value}`)
                .join('\n'),
            ),
      certificate:
        certificate === null
          ? undefined
          : [
              escapeText(certificate.serial),
              escapeText(certificate.sha256),
              escapeText(certificate.not_before),
              escapeText(certificate.not_after),
              this.number(certificate.issuer),
              this.number(certificate.san.join('\n')),
            ],
      times: facts.times.map((time) => [
        this.number(time.source),
        escapeText(time.at),
        this.number(time.by),
      ]),
      log: facts.log.map((entry) => [
        this.number(entry.by),
        escapeText(entry.index),
        this.number(`${entry.kind} ${entry.version}`),
      ]),
      checks: this.number(
        facts.checks
          .map(
            (check) =>
              `${check.result} ${check.name}${check.detail === undefined ? '' : ` ${check.detail}`}`,
          )
          .join('\n'),
      ),
      tolerated: facts.tolerated.length === 0 ? undefined : this.number(facts.tolerated.join('\n')),
    }
  }

  /** The number of a string, or the string itself once there are too many. */
  private number(text: string): number | string {
    const escaped = text
      .split('\n', 64)
      .map((line) => escapeText(line))
      .join('\n')
    const known = this.numbers.get(escaped)
    if (known !== undefined) return known
    if (this.numbers.size >= MAX_STRINGS) return escaped
    const number = this.numbers.size
    this.numbers.set(escaped, number)
    this.write(`s${jsonForHtml(escaped)}\n`)
    return number
  }
}

function identityText(facts: Facts | undefined): string {
  const signer = facts?.signer
  if (!signer) return ''
  const issuer = signer.issuer === '' ? '' : ` via ${signer.issuer}`
  return `${signer.value}${issuer}${signer.trust === 'public' ? '' : ` (root ${signer.trust})`}`
}

function earliest(facts: Facts | undefined): number | undefined {
  const seconds = (facts?.times ?? [])
    .map((time) => Math.floor(Date.parse(time.at) / 1000))
    .filter((time) => Number.isSafeInteger(time))
  return seconds.length === 0 ? undefined : Math.min(...seconds)
}
