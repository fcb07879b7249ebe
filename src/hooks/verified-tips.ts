import type { VerifiedTip } from '../policy/context.ts'
import type { Journal, JournalStep } from './journal.ts'

export interface VerifiedTipsOptions {
  readonly journal: Journal
  /** What a ref is before this push. */
  readonly current: (ref: string) => Promise<string | undefined>
  /** Finds the verified tip by auditing the ref. */
  readonly audit: (ref: string) => Promise<VerifiedTip>
  /** Of the policy in force, for what is written down. */
  readonly policy: string
  readonly now: () => number
}

/** The verified tips of a server's refs before a push: by the journal, else by an audit. */
export class VerifiedTips {
  readonly #options: VerifiedTipsOptions
  readonly #known = new Map<string, Promise<VerifiedTip>>()
  /** What audits found, for the journal. */
  readonly found: JournalStep[] = []

  constructor(options: VerifiedTipsOptions) {
    this.#options = options
  }

  of(ref: string): Promise<VerifiedTip> {
    const known = this.#known.get(ref)
    if (known !== undefined) return known
    const asked = this.#find(ref)
    this.#known.set(ref, asked)
    return asked
  }

  async #find(ref: string): Promise<VerifiedTip> {
    const { journal, current, audit, policy, now } = this.#options
    const id = await current(ref)
    if (id === undefined) return 'none'
    journal.observe(ref, id)
    const tip = journal.tip(ref)
    if (tip === id) return { id }
    const audited = await audit(ref)
    if (typeof audited === 'string') return tip === undefined ? audited : { id: tip }
    if (audited.id === id) {
      const at = new Date(now()).toISOString()
      const step = { ref, before: id, after: id, policy, verdict: 'pass' as const, codes: [] }
      this.found.push({ ...step, at, source: 'audit' })
      return audited
    }
    return tip === undefined ? audited : { id: tip }
  }
}
