import { isZero } from '../../policy/context.ts'
import { shortId } from '../../report/result.ts'

/** More of one kind are counted, not told. */
const TOLD = 5

/** What an audit by a journal finds beside verdicts, in words; a bounded number of each kind. */
export class JournalWarnings {
  readonly #kinds = new Map<string, { count: number; readonly texts: string[] }>()

  badLine(line: number): void {
    this.#add('lines of the journal say nothing and were left out', `line ${String(line)}`)
  }

  pastHook(ref: string, before: string, after: string): void {
    this.#add(
      'movements are not in the journal and were judged as they stand',
      `${ref} ${shown(before)}..${shown(after)}`,
    )
  }

  movedBack(ref: string, before: string, after: string): void {
    this.#add(
      'refs were moved back by the owner of the server, who had the hook forget them',
      `${ref} from ${shown(before)} to ${shown(after)}`,
    )
  }

  /** git refused what the hook had let through, or the ref was moved back. */
  notThere(ref: string, last: string, now: string): void {
    this.#add(
      'refs are where they were before the last push that the hook let through',
      `${ref} at ${shown(now)}, not ${shown(last)}`,
    )
  }

  otherFile(digest: string): void {
    this.#add('pushes were judged by another version of the policy file', shown(digest))
  }

  later(steps: readonly { readonly line: number; readonly text: string }[]): void {
    for (const step of steps) {
      this.#add('verdicts are changed by what a later policy denies or accepts', at(step))
    }
  }

  differs(steps: readonly { readonly line: number; readonly text: string }[]): void {
    for (const step of steps) this.#add('verdicts are not those of the hook', at(step))
  }

  policies(doubtful: {
    readonly unknown: ReadonlySet<string>
    readonly replaced: ReadonlySet<string>
  }): void {
    for (const id of doubtful.unknown) {
      this.#add('policies that the journal names never landed', shown(id))
    }
    for (const id of doubtful.replaced) {
      this.#add('policies judged pushes after another had landed, by the journal', shown(id))
    }
  }

  /** A sentence each; not escaped. */
  texts(): string[] {
    return [...this.#kinds].map(([what, { count, texts }]) => {
      const more = count > texts.length ? '; …' : ''
      return `${String(count)} ${what}: ${texts.join('; ')}${more}`
    })
  }

  #add(what: string, text: string): void {
    const kind = this.#kinds.get(what) ?? { count: 0, texts: [] }
    this.#kinds.set(what, kind)
    kind.count++
    if (kind.texts.length < TOLD && !kind.texts.includes(text)) kind.texts.push(text)
  }
}

function at({ line, text }: { readonly line: number; readonly text: string }): string {
  return `line ${String(line)}, ${text}`
}

function shown(id: string): string {
  return isZero(id) ? 'nothing' : shortId(id)
}
