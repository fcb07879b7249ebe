import { loadTrustRoots } from '../../config/trust-root.ts'
import { readSetting } from '../../config/settings.ts'
import type { SettingSources } from '../../config/settings.ts'
import { runSync } from '../../crypto/verify.ts'
import { escapeText } from '../../encoding/escape.ts'
import { UsageError } from '../../errors.ts'
import type { Facts } from '../../facts.ts'
import { readGitConfig } from '../../git/config.ts'
import { ObjectReader } from '../../git/objects.ts'
import type { ReadAnswer } from '../../git/objects.ts'
import { repositoryPaths, unknownRevision } from '../../git/refs.ts'
import type { GitPlace } from '../../git/run.ts'
import type { ReportedRoot } from '../../report/result.ts'
import type { TrustRoots } from '../../sigstore/trusted-root.ts'
import { missingFacts, tooLargeFacts, verifyObject } from '../../verification/object.ts'
import type { StoredObject } from '../../verification/object.ts'
import { KeptEntries, NOTES_REF } from '../../verification/kept-entries.ts'
import { isCompletable, LogCompletion } from '../../verification/online-keep.ts'
import type { LogLookup } from '../../verification/online.ts'
import type { Context } from '../context.ts'
import { onlineLookup } from './online-lookup.ts'

/** Clocks may differ by this much before a proven time counts as one of the future. */
const CLOCK_TOLERANCE_SECONDS = 600

export interface ProofFlags {
  readonly 'trusted-root': readonly string[]
  readonly online: boolean
  /** Whether new entries are kept in notes; undefined: kept ones are not even looked at. */
  readonly keep?: boolean
}

/** One object with what was proven about it. */
export interface Proved {
  readonly facts: Facts
  /** Undefined where it could not be read. */
  readonly object: StoredObject | undefined
}

/** Proves single objects of the repository at hand; `close` it. */
export class Prover {
  readonly roots: TrustRoots
  readonly sources: SettingSources
  /** What people should know about how it was proven; grows. */
  readonly warnings: string[]
  readonly #clock: () => number
  readonly #reader: ObjectReader
  readonly #place: GitPlace
  readonly #keep: boolean | undefined
  readonly #lookup: LogLookup | undefined
  readonly #unanswered: string[] = []
  #kept: KeptEntries | undefined
  #completion: Promise<LogCompletion> | undefined

  /** @throws UsageError TRUSTED_ROOT, SETTING_INVALID, KEEP_ALONE; UnavailableError as runGit */
  static async open(context: Context, flags: ProofFlags): Promise<Prover> {
    if (flags.keep === true && !flags.online) {
      throw new UsageError('KEEP_ALONE', '--keep keeps what --online finds', {
        hint: 'git signet verify --online --keep A..B',
      })
    }
    const gitConfig = await readGitConfig({ cwd: context.cwd, env: context.env })
    const sources = { env: context.env, gitConfig }
    return new Prover(context, sources, flags)
  }

  private constructor(context: Context, sources: SettingSources, flags: ProofFlags) {
    this.sources = sources
    this.roots = trustRoots(flags, sources)
    this.warnings = this.roots.flatMap(({ name, unusable }) =>
      unusable.map((part) => `trust root ${name}, ${part}`),
    )
    this.#clock = context.clock
    this.#place = { cwd: context.cwd, env: context.env }
    this.#reader = new ObjectReader(this.#place)
    this.#keep = flags.keep
    this.#lookup = flags.online ? onlineLookup(sources) : undefined
  }

  /** Whether the log is asked. */
  get isOnline(): boolean {
    return this.#lookup !== undefined
  }

  /** The roots as reports show them. */
  get reportedRoots(): ReportedRoot[] {
    return this.roots.map(({ name, isLocal, asOf }) => ({
      name,
      local: isLocal,
      ...(asOf !== undefined && { asOf }),
    }))
  }

  /**
   * Reads and proves what a revision names, not peeled. A full id that the repository does not have is
   * an answer, a name it does not have a mistake.
   *
   * @throws UsageError REVISION_UNKNOWN, REVISION_RANGE; OBJECT_TYPE for a tree or blob
   */
  async prove(revision: string): Promise<Proved> {
    const answer = await this.#reader.read(revision)
    if (answer.kind === 'missing' && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(revision)) {
      if (!revision.includes('..')) throw unknownRevision(revision)
      throw new UsageError('REVISION_RANGE', `${escapeText(revision)} is not one object`)
    }
    const object = storedObject(answer)
    if (object === undefined) return { object, facts: unreadFacts(answer, revision) }
    return { object, facts: await this.proveObject(object) }
  }

  async proveObject(object: StoredObject): Promise<Facts> {
    let facts = runSync(verifyObject(object, this.roots))
    if (isCompletable(facts)) facts = await (await this.completion()).complete(object, facts)
    const now = this.#clock() / 1000
    for (const { at, by } of facts.times) {
      // Verification never looks at this clock; people should when it disagrees with what was proven.
      if (Date.parse(at) / 1000 <= now + CLOCK_TOLERANCE_SECONDS) continue
      this.warnings.push(
        `${at}, which ${by} vouches for, is in the future of this computer’s clock`,
      )
    }
    return facts
  }

  /** What completes signatures that bring no log entry: kept ones, and the log with `--online`. */
  completion(): Promise<LogCompletion> {
    return (this.#completion ??= this.#openCompletion())
  }

  /** Writes what is to be kept, and puts into words what could not be asked or kept. */
  async settle(): Promise<void> {
    const [first] = this.#unanswered
    if (first !== undefined) {
      const count = this.#unanswered.length
      const how = count === 1 ? '' : ` about ${String(count)} signatures`
      this.warnings.push(`could not ask the log${how}: ${first}`)
      this.#unanswered.length = 0
    }
    await this.#kept?.flush()
    const failure = this.#kept?.failure
    if (failure !== undefined) this.warnings.push(`cannot write ${NOTES_REF}: ${failure.message}`)
  }

  async close(): Promise<void> {
    await Promise.all([this.#reader.close(), this.#kept?.close()])
  }

  async #openCompletion(): Promise<LogCompletion> {
    if (this.#keep !== undefined) {
      const paths = await repositoryPaths(this.#place)
      this.#kept = new KeptEntries({ place: this.#place, paths, notes: this.#keep })
    }
    return new LogCompletion({
      roots: this.roots,
      kept: this.#kept,
      lookup: this.#lookup,
      onFailure: (error) => this.#unanswered.push(error.message),
    })
  }
}

function trustRoots(flags: ProofFlags, sources: SettingSources): TrustRoots {
  const files = flags['trusted-root']
  if (files.length === 0) return loadTrustRoots(readSetting('trustedRoot', sources))
  return files.flatMap((value) =>
    loadTrustRoots({ value, source: { kind: 'flag', name: '--trusted-root' } }),
  )
}

function storedObject(answer: ReadAnswer): StoredObject | undefined {
  if (answer.kind !== 'object') return undefined
  const { type } = answer
  if (type === 'commit' || type === 'tag') return { ...answer, type }
  throw new UsageError('OBJECT_TYPE', `${answer.id} is a ${type}: only commits and tags are signed`)
}

function unreadFacts(answer: ReadAnswer, id: string): Facts {
  if (answer.kind !== 'too-large') return missingFacts(id, 'commit')
  return tooLargeFacts(answer.id, answer.type === 'tag' ? 'tag' : 'commit')
}
