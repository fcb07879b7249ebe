import type { ReasonCode, StepVerdict, Strength, Summary, Verdict, VerdictValue } from '../facts.ts'
import { REASON_CODES } from '../facts.ts'
import type { Run, VerdictDetails } from './result.ts'
import { countText, plural } from './terminal.ts'

/** One object or step kept as an example of a group. */
export interface Finding {
  verdict: Verdict
  details: VerdictDetails
}

export interface ReasonGroup {
  /** Undefined: valid, but nobody said who may sign. */
  code: ReasonCode | undefined
  count: number
  /** The first few. */
  examples: Finding[]
  steps: StepVerdict[]
}

/**
 * Counts verdicts as they pass by, keeping `examplesPerCode` of each reason code and nothing else,
 * so that any number fits.
 */
export class Tally {
  readonly verdicts: Record<VerdictValue, number> = { pass: 0, fail: 0, unknown: 0 }
  readonly strengths = new Map<Strength, number>()
  /** Signatures that rest on a local stack's root alone. */
  localUses = 0
  private readonly groups = new Map<ReasonCode | undefined, ReasonGroup>()
  private readonly examplesPerCode: number

  private readonly localRoots: ReadonlySet<string>
  private readonly isNobodyNamed: boolean

  constructor(examplesPerCode: number, run: Pick<Run, 'trustRoots' | 'isNobodyNamed'>) {
    this.examplesPerCode = examplesPerCode
    this.isNobodyNamed = run.isNobodyNamed === true
    this.localRoots = new Set(run.trustRoots.filter((root) => root.local).map((root) => root.name))
  }

  get checked(): number {
    return this.verdicts.pass + this.verdicts.fail + this.verdicts.unknown
  }

  add(verdict: Verdict, details: VerdictDetails): void {
    this.verdicts[verdict.verdict]++
    const trust = (details.facts ?? verdict.facts)?.signer?.trust
    // Who would sign if the rest were proven has to be named all the same.
    if (this.isNobodyNamed && verdict.verdict === 'unknown' && trust !== undefined)
      this.group(undefined)
    if (trust === 'local' || (trust !== undefined && this.localRoots.has(trust))) this.localUses++
    if (verdict.verdict === 'pass') {
      const strength = verdict.strength ?? 'signed'
      this.strengths.set(strength, (this.strengths.get(strength) ?? 0) + 1)
      return
    }
    for (const code of verdict.codes.length > 0 ? verdict.codes : [undefined]) {
      const group = this.group(code)
      group.count++
      if (group.examples.length < this.examplesPerCode) group.examples.push({ verdict, details })
    }
  }

  /** Valid signatures whose signer nobody named; undefined where somebody was, or it does not matter. */
  get unnamed(): number | undefined {
    return this.groups.get(undefined)?.count
  }

  /** Adds what only the summary knows: the steps that did not pass. */
  addSteps(steps: readonly StepVerdict[]): void {
    for (const step of steps) {
      if (step.verdict === 'pass') continue
      for (const code of step.codes) {
        const group = this.group(code)
        if (group.steps.length < this.examplesPerCode) group.steps.push(step)
      }
    }
  }

  /** Adds codes of the run as a whole, which no object has. */
  addCodes(summary: Summary): void {
    for (const code of REASON_CODES) if (summary.codes[code] !== undefined) this.group(code)
  }

  /** Strengths of what passes, most frequent first. */
  sortedStrengths(): [Strength, number][] {
    return [...this.strengths].sort((a, b) => b[1] - a[1])
  }

  /** Groups in the order of policy.md §5; the one without a code last. */
  sortedGroups(): ReasonGroup[] {
    const coded = REASON_CODES.map((code) => this.groups.get(code))
    return [...coded, this.groups.get(undefined)].filter((group) => group !== undefined)
  }

  private group(code: ReasonCode | undefined): ReasonGroup {
    let group = this.groups.get(code)
    if (group === undefined) {
      group = { code, count: 0, examples: [], steps: [] }
      this.groups.set(code, group)
    }
    return group
  }
}

/** How each strength is said in words, after a number. */
export const STRENGTH_WORDS: Readonly<Record<Strength, string>> = {
  signed: 'signed',
  mechanical: 'mechanical merge',
  'vouched-by-forge': 'vouched by the forge',
  'vouched-by-merger': 'vouched by the merger',
  accepted: 'accepted by the policy',
  'before-anchor': 'before the anchor',
}

/** One or two words for how it went: never `good` unless everything was checked and is. */
export function outcomeWord(summary: Summary): 'good' | 'not good' | 'not proven' {
  if (summary.exit === 0) return 'good'
  return summary.exit === 1 ? 'not good' : 'not proven'
}

/**
 * What the run found, in one sentence without subject or final period.
 *
 * @param unnamed - as `Tally.unnamed`
 */
export function headline(summary: Summary, unnamed?: number): string {
  const badSteps = summary.steps.filter((step) => step.verdict === 'fail').length
  const some = (count: number): string =>
    count === summary.checked && count > 1
      ? `all ${plural(count, 'object')}`
      : summary.checked === 1
        ? 'the object'
        : `${countText(count)} of ${plural(summary.checked, 'object')}`
  switch (summary.exit) {
    case 0:
      return summary.checked === 0
        ? 'nothing had to be checked'
        : `${some(summary.pass)} ${summary.pass === 1 ? 'passes' : 'pass'}`
    case 1:
      if (summary.fail === 0) return `${plural(badSteps, 'movement')} of a ref not allowed`
      return `${some(summary.fail)} ${summary.fail === 1 ? 'fails' : 'fail'}`
    case 3:
      return summary.unknown > 0 && summary.fail === 0 && summary.codes.POLICY_INVALID === undefined
        ? `the ${summary.checked === 1 ? 'signature is' : 'signatures are'} valid, but nobody said who may sign`
        : 'the policy or its anchor is missing or invalid'
    case 4:
      if (summary.checked === 0) return 'there was nothing to check'
      return summary.unknown === 0
        ? 'not everything could be checked'
        : `${some(summary.unknown - (unnamed ?? 0))} could not be checked${unnamed === undefined ? '' : ', and nobody said who may sign'}`
    default:
      return `ended with exit code ${summary.exit}`
  }
}
